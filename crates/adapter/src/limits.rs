//! Caps on what a file may ask for, checked before anything is allocated.

/// Safety limits of reading. [`Limits::default`] is far above every real adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest JSON header in bytes (32 MiB; the format allows 100 MB).
    pub header_bytes: u64,
    /// Most tensors in one file (200 000).
    pub tensors: usize,
    /// Longest tensor name in bytes (1024).
    pub name_bytes: usize,
    /// Most dimensions of a tensor (8).
    pub dims: usize,
    /// Most entries of `__metadata__` (100 000: some trainers write one entry per module).
    pub metadata_entries: usize,
    /// Longest `adapter_config.json`, or JSON inside metadata, that is parsed, in bytes (4 MiB).
    pub config_bytes: usize,
    /// Highest rank of a module (65 536).
    pub rank: u64,
    /// Most elements of one factor (2²⁷, 512 MiB once decoded to f32).
    pub factor_elements: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_bytes: 32 << 20,
            tensors: 200_000,
            name_bytes: 1024,
            dims: 8,
            metadata_entries: 100_000,
            config_bytes: 4 << 20,
            rank: 65_536,
            factor_elements: 1 << 27,
        }
    }
}
