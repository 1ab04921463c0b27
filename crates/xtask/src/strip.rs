//! Taking the names of functions out of a wasm module: they serve only a debugger, and are a
//! quarter of what would be sent.
//!
//! ```text
//! module   magic and version (8 bytes), then sections
//! section  id (1 byte), size (LEB128), contents
//! id 0     a custom section: its contents begin with its name: size (LEB128), text
//! ```

/// The module without its section `name`. None if it is no wasm module.
pub fn without_names(module: &[u8]) -> Option<Vec<u8>> {
    let (head, mut rest) = module.split_at_checked(8)?;
    if !head.starts_with(b"\0asm") {
        return None;
    }
    let mut kept = head.to_vec();
    while let Some((id, after_id)) = rest.split_first() {
        let (size, contents) = number(after_id)?;
        let (contents, next) = contents.split_at_checked(size)?;
        let is_names = *id == 0 && {
            let (length, name) = number(contents)?;
            name.get(..length)? == b"name"
        };
        if !is_names {
            kept.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(kept)
}

/// An unsigned LEB128 number of at most 32 bits, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 8] = [0, b'a', b's', b'm', 1, 0, 0, 0];

    fn section(id: u8, contents: &[u8]) -> Vec<u8> {
        let size = contents.len();
        let size = [(size & 0x7f) as u8 | 0x80, (size >> 7) as u8];
        [&[id], &size[..], contents].concat()
    }

    #[test]
    fn only_the_names_go() {
        let custom = |name: &[u8], more: usize| section(0, &[&[name.len() as u8], name, &vec![7; more]].concat());
        let (code, producers) = (section(10, &[1; 300]), custom(b"producers", 3));
        let with = [&HEAD[..], &code, &custom(b"name", 500), &producers].concat();
        let without = [&HEAD[..], &code, &producers].concat();
        assert_eq!(without_names(&with).unwrap(), without);
        assert_eq!(without_names(&without).unwrap(), without);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert_eq!(without_names(b""), None);
        assert_eq!(without_names(b"<html><head>"), None);
        let cut = [&HEAD[..], &section(10, &[1; 300])].concat();
        assert_eq!(without_names(&cut[..cut.len() - 1]), None);
        assert_eq!(without_names(&[&HEAD[..], &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat()), None);
    }
}
