//! Modules written as whole differences: what the file holds, what is said of it, and that it is the same change when it
//! is opened again.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, Kind};
use rankweave_recipe::Prepared;
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, SHAPES};
use rankweave_tests::kinds;
use rankweave_tests::naive;
use rankweave_tests::tensors::{self, Tensor};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn files() -> Vec<File> {
    let file = |seed: u64, rank, weight| {
        let shapes = if seed == 2 { &SHAPES[..4] } else { &SHAPES[..] };
        File::new(&format!("{seed}"), fixture::bytes(&fixture::adapter(seed, rank, shapes), "F32"), weight)
    };
    vec![file(1, 4, 0.7), file(2, 8, -0.4)]
}

fn dense(method: &str, files: Vec<File>) -> Job {
    Job { rank: json!({"mode": "dense"}), ..Job::new(method, files) }
}

fn deltas(merged: &Merged) -> BTreeMap<String, Matrix> {
    kinds::deltas(&tensors::read(&merged.bytes), None)
}

fn ok(job: &Job) -> Merged {
    job.run().unwrap_or_else(|e| panic!("{}", e[0]))
}

#[test]
fn a_module_is_one_tensor_of_the_weights_shape() {
    for (keys, begins) in [("kohya", "lora_unet_"), ("diffusers", "unet."), ("comfy", "diffusion_model.")] {
        let files = files().into_iter().map(|f| File { te_weight: Some(0.0), ..f }).collect();
        let merged = ok(&Job { keys: Some(keys.into()), ..dense("sum", files) });
        let file = tensors::read(&merged.bytes);
        assert_eq!(file.tensors.len(), 5, "{keys}");
        for (name, tensor) in &file.tensors {
            assert!(name.starts_with(begins) && name.ends_with(".diff"), "{name}");
            let shape = SHAPES.iter().find(|(_, out, inp, _)| tensor.shape[..2] == [*out, *inp]).unwrap();
            assert_eq!(tensor.shape[2..], *shape.3, "{name}");
        }
        for module in &merged.report.modules {
            assert_eq!(module.rank, module.out.min(module.columns), "{}", module.module);
        }
    }
}

/// f32 loses less than a pair does, and 16 bits exactly what the report says.
#[test]
fn what_rounding_costs_is_told() {
    let exact = |files: &[File]| {
        let inputs: Vec<_> = files.iter().map(|f| naive::modules(&tensors::read(&f.bytes), None)).collect();
        let mut sum: BTreeMap<String, Matrix> = BTreeMap::new();
        for (input, file) in inputs.iter().zip(files) {
            for (name, pair) in input {
                let own = pair.delta().scaled(file.weight);
                let both = sum.get(name).map_or_else(|| own.clone(), |other| other.plus(1.0, &own));
                sum.insert(name.clone(), both);
            }
        }
        sum
    };
    let exact = exact(&files());
    for (dtype, most) in [("f32", 1e-7), ("f16", 1e-3), ("bf16", 1e-2)] {
        let merged = ok(&Job { dtype: dtype.into(), ..dense("sum", files()) });
        let (mut error, mut total) = (0.0, 0.0);
        for (name, delta) in deltas(&merged) {
            error += delta.plus(-1.0, &exact[&name]).norm().powi(2);
            total += exact[&name].norm().powi(2);
        }
        let residual = (error / total).sqrt();
        assert!(residual < most, "{dtype}: {residual:.1e}");
        let told = merged.report.residual;
        assert!((told - residual).abs() < 1e-4 * residual + 1e-7, "{dtype}: {told:.3e} is {residual:.3e}");
        assert!(merged.report.energy == 1.0);
        for (source, wanted) in merged.report.sources.iter().zip([0.7, -0.4]) {
            assert!((source.recovered_weight.unwrap() - wanted).abs() < 1e-9, "{dtype}");
        }
    }
}

/// What was written as whole differences is the same change to whoever opens the file: the rule's result, all of it.
#[test]
fn the_file_is_the_same_change_when_it_is_opened_again() {
    for method in ["sum", "ties"] {
        for dtype in ["f32", "f16"] {
            let written = ok(&Job { dtype: dtype.into(), ..dense(method, files()) });
            let (own, file) = (deltas(&written), || File::new("whole", written.bytes.clone(), 1.0));
            let carried = ok(&dense("sum", vec![file()]));
            assert_eq!(deltas(&carried), own, "{method} {dtype}: carried over");
            let again = ok(&Job { rank: json!({"mode": "exact"}), ..dense("sum", vec![file()]) });
            assert_eq!(deltas(&again), own, "{method} {dtype}: at exact rank");
            let halves = || vec![File { weight: 0.75, ..file() }, File { weight: 0.25, ..file() }];
            for job in [dense("sum", halves()), Job::new("sum", halves())] {
                for (name, delta) in deltas(&ok(&job)) {
                    assert!(delta.distance(&own[&name]) < 1e-6, "{method} {dtype} {name}");
                }
            }
        }
    }
}

#[test]
fn spellings_without_a_name_for_it_are_refused() {
    let refused = |job: &Job| {
        let errors = job.run().map(|_| ()).unwrap_err();
        assert_eq!((errors.len(), errors[0].kind), (1, Kind::Parameter), "{}", errors[0]);
        let text = errors[0].to_string();
        assert!(text.contains("kohya") && text.contains("whole differences"), "{text}");
    };
    let unet = |file: File| File { te_weight: Some(0.0), ..file };
    refused(&Job { keys: Some("peft".into()), ..dense("sum", files().into_iter().map(unet).collect()) });
    let tensor = |rows, columns| Tensor::new("F32", &[rows, columns], vec![0.5; rows * columns]);
    let bare = [("layers.0.q.lora_A".to_owned(), tensor(2, 6)), ("layers.0.q.lora_B".to_owned(), tensor(4, 2))];
    refused(&dense("sum", vec![File::new("bare", tensors::write(&bare, &BTreeMap::new()), 1.0)]));
}

/// The size told beforehand is the size, and what is carried over is no pair.
#[test]
fn the_size_is_known_beforehand() {
    for method in ["sum", "ties", "knots"] {
        let job = Job { dtype: "bf16".into(), ..dense(method, files()) };
        let adapters = files().iter().map(|f| Adapter::open(&f.bytes, &f.label, None).unwrap()).collect();
        let estimate = Prepared::new(job.recipe(), adapters).unwrap_or_else(|e| panic!("{}", e[0])).estimate();
        let merged = ok(&job);
        assert_eq!(estimate.bytes_max, merged.bytes.len() as u64, "{method}");
        assert_eq!(estimate.rank_max, 20, "{method}");
    }
}

/// One file of large matrices of small rank: its tasks are cut by what they write.
#[test]
fn a_task_writes_no_more_than_some_megabytes() {
    let names: Vec<String> =
        (0..8).map(|i| format!("lora_unet_down_blocks_0_attentions_0_transformer_blocks_{i}_attn1_to_k")).collect();
    let tensor = |shape: [usize; 2]| Tensor::new("F32", &shape, vec![0.01; shape[0] * shape[1]]);
    let modules = names.iter().flat_map(|name| {
        [(format!("{name}.lora_down.weight"), tensor([1, 1280])), (format!("{name}.lora_up.weight"), tensor([1280, 1]))]
    });
    let bytes = tensors::write(&modules.collect::<Vec<_>>(), &BTreeMap::new());
    let prepared = |rank: Value| {
        let job = Job { rank, ..Job::new("sum", vec![File::new("x", bytes.clone(), 0.5)]) };
        let adapter = Adapter::open(&bytes, "x", None).unwrap();
        Prepared::new(job.recipe(), vec![adapter]).unwrap_or_else(|e| panic!("{}", e[0]))
    };
    assert_eq!((prepared(json!({"mode": "exact"})).tasks(), prepared(json!({"mode": "dense"})).tasks()), (1, 8));
}

/// The halves of a module's rows change places between two spellings.
#[test]
fn rows_stand_where_the_spelling_has_them() {
    let shape = [("lora_unet_final_layer_adaLN_modulation_1", 12, 6, &[] as &[usize])];
    let adapter = fixture::adapter(3, 2, &shape);
    let pair = &adapter[0].pair;
    let matrix = |m: &Matrix| Tensor::new("F32", &[m.rows, m.columns], m.values.clone());
    let name = shape[0].0;
    let list = [
        (format!("{name}.lora_up.weight"), matrix(&pair.up)),
        (format!("{name}.lora_down.weight"), matrix(&pair.down)),
    ];
    let flux = BTreeMap::from([("ss_base_model_version".to_owned(), "flux1".to_owned())]);
    let bytes = tensors::write(&list, &flux);
    let written = |keys: &str, bytes: &[u8]| {
        let merged = ok(&Job { keys: Some(keys.into()), ..dense("sum", vec![File::new("x", bytes.to_vec(), 1.0)]) });
        let values = tensors::read(&merged.bytes).tensors.into_values().next().unwrap().values;
        (merged.bytes, values)
    };
    let (kohya, own) = written("kohya", &bytes);
    let (diffusers, turned) = written("diffusers", &bytes);
    assert_eq!([&own[36..], &own[..36]].concat(), turned);
    assert!(own != turned);
    assert_eq!(written("diffusers", &kohya).1, turned);
    assert_eq!(written("kohya", &diffusers).1, own);
}

#[test]
fn what_cancels_is_zero() {
    let bytes = files()[0].bytes.clone();
    let merged = ok(&dense("sum", vec![File::new("a", bytes.clone(), 0.3), File::new("b", bytes, -0.3)]));
    assert!(deltas(&merged).values().all(|delta| delta.norm() == 0.0));
    assert!(merged.report.residual == 0.0 && merged.report.energy == 1.0);
}
