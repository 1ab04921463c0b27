//! Files that are not safetensors, told by their first bytes.

use crate::error::{Error, Kind};

/// First bytes, what they mean, and what to do.
const CONTAINERS: [(&[u8], &str, &str); 12] = [
    (b"PK\x03\x04", "a zip archive, which is how PyTorch saves .pt, .ckpt and .bin files", PICKLE_HINT),
    (b"\x80\x02", "a Python pickle (.pt, .ckpt, .bin)", PICKLE_HINT),
    (b"\x80\x03", "a Python pickle (.pt, .ckpt, .bin)", PICKLE_HINT),
    (b"\x80\x04", "a Python pickle (.pt, .ckpt, .bin)", PICKLE_HINT),
    (b"\x80\x05", "a Python pickle (.pt, .ckpt, .bin)", PICKLE_HINT),
    (b"GGUF", "a GGUF file", "Use the adapter from before its conversion to GGUF."),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself",
        "Fetch the file with `git lfs pull`, or download it from the site's page.",
    ),
    (
        b"<",
        "a web page",
        "The download saved a page instead of the file, often a login or error page; download it again.",
    ),
    (b"{", "JSON text", "If this is adapter_config.json, give it together with its adapter_model.safetensors."),
    (b"\x93NUMPY", "a NumPy array", "Save the adapter as safetensors."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
];

const PICKLE_HINT: &str =
    "Pickles can run code when opened, so they are refused; convert the file to safetensors with its trainer's tools.";

/// The error for a file whose first bytes belong to another container, if they do.
pub(crate) fn other_container(first: &[u8]) -> Option<Error> {
    let (_, what, hint) = CONTAINERS.iter().find(|(magic, _, _)| first.starts_with(magic))?;
    let error = Error::new(Kind::Unsupported, "This is not a safetensors file");
    Some(error.found(*what).offset(0).hint(*hint))
}
