//! Kinds of adapters: told by names and shapes, and refused where these do not fit.

use crate::support::{Blank, file_with, open, raw, valued};
use rankweave_adapter::{Adapter, Dtype, Kind, KindId, read_modules};

const F: Dtype = Dtype::F16;

/// Kind, out, in, kernel, rank and what alpha is divided by, of a file's only module.
fn only(tensors: &[Blank]) -> (KindId, usize, usize, Vec<usize>, usize, usize) {
    let mut adapter = open(&file_with(tensors, &[])).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(adapter.modules.len(), 1, "{:?}", adapter.modules);
    let m = adapter.modules.remove(0);
    (m.kind, m.shape.out, m.shape.inp, m.shape.kernel, m.rank, m.dim)
}

#[test]
fn sizes_and_ranks_come_from_the_shapes() {
    let cases: [(&[Blank], _); 12] = [
        (
            &[
                ("a.lora_up.weight", F, &[8, 3, 1, 1]),
                ("a.lora_mid.weight", F, &[3, 2, 5, 5]),
                ("a.lora_down.weight", F, &[2, 4, 1, 1]),
            ],
            (KindId::Lora, 8, 4, vec![5, 5], 3, 2),
        ),
        (
            &[("a.lora_up.weight", F, &[8, 3, 1]), ("a.lora_down.weight", F, &[3, 4, 7])],
            (KindId::Lora, 8, 4, vec![7], 3, 3),
        ),
        (
            &[
                ("a.hada_w1_a", F, &[40, 3]),
                ("a.hada_w1_b", F, &[3, 50]),
                ("a.hada_w2_a", F, &[40, 3]),
                ("a.hada_w2_b", F, &[3, 50]),
            ],
            (KindId::Loha, 40, 50, vec![], 9, 3),
        ),
        (
            &[
                ("a.hada_w1_a", F, &[40, 8]),
                ("a.hada_w1_b", F, &[8, 50]),
                ("a.hada_w2_a", F, &[40, 8]),
                ("a.hada_w2_b", F, &[8, 50]),
            ],
            (KindId::Loha, 40, 50, vec![], 40, 8),
        ),
        (
            &[
                ("a.hada_t1", F, &[2, 2, 3, 3]),
                ("a.hada_w1_a", F, &[2, 40]),
                ("a.hada_w1_b", F, &[2, 50]),
                ("a.hada_t2", F, &[2, 2, 3, 3]),
                ("a.hada_w2_a", F, &[2, 40]),
                ("a.hada_w2_b", F, &[2, 50]),
            ],
            (KindId::Loha, 40, 50, vec![3, 3], 4, 2),
        ),
        (&[("a.lokr_w1", F, &[2, 4]), ("a.lokr_w2", F, &[5, 3, 3, 3])], (KindId::Lokr, 10, 12, vec![3, 3], 10, 0)),
        (
            &[
                ("a.lokr_w1_a", F, &[2, 1]),
                ("a.lokr_w1_b", F, &[1, 4]),
                ("a.lokr_w2_a", F, &[5, 2]),
                ("a.lokr_w2_b", F, &[2, 3]),
            ],
            (KindId::Lokr, 10, 12, vec![], 2, 2),
        ),
        (
            &[("a.lokr_w1_a", F, &[2, 9]), ("a.lokr_w1_b", F, &[9, 4]), ("a.lokr_w2", F, &[5, 3])],
            (KindId::Lokr, 10, 12, vec![], 6, 9),
        ),
        (&[("a.diff", F, &[10, 4, 3])], (KindId::Full, 10, 4, vec![3], 10, 0)),
        (&[("a.diff", F, &[10])], (KindId::Vector, 10, 1, vec![], 1, 0)),
        (
            &[
                ("base_model.model.a.lora_embedding_A", F, &[4, 100]),
                ("base_model.model.a.lora_embedding_B", F, &[8, 4]),
            ],
            (KindId::Embedding, 100, 8, vec![], 4, 4),
        ),
        (
            &[
                ("a.vera_lambda_b", F, &[6]),
                ("a.vera_lambda_d", F, &[3]),
                ("vera_A", F, &[4, 7]),
                ("vera_B", F, &[9, 4]),
            ],
            (KindId::Vera, 6, 7, vec![], 3, 0),
        ),
    ];
    for (tensors, wanted) in cases {
        assert_eq!(only(tensors), wanted);
    }
}

#[test]
fn vectors_are_modules_of_their_own_in_their_pairs_dialect() {
    let tensors: [Blank; 5] = [
        ("transformer_blocks.0.attn.to_k.lora_up.weight", F, &[8, 2]),
        ("transformer_blocks.0.attn.to_k.lora_down.weight", F, &[2, 8]),
        ("transformer_blocks.0.attn.to_k.alpha", F, &[]),
        ("transformer_blocks.0.attn.to_k.diff_b", F, &[8]),
        ("transformer_blocks.0.attn.norm_k.diff", F, &[8]),
    ];
    let adapter = open(&file_with(&tensors, &[])).unwrap();
    let ids: Vec<String> = adapter.modules.iter().map(|m| m.key.id()).collect();
    let wanted =
        ["to_k", "to_k.bias", "norm_k.weight"].map(|end| format!("transformer.transformer_blocks.0.attn.{end}"));
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(ids), sorted(wanted.to_vec()));
    assert!(adapter.modules.iter().all(|m| m.dialect == adapter.dialect), "{:?}", adapter.modules);
    assert!(adapter.warnings.is_empty(), "{:?}", adapter.warnings);
    let bias = adapter.modules.iter().find(|m| m.kind == KindId::Vector).unwrap();
    assert_eq!(bias.scale(Some(4.0)), 1.0, "alpha does not scale a whole difference");
}

#[test]
fn what_does_not_fit_is_refused() {
    let cases: [(&[Blank], Kind, &str); 16] = [
        (
            &[("a.hada_w1_a", F, &[4, 2]), ("a.hada_w1_b", F, &[2, 4]), ("a.hada_w2_a", F, &[4, 2])],
            Kind::Malformed,
            "missing",
        ),
        (
            &[
                ("a.hada_w1_a", F, &[4, 2]),
                ("a.hada_w1_b", F, &[2, 4]),
                ("a.hada_w2_a", F, &[4, 2]),
                ("a.hada_w2_b", F, &[2, 5]),
            ],
            Kind::Malformed,
            "two halves",
        ),
        (
            &[
                ("a.hada_w1_a", F, &[4, 3]),
                ("a.hada_w1_b", F, &[2, 4]),
                ("a.hada_w2_a", F, &[4, 2]),
                ("a.hada_w2_b", F, &[2, 4]),
            ],
            Kind::Malformed,
            "factors of a product",
        ),
        (&[("a.lokr_w1", F, &[2, 2])], Kind::Malformed, "missing"),
        (&[("a.lokr_w1", F, &[2, 2]), ("a.lokr_w2_a", F, &[2, 2])], Kind::Malformed, "missing"),
        (
            &[("a.lokr_w1", F, &[2, 2]), ("a.lokr_w1_a", F, &[2, 2]), ("a.lokr_w2", F, &[2, 2])],
            Kind::Malformed,
            "twice",
        ),
        (&[("a.lokr_w1", F, &[4]), ("a.lokr_w2", F, &[2, 2])], Kind::Malformed, "too few dimensions"),
        (&[("a.lora_mid.weight", F, &[2, 2, 3, 3])], Kind::Malformed, "missing"),
        (
            &[
                ("a.lora_up.weight", F, &[8, 2]),
                ("a.lora_mid.weight", F, &[3, 2, 3, 3]),
                ("a.lora_down.weight", F, &[2, 4]),
            ],
            Kind::Malformed,
            "three factors",
        ),
        (
            &[("a.diff", F, &[2, 2]), ("a.lora_up.weight", F, &[2, 2]), ("a.lora_down.weight", F, &[2, 2])],
            Kind::Unsupported,
            "two ways",
        ),
        (&[("a.diff_b", F, &[2, 2])], Kind::Malformed, "bias or a norm"),
        (&[("a.lora_E", F, &[3, 1]), ("a.lora_A", F, &[2, 4]), ("a.lora_B", F, &[4, 2])], Kind::Malformed, "AdaLoRA"),
        (&[("a.lora_E", F, &[2, 1]), ("a.lora_A", F, &[2, 4])], Kind::Malformed, "missing"),
        (&[("a.vera_lambda_b", F, &[4]), ("a.vera_lambda_d", F, &[2])], Kind::Unsupported, "without its projections"),
        (
            &[
                ("a.vera_lambda_b", F, &[4]),
                ("a.vera_lambda_d", F, &[2]),
                ("vera_A", F, &[2, 4]),
                ("vera_B", F, &[3, 2]),
            ],
            Kind::Malformed,
            "VeRA",
        ),
        (
            &[
                ("a.lora_up.weight", F, &[8, 2]),
                ("a.lora_down.weight", F, &[2, 4]),
                ("a.bias_values", F, &[3]),
                ("a.bias_indices", Dtype::I16, &[2, 4]),
                ("a.bias_size", Dtype::I16, &[2]),
            ],
            Kind::Malformed,
            "sparse",
        ),
    ];
    for (tensors, kind, what) in cases {
        let error = open(&file_with(tensors, &[])).expect_err(what);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.what.contains(what), "{what}: {error}");
        assert!(error.place.key.is_some() && error.place.module.is_some() && !error.hint.is_empty(), "{error}");
    }
    for (name, title) in [("a.shira_weight", "SHiRA"), ("a.lora_diag", "KaSA"), ("a.hira_A", "HiRA")] {
        let error = open(&file_with(&[(name, F, &[4])], &[])).unwrap_err();
        assert!(error.kind == Kind::Unsupported && error.what.contains(title), "{error}");
    }
}

#[test]
fn kinds_that_need_the_base_open_without_it_as_far_as_they_are_known() {
    let cases: &[(&[Blank], KindId, &str, usize)] = &[
        (
            &[("a.lora_up.weight", F, &[6, 2]), ("a.lora_down.weight", F, &[2, 5]), ("a.dora_scale", F, &[1, 5])],
            KindId::Dora,
            "6×5",
            5,
        ),
        (&[("a.ia3_l", F, &[6, 1])], KindId::Ia3, "6×?", 0),
        (&[("a.ia3_l", F, &[1, 6])], KindId::Ia3, "?×6", 0),
        (&[("a.oft_blocks", F, &[3, 2, 2]), ("a.rescale", F, &[6, 1])], KindId::Oft, "6×?", 0),
        (&[("a.oft_R.weight", F, &[3, 6])], KindId::Oft, "?×12", 0),
    ];
    for (tensors, kind, shape, rank) in cases {
        let adapter = open(&file_with(tensors, &[])).unwrap();
        let module = &adapter.modules[0];
        assert_eq!((module.kind, module.shape.to_string().as_str(), module.rank), (*kind, *shape, *rank));
        assert_eq!(adapter.needing_base(), 1);
    }
    let mut adapter = open(&file_with(cases[0].0, &[])).unwrap();
    adapter.take_direction();
    let module = &adapter.modules[0];
    assert_eq!((module.kind, module.rank, module.dim, adapter.needing_base()), (KindId::Lora, 2, 2, 0));
    assert!(adapter.warnings.iter().any(|w| w.code == "dora-direction"));
    let refused: &[(&[Blank], Kind, &str)] = &[
        (&[("a.oft_blocks", F, &[2, 3, 2, 2])], Kind::Unsupported, "BOFT"),
        (&[("a.oft_blocks", F, &[3, 2, 4])], Kind::Malformed, "blocks"),
        (&[("a.oft_R.weight", F, &[3, 5])], Kind::Malformed, "blocks"),
        (&[("a.ia3_l", F, &[3, 2])], Kind::Malformed, "IA³"),
        (&[("a.dora_scale", F, &[4])], Kind::Malformed, "missing"),
        (
            &[("a.lora_up.weight", F, &[6, 2]), ("a.lora_down.weight", F, &[2, 5]), ("a.dora_scale", F, &[7, 1])],
            Kind::Malformed,
            "magnitudes",
        ),
        (&[("a.oft_diag", F, &[2, 4, 4])], Kind::Unsupported, "OFT"),
    ];
    for (tensors, kind, what) in refused {
        let error = open(&file_with(tensors, &[])).unwrap_err();
        assert!(error.kind == *kind && error.what.contains(what) && !error.hint.is_empty(), "{error}");
    }
}

#[test]
fn products_too_large_are_refused_before_anything_is_read() {
    // Small factors whose product would not fit: r² beyond every limit, and a matrix of 10¹² entries.
    let header = |parts: &[(&str, [u64; 2])]| {
        let mut at = 0;
        let entries = parts.iter().map(|(name, [a, b])| {
            let (from, to) = (at, at + a * b);
            at = to;
            format!(r#""a.{name}":{{"dtype":"F8_E4M3","shape":[{a},{b}],"data_offsets":[{from},{to}]}}"#)
        });
        let text = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
        raw(&text, at as usize)
    };
    for parts in [
        [
            ("hada_w1_a", [70_000, 300]),
            ("hada_w1_b", [300, 70_000]),
            ("hada_w2_a", [70_000, 300]),
            ("hada_w2_b", [300, 70_000]),
        ],
        [
            ("lokr_w1_a", [1 << 20, 1]),
            ("lokr_w1_b", [1, 1 << 20]),
            ("lokr_w2_a", [1 << 20, 1]),
            ("lokr_w2_b", [1, 1 << 20]),
        ],
        [("lokr_w1_a", [2000, 1]), ("lokr_w1_b", [1, 2000]), ("lokr_w2_a", [2000, 2000]), ("lokr_w2_b", [2000, 2000])],
    ] {
        let error = Adapter::open(&header(&parts), "f", None).unwrap_err();
        assert_eq!(error.kind, Kind::Limit, "{error}");
    }
}

#[test]
fn scales_of_the_kinds() {
    let peft = |tensors: &[Blank], config: &str| {
        let bytes = file_with(tensors, &[]);
        let adapter = Adapter::open(&bytes, "f", Some(config)).unwrap();
        read_modules(&adapter, &bytes, &[0]).unwrap()[0].scale
    };
    let loha: [Blank; 4] = [
        ("m.hada_w1_a", F, &[4, 2]),
        ("m.hada_w1_b", F, &[2, 4]),
        ("m.hada_w2_a", F, &[4, 2]),
        ("m.hada_w2_b", F, &[2, 4]),
    ];
    assert_eq!(peft(&loha, r#"{"peft_type": "LOHA", "r": 2, "alpha": 6}"#), 3.0);
    let lokr: [Blank; 2] = [("m.lokr_w1", F, &[2, 2]), ("m.lokr_w2", F, &[2, 2])];
    assert_eq!(peft(&lokr, r#"{"peft_type": "LOKR", "r": 4, "alpha": 6}"#), 1.5, "PEFT divides by its own rank");
    assert_eq!(
        read_modules(&open(&file_with(&lokr, &[])).unwrap(), &file_with(&lokr, &[]), &[0]).unwrap()[0].scale,
        1.0
    );
    let half: [Blank; 3] = [("m.lokr_w1", F, &[2, 2]), ("m.lokr_w2_a", F, &[2, 1]), ("m.lokr_w2_b", F, &[1, 2])];
    assert_eq!(peft(&half, r#"{"peft_type": "LOKR", "r": 1, "alpha": 3}"#), 3.0);
    let bias: [Blank; 3] =
        [("m.lora_A.weight", F, &[2, 4]), ("m.lora_B.weight", F, &[4, 2]), ("m.lora_B.bias", F, &[4])];
    let bytes = file_with(&bias, &[]);
    let adapter = Adapter::open(&bytes, "f", Some(r#"{"r": 2, "lora_alpha": 8}"#)).unwrap();
    assert!(read_modules(&adapter, &bytes, &[0, 1]).unwrap().iter().all(|s| s.scale == 4.0));
    // An alpha tensor beside halves: alpha over the rows of w2_b, and of w1_b of LoHa.
    let values = [0.0; 8];
    let bytes = valued(&[
        ("m.lokr_w1", &[2, 2], &values[..4]),
        ("m.lokr_w2_a", &[2, 2], &values[..4]),
        ("m.lokr_w2_b", &[2, 4], &values),
        ("m.alpha", &[], &[5.0]),
    ]);
    assert_eq!(read_modules(&open(&bytes).unwrap(), &bytes, &[0]).unwrap()[0].scale, 2.5);
}

#[test]
fn a_vera_file_says_what_it_does_not_know() {
    let tensors: [Blank; 4] = [
        ("base_model.model.a.vera_lambda_b", F, &[4]),
        ("base_model.model.a.vera_lambda_d", F, &[2]),
        ("base_model.vera_A", F, &[2, 4]),
        ("base_model.vera_B", F, &[4, 2]),
    ];
    let adapter = open(&file_with(&tensors, &[])).unwrap();
    assert!(adapter.warnings.iter().any(|w| w.code == "vera-inputs"), "{:?}", adapter.warnings);
    assert!(!adapter.warnings.iter().any(|w| w.code == "no-config"), "VeRA has no alpha");
    let twice = [&tensors[..], &[("base_model.other.vera_A", F, &[2, 4])]].concat();
    assert!(open(&file_with(&twice, &[])).unwrap_err().what.contains("several adapters"));
}
