//! Any bytes as a file: it opens or is refused, and what opens can be read, told of and hashed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rankweave_adapter::{Adapter, hashes, read_alphas, read_modules};

fuzz_target!(|data: &[u8]| {
    let source = data.to_vec();
    let Ok(adapter) = Adapter::open(&source, "fuzzed", None) else { return };
    let all: Vec<usize> = (0..adapter.modules.len()).collect();
    let _ = read_alphas(&adapter, &source);
    let _ = read_modules(&adapter, &source, &all);
    let _ = hashes(&source, &adapter.header, |_| Ok(()));
});
