//! Modules whose halves of rows change places between two spellings, MLX's transposed factors, and names in ComfyUI.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture;
use rankweave_tests::naive;
use rankweave_tests::tensors::{self, Tensor};
use std::collections::BTreeMap;

const SHAPE: (usize, usize) = (12, 6);
const KOHYA: &str = "lora_unet_final_layer_adaLN_modulation_1";
const COMFY: &str = "diffusion_model.final_layer.adaLN_modulation.1";
const DIFFUSERS: &str = "transformer.norm_out.linear";

/// A file with one module of this name. The sizes are a toy's, so the metadata says which model it is.
fn file(name: &str, seed: u64) -> Vec<u8> {
    let shape = [("x", SHAPE.0, SHAPE.1, &[] as &[usize])];
    let pair = fixture::adapter(seed, 2, &shape).remove(0).pair;
    let matrix = |m: &Matrix| Tensor::new("F32", &[m.rows, m.columns], m.values.clone());
    let [up, down] = if name == KOHYA { ["lora_up", "lora_down"] } else { ["lora_B", "lora_A"] };
    let list =
        [(format!("{name}.{up}.weight"), matrix(&pair.up)), (format!("{name}.{down}.weight"), matrix(&pair.down))];
    tensors::write(&list, &BTreeMap::from([("ss_base_model_version".to_owned(), "flux1".to_owned())]))
}

/// ΔW of the only module, and what the file calls it.
fn delta(bytes: &[u8]) -> (String, Matrix) {
    let file = tensors::read(bytes);
    let modules = naive::modules(&file, None);
    assert_eq!(modules.len(), 1);
    let name = file.tensors.keys().find(|name| name.contains(".lora_")).unwrap();
    (name.split(".lora_").next().unwrap().to_owned(), modules.values().next().unwrap().delta())
}

/// The original has shift above scale, the native module scale above shift.
fn swapped(delta: &Matrix) -> Matrix {
    let half = delta.values.len() / 2;
    let values = [&delta.values[half..], &delta.values[..half]].concat();
    Matrix::new(delta.rows, delta.columns, values)
}

/// ΔW as the native module has it.
fn native(bytes: &[u8]) -> Matrix {
    let (name, delta) = delta(bytes);
    if name == DIFFUSERS { delta } else { swapped(&delta) }
}

fn merge(files: Vec<File>, keys: &str) -> Merged {
    let job = Job { keys: Some(keys.into()), ..Job::new("sum", files) };
    job.run().unwrap_or_else(|e| panic!("{keys}: {}", e[0]))
}

#[test]
fn halves_meet_in_the_right_order_whatever_the_spellings() {
    for one in [KOHYA, COMFY, DIFFUSERS] {
        for other in [KOHYA, COMFY, DIFFUSERS] {
            let files = || vec![File::new("a", file(one, 3), 0.7), File::new("b", file(other, 4), -0.4)];
            let (a, b) = (native(&file(one, 3)), native(&file(other, 4)));
            let expected: Vec<f64> = a.values.iter().zip(&b.values).map(|(a, b)| 0.7 * a - 0.4 * b).collect();
            for (keys, name) in [("kohya", KOHYA), ("comfy", COMFY), ("diffusers", DIFFUSERS), ("same:s0", one)] {
                let merged = merge(files(), keys);
                assert_eq!(delta(&merged.bytes).0, name, "{one} and {other} as {keys}");
                let found = native(&merged.bytes);
                let far = found.values.iter().zip(&expected).map(|(x, y)| (x - y).abs());
                assert!(far.fold(0.0, f64::max) < 1e-6, "{one} and {other} as {keys}");
            }
        }
    }
}

#[test]
fn conversions_move_rows_and_nothing_else() {
    for from in [KOHYA, COMFY, DIFFUSERS] {
        let original = file(from, 5);
        for keys in ["kohya", "comfy", "diffusers"] {
            let there = merge(vec![File::new("x", original.clone(), 1.0)], keys);
            assert!(native(&there.bytes).values == native(&original).values, "{from} to {keys}");
            let moved = delta(&there.bytes).1.values != delta(&original).1.values;
            assert_eq!(moved, (keys == "diffusers") != (from == DIFFUSERS), "{from} to {keys}");
        }
    }
}

/// The same adapter in PEFT's and in MLX's form: `lora_a` is Aᵀ, `lora_b` is Bᵀ, and the scale stands in the
/// configuration.
#[test]
fn transposed_factors_are_the_same_adapter() {
    let shape = [("model.layers.0.self_attn.q_proj", 5, 7, &[] as &[usize])];
    let pair = fixture::adapter(6, 3, &shape).remove(0).pair;
    let turned = |m: &Matrix| {
        let value = |i: usize| m.values[i % m.rows * m.columns + i / m.rows];
        Tensor::new("F32", &[m.columns, m.rows], (0..m.values.len()).map(value).collect())
    };
    let plain = |m: &Matrix| Tensor::new("F32", &[m.rows, m.columns], m.values.clone());
    let name = shape[0].0;
    let mlx = tensors::write(
        &[(format!("{name}.lora_b"), turned(&pair.up)), (format!("{name}.lora_a"), turned(&pair.down))],
        &BTreeMap::new(),
    );
    let peft = format!("base_model.model.{name}");
    let peft = tensors::write(
        &[(format!("{peft}.lora_B.weight"), plain(&pair.up)), (format!("{peft}.lora_A.weight"), plain(&pair.down))],
        &BTreeMap::new(),
    );
    let config = r#"{"fine_tune_type": "lora", "lora_parameters": {"rank": 3, "scale": 10.0, "dropout": 0.0}}"#;
    let mlx = File { config: Some(config.into()), ..File::new("mlx", mlx, 0.5) };
    let config = r#"{"peft_type": "LORA", "r": 3, "lora_alpha": 6}"#;
    let peft = File { config: Some(config.into()), ..File::new("peft", peft, 1.0) };
    // 0.5·10 + 1·2 = 7 times the same delta, in PEFT's names whichever comes first.
    let product = pair.up.times(&pair.down);
    for files in [vec![mlx.clone(), peft.clone()], vec![peft, mlx]] {
        let merged = Job::new("sum", files).run().unwrap_or_else(|e| panic!("{}", e[0]));
        let config = serde_json::from_str(merged.config.as_deref().unwrap()).unwrap();
        let modules = naive::modules(&tensors::read(&merged.bytes), Some(&config));
        assert_eq!(modules.len(), 1, "both are one module");
        let found = modules.values().next().unwrap().delta();
        let far = found.values.iter().zip(&product.values).map(|(x, y)| (x - 7.0 * y).abs());
        assert!(far.fold(0.0, f64::max) < 1e-5 && found.rows == 5);
    }
}
