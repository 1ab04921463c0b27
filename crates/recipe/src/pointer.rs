//! JSON pointers (RFC 6901), which say where in a recipe something is.

/// The pointer of what these names and numbers lead to.
pub(crate) fn pointer(steps: &[impl AsRef<str>]) -> String {
    steps.iter().map(|step| format!("/{}", step.as_ref().replace('~', "~0").replace('/', "~1"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(pointer(&["a/b", "m~n", "0"]), "/a~1b/m~0n/0");
        assert_eq!(pointer(&[""; 0]), "");
        let value = serde_json::json!({"a/b": {"m~n": [7]}});
        assert_eq!(value.pointer("/a~1b/m~0n/0"), Some(&7.into()));
    }
}
