//! The engine against the naive dense f64 twin, on random merges of small modules.
//!
//! A truncated sum is not compared entry by entry, since two equal singular values may be kept either way: its
//! distance from the exact sum is, which no matrix of that rank can undercut (Eckart–Young).

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rankweave_tests::engine::{File, Job};
use rankweave_tests::fixture::{self, Module};
use rankweave_tests::naive::{self, Input, Keep};
use rankweave_tests::tensors;
use serde_json::{Value, json};

const NAMES: [&str; 3] = [
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k",
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_v",
    "lora_te_text_model_encoder_layers_3_mlp_fc2",
];

#[derive(Clone, Debug)]
struct Shape {
    out: usize,
    inp: usize,
    kernel: &'static [usize],
}

#[derive(Clone, Debug)]
struct One {
    seed: u64,
    ranks: [usize; 3],
    has: [bool; 3],
    scale: f64,
    weight: f64,
    te_weight: Option<f64>,
    dtype: &'static str,
}

fn shape() -> impl Strategy<Value = Shape> {
    let kernel =
        prop_oneof![4 => Just(&[][..]), 1 => Just(&[1, 1][..]), 1 => Just(&[3, 3][..]), 1 => Just(&[2, 3][..])];
    (1..24usize, 1..24usize, kernel).prop_map(|(out, inp, kernel)| Shape { out, inp, kernel })
}

fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 2 => Just(1.0), 6 => -2.0..2.0f64]
}

fn one() -> impl Strategy<Value = One> {
    let ranks = [1..11usize, 1..11, 1..11];
    let has = [any::<bool>(), any::<bool>(), any::<bool>()].prop_map(|[a, b, c]| [true, a || b, c]);
    let scale = prop_oneof![Just(1.0), Just(0.5), Just(0.125), Just(8.0)];
    let dtype = prop_oneof![Just("F32"), Just("F16"), Just("BF16")];
    // Few seeds, so that twins meet.
    (0..6u64, ranks, has, scale, weight(), proptest::option::of(weight()), dtype).prop_map(
        |(seed, ranks, has, scale, weight, te_weight, dtype)| One { seed, ranks, has, scale, weight, te_weight, dtype },
    )
}

fn rank() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(json!({"mode": "exact"})),
        3 => (1..12usize).prop_map(|n| json!({"mode": "fixed", "value": n})),
        2 => (0.2..1.0f64).prop_map(|p| json!({"mode": "energy", "value": p})),
        1 => (0.2..1.0f64, 1..6usize).prop_map(|(p, n)| json!({"mode": "energy", "value": p, "max": n})),
    ]
}

fn method() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => Just(json!({"id": "sum"})),
        1 => (-2.0..2.0f64).prop_map(|l| json!({"id": "sum", "params": {"lambda": l}})),
        1 => Just(json!({"id": "mean"})),
        1 => Just(json!({"id": "mean", "params": {"divide_by": "all"}})),
        2 => Just(json!({"id": "concat"})),
    ]
}

/// The file of an adapter.
fn file(label: usize, one: &One, shapes: &[Shape; 3]) -> File {
    let mut modules: Vec<Module> = Vec::new();
    for (i, shape) in shapes.iter().enumerate().filter(|(i, _)| one.has[*i]) {
        let mut made = fixture::adapter(one.seed, one.ranks[i], &[(NAMES[i], shape.out, shape.inp, shape.kernel)]);
        made[0].pair.scale = one.scale;
        modules.extend(made);
    }
    let mut file = File::new(&format!("{label}.safetensors"), fixture::bytes(&modules, one.dtype), one.weight);
    file.te_weight = one.te_weight;
    file
}

proptest! {
    // The same merges every time; RANKWEAVE_CASES asks for more of them.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("RANKWEAVE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(96),
        rng_seed: RngSeed::Fixed(20),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_engine_agrees_with_the_naive_twin(
        shapes in [shape(), shape(), shape()],
        adapters in proptest::collection::vec(one(), 1..5),
        rank in rank(),
        method in method(),
    ) {
        let files: Vec<File> = adapters.iter().enumerate().map(|(i, one)| file(i, one, &shapes)).collect();
        let inputs: Vec<Input> = files
            .iter()
            .map(|file| Input {
                modules: naive::modules(&tensors::read(&file.bytes), None),
                weight: file.weight,
                te_weight: file.te_weight,
            })
            .collect();
        let job = Job { method: method.clone(), rank: rank.clone(), ..Job::new("sum", files) };
        let names = naive::names(&inputs);
        let silent = |name: &str| inputs.iter().all(|i| !i.modules.contains_key(name) || i.weight_of(name) == 0.0);
        let merged = match job.run() {
            Ok(merged) => merged,
            Err(errors) => {
                // The only thing that can be wrong with these inputs.
                prop_assert!(names.iter().all(|name| silent(name)), "{}", errors[0]);
                return Ok(());
            }
        };
        let modules = merged.modules();
        for name in &names {
            if silent(name) {
                prop_assert!(!modules.contains_key(name), "{name} has weight 0 everywhere");
                continue;
            }
            let exact = naive::merged(&method, &inputs, name);
            let (best, sigma) = exact.truncated(usize::MAX);
            prop_assert!(best.distance(&exact) < 1e-12, "the oracle's own SVD");
            let scale = added(&inputs, &method, name);
            let tolerance = 1e-6 * scale;
            let found = &modules[name];
            let count = found.down.rows;
            check_rank(count, &sigma, Keep::from_json(&rank), method["id"] == "concat", &inputs, name)?;
            let tail = sigma.iter().skip(count).map(|s| s * s).sum::<f64>().sqrt();
            let error = found.delta().plus(-1.0, &exact).norm();
            prop_assert!(error <= tail + tolerance, "{name}: {error:.2e} from the sum, {tail:.2e} is possible");
            let line = merged.report.modules.iter().find(|l| naive::canonical_of_id(&l.module) == *name);
            let line = line.expect("every module has its line");
            if exact.norm() > 1e-4 * scale {
                let residual = error / exact.norm();
                prop_assert!((line.residual - residual).abs() <= 2.0 * tolerance / exact.norm() + 1e-6 + 1e-3 * residual,
                    "{name}: the report says {} of {residual}", line.residual);
            }
        }
        prop_assert_eq!(modules.len(), names.iter().filter(|name| !silent(name)).count());
    }
}

/// Σ |coefficient|·‖ΔW‖: what was added up, against which rounding is measured.
fn added(inputs: &[Input], method: &Value, name: &str) -> f64 {
    let lambda = method["params"]["lambda"].as_f64().unwrap_or(1.0).abs();
    let part = |i: &Input| i.modules.get(name).map_or(0.0, |pair| i.weight_of(name).abs() * pair.delta().norm());
    lambda * inputs.iter().map(part).sum::<f64>()
}

/// The rank is what the policy says; where a singular value lies at a border, either side of it.
fn check_rank(
    count: usize,
    sigma: &[f64],
    keep: Keep,
    stacked: bool,
    inputs: &[Input],
    name: &str,
) -> Result<(), TestCaseError> {
    let used = inputs.iter().filter(|i| i.weight_of(name) != 0.0);
    let stack: usize = used.filter_map(|i| i.modules.get(name)).map(|pair| pair.down.rows).sum();
    let wanted = match keep {
        Keep::Exact if stacked => stack,
        Keep::Fixed(most) if stacked && stack <= most => stack,
        keep => keep.count(sigma).max(1),
    };
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-5 * sigma[0].max(f64::MIN_POSITIVE);
    let at_border = match keep {
        Keep::Energy(share, _) => {
            let total: f64 = sigma.iter().map(|s| s * s).sum();
            let held: f64 = sigma.iter().take(count.min(wanted)).map(|s| s * s).sum();
            (held - share * total).abs() <= 1e-5 * total
        }
        _ => sigma.get(count.min(wanted)).is_some_and(|s| near(*s, 1e-6 * sigma[0])),
    };
    prop_assert!(
        count == wanted || at_border && count.abs_diff(wanted) == 1,
        "{name}: rank {count}, not {wanted} of {sigma:?}"
    );
    Ok(())
}
