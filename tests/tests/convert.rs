//! Conversion: a merge with one input leaves every delta as it is, bit for bit, through every pair of spellings.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, Part, Stored, read_modules};
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture;
use serde_json::json;
use std::collections::BTreeMap;

const SHAPES: [(&str, usize, usize, &[usize]); 4] = [
    ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k", 24, 16, &[]),
    ("lora_unet_down_blocks_0_attentions_0_proj_in", 16, 16, &[1, 1]),
    ("lora_unet_mid_block_resnets_0_conv1", 12, 8, &[3, 3]),
    ("lora_unet_up_blocks_1_attentions_2_transformer_blocks_0_ff_net_0_proj", 40, 16, &[]),
];

/// A module's up, down and scale, by name.
fn read(file: &[u8], config: Option<&str>) -> BTreeMap<String, (Vec<f32>, Vec<f32>, f64)> {
    let adapter = Adapter::open(&file, "x", config).unwrap();
    let all: Vec<usize> = (0..adapter.modules.len()).collect();
    let taken = |mut stored: Stored| {
        let mut values = |part| stored.take(part).unwrap().values;
        let (up, down) = (values(Part::Up), values(Part::Down));
        (up, down, stored.scale)
    };
    let stored = read_modules(&adapter, &file, &all).unwrap().into_iter().map(taken);
    // The path alone: PEFT's names do not say the part.
    adapter.modules.iter().map(|m| m.key.path.replace('.', "_")).zip(stored).collect()
}

fn convert(bytes: Vec<u8>, config: Option<String>, dtype: &str, keys: &str) -> Merged {
    let file = File { config, ..File::new("x", bytes, 1.0) };
    let job = Job { dtype: dtype.into(), keys: Some(keys.into()), ..Job::new("sum", vec![file]) };
    job.run().unwrap_or_else(|e| panic!("{keys}: {}", e[0]))
}

#[test]
fn every_pair_of_spellings_and_back_keeps_every_delta() {
    for (dtype, alphas) in [
        ("F16", [4.0, 2.5, 0.375, -3.0]),
        ("BF16", [1.0, 12.0, 7.0, 160.0]),
        ("F16", [300.0, 1000.0, 2048.0, 257.0]),
        ("F32", [0.1; 4]),
    ] {
        let mut adapter = fixture::adapter(7, 4, &SHAPES);
        for (module, alpha) in adapter.iter_mut().zip(alphas) {
            module.pair.scale = alpha / module.pair.down.rows as f64;
        }
        let original = fixture::bytes(&adapter, dtype);
        let before = read(&original, None);
        assert_eq!(before.len(), 4);
        for first in ["kohya", "peft"] {
            for second in ["kohya", "peft"] {
                let dtype = dtype.to_lowercase();
                let there = convert(original.clone(), None, &dtype, first);
                assert_eq!(read(&there.bytes, there.config.as_deref()), before, "{first} {dtype}");
                assert!(there.report.residual < 1e-12);
                let back = convert(there.bytes, there.config, &dtype, second);
                assert_eq!(read(&back.bytes, back.config.as_deref()), before, "{first} {second} {dtype}");
            }
        }
    }
}

#[test]
fn where_there_is_no_alpha_up_carries_the_scale() {
    let mut adapter = fixture::adapter(8, 4, &SHAPES);
    for (module, alpha) in adapter.iter_mut().zip([1.0, 2.0, 8.0, 0.5]) {
        module.pair.scale = alpha / module.pair.down.rows as f64;
    }
    let original = fixture::bytes(&adapter, "F16");
    let before = read(&original, None);
    let there = convert(original, None, "f16", "diffusers");
    for (module, (up, down, scale)) in read(&there.bytes, None) {
        let (old_up, old_down, old_scale) = &before[&module];
        // Powers of two: the product of scale and up is exact.
        assert_eq!(scale, 1.0);
        assert_eq!(&down, old_down);
        assert!(up.iter().zip(old_up).all(|(new, old)| f64::from(*new) == old_scale * f64::from(*old)), "{module}");
    }
    let back = convert(there.bytes, None, "f16", "kohya");
    assert_eq!(read(&back.bytes, None).len(), 4);
}

#[test]
fn eight_bits_are_written_and_read_and_their_loss_is_stated() {
    let mut adapter = fixture::adapter(11, 4, &SHAPES);
    adapter.iter_mut().for_each(|module| module.pair.scale = 0.5);
    let original = fixture::bytes(&adapter, "F32");
    let before = read(&original, None);
    for (dtype, step, loss) in [("f8_e4m3", 0.0625, 0.05), ("f8_e5m2", 0.125, 0.1)] {
        for keys in ["kohya", "peft"] {
            let there = convert(original.clone(), None, dtype, keys);
            let after = read(&there.bytes, there.config.as_deref());
            let (mut error, mut total) = (0.0, 0.0);
            for (module, (up, down, scale)) in &after {
                let (old_up, old_down, old_scale) = &before[module];
                assert_eq!(scale, old_scale);
                for (new, old) in up.iter().zip(old_up).chain(down.iter().zip(old_down)) {
                    // Half a unit in the last place; the smallest normal number is 2⁻⁶ or 2⁻¹⁴.
                    assert!((new - old).abs() <= step * old.abs().max(0.015_625), "{old} became {new}");
                }
                let (rank, columns) = (4, old_down.len() / 4);
                for at in 0..old_up.len() / rank * columns {
                    let entry = |up: &[f32], down: &[f32]| -> f64 {
                        let product =
                            |p| f64::from(up[at / columns * rank + p]) * f64::from(down[p * columns + at % columns]);
                        scale * (0..rank).map(product).sum::<f64>()
                    };
                    error += (entry(up, down) - entry(old_up, old_down)).powi(2);
                    total += entry(old_up, old_down).powi(2);
                }
            }
            let residual = (error / total).sqrt();
            assert!(residual > 0.01 && residual < loss, "{residual}");
            assert!((there.report.residual / residual - 1.0).abs() < 0.2, "{residual} {}", there.report.residual);
        }
    }
}

#[test]
fn a_peft_file_without_a_folder_says_all_by_itself() {
    let mut adapter = fixture::adapter(12, 4, &SHAPES[..1]);
    adapter[0].pair.scale = 2.5;
    let there = convert(fixture::bytes(&adapter, "F32"), None, "f32", "peft");
    let config = there.config.unwrap();
    let before = read(&there.bytes, Some(&config));
    // Kept as PEFT, but with nothing said of alpha: it goes into the factors.
    let file = File { config: Some(config), ..File::new("x", there.bytes, 1.0) };
    let alone = Job::new("sum", vec![file]).run().unwrap();
    for (module, (up, down, scale)) in read(&alone.bytes, None) {
        let (old_up, old_down, old_scale) = &before[&module];
        assert_eq!((scale, *old_scale), (1.0, 2.5));
        assert_eq!(&down, old_down);
        assert!(up.iter().zip(old_up).all(|(new, old)| (new - 2.5 * old).abs() <= 1e-6 * new.abs()), "{module}");
    }
}

#[test]
fn units_that_do_nothing_stay() {
    let mut adapter = fixture::adapter(9, 3, &SHAPES[..1]);
    adapter[0].pair.up.values.iter_mut().for_each(|x| *x = 0.0);
    let original = fixture::bytes(&adapter, "F32");
    let there = convert(original.clone(), None, "f32", "kohya");
    assert_eq!(read(&there.bytes, None), read(&original, None));
}

#[test]
fn another_rank_or_weight_is_a_merge_and_its_loss_is_stated() {
    let original = fixture::bytes(&fixture::adapter(10, 8, &SHAPES), "F32");
    let file = File::new("x", original, 1.0);
    let job = Job { rank: json!({"mode": "fixed", "value": 2}), ..Job::new("sum", vec![file]) };
    let report = job.run().unwrap().report;
    assert!(report.residual > 0.1 && report.energy < 0.99, "{} {}", report.residual, report.energy);
    assert!(report.modules.iter().all(|m| m.rank == 2));
}

#[test]
fn the_metadata_states_the_alpha_that_was_kept() {
    let mut adapter = fixture::adapter(13, 4, &SHAPES);
    adapter.iter_mut().for_each(|module| module.pair.scale = 0.5);
    let there = convert(fixture::bytes(&adapter, "F16"), None, "f16", "kohya");
    let metadata = rankweave_tests::tensors::read(&there.bytes).metadata;
    let said = ["ss_network_dim", "ss_network_alpha", "ss_network_args"].map(|key| metadata[key].as_str());
    assert_eq!(said, ["4", "2", r#"{"conv_dim": "4", "conv_alpha": "2"}"#]);
}
