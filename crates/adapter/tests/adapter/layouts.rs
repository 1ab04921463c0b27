//! Families as data: what they are told by, and the dots and blocks of their modules, over all key lists.

use crate::keylists::list;
use crate::support::{Blank, file_with, open, shared};
use rankweave_adapter::layout::{
    block_of, blocks, dotted_in, families, from_native, fusion_of_part, fusion_of_whole, to_native,
};
use rankweave_adapter::{Adapter, Component, ModuleKey};
use safetensors::Dtype;
use std::collections::BTreeMap;
use std::path::Path;

/// Every key list, its family, and its number of modules.
pub const LISTS: [(&str, &str, usize); 20] = [
    ("base_shapes_sd15_kohya_names", "sd15", 350),
    ("base_shapes_sdxl_kohya_names", "sdxl", 1840),
    ("flux_kohya_lora_with_mod_lin", "flux1", 304),
    ("invokeai_flux_control_lora_format", "flux1", 314),
    ("invokeai_flux_dora_onetrainer_format", "flux1", 506),
    ("invokeai_flux_lora_diffusers_base_model_format", "flux1", 381),
    ("invokeai_flux_lora_diffusers_format", "flux1", 494),
    ("invokeai_flux_lora_kohya_format", "flux1", 304),
    ("invokeai_flux_lora_kohya_with_te1_format", "flux1", 376),
    // Two attention layers of the size that FLUX.1 and Qwen-Image share.
    ("invokeai_qwen_image_lora_diffusers_format", "unknown", 3),
    ("sd15_kohya_lora_conv_diffusers_names", "sd15", 278),
    // Middle blocks without shapes: SD 1, 2 and XL alike.
    ("sd15_kohya_lora_subset", "unknown", 85),
    ("sd15_kohya_lora_te_unet_base_names", "sd15", 264),
    ("sd15_oft_diag", "sd15", 354),
    ("sdxl_kohya_dora_diffusers_names", "sdxl", 722),
    ("sdxl_kohya_lora_diffusers_names", "sdxl", 722),
    ("sdxl_lycoris_loha_sai_names", "sdxl", 1052),
    ("sdxl_lycoris_lokr_sai_names", "sdxl", 1052),
    // Beginnings of longer lists, without shapes.
    ("wan22_lora_AB", "wan", 10),
    ("zimage_lora_AB", "z-image", 8),
];
/// The family whose names a list has, where the list is too short to tell.
fn family_of_names(name: &str, family: &'static str) -> &'static str {
    match name {
        "invokeai_qwen_image_lora_diffusers_format" => "qwen-image",
        "sd15_kohya_lora_subset" => "sd15",
        _ => family,
    }
}

/// Modules of a list by base name, with out and in where the list has them, whatever kind of adapter it is of.
pub fn bases(folder: &Path, name: &str) -> BTreeMap<String, [Option<u64>; 2]> {
    const OUT: [&str; 3] = [".lora_up.weight", ".lora_B.weight", ".hada_w1_a"];
    const INP: [&str; 3] = [".lora_down.weight", ".lora_A.weight", ".hada_w1_b"];
    const REST: [&str; 10] = [
        ".alpha",
        ".dora_scale",
        ".lora_B.bias",
        ".hada_w2_a",
        ".hada_w2_b",
        ".lokr_w1",
        ".lokr_w2",
        ".lokr_w2_a",
        ".lokr_w2_b",
        ".oft_diag",
    ];
    let mut out: BTreeMap<String, [Option<u64>; 2]> = BTreeMap::new();
    for (key, shape) in list(folder, name) {
        let strip = |suffixes: &[&str]| suffixes.iter().find_map(|s| key.strip_suffix(s));
        let dim = |i: usize| shape.as_ref().and_then(|s| s.get(i).copied());
        if let Some(base) = strip(&OUT) {
            out.entry(base.to_owned()).or_default()[0] = dim(0);
        } else if let Some(base) = strip(&INP) {
            out.entry(base.to_owned()).or_default()[1] = dim(1);
        } else if let Some(base) = strip(&REST) {
            out.entry(base.to_owned()).or_default();
        } else if name.starts_with("base_shapes") {
            out.insert(key.clone(), [dim(0), dim(1)]);
        } else {
            assert!(key.ends_with("_norm.scale"), "{name}: {key}");
        }
    }
    out
}

/// An adapter of rank 1 with these modules; unknown sizes are 5.
pub fn adapter(modules: &BTreeMap<String, [Option<u64>; 2]>) -> Adapter {
    let tensors: Vec<(String, [usize; 2])> = modules
        .iter()
        .flat_map(|(base, sizes)| {
            let [out, inp] = sizes.map(|n| n.unwrap_or(5) as usize);
            let [up, down] = if base.starts_with("lora_") { ["lora_up", "lora_down"] } else { ["lora_B", "lora_A"] };
            [(format!("{base}.{up}.weight"), [out, 1]), (format!("{base}.{down}.weight"), [1, inp])]
        })
        .collect();
    let blanks: Vec<Blank> = tensors.iter().map(|(n, s)| (n.as_str(), Dtype::F16, &s[..])).collect();
    open(&file_with(&blanks, &[])).unwrap()
}

/// The modules of a list, in one adapter, or in two where the list has both spellings of a U-Net.
fn adapters(folder: &Path, name: &str) -> Vec<Adapter> {
    let all = bases(folder, name);
    let text = all.keys().any(|base| is_original(base));
    let first = |base: &String| is_original(base) || text && base.starts_with("lora_te");
    let (original, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = all.into_iter().partition(|(base, _)| first(base));
    [original, rest].iter().filter(|modules| !modules.is_empty()).map(adapter).collect()
}

/// Is this kohya's name of a U-Net's module in the original spelling?
fn is_original(base: &str) -> bool {
    let heads = ["input_blocks_", "middle_block_", "output_blocks_", "time_embed_", "label_emb_", "out_"];
    base.strip_prefix("lora_unet_").is_some_and(|path| heads.iter().any(|h| path.starts_with(h)))
}

fn one(base: &str, out: u64, inp: u64) -> Adapter {
    adapter(&BTreeMap::from([(base.to_owned(), [Some(out), Some(inp)])]))
}

#[test]
fn every_key_list_is_of_its_family() {
    let Some(folder) = shared("families of key lists", "keylists") else { return };
    for (name, family, count) in LISTS {
        let mut modules = 0;
        for adapter in adapters(&folder, name) {
            assert_eq!(adapter.family.id, family, "{name}: {:?}", adapter.family);
            assert!(family == "unknown" || adapter.family.confidence > 0.5 && !adapter.family.evidence.is_empty());
            modules += adapter.modules.len();
        }
        assert_eq!(modules, count, "{name}");
    }
    let files = std::fs::read_dir(&folder).unwrap().filter_map(|f| f.unwrap().file_name().into_string().ok());
    let files = files.filter(|f| f.ends_with(".json")).count();
    assert_eq!(files, LISTS.len() + 1, "all but XLabs' list, whose names are of processors and not of modules");
}

#[test]
fn single_names_are_of_their_families() {
    for (base, out, inp, family) in [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, 768, "sd15"),
        ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k", 320, 320, "sd15"),
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, 1024, "sd21"),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", 640, 2048, "sdxl"),
        ("lora_unet_output_blocks_0_1_transformer_blocks_9_attn1_to_q", 1280, 1280, "sdxl"),
        ("lora_te2_text_model_encoder_layers_31_self_attn_q_proj", 1280, 1280, "sdxl"),
        ("lora_unet_double_blocks_0_img_attn_qkv", 9216, 3072, "flux1"),
        ("lora_unet_single_blocks_0_linear1", 21504, 3072, "flux1"),
        ("lora_unet_single_blocks_0_linear2", 3072, 15360, "flux1"),
        ("lora_unet_single_blocks_0_modulation_lin", 9216, 3072, "flux1"),
        ("transformer.single_transformer_blocks.0.attn.to_k", 3072, 3072, "flux1"),
        ("transformer.transformer_blocks.0.ff_context.net.0.proj", 12288, 3072, "flux1"),
        ("diffusion_model.double_blocks.0.img_attn.qkv", 9216, 3072, "flux1"),
        ("lora_transformer_single_transformer_blocks_16_attn_to_q", 3072, 3072, "flux1"),
        ("lora_unet_distilled_guidance_layer_layers_0_in_layer", 5120, 5120, "chroma"),
        ("transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj", 36864, 6144, "flux2"),
        ("transformer.single_transformer_blocks.0.attn.to_out", 6144, 24576, "flux2"),
        ("transformer.transformer_blocks.0.ff.linear_in", 18432, 3072, "flux2"),
        ("diffusion_model.double_blocks.0.img_attn.qkv", 18432, 6144, "flux2"),
        ("diffusion_model.single_blocks.0.linear1", 27648, 3072, "flux2"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv", 4608, 1536, "sd3"),
        ("lora_unet_joint_blocks_0_context_block_attn_qkv", 7296, 2432, "sd3"),
        ("transformer.transformer_blocks.0.attn.add_q_proj", 1536, 1536, "sd3"),
        ("transformer.transformer_blocks.37.attn.to_q", 2432, 2432, "sd3"),
        ("diffusion_model.blocks.0.self_attn.q", 5120, 5120, "wan"),
        ("diffusion_model.blocks.0.cross_attn.k_img", 1536, 1536, "wan"),
        ("lora_unet_blocks_0_self_attn_q", 5120, 5120, "wan"),
        ("lora_unet__blocks_0_cross_attn_k", 5120, 5120, "wan"),
        ("transformer.blocks.0.ffn.net.0.proj", 13824, 5120, "wan"),
        ("transformer_2.blocks.0.ffn.net.0.proj", 13824, 5120, "wan"),
        ("transformer.double_blocks.0.img_mod.linear", 18432, 3072, "hunyuan-video"),
        ("lora_unet_double_blocks_0_img_mlp_fc1", 12288, 3072, "hunyuan-video"),
        ("transformer.single_transformer_blocks.39.attn.to_q", 3072, 3072, "hunyuan-video"),
        ("transformer.transformer_blocks.0.img_mlp.net.0.proj", 12288, 3072, "qwen-image"),
        ("lora_unet_transformer_blocks_59_attn_to_k", 3072, 3072, "qwen-image"),
        ("transformer_blocks.0.txt_mod.1", 18432, 3072, "qwen-image"),
        ("diffusion_model.layers.0.attention.to_q", 3840, 3840, "z-image"),
        ("lora_unet_layers_0_attention_qkv", 11520, 3840, "z-image"),
        ("diffusion_model.layers.0.feed_forward.w1", 10240, 3840, "z-image"),
        ("base_model.model.layers.0.attention.to_q", 3840, 3840, "z-image"),
        ("diffusion_model.layers.0.attention.qkv", 3840, 2304, "lumina2"),
        ("base_model.model.model.layers.0.self_attn.q_proj", 4096, 4096, "llama"),
        ("base_model.model.model.layers.0.mlp.down_proj", 4096, 11008, "llama"),
        ("base_model.model.model.layers.0.self_attn.qkv_proj", 9216, 3072, "phi3"),
        ("base_model.model.model.layers.0.mlp.gate_up_proj", 16384, 3072, "phi3"),
        ("base_model.model.transformer.h.0.attn.c_attn", 2304, 768, "gpt2"),
        ("base_model.model.roberta.encoder.layer.0.attention.self.query", 768, 768, "roberta"),
        ("base_model.model.image_encoder.blocks.0.attn.qkv", 2304, 768, "sam"),
        ("base_model.model.vit.encoder.layer.0.attention.attention.query", 768, 768, "vit"),
        // Names of families that have no layout, or no shape to tell them by.
        ("lora_unet_blocks_0_self_attn_q_proj", 2048, 2048, "unknown"),
        ("lora_prior_unet_down_blocks_0_attention_to_q", 2048, 2048, "unknown"),
        ("transformer.transformer_blocks.0.attn.to_q", 3072, 3072, "unknown"),
        ("base_model.model.lin0", 64, 64, "unknown"),
    ] {
        let found = one(base, out, inp).family;
        assert_eq!(found.id, family, "{base}: {found:?}");
    }
}

#[test]
fn metadata_tells_what_names_cannot() {
    let tensors: [Blank; 2] = [
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight", Dtype::F16, &[9216, 1]),
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", Dtype::F16, &[1, 3072]),
    ];
    for (written, family) in
        [("chroma", "chroma"), ("Chroma1-HD", "chroma"), ("flux1", "flux1"), ("something", "flux1"), ("é", "flux1")]
    {
        let adapter = open(&file_with(&tensors, &[("ss_base_model_version", written)])).unwrap();
        assert_eq!(adapter.family.id, family, "{written}");
    }
    // Names that only one family has are believed more than what was written.
    let sure: [Blank; 2] = [
        ("lora_unet_single_blocks_0_modulation_lin.lora_up.weight", Dtype::F16, &[9216, 1]),
        ("lora_unet_single_blocks_0_modulation_lin.lora_down.weight", Dtype::F16, &[1, 3072]),
    ];
    assert_eq!(open(&file_with(&sure, &[("ss_base_model_version", "sdxl")])).unwrap().family.id, "flux1");
}

#[test]
fn every_listed_name_finds_its_dots_and_its_block() {
    let Some(folder) = shared("dots and blocks", "keylists") else { return };
    let mut dotted = 0;
    for (name, family, _) in LISTS {
        let family = family_of_names(name, family);
        let all = blocks(family);
        for module in adapters(&folder, name).into_iter().flat_map(|a| a.modules) {
            let key = &module.key;
            let index = block_of(family, key).unwrap_or_else(|| panic!("{name}: {} has no block", module.raw));
            assert!(
                index < all.len() && (all[index].id == "BASE") == key.component.is_text_encoder(),
                "{}",
                module.raw
            );
            if !module.raw.starts_with("lora_") {
                continue;
            }
            // The name as kohya spells it, without the prefix.
            let prefix = ["lora_unet_", "lora_transformer_", "lora_te_", "lora_te1_", "lora_te2_"];
            let flat = prefix.iter().find_map(|p| module.raw.strip_prefix(p)).unwrap();
            let found = dotted_in(family, key.component, flat).unwrap_or_else(|| panic!("{name}: {flat}"));
            // U-Nets go by their native names, whatever they are spelled by.
            let back = if is_original(&module.raw) { from_native(family, &found).unwrap().path } else { found.clone() };
            assert_eq!(back.replace('.', "_"), flat, "{name}: {found}");
            assert!(found.split('.').all(|p| !p.is_empty()), "{found}");
            // With its dots or without, it lies in the same block.
            let at = |path: &str| block_of(family, &ModuleKey { component: key.component, path: path.to_owned() });
            assert_eq!((at(&found), at(flat)), (Some(index), Some(index)), "{found}");
            dotted += 1;
        }
    }
    assert_eq!(dotted, 8209, "kohya names in all lists");
}

/// Names of flavours that no list has.
#[test]
fn kohya_names_find_their_dots() {
    let (transformer, text) = (Component::Transformer, Component::TextEncoder(1));
    for (family, component, path) in [
        ("sd3", transformer, "joint_blocks.0.x_block.attn.qkv"),
        ("sd3", transformer, "joint_blocks.23.context_block.adaLN_modulation.1"),
        ("sd3", transformer, "transformer_blocks.0.attn.add_q_proj"),
        ("sd3", transformer, "context_embedder"),
        ("chroma", transformer, "distilled_guidance_layer.layers.2.linear_1"),
        ("chroma", transformer, "single_blocks.0.linear1"),
        ("flux2", transformer, "single_transformer_blocks.0.attn.to_qkv_mlp_proj"),
        ("flux2", transformer, "double_stream_modulation_img.lin"),
        ("flux2", transformer, "transformer_blocks.0.ff_context.linear_out"),
        ("wan", transformer, "blocks.0.self_attn.q"),
        ("wan", transformer, "blocks.0.cross_attn.k_img"),
        ("wan", transformer, "blocks.0.ffn.net.0.proj"),
        ("wan", transformer, "patch_embedding"),
        ("hunyuan-video", transformer, "double_blocks.0.img_attn_qkv"),
        ("hunyuan-video", transformer, "single_blocks.39.modulation.linear"),
        ("hunyuan-video", transformer, "txt_in.individual_token_refiner.blocks.0.mlp.fc1"),
        ("qwen-image", transformer, "transformer_blocks.0.img_mlp.net.0.proj"),
        ("qwen-image", transformer, "transformer_blocks.59.txt_mod.1"),
        ("z-image", transformer, "layers.0.attention.to_out.0"),
        ("z-image", transformer, "noise_refiner.1.feed_forward.w2"),
        ("lumina2", transformer, "layers.0.attention.qkv"),
        ("llama", Component::Model, "self_attn.qkv_proj"),
        ("flux1", text, "encoder.block.23.layer.1.DenseReluDense.wi_0"),
        ("sd3", text, "text_model.encoder.layers.31.mlp.fc2"),
        ("hunyuan-video", text, "layers.31.mlp.gate_proj"),
    ] {
        assert_eq!(dotted_in(family, component, &path.replace('.', "_")).as_deref(), Some(path), "{family}");
    }
}

#[test]
fn unknown_names_stay_as_they_are() {
    let long = "transformer_blocks.0.attn.to_q".repeat(10 << 20 >> 5);
    let deep = "0_".repeat(5 << 20);
    let odd = [
        "",
        ".",
        "_",
        "a",
        "é",
        "double_blocks",
        "double_blocks.",
        "double_blocks.99999999999999999999.img_attn.qkv",
        "double_blocks.-1.img_attn.qkv",
        "transformer_2.",
        "layers.0",
        "..",
        "\u{0}",
        &long,
        &deep,
    ];
    for (family, _) in families().chain([("unknown", ""), ("", ""), ("é", "")]) {
        for path in odd {
            let what = || format!("{family}: {}", path.chars().take(50).collect::<String>());
            assert_eq!(to_native(family, path), None, "{}", what());
            assert_eq!(from_native(family, path), None, "{}", what());
            assert_eq!(fusion_of_whole(family, path, usize::MAX, usize::MAX), None, "{}", what());
            assert_eq!(fusion_of_part(family, path), None, "{}", what());
            for component in [Component::Unet, Component::Transformer, Component::TextEncoder(1), Component::Model] {
                assert!(dotted_in(family, component, path).is_none() || path.len() < 20, "{}", what());
                let index = block_of(family, &ModuleKey { component, path: path.to_owned() });
                assert!(index.is_none_or(|i| i < blocks(family).len()), "{}", what());
            }
        }
    }
    // A file may hold a name that is as long as the limit allows.
    let base = format!("lora_unet_{}", "blocks_0_".repeat(100));
    assert_eq!(one(&base, 4, 4).family.id, "unknown");
}
