//! One number for the contents of files, to see whether anything changed.
//!
//! Contents and names count, times do not: a new clone has new times.

use crate::error::{Error, Result};
use std::fs;
use std::path::Path;

/// FNV-1a, 64 bits: short, and the same on every machine. It guards against oversight, not malice.
pub struct Hash(u64);

impl Hash {
    /// The hash of nothing.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes, and where they end.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&(bytes.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Adds a file, or a folder with all that is in it, in the order of names. What a build or an
    /// editor leaves in a folder does not count; nor does a path that is not there.
    pub fn add_path(&mut self, path: &Path) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let failed = |e| Error::io("cannot read", path, &e);
        if path.is_dir() {
            let mut inside = Vec::new();
            for entry in fs::read_dir(path).map_err(failed)? {
                inside.push(entry.map_err(failed)?.file_name());
            }
            inside.sort();
            self.add(name.as_bytes());
            for name in inside {
                let text = name.to_string_lossy();
                let ignored = matches!(&*text, "target" | "node_modules" | "__pycache__");
                if !ignored && !text.starts_with('.') {
                    self.add_path(&path.join(&name))?;
                }
            }
        } else if path.is_file() {
            self.add(name.as_bytes());
            self.add(&fs::read(path).map_err(failed)?);
        }
        Ok(())
    }

    /// The hash, as sixteen hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str]) -> String {
        let mut hash = Hash::new();
        for part in parts {
            hash.add(part.as_bytes());
        }
        hash.hex()
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["a"]), of(&["a", ""]));
    }

    #[test]
    fn a_folder_changes_with_names_and_contents_alone() {
        let folder = std::env::temp_dir().join(format!("rankweave-hash-{}", std::process::id()));
        let hash = || {
            let mut hash = Hash::new();
            hash.add_path(&folder).unwrap();
            hash.hex()
        };
        fs::create_dir_all(folder.join("a")).unwrap();
        fs::write(folder.join("a/b"), "1").unwrap();
        let first = hash();
        fs::write(folder.join("a/b"), "1").unwrap();
        assert_eq!(hash(), first, "the same contents");
        fs::create_dir_all(folder.join("target")).unwrap();
        fs::write(folder.join(".hidden"), "1").unwrap();
        assert_eq!(hash(), first, "what does not count");
        fs::write(folder.join("a/b"), "2").unwrap();
        assert_ne!(hash(), first, "other contents");
        fs::rename(folder.join("a/b"), folder.join("a/c")).unwrap();
        fs::write(folder.join("a/c"), "1").unwrap();
        assert_ne!(hash(), first, "another name");
        fs::remove_dir_all(&folder).unwrap();
    }
}
