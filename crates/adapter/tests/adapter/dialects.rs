//! Names in, modules out, names back.

use crate::support::file_with;
use Component::{Model, TextEncoder, Transformer, Unet};
use proptest::prelude::*;
use rankweave_adapter::{
    Adapter, Component, DialectId, Dtype, Kind, ModuleKey, NamingContext, check_components, native, output_keys,
};

/// Opens a file with one pair, named by these two suffixed names.
fn one(up: &str, down: &str) -> Adapter {
    let bytes = file_with(&[(up, Dtype::F16, &[8, 2]), (down, Dtype::F16, &[2, 8])], &[]);
    Adapter::open(&bytes, "f", None).unwrap_or_else(|e| panic!("{up}: {e}"))
}

#[test]
fn every_spelling_finds_its_module() {
    use DialectId as D;
    let attention = "down_blocks.0.attentions.0.transformer_blocks.0.attn1";
    let cases: [(&str, &str, DialectId, Component, &str); 27] = [
        (
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k",
            "K",
            D::Kohya,
            Unet,
            &format!("{attention}.to_k"),
        ),
        (
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0",
            "K",
            D::Kohya,
            Unet,
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0",
        ),
        (
            "lora_te_text_model_encoder_layers_0_mlp_fc1",
            "K",
            D::Kohya,
            TextEncoder(1),
            "text_model.encoder.layers.0.mlp.fc1",
        ),
        ("lora_te2_text_projection", "K", D::Kohya, TextEncoder(2), "text_projection"),
        (
            "lora_te3_encoder_block_0_layer_0_SelfAttention_q",
            "K",
            D::Kohya,
            TextEncoder(3),
            "encoder.block.0.layer.0.SelfAttention.q",
        ),
        ("lora_unet_double_blocks_0_img_attn_qkv", "K", D::Kohya, Transformer, "double_blocks_0_img_attn_qkv"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv", "K", D::Kohya, Transformer, "joint_blocks.0.x_block.attn.qkv"),
        ("lora_unet__blocks_0_self_attn_q", "K", D::Kohya, Transformer, "blocks.0.attn1.to_q"),
        ("lora_unet_strange_0_thing", "K", D::Kohya, Unet, "strange_0_thing"),
        (
            "lora_transformer_single_transformer_blocks_16_attn_to_q",
            "K",
            D::Kohya,
            Transformer,
            "single_transformer_blocks.16.attn.to_q",
        ),
        ("lora_prior_unet_down_blocks_0_x", "K", D::Kohya, Component::Prior, "down_blocks_0_x"),
        ("lycoris_transformer_blocks_3_norm1_linear", "K", D::Kohya, Transformer, "transformer_blocks.3.norm1.linear"),
        ("transformer_blocks.0.attn.to_k", "K", D::Kohya, Transformer, "transformer_blocks.0.attn.to_k"),
        ("base_model.model.model.layers.0.self_attn.q_proj", "P", D::Peft, Model, "model.layers.0.self_attn.q_proj"),
        ("base_model.model.model.layers.0.self_attn.q_proj", "N", D::Peft, Model, "model.layers.0.self_attn.q_proj"),
        ("base_model.model.transformer.h.0.attn.c_attn", "P", D::Peft, Model, "transformer.h.0.attn.c_attn"),
        ("transformer.h.0.attn.c_attn", "P", D::Peft, Model, "transformer.h.0.attn.c_attn"),
        (
            "base_model.model.transformer_blocks.0.attn.to_q",
            "P",
            D::Peft,
            Transformer,
            "transformer_blocks.0.attn.to_q",
        ),
        (
            "base_model.model.text_model.encoder.layers.1.mlp.fc2",
            "P",
            D::Peft,
            TextEncoder(1),
            "text_model.encoder.layers.1.mlp.fc2",
        ),
        ("unet.mid_block.attentions.0.proj_in", "P", D::Diffusers, Unet, "mid_block.attentions.0.proj_in"),
        (
            "text_encoder_2.text_model.encoder.layers.0.mlp.fc1",
            "P",
            D::Diffusers,
            TextEncoder(2),
            "text_model.encoder.layers.0.mlp.fc1",
        ),
        ("transformer_blocks.0.attn.to_q", "P", D::Diffusers, Transformer, "transformer_blocks.0.attn.to_q"),
        ("diffusion_model.blocks.0.cross_attn.k_img", "P", D::Comfy, Transformer, "blocks.0.attn2.add_k_proj"),
        ("diffusion_model.output_blocks.0.1.proj_out", "P", D::Comfy, Unet, "up_blocks.0.attentions.0.proj_out"),
        (
            "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out",
            "O",
            D::DiffusersProcs,
            Unet,
            "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0",
        ),
        (
            "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0",
            "M",
            D::DiffusersLora,
            Unet,
            "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0",
        ),
        (
            "text_encoder.text_model.encoder.layers.0.self_attn.k_proj",
            "L",
            D::DiffusersLinear,
            TextEncoder(1),
            "text_model.encoder.layers.0.self_attn.k_proj",
        ),
    ];
    for (base, suffix, dialect, component, path) in cases {
        let (up, down) = match suffix {
            "K" => (".lora_up.weight", ".lora_down.weight"),
            "P" => (".lora_B.weight", ".lora_A.weight"),
            "N" => (".lora_B.default.weight", ".lora_A.default.weight"),
            "O" => ("_lora.up.weight", "_lora.down.weight"),
            "M" => (".lora.up.weight", ".lora.down.weight"),
            _ => (".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"),
        };
        let adapter = one(&format!("{base}{up}"), &format!("{base}{down}"));
        let module = &adapter.modules[0];
        assert_eq!(
            (adapter.dialect, module.key.component, module.key.path.as_str()),
            (dialect, component, path),
            "{base}"
        );
        assert_eq!((module.raw.as_str(), module.rank, module.shape.out), (base, 2, 8));
        // Written in its own dialect, a module keeps its name, less an adapter's name in it.
        let keys = output_keys(dialect, &module.key, &module.raw, dialect, NamingContext::default()).unwrap();
        assert_eq!(keys.up, format!("{base}{}", up.replace(".default", "")));
        assert_eq!(keys.alpha.is_some(), dialect == DialectId::Kohya);
    }
    let clone = one("unet:12:up", "unet:12:down");
    assert_eq!((clone.dialect, clone.modules[0].key.id()), (DialectId::Cloneofsimo, "unet.12".to_owned()));
    assert_eq!(clone.warnings[0].code, "positional-names");
}

#[test]
fn spellings_of_one_module_match() {
    let same = [
        one(
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0.lora_up.weight",
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0.lora_down.weight",
        ),
        one(
            "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_up.weight",
            "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_down.weight",
        ),
        one(
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight",
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.down.weight",
        ),
        one(
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora.up.weight",
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora.down.weight",
        ),
        one(
            "base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_B.weight",
            "base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_A.weight",
        ),
    ];
    for adapter in &same {
        assert_eq!(adapter.modules[0].key, same[0].modules[0].key);
    }
    let unknown = one(
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight",
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
    );
    let comfy = one(
        "diffusion_model.double_blocks.0.img_attn.qkv.lora_B.weight",
        "diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight",
    );
    assert_eq!(unknown.modules[0].key.matching(), comfy.modules[0].key.matching());
}

#[test]
fn names_are_mapped_between_dialects() {
    use DialectId as D;
    let key = |component, path: &str| ModuleKey { component, path: path.to_owned() };
    let sdxl = NamingContext { family: "sdxl" };
    let sd15 = NamingContext { family: "sd15" };
    let flux = NamingContext { family: "flux1" };
    let to = key(Unet, "up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0");
    let up = |dialect, key: &ModuleKey, raw, ctx| output_keys(dialect, key, "raw", raw, ctx).map(|k| k.up);
    for (dialect, ctx, name) in [
        (D::Kohya, sdxl, "lora_unet_output_blocks_1_1_transformer_blocks_0_attn1_to_out_0.lora_up.weight"),
        (D::Kohya, sd15, "lora_unet_up_blocks_0_attentions_1_transformer_blocks_0_attn1_to_out_0.lora_up.weight"),
        (D::Peft, sd15, "base_model.model.up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0.lora_B.weight"),
        (
            D::DiffusersProcs,
            sd15,
            "unet.up_blocks.0.attentions.1.transformer_blocks.0.attn1.processor.to_out_lora.up.weight",
        ),
        (D::DiffusersLora, sd15, "unet.up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0.lora.up.weight"),
        (D::DiffusersLinear, sd15, "unet.up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0.lora.up.weight"),
    ] {
        assert_eq!(up(dialect, &to, D::Diffusers, ctx).unwrap(), name);
    }
    let keys = output_keys(D::Diffusers, &to, "raw", D::Kohya, sdxl).unwrap();
    assert_eq!(keys.up, "unet.up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0.lora_B.weight");
    assert_eq!((keys.down.contains(".lora_A."), keys.alpha), (true, None));
    let feed = key(Unet, "mid_block.attentions.0.transformer_blocks.0.ff.net.2");
    assert!(up(D::DiffusersProcs, &feed, D::Kohya, sd15).unwrap().ends_with(".ff.net.2.lora.up.weight"));
    let te = key(TextEncoder(1), "text_model.encoder.layers.0.mlp.fc1");
    assert_eq!(
        up(D::Kohya, &te, D::Diffusers, sd15).unwrap(),
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"
    );
    assert_eq!(
        up(D::Kohya, &te, D::Diffusers, sdxl).unwrap(),
        "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"
    );
    assert_eq!(
        up(D::DiffusersProcs, &te, D::Kohya, sd15).unwrap(),
        "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_linear_layer.up.weight"
    );
    let joint = key(Transformer, "transformer_blocks.0.attn.to_q");
    assert_eq!(
        up(D::Kohya, &joint, D::Diffusers, flux).unwrap(),
        "lora_transformer_transformer_blocks_0_attn_to_q.lora_up.weight"
    );
    let kohya = output_keys(D::Kohya, &joint, "raw", D::Diffusers, flux).unwrap();
    assert_eq!(kohya.alpha.as_deref(), Some("lora_transformer_transformer_blocks_0_attn_to_q.alpha"));
    assert_eq!(up(D::Mixed, &joint, D::Peft, flux).unwrap(), "raw.lora_B.weight");
}

#[test]
fn names_that_cannot_be_mapped_are_refused_with_the_module() {
    use DialectId as D;
    let key = |component, path: &str| ModuleKey { component, path: path.to_owned() };
    for (dialect, module, raw_dialect) in [
        (D::Diffusers, key(Transformer, "double_blocks_0_img_attn_qkv"), D::Kohya),
        (D::Peft, key(Unet, "strange_0_thing"), D::Kohya),
        (D::Kohya, key(Model, "model.layers.0.q_proj"), D::Peft),
        (D::Diffusers, key(Model, "model.layers.0.q_proj"), D::Peft),
        (D::Kohya, key(Unet, "12"), D::Cloneofsimo),
        (D::Cloneofsimo, key(Unet, "conv_in"), D::Kohya),
        (D::Comfy, key(Unet, "conv_in"), D::Kohya),
    ] {
        let error = output_keys(dialect, &module, "raw", raw_dialect, NamingContext::default()).unwrap_err();
        assert_eq!(error.kind, Kind::Unsupported);
        assert_eq!(error.place.module, Some(module.id()));
        assert!(!error.hint.is_empty());
    }
}

#[test]
fn peft_holds_one_part_of_a_model() {
    let unet = ModuleKey { component: Unet, path: "conv_in".to_owned() };
    let text = ModuleKey { component: TextEncoder(1), path: "text_projection".to_owned() };
    let check = |dialect, raw| check_components(dialect, [(&unet, raw), (&text, raw)]);
    assert_eq!(check(DialectId::Peft, DialectId::Kohya).unwrap_err().place.module, Some(text.id()));
    assert!(check(DialectId::Diffusers, DialectId::Kohya).is_ok());
    assert!(check(DialectId::Peft, DialectId::Peft).is_ok(), "read as one PEFT file, it can be written as one");
    assert!(check_components(DialectId::Peft, [(&unet, DialectId::Kohya)]).is_ok());
}

#[test]
fn a_peft_file_of_a_denoiser_keeps_its_single_layers() {
    let names = ["base_model.model.proj_out", "base_model.model.transformer_blocks.0.attn.to_q"];
    let keys: Vec<String> =
        names.iter().flat_map(|n| [format!("{n}.lora_A.weight"), format!("{n}.lora_B.weight")]).collect();
    let tensors: Vec<_> = keys.iter().map(|k| (k.as_str(), Dtype::F16, &[4usize, 4][..])).collect();
    let adapter = Adapter::open(&file_with(&tensors, &[]), "f", None).unwrap();
    assert!(adapter.modules.iter().all(|m| m.key.component == Transformer), "{:?}", adapter.modules);
}

#[test]
fn mixed_files_are_told_and_old_diffusers_spellings_go_together() {
    let pair = |base: &str, up: &str, down: &str| [format!("{base}{up}"), format!("{base}{down}")];
    let open = |names: &[[String; 2]]| {
        let tensors: Vec<_> = names.iter().flatten().map(|k| (k.as_str(), Dtype::F16, &[4usize, 4][..])).collect();
        Adapter::open(&file_with(&tensors, &[]), "f", None).unwrap()
    };
    let procs = pair(
        "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q",
        "_lora.up.weight",
        "_lora.down.weight",
    );
    let text = pair(
        "text_encoder.text_model.encoder.layers.0.mlp.fc1",
        ".lora_linear_layer.up.weight",
        ".lora_linear_layer.down.weight",
    );
    let kohya = pair("lora_te_text_model_encoder_layers_0_mlp_fc2", ".lora_up.weight", ".lora_down.weight");
    let old = open(&[procs.clone(), text]);
    assert!(matches!(old.dialect, DialectId::DiffusersProcs | DialectId::DiffusersLinear));
    let mixed = open(&[procs, kohya]);
    assert_eq!(mixed.dialect, DialectId::Mixed);
    assert!(mixed.warnings.iter().any(|w| w.code == "mixed-dialects"));
}

#[test]
fn dialect_ids_are_stable() {
    for dialect in DialectId::ALL {
        assert_eq!(DialectId::from_id(dialect.id()), Some(dialect));
        assert_eq!(serde_json::to_value(dialect).unwrap(), dialect.id());
    }
    assert_eq!(DialectId::from_id("no"), None);
}

#[test]
fn kinds_of_shapes() {
    let open = |up: &[usize], down: &[usize]| {
        let bytes = file_with(&[("a.lora_up.weight", Dtype::F16, up), ("a.lora_down.weight", Dtype::F16, down)], &[]);
        Adapter::open(&bytes, "f", None).unwrap().modules.remove(0).shape
    };
    assert_eq!(open(&[8, 2], &[2, 5]).kernel, [0usize; 0]);
    let conv = open(&[8, 2, 1, 1], &[2, 5, 3, 3]);
    assert_eq!((conv.kernel.clone(), conv.columns(), conv.to_string()), (vec![3, 3], 45, "8×5×3×3".to_owned()));
    assert_eq!(open(&[8, 2], &[2, 5, 3, 3]).kernel, [3, 3], "an up factor without its ones");
    assert_eq!(open(&[8, 2, 1, 1], &[2, 5]).kernel, [1, 1], "a down factor without its ones");
    assert_eq!(open(&[8, 2, 1, 1, 1], &[2, 5, 1, 2, 2]).kernel, [1, 2, 2]);
}

/// A base name made of words that real names are made of, in places where they may or may not belong.
fn any_base() -> impl Strategy<Value = String> {
    let prefix = prop::sample::select(vec![
        "lora_unet_",
        "lora_unet_unet_",
        "text_encoders.clip_l.transformer.",
        "text_encoders.t5xxl.transformer.",
        "lora_te_",
        "lora_te2_",
        "lora_te3_",
        "lora_transformer_",
        "lora_prior_unet_",
        "lycoris_",
        "unet.",
        "transformer.",
        "transformer_2.",
        "text_encoder.",
        "text_encoder_2.",
        "prior.",
        "base_model.model.",
        "diffusion_model.",
        "model.diffusion_model.",
        "",
    ]);
    let word = prop::sample::select(vec![
        "down_blocks",
        "up_blocks",
        "mid_block",
        "attentions",
        "resnets",
        "transformer_blocks",
        "attn1",
        "to_q",
        "to_out",
        "ff",
        "net",
        "proj",
        "proj_in",
        "conv",
        "conv_in",
        "input_blocks",
        "middle_block",
        "output_blocks",
        "in_layers",
        "single_transformer_blocks",
        "double_blocks",
        "img_attn",
        "qkv",
        "proj_mlp",
        "linear1",
        "linear2",
        "final_layer",
        "adaLN_modulation",
        "norm_out",
        "attn",
        "to_k",
        "context_block",
        "joint_blocks",
        "norm1",
        "linear",
        "linear_1",
        "layers",
        "text_model",
        "encoder",
        "self_attn",
        "q_proj",
        "mlp",
        "fc1",
        "processor",
        "model",
        "h",
        "blocks",
        "x",
        "out",
        "0",
        "1",
        "2",
        "3",
        "4",
        "12",
        "_",
        "é",
    ]);
    (prefix, prop::collection::vec(word, 1..8), any::<bool>()).prop_map(|(prefix, words, dots)| {
        let dots = dots || prefix.is_empty() || prefix.ends_with('.');
        format!("{prefix}{}", words.join(if dots { "." } else { "_" }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, ..Default::default() })]

    /// Whatever a name is mapped to, reading that gives the same module again.
    #[test]
    fn mapped_names_are_read_as_the_same_module(
        base in any_base(),
        suffix in 0..8usize,
        to in 0..DialectId::ALL.len(),
        family in prop::sample::select(vec!["sd15", "sdxl", "flux1", "sd3", "wan", "unknown"]),
    ) {
        let suffixes = [
            (".lora_up.weight", ".lora_down.weight"), (".lora_B.weight", ".lora_A.weight"),
            ("_lora.up.weight", "_lora.down.weight"), (".lora.up.weight", ".lora.down.weight"),
            (".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"),
            ("_lora_up.weight", "_lora_down.weight"), (".lora_B", ".lora_A"), (".up", ".down"),
        ];
        let open = |up: &str, down: &str| {
            let bytes = file_with(&[(up, Dtype::F16, &[8, 2]), (down, Dtype::F16, &[2, 8])], &[]);
            Adapter::open(&bytes, "f", None)
        };
        let (up, down) = suffixes[suffix];
        let Ok(adapter) = open(&format!("{base}{up}"), &format!("{base}{down}")) else { return Ok(()) };
        let module = &adapter.modules[0];
        let to = DialectId::ALL[to];
        let Ok(keys) = output_keys(to, &module.key, &module.raw, module.dialect, NamingContext { family }) else {
            return Ok(());
        };
        let again = open(&keys.up, &keys.down).map_err(|e| TestCaseError::fail(format!("{base}: {e}")))?;
        let again = &again.modules[0];
        // One module alone may not tell the family that the whole file would.
        let (again_key, key) = (native(family, &again.key).0, native(family, &module.key).0);
        // PEFT's names do not say the part; it is told from the blocks, which a single module may not have.
        if to == DialectId::Peft && module.dialect != DialectId::Peft {
            prop_assert_eq!(again_key.path.replace('.', "_"), key.path.replace('.', "_"));
        } else {
            prop_assert_eq!(again_key.matching(), key.matching(), "{} became {}", base, keys.up);
        }
        prop_assert_eq!(&again.shape, &module.shape);
    }
}
