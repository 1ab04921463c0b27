//! Damaged adapters: an error that names the file, never a panic.

use crate::support::{Blank, file_with, open, raw};
use rankweave_adapter::{Adapter, Dtype, Kind, read_modules};
use safetensors::SafeTensors;

fn small() -> Vec<u8> {
    let tensors: [Blank; 5] = [
        ("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", Dtype::F16, &[3, 2]),
        ("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", Dtype::F16, &[2, 4]),
        ("lora_unet_mid_block_attentions_0_proj_in.alpha", Dtype::F32, &[]),
        ("lora_te_x.lora_up.weight", Dtype::BF16, &[3, 1]),
        ("lora_te_x.lora_down.weight", Dtype::BF16, &[1, 5]),
    ];
    file_with(&tensors, &[("ss_v2", "False")])
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = small();
    assert!(open(&whole).is_ok());
    for n in 0..whole.len() {
        let error = open(&whole[..n]).expect_err("cut");
        assert_eq!(error.kind, Kind::Malformed, "at {n}: {error}");
        assert_eq!(error.place.file.as_deref(), Some("test.safetensors"));
        assert!(!error.hint.is_empty(), "{error}");
    }
    let mut longer = whole;
    longer.push(0);
    assert_eq!(open(&longer).unwrap_err().kind, Kind::Malformed);
}

#[test]
fn every_flipped_bit_of_a_header_is_survived() {
    let whole = small();
    let data = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let (mut accepted, mut refused) = (0, 0);
    for bit in 0..8 * data {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match open(&bytes) {
            Ok(adapter) => {
                assert!(SafeTensors::deserialize(&bytes).is_ok(), "bit {bit}: the reference rejects this");
                let all: Vec<usize> = (0..adapter.modules.len()).collect();
                let _ = read_modules(&adapter, &bytes, &all);
                accepted += 1;
            }
            Err(error) => {
                assert_eq!(error.to_string().lines().count(), 3);
                refused += 1;
            }
        }
    }
    assert!(accepted > 0 && refused > 10 * accepted / 2, "{accepted} accepted, {refused} refused");
}

#[test]
fn pairs_that_do_not_fit_are_malformed() {
    let cases: [(&[Blank], &str); 9] = [
        (&[("a.lora_up.weight", Dtype::F32, &[3, 2])], "Half of a factor pair"),
        (&[("a.lora_A.weight", Dtype::F32, &[3, 2])], "Half of a factor pair"),
        (&[("unet:0:up", Dtype::F32, &[3, 2])], "Half of a factor pair"),
        (
            &[("a.lora_up.weight", Dtype::F32, &[3, 2]), ("a.lora_down.weight", Dtype::F32, &[3, 2])],
            "do not fit together",
        ),
        (&[("a.lora_up.weight", Dtype::F32, &[3]), ("a.lora_down.weight", Dtype::F32, &[3, 2])], "too few dimensions"),
        (&[("a.lora_up.weight", Dtype::F32, &[3, 0]), ("a.lora_down.weight", Dtype::F32, &[0, 2])], "empty"),
        (
            &[("a.lora_up.weight", Dtype::F32, &[3, 2, 3, 3]), ("a.lora_down.weight", Dtype::F32, &[2, 2])],
            "do not fit together",
        ),
        (
            &[("a.lora_up.weight", Dtype::F32, &[3, 2, 1]), ("a.lora_down.weight", Dtype::F32, &[2, 2, 3, 3])],
            "different convolutions",
        ),
        (
            &[
                ("a.lora_up.weight", Dtype::F32, &[3, 2]),
                ("a.lora_down.weight", Dtype::F32, &[2, 2]),
                ("a.alpha", Dtype::F32, &[2]),
            ],
            "alpha is not one number",
        ),
    ];
    for (tensors, what) in cases {
        let error = open(&file_with(tensors, &[])).expect_err(what);
        assert_eq!(error.kind, Kind::Malformed, "{error}");
        assert!(error.what.contains(what), "{error}");
        assert!(error.place.key.is_some(), "{error}");
    }
    let half = open(&file_with(&[("x.lora_B.default.weight", Dtype::F32, &[3, 2])], &[])).unwrap_err();
    assert_eq!(half.expected.as_deref(), Some("also x.lora_A.default.weight"));
}

#[test]
fn one_module_in_two_spellings_is_refused() {
    let tensors: [Blank; 4] = [
        ("unet.mid_block.attentions.0.proj_in.lora_A.weight", Dtype::F32, &[2, 4]),
        ("unet.mid_block.attentions.0.proj_in.lora_B.weight", Dtype::F32, &[4, 2]),
        ("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", Dtype::F32, &[2, 4]),
        ("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", Dtype::F32, &[4, 2]),
    ];
    let error = open(&file_with(&tensors, &[])).unwrap_err();
    assert_eq!((error.kind, error.what.as_str()), (Kind::Malformed, "One module has two factor pairs"));
}

#[test]
fn two_adapters_in_one_file_are_refused() {
    let tensors: [Blank; 4] = [
        ("x.lora_A.one.weight", Dtype::F32, &[2, 4]),
        ("x.lora_B.one.weight", Dtype::F32, &[4, 2]),
        ("x.lora_A.two.weight", Dtype::F32, &[2, 4]),
        ("x.lora_B.two.weight", Dtype::F32, &[4, 2]),
    ];
    assert!(open(&file_with(&tensors, &[])).unwrap_err().what.contains("several adapters"));
}

#[test]
fn other_number_types_and_sizes_are_refused() {
    let eight: [Blank; 2] = [("a.lora_up.weight", Dtype::I8, &[3, 2]), ("a.lora_down.weight", Dtype::I8, &[2, 3])];
    let error = open(&file_with(&eight, &[])).unwrap_err();
    assert_eq!((error.kind, error.found.as_deref()), (Kind::Unsupported, Some("I8")));
    let header = r#"{"a.lora_up.weight":{"dtype":"F16","shape":[1,100000],"data_offsets":[0,200000]},
        "a.lora_down.weight":{"dtype":"F16","shape":[100000,1],"data_offsets":[200000,400000]}}"#;
    let error = open(&raw(header, 400_000)).unwrap_err();
    assert_eq!((error.kind, error.what.as_str()), (Kind::Limit, "The rank is too high"));
}

#[test]
fn files_without_pairs_are_no_adapters() {
    let model: [Blank; 2] = [("model.diffusion_model.out.2.weight", Dtype::F16, &[4, 3]), ("x.bias", Dtype::F16, &[4])];
    for tensors in [&model[..], &[]] {
        let error = open(&file_with(tensors, &[])).unwrap_err();
        assert_eq!((error.kind, error.what.as_str()), (Kind::Unsupported, "This is not a LoRA adapter"));
    }
}

#[test]
fn a_bad_configuration_names_its_field() {
    let bytes = file_with(
        &[
            ("base_model.model.x.lora_A.weight", Dtype::F32, &[2, 4]),
            ("base_model.model.x.lora_B.weight", Dtype::F32, &[4, 2]),
        ],
        &[],
    );
    let open = |config: &str| Adapter::open(&bytes, "f", Some(config));
    assert_eq!(open(r#"{"r": "four"}"#).unwrap_err().place.key.as_deref(), Some("r"));
    assert_eq!(open(r#"{"r": 4, "lora_alpha": [1]}"#).unwrap_err().kind, Kind::Malformed);
    assert_eq!(open(r#"{"alpha_pattern": 3}"#).unwrap_err().kind, Kind::Malformed);
    assert_eq!(open("not json").unwrap_err().kind, Kind::Malformed);
    assert_eq!(open(&"[".repeat(100_000)).unwrap_err().kind, Kind::Malformed);
    assert_eq!(open(&format!("{{}}{}", " ".repeat(5 << 20))).unwrap_err().kind, Kind::Limit);
    assert!(open("{}").is_ok());
    // The magnitudes that the configuration speaks of are not in the file.
    let error = open(r#"{"use_dora": true}"#).unwrap_err();
    assert!(error.kind == Kind::Malformed && error.what.contains("DoRA"), "{error}");
    for (config, named) in [
        (r#"{"peft_type": "BOFT"}"#, "BOFT"),
        (r#"{"peft_type": "HIRA"}"#, "HIRA"),
        (r#"{"fine_tune_type": "dora"}"#, "DoRA"),
        (r#"{"use_qalora": true}"#, "QA-LoRA"),
        (r#"{"init_lora_weights": "pissa_niter_16"}"#, "pissa"),
        (r#"{"init_lora_weights": "olora"}"#, "olora"),
        (r#"{"target_parameters": ["experts.w1"]}"#, "expert"),
    ] {
        let error = open(config).unwrap_err();
        assert_eq!(error.kind, Kind::Unsupported);
        assert!(error.what.contains(named), "{error}");
        assert!(error.place.file.is_some() && error.place.key.is_some() && !error.hint.is_empty(), "{error}");
    }
}
