//! What a browser must be told of a file, by the end of its name.

/// The value of `Content-Type` for a file name.
pub fn of(name: &str) -> &'static str {
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json; charset=utf-8",
        "webmanifest" => "application/manifest+json; charset=utf-8",
        "md" | "txt" => "text/plain; charset=utf-8",
        "xml" => "application/xml; charset=utf-8",
        // A browser compiles wasm while it loads only under this very type.
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn types_that_browsers_insist_on() {
        assert_eq!(of("engine-1_bg.wasm"), "application/wasm");
        assert_eq!(of("boot.js"), "text/javascript; charset=utf-8");
        assert_eq!(of("A.HTML"), "text/html; charset=utf-8");
        assert_eq!(of("a.css"), "text/css; charset=utf-8");
        assert_eq!(of("a.safetensors"), "application/octet-stream");
        assert_eq!(of("html"), "application/octet-stream");
        assert_eq!(of(""), "application/octet-stream");
    }
}
