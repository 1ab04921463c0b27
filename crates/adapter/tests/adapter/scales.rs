//! Where alpha comes from, and the scale it makes.

use crate::support::{Sparse, valued};
use rankweave_adapter::{Adapter, Alpha, Kind, Part, Stored, read_alphas, read_modules, read_raw};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

const UP: (&str, &[usize], &[f32]) = ("a.lora_up.weight", &[3, 2], &[1., 2., 3., 4., 5., 6.]);
const DOWN: (&str, &[usize], &[f32]) = ("a.lora_down.weight", &[2, 2], &[7., 8., 9., 10.]);

struct Factors {
    up: Vec<f32>,
    down: Vec<f32>,
    scale: f64,
    alpha: f64,
}

fn plain(mut stored: Stored) -> Factors {
    let mut values = |part| stored.take(part).unwrap().values;
    let (up, down) = (values(Part::Up), values(Part::Down));
    Factors { up, down, scale: stored.scale, alpha: stored.alpha }
}

fn factors(bytes: &[u8], config: Option<&str>) -> Factors {
    let adapter = Adapter::open(&bytes, "f", config).unwrap();
    plain(read_modules(&adapter, &bytes, &[0]).unwrap().remove(0))
}

#[test]
fn without_alpha_the_scale_is_one() {
    let bytes = valued(&[UP, DOWN]);
    let f = factors(&bytes, None);
    assert_eq!((f.scale, f.alpha, f.up, f.down), (1.0, 2.0, UP.2.to_vec(), DOWN.2.to_vec()));
    let adapter = Adapter::open(&bytes, "f", None).unwrap();
    assert_eq!(read_alphas(&adapter, &bytes).unwrap(), [None]);
}

#[test]
fn alpha_tensors_of_every_type_and_shape() {
    let floats = |v: &[f32]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let (up, down) = (floats(UP.2), floats(DOWN.2));
    let eight: [(Dtype, Vec<u8>); 8] = [
        (Dtype::F32, 8f32.to_le_bytes().to_vec()),
        (Dtype::F64, 8f64.to_le_bytes().to_vec()),
        (Dtype::F16, half::f16::from_f32(8.0).to_le_bytes().to_vec()),
        (Dtype::BF16, half::bf16::from_f32(8.0).to_le_bytes().to_vec()),
        (Dtype::I64, 8i64.to_le_bytes().to_vec()),
        (Dtype::I32, 8i32.to_le_bytes().to_vec()),
        (Dtype::U8, vec![8]),
        (Dtype::I16, 8i16.to_le_bytes().to_vec()),
    ];
    for (dtype, alpha) in &eight {
        for shape in [vec![], vec![1], vec![1, 1]] {
            let tensors = [
                (UP.0, TensorView::new(Dtype::F32, UP.1.to_vec(), &up).unwrap()),
                (DOWN.0, TensorView::new(Dtype::F32, DOWN.1.to_vec(), &down).unwrap()),
                ("a.alpha", TensorView::new(*dtype, shape, alpha).unwrap()),
            ];
            let bytes = serialize(tensors, None).unwrap();
            let f = factors(&bytes, None);
            assert_eq!((f.scale, f.alpha), (4.0, 8.0), "{dtype}");
            let adapter = Adapter::open(&bytes, "f", None).unwrap();
            assert!(matches!(adapter.modules[0].alpha, Alpha::Tensor(_)));
            assert_eq!(read_alphas(&adapter, &bytes).unwrap(), [Some(8.0)]);
        }
    }
}

#[test]
fn zero_means_none_and_nan_is_malformed() {
    let f = factors(&valued(&[UP, DOWN, ("a.alpha", &[], &[0.0])]), None);
    assert_eq!((f.scale, f.alpha), (1.0, 2.0));
    for bad in [f32::NAN, f32::INFINITY] {
        let bytes = valued(&[UP, DOWN, ("a.alpha", &[], &[bad])]);
        let adapter = Adapter::open(&bytes, "f", None).unwrap();
        for error in [read_modules(&adapter, &bytes, &[0]).unwrap_err(), read_alphas(&adapter, &bytes).unwrap_err()] {
            assert_eq!((error.kind, error.place.key.as_deref()), (Kind::Malformed, Some("a.alpha")));
            assert_eq!((error.place.module.as_deref(), error.place.file.as_deref()), (Some("model.a"), Some("f")));
        }
    }
}

#[test]
fn values_that_are_not_finite_name_their_place() {
    for (which, bad) in [(0, f32::NAN), (1, f32::NEG_INFINITY)] {
        let mut values = [UP.2.to_vec(), DOWN.2.to_vec()];
        values[which][3] = bad;
        let bytes = valued(&[(UP.0, UP.1, &values[0]), (DOWN.0, DOWN.1, &values[1])]);
        let adapter = Adapter::open(&bytes, "f", None).unwrap();
        let error = read_modules(&adapter, &bytes, &[0]).unwrap_err();
        let tensor = adapter.header.find([UP.0, DOWN.0][which]).unwrap();
        assert_eq!(error.kind, Kind::Malformed);
        assert_eq!(error.place.offset, Some(adapter.header.tensors[tensor].offset + 12));
        assert_eq!(error.place.module.as_deref(), Some("model.a"));
    }
}

fn peft() -> Vec<u8> {
    let names = ["model.layers.0.q_proj", "model.layers.1.q_proj", "model.layers.0.v_proj"];
    let mut tensors = Vec::new();
    let owned: Vec<(String, String)> = names
        .iter()
        .map(|n| (format!("base_model.model.{n}.lora_B.weight"), format!("base_model.model.{n}.lora_A.weight")))
        .collect();
    for (b, a) in &owned {
        tensors.push((b.as_str(), &[3usize, 4][..], &[1f32; 12][..]));
        tensors.push((a.as_str(), &[4, 2][..], &[1f32; 8][..]));
    }
    valued(&tensors)
}

/// Scales by module path.
fn scales(config: Option<&str>) -> Vec<f64> {
    let bytes = peft();
    let adapter = Adapter::open(&bytes, "f", config).unwrap();
    let mut order: Vec<usize> = (0..3).collect();
    order.sort_by_key(|i| adapter.modules[*i].key.path.clone());
    read_modules(&adapter, &bytes, &order).unwrap().iter().map(|f| f.scale).collect()
}

#[test]
fn peft_configurations_set_the_scale() {
    assert_eq!(scales(None), [1.0; 3]);
    assert_eq!(scales(Some(r#"{"r": 4, "lora_alpha": 16}"#)), [4.0; 3]);
    assert_eq!(scales(Some(r#"{"r": 4, "lora_alpha": 16, "use_rslora": true}"#)), [8.0; 3]);
    assert_eq!(scales(Some("{}")), [2.0; 3], "PEFT's default alpha is 8");
    // Order: layers.0.q, layers.0.v, layers.1.q. The first key that fits decides.
    let config = r#"{"r": 4, "lora_alpha": 4, "alpha_pattern": {"layers.1.q_proj": 8, "q_proj": 12, "layers\\.\\d+\\.v_proj": 2}}"#;
    assert_eq!(scales(Some(config)), [3.0, 0.5, 2.0]);
    let zero = r#"{"r": 4, "lora_alpha": 0}"#;
    assert_eq!(scales(Some(zero)), [0.0; 3], "PEFT takes alpha 0 at its word");
}

#[test]
fn odd_patterns_are_refused_not_guessed() {
    let bytes = peft();
    let config = r#"{"r": 4, "alpha_pattern": {"layers.(?!3).*": 8}}"#;
    let error = Adapter::open(&bytes, "f", Some(config)).unwrap_err();
    assert_eq!(error.kind, Kind::Unsupported);
    assert!(error.place.key.unwrap().contains("(?!3)"));
}

#[test]
fn a_rank_that_differs_from_the_configuration_is_told() {
    let adapter = Adapter::open(&peft(), "f", Some(r#"{"r": 8, "lora_alpha": 8}"#)).unwrap();
    assert!(adapter.warnings.iter().any(|w| w.code == "config-rank"));
    let adapter = Adapter::open(&peft(), "f", None).unwrap();
    assert!(adapter.warnings.iter().any(|w| w.code == "no-config"));
}

#[test]
fn diffusers_keeps_the_configuration_in_the_metadata() {
    let (up, down) = ([0u8; 24], [0u8; 16]);
    let names = ["transformer.transformer_blocks.0.attn.to_q", "text_encoder.text_model.encoder.layers.0.mlp.fc1"];
    let tensors: Vec<(String, TensorView)> = names
        .iter()
        .flat_map(|n| {
            [
                (format!("{n}.lora_B.weight"), TensorView::new(Dtype::F32, vec![3, 2], &up).unwrap()),
                (format!("{n}.lora_A.weight"), TensorView::new(Dtype::F32, vec![2, 2], &down).unwrap()),
            ]
        })
        .collect();
    let meta = |text: &str| Some([("lora_adapter_metadata".to_owned(), text.to_owned())].into());
    let text =
        r#"{"transformer.r": 2, "transformer.lora_alpha": 6, "text_encoder.r": 2, "text_encoder.lora_alpha": 1}"#;
    let bytes = serialize(tensors.clone(), meta(text)).unwrap();
    let adapter = Adapter::open(&bytes, "f", None).unwrap();
    let all: Vec<f64> = read_modules(&adapter, &bytes, &[0, 1]).unwrap().iter().map(|f| f.scale).collect();
    let te = adapter.modules.iter().position(|m| m.key.component.is_text_encoder()).unwrap();
    assert_eq!((all[te], all[1 - te]), (0.5, 3.0));
    let bytes = serialize(tensors.clone(), meta(r#"{"transformer.use_dora": true, "transformer.r": 2}"#)).unwrap();
    assert!(Adapter::open(&bytes, "f", None).unwrap_err().what.contains("DoRA"));
    let bytes = serialize(tensors, meta("{")).unwrap();
    let error = Adapter::open(&bytes, "f", None).unwrap_err();
    assert_eq!((error.kind, error.place.key.as_deref()), (Kind::Malformed, Some("lora_adapter_metadata")));
}

#[test]
fn half_types_and_double_decode() {
    let number = |v: f32| (half::f16::from_f32(v).to_le_bytes(), half::bf16::from_f32(v).to_le_bytes());
    let values = [0.5f32, -1.5, 2.0, 3.0];
    let f16: Vec<u8> = values.iter().flat_map(|v| number(*v).0).collect();
    let bf16: Vec<u8> = values.iter().flat_map(|v| number(*v).1).collect();
    let tensors = [
        ("a.lora_up.weight", TensorView::new(Dtype::F16, vec![2, 2], &f16).unwrap()),
        ("a.lora_down.weight", TensorView::new(Dtype::BF16, vec![2, 2], &bf16).unwrap()),
    ];
    let bytes = serialize(tensors, None).unwrap();
    let f = factors(&bytes, None);
    assert_eq!((f.up, f.down), (values.to_vec(), values.to_vec()));
    let adapter = Adapter::open(&bytes, "f", None).unwrap();
    assert_eq!(read_raw(&adapter, &bytes, adapter.modules[0].part(Part::Up).unwrap()).unwrap(), f16);
    assert!(read_raw(&adapter, &bytes, 99).is_err() && read_modules(&adapter, &bytes, &[9]).is_err());
}

#[test]
fn neighbours_are_read_in_one_go_and_any_order_works() {
    let (mut names, mut tensors) = (Vec::new(), Vec::new());
    for i in 0..50 {
        names.push([format!("m{i:02}.lora_up.weight"), format!("m{i:02}.lora_down.weight"), format!("m{i:02}.alpha")]);
    }
    let values: Vec<[Vec<f32>; 3]> =
        (0..50).map(|i| [vec![i as f32; 6], vec![-(i as f32); 4], vec![2.0 * i as f32]]).collect();
    for (n, v) in names.iter().zip(&values) {
        tensors.push((n[0].as_str(), &[3usize, 2][..], v[0].as_slice()));
        tensors.push((n[1].as_str(), &[2, 2][..], v[1].as_slice()));
        tensors.push((n[2].as_str(), &[][..], v[2].as_slice()));
    }
    let bytes = valued(&tensors);
    let adapter = Adapter::open(&bytes, "f", None).unwrap();
    let source = Sparse::new(bytes.clone(), bytes.len() as u64);
    let order: Vec<usize> = (0..50).rev().chain([7, 7]).collect();
    let read = read_modules(&adapter, &source, &order).unwrap();
    assert_eq!(source.calls.get(), 1);
    for (i, f) in order.iter().zip(read.into_iter().map(plain)) {
        let n: usize = adapter.modules[*i].raw[1..].parse().unwrap();
        let scale = if n == 0 { 1.0 } else { n as f64 };
        assert_eq!((f.up, f.down, f.scale), (values[n][0].clone(), values[n][1].clone(), scale));
    }
}

#[test]
fn long_tensors_are_read_in_pieces() {
    // One factor of 6 million numbers (24 MB), beyond the longest span.
    let long: Vec<f32> = (0..6_000_000).map(|i| (i % 8191) as f32).collect();
    let bytes = valued(&[("a.lora_up.weight", &[3_000_000, 2], &long), DOWN]);
    let adapter = Adapter::open(&bytes, "f", None).unwrap();
    let source = Sparse::new(bytes.clone(), bytes.len() as u64);
    let f = plain(read_modules(&adapter, &source, &[0]).unwrap().remove(0));
    assert!(f.up == long && f.down == DOWN.2);
    assert!(source.calls.get() >= 3);
}
