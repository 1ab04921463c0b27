//! LoHa, LoKr and whole differences that are only rewritten: their tensors are carried over, through every pair of
//! spellings, and ΔW stays bit for bit what it was.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, KindId, Part, read_modules};
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::kinds;
use rankweave_tests::rng::Stream;
use rankweave_tests::tensors::{self, Tensor};
use serde_json::{Value, json};
use std::collections::BTreeMap;

type List = Vec<(String, Tensor)>;

const FLUX: [&str; 2] = ["lora_unet_double_blocks_0_img_attn_proj", "lora_unet_single_blocks_1_linear2"];
const UNET: [&str; 2] = [
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k",
    "lora_unet_down_blocks_0_attentions_0_proj_in",
];
const CONVOLUTION: &str = "lora_unet_down_blocks_0_resnets_0_conv1";

fn module(list: &mut List, base: &str, dtype: &str, alpha: Option<f64>, parts: &[(&str, &[usize])]) {
    for (ending, shape) in parts {
        let stream = Stream::named(5, &format!("{base}{ending}"));
        let values = (0..shape.iter().product::<usize>()).map(|i| stream.normal(i as u64) * 0.3).collect();
        list.push((format!("{base}.{ending}"), Tensor::new(dtype, shape, values)));
    }
    if let Some(alpha) = alpha {
        list.push((format!("{base}.alpha"), Tensor::new(dtype, &[], vec![alpha])));
    }
}

fn loha(list: &mut List, base: &str, dtype: &str, alpha: Option<f64>, [out, r, inp]: [usize; 3]) {
    let (a, b) = ([out, r], [r, inp]);
    module(list, base, dtype, alpha, &[("hada_w1_a", &a), ("hada_w1_b", &b), ("hada_w2_a", &a), ("hada_w2_b", &b)]);
}

/// A file that says which model it is for: modules of this size do not.
fn bytes(list: &List) -> Vec<u8> {
    let flux = list.iter().any(|(name, _)| name.contains("_blocks_0_img") || name.contains("single"));
    let version = if flux { "flux1" } else { "sd_v1" };
    tensors::write(list, &BTreeMap::from([("ss_base_model_version".into(), version.into())]))
}

fn convert(file: &[u8], config: Option<String>, dtype: &str, keys: &str) -> Merged {
    let file = File { config, ..File::new("x", file.to_vec(), 1.0) };
    let job = Job { dtype: dtype.into(), keys: Some(keys.into()), ..Job::new("sum", vec![file]) };
    job.run().unwrap_or_else(|e| panic!("{keys}: {}", e[0]))
}

type Read = BTreeMap<String, (KindId, u64, Vec<(Part, Vec<u32>)>)>;

/// Kind, bits of the scale and of every number, by path.
fn read(file: &[u8], config: Option<&str>) -> Read {
    let adapter = Adapter::open(&file.to_vec(), "x", config).unwrap();
    let all: Vec<usize> = (0..adapter.modules.len()).collect();
    let stored = read_modules(&adapter, &file.to_vec(), &all).unwrap();
    let modules = adapter.modules.iter().zip(stored).map(|(m, stored)| {
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect();
        let parts = stored.parts.iter().map(|(part, t)| (*part, bits(&t.values))).collect();
        (m.key.path.replace('.', "_"), (m.kind, stored.scale.to_bits(), parts))
    });
    modules.collect()
}

/// The oracle's ΔW of every module, without the names.
fn deltas(file: &[u8], config: Option<&str>) -> Vec<Matrix> {
    let config: Option<Value> = config.map(|text| serde_json::from_str(text).unwrap());
    let mut found: Vec<Matrix> = kinds::deltas(&tensors::read(file), config.as_ref()).into_values().collect();
    found.sort_by(|a, b| (a.rows, a.columns).cmp(&(b.rows, b.columns)).then(a.values[0].total_cmp(&b.values[0])));
    found
}

/// Through `spellings` and on to `spellings`: always the same.
fn round_trips(list: &List, dtype: &str, spellings: &[&str]) {
    let original = bytes(list);
    let (before, exact) = (read(&original, None), deltas(&original, None));
    for first in spellings {
        let there = convert(&original, None, dtype, first);
        assert!(there.report.warnings.iter().all(|w| w.code != "expanded"), "{first}: {:?}", there.report.warnings);
        assert_eq!(read(&there.bytes, there.config.as_deref()), before, "{first} {dtype}");
        assert_eq!(deltas(&there.bytes, there.config.as_deref()), exact, "{first} {dtype}");
        assert!(there.report.residual == 0.0 && there.report.sources[0].recovered_weight == Some(1.0));
        assert!(there.report.sources[0].norm.is_none() && there.report.modules.iter().all(|m| m.norm.is_none()));
        for second in spellings {
            let back = convert(&there.bytes, there.config.clone(), dtype, second);
            assert_eq!(read(&back.bytes, back.config.as_deref()), before, "{first} {second} {dtype}");
            if *second == "kohya" && dtype == list[0].1.dtype.to_lowercase() {
                let (one, two) = (tensors::read(&original), tensors::read(&back.bytes));
                let factors = |file: tensors::TensorFile| -> BTreeMap<String, Vec<f64>> {
                    let factor = |(name, t): (String, Tensor)| (!name.ends_with("alpha")).then_some((name, t.values));
                    file.tensors.into_iter().filter_map(factor).collect()
                };
                assert_eq!(factors(one), factors(two), "{first}");
            }
        }
    }
}

#[test]
fn loha_goes_through_every_pair_of_spellings() {
    for (dtype, alphas) in
        [("F16", [Some(4.0), Some(0.375)]), ("BF16", [Some(7.0), None]), ("F32", [Some(0.1), Some(0.0)])]
    {
        let mut list = List::new();
        for (base, alpha) in FLUX.iter().zip(alphas) {
            loha(&mut list, base, dtype, alpha, [12, 3, 10]);
        }
        round_trips(&list, &dtype.to_lowercase(), &["kohya", "diffusers", "comfy", "peft"]);
        // A wider type holds every number.
        round_trips(&list, "f32", &["kohya", "diffusers", "comfy", "peft"]);
    }
}

#[test]
fn convolutions_of_both_forms_too() {
    let mut list = List::new();
    loha(&mut list, UNET[0], "F16", Some(2.0), [12, 3, 10]);
    loha(&mut list, CONVOLUTION, "F16", Some(1.5), [8, 3, 6 * 9]);
    round_trips(&list, "f16", &["kohya", "diffusers", "peft"]);
    let mut list = List::new();
    loha(&mut list, UNET[0], "F16", Some(2.0), [12, 3, 10]);
    let (t, a, b) = ([3, 3, 3, 3], [3, 8], [3, 6]);
    let parts: [(&str, &[usize]); 6] =
        [("hada_t1", &t), ("hada_t2", &t), ("hada_w1_a", &a), ("hada_w1_b", &b), ("hada_w2_a", &a), ("hada_w2_b", &b)];
    module(&mut list, CONVOLUTION, "F16", Some(0.5), &parts);
    round_trips(&list, "f16", &["kohya", "diffusers", "peft"]);
    let config = convert(&bytes(&list), None, "f16", "peft").config.unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!((&config["peft_type"], &config["use_effective_conv2d"]), (&json!("LOHA"), &json!(true)));
    assert!(config.get("lora_alpha").is_none() && config.get("decompose_both").is_none());
}

#[test]
fn lokr_of_every_form_keeps_its_scale() {
    // out = a·c, in = b·d with 24 = 4·6 and 40 = 5·8, r = 2: W2 is a product; r = 4: whole, and its scale is 1.
    let whole: [(&str, &[usize]); 2] = [("lokr_w1", &[4, 5]), ("lokr_w2", &[6, 8])];
    let half: [(&str, &[usize]); 3] = [("lokr_w1", &[4, 5]), ("lokr_w2_a", &[6, 2]), ("lokr_w2_b", &[2, 8])];
    let both: [(&str, &[usize]); 4] =
        [("lokr_w1_a", &[4, 2]), ("lokr_w1_b", &[2, 5]), ("lokr_w2_a", &[6, 2]), ("lokr_w2_b", &[2, 8])];
    for parts in [&[&whole[..], &half[..]][..], &[&both[..], &both[..]]] {
        for alphas in [[Some(3.0), Some(0.75)], [None, Some(5.0)]] {
            let mut list = List::new();
            for ((base, alpha), parts) in FLUX.iter().zip(alphas).zip(parts) {
                module(&mut list, base, "F16", alpha, parts);
            }
            let spellings = ["kohya", "diffusers", "comfy", "peft"];
            // What alpha a whole one states means nothing: the oracle looks at tensors and takes 1.
            let original = bytes(&list);
            let before = read(&original, None);
            for first in spellings {
                let there = convert(&original, None, "f16", first);
                assert!(there.report.warnings.iter().all(|w| w.code != "expanded"), "{first}");
                assert_eq!(read(&there.bytes, there.config.as_deref()), before, "{first}");
                for second in spellings {
                    let back = convert(&there.bytes, there.config.clone(), "f16", second);
                    assert_eq!(read(&back.bytes, back.config.as_deref()), before, "{first} {second}");
                }
            }
        }
    }
}

#[test]
fn whole_differences_keep_theirs_where_there_is_a_name() {
    let mut list = List::new();
    for base in FLUX {
        module(&mut list, base, "BF16", None, &[("diff", &[12, 10])]);
    }
    round_trips(&list, "bf16", &["kohya", "diffusers", "comfy"]);
    let peft = convert(&bytes(&list), None, "bf16", "peft");
    assert!(peft.report.warnings.iter().any(|w| w.code == "expanded" && w.message.contains("PEFT has no type")));
    assert!(peft.report.modules.iter().all(|m| m.rank == 10 && m.norm.is_some()));
}

#[test]
fn where_they_cannot_be_held_they_become_pairs_and_a_warning_says_why() {
    let said = |merged: &Merged| -> Option<String> {
        let mut found = merged.report.warnings.iter().filter(|w| w.code == "expanded");
        found.next().map(|w| w.message.clone())
    };
    let mut list = List::new();
    loha(&mut list, FLUX[0], "F32", Some(1.0), [12, 3, 10]);
    let narrow = convert(&bytes(&list), None, "f16", "kohya");
    assert!(said(&narrow).unwrap().contains("fewer digits"));
    // Half LoHa, half LoRA: no type of PEFT has both.
    module(&mut list, FLUX[1], "F32", None, &[("lora_up.weight", &[8, 2]), ("lora_down.weight", &[2, 6])]);
    let mixed = convert(&bytes(&list), None, "f32", "peft");
    assert!(said(&mixed).unwrap().contains("one type"));
    assert!(mixed.config.unwrap().contains("\"LORA\""));
    let kohya = convert(&bytes(&list), None, "f32", "kohya");
    assert_eq!(said(&kohya), None);
    assert_eq!(kohya.report.modules.iter().filter(|m| m.norm.is_none()).count(), 1);
    // q, k and v in one.
    let mut fused = List::new();
    loha(&mut fused, "lora_unet_double_blocks_0_img_attn_qkv", "F32", Some(1.0), [30, 2, 10]);
    let parts = convert(&bytes(&fused), None, "f32", "diffusers");
    assert!(said(&parts).unwrap().contains("fuses or divides"));
    assert_eq!(parts.report.modules.len(), 3);
    // Its halves change places, which would go through every factor.
    let mut halves = List::new();
    loha(&mut halves, "lora_unet_final_layer_adaLN_modulation_1", "F32", Some(1.0), [20, 2, 10]);
    loha(&mut halves, FLUX[1], "F32", Some(1.0), [12, 3, 10]);
    let swapped = convert(&bytes(&halves), None, "f32", "diffusers");
    assert!(said(&swapped).unwrap().contains("another order"));
    assert_eq!(swapped.report.modules.iter().filter(|m| m.norm.is_none()).count(), 1);
    assert_eq!(said(&convert(&bytes(&halves), None, "f32", "kohya")), None);
    // Its shapes are none that PEFT would give.
    let mut odd = List::new();
    module(&mut odd, FLUX[0], "F32", Some(1.0), &[("lokr_w1", &[4, 5]), ("lokr_w2", &[3, 2])]);
    assert!(said(&convert(&bytes(&odd), None, "f32", "peft")).unwrap().contains("shapes"));
}

#[test]
fn anything_but_a_rewriting_is_a_merge() {
    let mut list = List::new();
    FLUX.iter().for_each(|base| loha(&mut list, base, "F32", Some(2.0), [12, 3, 10]));
    let file = |weight| File::new("x", bytes(&list), weight);
    let merged = |job: Job| job.run().unwrap().report;
    let rules = json!([{"match": "*single*", "weight": 0.5}]);
    let ruled = merged(Job::new("sum", vec![File { rules, ..file(1.0) }]));
    assert_eq!(ruled.modules.iter().filter(|m| m.norm.is_none()).count(), 1, "the module of the rule alone is merged");
    for job in [
        Job::new("sum", vec![file(0.5)]),
        Job::new("sum", vec![file(1.0), file(1.0)]),
        Job { rank: json!({"mode": "fixed", "value": 4}), ..Job::new("sum", vec![file(1.0)]) },
        Job { method: json!({"id": "sum", "params": {"lambda": 0.5}}), ..Job::new("sum", vec![file(1.0)]) },
        // What is said of some modules cannot be told from one.
        Job {
            method: json!({"id": "coefficients", "params": {"coefficients": {"1": {"*single*": 0.5}}}}),
            ..Job::new("sum", vec![file(1.0)])
        },
    ] {
        let report = merged(job);
        assert!(report.modules.iter().all(|m| m.norm.is_some()));
        assert!(report.warnings.iter().all(|w| w.code != "expanded"), "a merge need not say so");
    }
    for method in ["sum", "mean", "concat", "coefficients", "crossover"] {
        assert!(merged(Job::new(method, vec![file(1.0)])).modules.iter().all(|m| m.norm.is_none()), "{method}");
    }
}

#[test]
fn a_broken_number_is_refused_here_too() {
    let mut list = List::new();
    loha(&mut list, FLUX[0], "F32", Some(2.0), [12, 3, 10]);
    list[2].1.values[7] = f64::NAN;
    let job = Job::new("sum", vec![File::new("x", bytes(&list), 1.0)]);
    assert!(job.run().is_err());
}
