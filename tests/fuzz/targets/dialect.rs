//! Any names and shapes: lines `name|type|2,3` make a well-formed header, of whatever tensors. What opens is planned
//! for every spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rankweave_adapter::{Adapter, Source};
use rankweave_recipe::{Facts, Prepared, Recipe, inspect};
use std::io;

/// A file whose tensors are all zero and lie nowhere.
struct Zeros {
    header: Vec<u8>,
    len: u64,
}

impl Source for Zeros {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buf.len() as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (i, byte) in buf.iter_mut().enumerate() {
            *byte = self.header.get(offset as usize + i).copied().unwrap_or(0);
        }
        Ok(())
    }
}

fn file(text: &str) -> Option<Zeros> {
    let (mut entries, mut end) = (serde_json::Map::new(), 0u64);
    for line in text.lines().take(64) {
        let mut parts = line.split('|');
        let (name, dtype, shape) = (parts.next()?, parts.next()?, parts.next()?);
        let (dtype, size) = match dtype {
            "h" => ("F16", 2),
            "b" => ("BF16", 2),
            "8" => ("F8_E4M3", 1),
            "i" => ("I64", 8),
            _ => ("F32", 4),
        };
        let shape: Vec<u64> = shape.split(',').filter_map(|n| n.parse().ok()).collect();
        let bytes = shape.iter().try_fold(size, |n: u64, d| n.checked_mul(*d)).filter(|n| *n < 1 << 40)?;
        let start = end;
        end += bytes;
        entries
            .insert(name.to_owned(), serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]}));
    }
    let json = serde_json::Value::from(entries).to_string();
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.extend(json.as_bytes());
    let len = header.len() as u64 + end;
    Some(Zeros { header, len })
}

fuzz_target!(|text: &str| {
    let Some(source) = file(text) else { return };
    let Ok(adapter) = Adapter::open(&source, "fuzzed", None) else { return };
    let _ = inspect(&adapter, &source);
    for keys in [None, Some("kohya"), Some("diffusers"), Some("peft"), Some("comfy")] {
        let mut recipe = Recipe::blank(2);
        recipe.output.keys = keys.map(str::to_owned);
        if let Ok(prepared) = Prepared::new(recipe, vec![adapter.clone(), adapter.clone()]) {
            let _ = prepared.estimate();
            // Only what is small is computed.
            if prepared.estimate().modules < 8 && source.len < 1 << 16 {
                let _ = prepared.run_task(&[&source, &source], 0, &Facts::default());
            }
        }
    }
});
