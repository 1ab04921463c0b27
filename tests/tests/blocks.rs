//! Block weights and rules: a merge with them is the merge of adapters that were scaled and thinned out beforehand,
//! module by module, by a twin that knows neither patterns nor blocks: both are tables made by hand.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rankweave_recipe::{Recipe, canonical};
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, SHAPES};
use rankweave_tests::naive::{self, Input};
use rankweave_tests::tensors;
use serde_json::{Value, json};

/// The block of each of the fixture's modules, and its place among the 27 of Stable Diffusion 1.
const BLOCKS: [(&str, usize); 6] = [("IN01", 2), ("IN01", 2), ("IN01", 2), ("M00", 13), ("OUT03", 17), ("BASE", 0)];

/// Patterns, and which of the modules they fit.
const PATTERNS: [(&str, &[usize]); 9] = [
    ("*", &[0, 1, 2, 3, 4, 5]),
    ("*attn1*", &[0]),
    ("unet.*", &[0, 1, 2, 3, 4]),
    ("text_encoder*", &[5]),
    ("*.conv?", &[2]),
    ("*_blocks.?.*", &[0, 1, 2, 4]),
    ("*[!0-9]", &[0, 3, 4]),
    ("unet.down_blocks_0_*_ff_net_2", &[1]),
    ("*ff.net.3", &[]),
];

#[derive(Clone, Debug)]
struct One {
    rank: usize,
    weight: f64,
    te_weight: Option<f64>,
    /// One per block.
    values: Option<Vec<f64>>,
    /// Pattern and factor; none drops.
    rules: Vec<(usize, Option<f64>)>,
}

fn factor() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.0, 0.25, 0.5, 1.0, 1.0, -1.5, 2.0])
}

fn one() -> impl Strategy<Value = One> {
    let rules = prop::collection::vec((0..PATTERNS.len(), prop::option::weighted(0.7, factor())), 0..4);
    let values = prop::option::weighted(0.8, prop::collection::vec(factor(), 27));
    let weights = (prop_oneof![Just(1.0), -2.0..2.0f64], prop::option::of(-2.0..2.0f64));
    (1..6usize, weights, values, rules).prop_map(|(rank, (weight, te_weight), values, rules)| One {
        rank,
        weight,
        te_weight,
        values,
        rules,
    })
}

impl One {
    fn file(&self, n: usize) -> File {
        let adapter = fixture::adapter(n as u64 + 1, self.rank, &SHAPES);
        let mut file = File::new(&format!("{n}.safetensors"), fixture::bytes(&adapter, "F32"), self.weight);
        file.te_weight = self.te_weight;
        file.blocks = self.values.as_ref().map_or(Value::Null, |v| json!({"scheme": "sd15", "values": v}));
        let rule = |(pattern, factor): &(usize, Option<f64>)| match factor {
            Some(factor) => json!({"match": PATTERNS[*pattern].0, "weight": factor}),
            None => json!({"match": PATTERNS[*pattern].0, "drop": true}),
        };
        file.rules = self.rules.iter().map(rule).collect();
        file
    }

    /// The factor of a module; none if it is dropped.
    fn factor(&self, module: usize) -> Option<f64> {
        let block = self.values.as_ref().map_or(1.0, |v| v[BLOCKS[module].1]);
        match self.rules.iter().rev().find(|(pattern, _)| PATTERNS[*pattern].1.contains(&module)) {
            Some((_, factor)) => factor.map(|f| block * f),
            None => Some(block),
        }
    }

    /// The adapter with every ΔW scaled beforehand, and without what is dropped.
    fn scaled(&self, file: &File) -> Input {
        let mut modules = naive::modules(&tensors::read(&file.bytes), None);
        for (i, (name, ..)) in SHAPES.iter().enumerate() {
            let name = naive::canonical(name);
            match self.factor(i) {
                Some(factor) => modules.get_mut(&name).unwrap().scale *= factor,
                None => drop(modules.remove(&name)),
            }
        }
        Input { modules, weight: self.weight, te_weight: self.te_weight }
    }
}

fn method() -> impl Strategy<Value = Value> {
    let ids = [json!({"id": "sum"}), json!({"id": "concat"}), json!({"id": "mean"})];
    prop_oneof![prop::sample::select(ids.to_vec()), Just(json!({"id": "mean", "params": {"divide_by": "all"}}))]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("RANKWEAVE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(96),
        rng_seed: RngSeed::Fixed(21),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_merge_with_blocks_and_rules_is_the_merge_of_adapters_scaled_before(
        adapters in prop::collection::vec(one(), 1..4),
        method in method(),
    ) {
        let files: Vec<File> = adapters.iter().enumerate().map(|(n, one)| one.file(n)).collect();
        let inputs: Vec<Input> = adapters.iter().zip(&files).map(|(one, file)| one.scaled(file)).collect();
        let job = Job { method: method.clone(), ..Job::new("sum", files) };
        let weight =
            |a: usize, module: usize, name: &str| Some(adapters[a].factor(module)? * inputs[a].weight_of(name));
        let names: Vec<String> = SHAPES.iter().map(|(name, ..)| naive::canonical(name)).collect();
        let written = |m: usize| (0..adapters.len()).any(|a| weight(a, m, &names[m]).is_some_and(|w| w != 0.0));
        let merged = match job.run() {
            Ok(merged) => merged,
            Err(errors) => {
                prop_assert!((0..SHAPES.len()).all(|m| !written(m)), "{}", errors[0]);
                return Ok(());
            }
        };
        let modules = merged.modules();
        for (m, name) in names.iter().enumerate() {
            prop_assert_eq!(modules.contains_key(name), written(m), "{}", name);
            if !written(m) {
                continue;
            }
            let exact = naive::merged(&method, &inputs, name);
            let part = |i: &Input| Some(i.weight_of(name).abs() * i.modules.get(name)?.delta().norm());
            let added: f64 = inputs.iter().filter_map(part).sum();
            let error = modules[name].delta().plus(-1.0, &exact).norm();
            prop_assert!(error <= 1e-6 * added, "{name}: {error:.2e} from the answer of size {added:.2e}");
            let line = merged.report.modules.iter().find(|l| naive::canonical_of_id(&l.module) == *name).unwrap();
            prop_assert_eq!(line.block.as_deref(), Some(BLOCKS[m].0));
            let wanted = (0..adapters.len()).filter_map(|a| Some((a, weight(a, m, name)?)));
            let (sources, weights): (Vec<usize>, Vec<f64>) = wanted.unzip();
            prop_assert_eq!(&line.sources, &sources);
            let near = line.weights.iter().zip(&weights).all(|(a, b)| (a - b).abs() < 1e-12);
            prop_assert!(near && line.weights.len() == weights.len(), "{:?} {weights:?}", line.weights);
        }
        let mut dropped: Vec<(usize, String)> = Vec::new();
        for (a, one) in adapters.iter().enumerate() {
            dropped.extend((0..SHAPES.len()).filter(|m| one.factor(*m).is_none()).map(|m| (a, names[m].clone())));
        }
        let mut told: Vec<(usize, String)> =
            merged.report.dropped.iter().map(|d| (d.source, naive::canonical_of_id(&d.module))).collect();
        dropped.sort();
        told.sort();
        prop_assert_eq!(told, dropped);
        if method["id"] == "sum" {
            for (line, input) in merged.report.sources.iter().zip(&inputs) {
                for (found, asked) in [
                    (line.recovered_weight, input.weight),
                    (line.recovered_te_weight, input.te_weight.unwrap_or(input.weight)),
                ] {
                    prop_assert!(found.is_none_or(|f| (f - asked).abs() < 1e-4), "{found:?} for {asked}");
                }
            }
        }
    }
}

/// Two adapters of rank 1 and one entry: ΔW = 2 and 3, everything worked out by hand.
fn by_hand(first: (Value, Value), second: (Value, Value), method: &str) -> Merged {
    let name = "lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_v";
    let entry = |value: f64| {
        let mut adapter = fixture::adapter(1, 1, &[(name, 1, 1, &[])]);
        (adapter[0].pair.up.values[0], adapter[0].pair.down.values[0]) = (value, 1.0);
        fixture::bytes(&adapter, "F32")
    };
    let file = |label: &str, value: f64, weight: f64, (blocks, rules): (Value, Value)| File {
        blocks,
        rules,
        ..File::new(label, entry(value), weight)
    };
    Job::new(method, vec![file("a", 2.0, 0.5, first), file("b", 3.0, -1.0, second)]).run().unwrap()
}

fn is(merged: &Merged, wanted: f64) {
    let found = merged.modules().values().next().unwrap().delta().values[0];
    assert!((found - wanted).abs() < 1e-6, "{found} and not {wanted}");
}

#[test]
fn the_hand_case() {
    let none = || (Value::Null, Value::Null);
    let sd15 = |text: Value| json!({"scheme": "sd15", "preset": text});
    // 0.5·2 − 1·3
    is(&by_hand(none(), none(), "sum"), -2.0);
    // OUT03 halved in the first, and a quarter of that by the rule: 0.5·0.5·0.25·2 − 3. Squared it would be 0.03125.
    let first = (sd15(json!("ALL0.5")), json!([{"match": "*attn2*", "weight": 0.25}]));
    is(&by_hand(first, none(), "sum"), 0.125 - 3.0);
    // INALL leaves nothing of a module in OUT03; of weight 0 it still counts in the mean, dropped it does not.
    let zero = (sd15(json!("INALL")), Value::Null);
    is(&by_hand(zero, none(), "mean"), -1.5);
    let dropped = (Value::Null, json!([{"match": "unet.*", "drop": true}]));
    let merged = by_hand(dropped, none(), "mean");
    is(&merged, -3.0);
    assert_eq!(merged.report.dropped.len(), 1);
    assert_eq!((merged.report.dropped[0].source, merged.report.dropped[0].rule.as_str()), (0, "unet.*"));
    assert!(merged.report.warnings.iter().any(|w| w.code == "dropped-by-rule" && w.message.starts_with("1 of its 1")));
}

#[test]
fn the_recipe_in_the_file_keeps_them_and_makes_the_file_again() {
    let adapter = fixture::adapter(3, 2, &SHAPES);
    let mut file = File::new("a.safetensors", fixture::bytes(&adapter, "F32"), 0.8);
    file.blocks = json!({"scheme": "sd15", "values": [0.5, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.25]});
    file.rules = json!([{"match": "*attn1*", "weight": 0.5}, {"match": "*proj_in", "drop": true}]);
    let (blocks, rules) = (file.blocks.clone(), file.rules.clone());
    let first = Job::new("sum", vec![file.clone()]).run().unwrap();
    let text = tensors::read(&first.bytes).metadata["rankweave.recipe"].clone();
    let recipe: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(recipe["mix"][0]["rules"], rules);
    assert_eq!(recipe["mix"][0]["blocks"]["scheme"], blocks["scheme"]);
    assert_eq!(canonical(&Recipe::from_json(&text).unwrap()), text);
    (file.blocks, file.rules) = (recipe["mix"][0]["blocks"].clone(), recipe["mix"][0]["rules"].clone());
    let again = Job::new("sum", vec![file]).run().unwrap();
    assert!(again.bytes == first.bytes);
    // IN01 is the second number of a list of 17: all of it is left out. M00 was dropped.
    assert_eq!(first.modules().len(), 2);
    assert!(first.report.warnings.iter().any(|w| w.code == "weight-zero"));
}

#[test]
fn what_cannot_be_meant_is_refused_and_all_of_it_told() {
    let adapter = fixture::adapter(3, 2, &SHAPES);
    let mut file = File::new("a.safetensors", fixture::bytes(&adapter, "F32"), 1.0);
    file.blocks = json!({"scheme": "sd15", "preset": "dfsadfsfds"});
    file.rules = json!([{"match": "[a"}, {"match": "*", "weight": 99}]);
    let mut second = file.clone();
    second.blocks = json!({"scheme": "sd15", "values": [1, 1, 1]});
    second.rules = Value::Null;
    let told: Vec<String> =
        Job::new("sum", vec![file, second]).run().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    for (text, wanted) in told.iter().zip(["dfsadfsfds", "[", "99", "17 or 26 or 27"]) {
        assert!(text.contains(wanted), "{text}");
    }
    assert!(told[3].contains("/mix/1/blocks"), "{}", told[3]);
}

#[test]
fn what_rules_do_not_reach_is_told() {
    let adapter = fixture::adapter(3, 2, &SHAPES);
    let mut file = File::new("a.safetensors", fixture::bytes(&adapter, "F32"), 1.0);
    file.rules = json!([{"match": "*attn9*", "weight": 0.5}]);
    let merged = Job::new("sum", vec![file]).run().unwrap();
    let warning = merged.report.warnings.iter().find(|w| w.code == "rule-unused").unwrap();
    assert!(warning.message.contains("*attn9*") && warning.place.file.as_deref() == Some("a.safetensors"));
}
