//! Any metadata: lines `key=value`. It is described, judged and edited without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rankweave_adapter::hash::claims;
use rankweave_adapter::metadata::{MetadataMode, combine_warnings, describe, tag_frequency, thumbnail};
use std::collections::BTreeMap;

fuzz_target!(|text: &str| {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let metadata: BTreeMap<String, String> = pairs.map(|(key, value)| (key.into(), value.into())).collect();
    let _ = describe(&metadata);
    let _ = thumbnail(&metadata);
    let _ = tag_frequency(text);
    let _ = claims(&metadata, &"ab".repeat(32), Some("abcdabcd"));
    for mode in MetadataMode::ALL {
        let _ = combine_warnings(mode, "fuzzed", &metadata);
    }
});
