//! The names and shapes of made-up adapters are those of real ones.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::shared;
use rankweave_tests::synth::{Family, Plan};
use serde_json::Value;

const RANK: usize = 7;

fn compare(family: Family, list: &str) {
    let Some(path) = shared::path(&format!("keylists/{list}.json")) else {
        return;
    };
    let list: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let size = |v: &Value| {
        if v == "r" { RANK } else { v.as_u64().unwrap() as usize }
    };
    let real: Vec<(String, Vec<usize>)> = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key[0].as_str().unwrap().into(), key[1].as_array().unwrap().iter().map(size).collect()))
        .collect();
    let plan = Plan { family, rank: RANK, alpha: 1.0, dtype: "F16", seed: 0 };
    let ours = plan.tensors();
    assert_eq!(ours.len(), real.len());
    for (ours, real) in ours.iter().zip(&real) {
        assert_eq!(ours, real);
    }
}

#[test]
fn sd15_is_spelled_and_shaped_as_kohya_does() {
    compare(Family::Sd15, "sd15_kohya_lora_te_unet_base_names");
}

#[test]
fn sdxl_is_spelled_and_shaped_as_kohya_does() {
    compare(Family::Sdxl, "sdxl_kohya_lora_diffusers_names");
}
