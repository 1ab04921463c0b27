//! Every flavour of key that trainers write: one example of each, and what it is read as.

use crate::support::{Blank, file_with, open};
use rankweave_adapter::{Adapter, DialectId, Kind, NamingContext, Part, output_keys};
use safetensors::Dtype;

use DialectId as D;

/// A file with one module: names of its up and down factor, sizes of its weight.
fn pair(up: &str, down: &str, out: usize, inp: usize) -> Adapter {
    let turned = up.ends_with(".lora_b");
    let shapes = if turned { [[2, out], [inp, 2]] } else { [[out, 2], [2, inp]] };
    let tensors: [Blank; 2] = [(up, Dtype::F16, &shapes[0]), (down, Dtype::F16, &shapes[1])];
    open(&file_with(&tensors, &[])).unwrap_or_else(|e| panic!("{up}: {e}"))
}

const K: [&str; 2] = [".lora_up.weight", ".lora_down.weight"];
const U: [&str; 2] = ["_lora_up.weight", "_lora_down.weight"];
const AB: [&str; 2] = [".lora_B.weight", ".lora_A.weight"];
const NAMED: [&str; 2] = [".lora_B.default.weight", ".lora_A.default.weight"];
const BARE: [&str; 2] = [".lora_B", ".lora_A"];
const PROCS: [&str; 2] = ["_lora.up.weight", "_lora.down.weight"];
const MID: [&str; 2] = [".lora.up.weight", ".lora.down.weight"];
const LINEAR: [&str; 2] = [".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"];
const UP: [&str; 2] = [".up.weight", ".down.weight"];
const CONTROL: [&str; 2] = [".up", ".down"];
const MLX: [&str; 2] = [".lora_b", ".lora_a"];

/// Base name, endings, out, in; dialect, family, module.
type Flavour = (&'static str, [&'static str; 2], usize, usize, DialectId, &'static str, &'static str);

#[rustfmt::skip]
const FLAVOURS: &[Flavour] = &[
    // Suffixes.
    ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", K, 320, 768, D::Kohya, "sd15", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("lora_unet_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", U, 320, 768, D::Underscored, "sd15", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("lora_unet_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", K, 320, 768, D::Kohya, "sd15", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("lora_te_text_encoder_text_model_encoder_layers_0_mlp_fc1", U, 3072, 768, D::Underscored, "unknown", "text_encoder.text_model.encoder.layers.0.mlp.fc1"),
    ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k", AB, 320, 768, D::Diffusers, "sd15", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k", PROCS, 320, 768, D::DiffusersProcs, "sd15", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k", MID, 320, 768, D::DiffusersLora, "sd15", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("text_encoder.text_model.encoder.layers.0.self_attn.k_proj", LINEAR, 768, 768, D::DiffusersLinear, "unknown", "text_encoder.text_model.encoder.layers.0.self_attn.k_proj"),
    ("base_model.model.model.layers.0.self_attn.q_proj", AB, 64, 64, D::Peft, "llama", "model.model.layers.0.self_attn.q_proj"),
    ("base_model.model.model.layers.0.self_attn.q_proj", NAMED, 64, 64, D::Peft, "llama", "model.model.layers.0.self_attn.q_proj"),
    ("base_model.model.model.layers.0.self_attn.q_proj", BARE, 64, 64, D::Peft, "llama", "model.model.layers.0.self_attn.q_proj"),
    ("model.layers.0.self_attn.q_proj", MLX, 64, 32, D::Mlx, "llama", "model.model.layers.0.self_attn.q_proj"),
    ("transformer_blocks.0.attn1.to_q", BARE, 64, 64, D::Bare, "unknown", "transformer.transformer_blocks.0.attn1.to_q"),
    ("input_blocks.4.1.transformer_blocks.0.attn2.to_k", CONTROL, 640, 2048, D::ControlLora, "sdxl", "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"),
    // SDXL.
    ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", K, 640, 2048, D::Kohya, "sdxl", "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", K, 640, 2048, D::Kohya, "sdxl", "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k", AB, 640, 2048, D::Comfy, "sdxl", "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"),
    ("lora_te2_text_model_encoder_layers_31_mlp_fc1", K, 5120, 1280, D::Kohya, "sdxl", "text_encoder_2.text_model.encoder.layers.31.mlp.fc1"),
    ("text_encoders.clip_g.transformer.text_model.encoder.layers.31.mlp.fc1", AB, 5120, 1280, D::Comfy, "sdxl", "text_encoder_2.text_model.encoder.layers.31.mlp.fc1"),
    // FLUX.1.
    ("lora_unet_double_blocks_0_img_mlp_0", K, 12288, 3072, D::Kohya, "flux1", "transformer.transformer_blocks.0.ff.net.0.proj"),
    ("lora_unet_double_blocks_0_img_attn_qkv", K, 9216, 3072, D::Kohya, "flux1", "transformer.double_blocks.0.img_attn.qkv"),
    ("lora_unet_single_blocks_0_linear2", K, 3072, 15360, D::Kohya, "flux1", "transformer.single_transformer_blocks.0.proj_out"),
    ("lora_unet_single_blocks_0_modulation_lin", K, 9216, 3072, D::Kohya, "flux1", "transformer.single_transformer_blocks.0.norm.linear"),
    ("transformer.single_transformer_blocks.0.attn.to_k", AB, 3072, 3072, D::Diffusers, "flux1", "transformer.single_transformer_blocks.0.attn.to_k"),
    ("transformer.transformer_blocks.0.ff_context.net.0.proj", AB, 12288, 3072, D::Diffusers, "flux1", "transformer.transformer_blocks.0.ff_context.net.0.proj"),
    ("base_model.model.transformer_blocks.0.ff_context.net.0.proj", AB, 12288, 3072, D::Peft, "flux1", "transformer.transformer_blocks.0.ff_context.net.0.proj"),
    ("diffusion_model.double_blocks.0.img_attn.qkv", AB, 9216, 3072, D::Comfy, "flux1", "transformer.double_blocks.0.img_attn.qkv"),
    ("double_blocks.0.img_mod.lin", AB, 18432, 3072, D::Comfy, "flux1", "transformer.transformer_blocks.0.norm1.linear"),
    ("double_blocks.0.processor.qkv_lora1", UP, 9216, 3072, D::Xlabs, "flux1", "transformer.double_blocks.0.img_attn.qkv"),
    ("double_blocks.0.processor.qkv_lora2", UP, 9216, 3072, D::Xlabs, "flux1", "transformer.double_blocks.0.txt_attn.qkv"),
    ("single_blocks.0.processor.proj_lora", UP, 3072, 15360, D::Xlabs, "flux1", "transformer.single_transformer_blocks.0.proj_out"),
    ("single_blocks.0.processor.qkv_lora", UP, 9216, 3072, D::Xlabs, "flux1", "transformer.single_blocks.0.linear1.qkv"),
    ("lora_transformer_single_transformer_blocks_16_attn_to_q", K, 3072, 3072, D::Kohya, "flux1", "transformer.single_transformer_blocks.16.attn.to_q"),
    ("transformer.double_blocks.0.img_attn.qkv.0", K, 3072, 3072, D::Kohya, "flux1", "transformer.transformer_blocks.0.attn.to_q"),
    ("transformer.double_blocks.0.txt_attn.qkv.2", K, 3072, 3072, D::Kohya, "flux1", "transformer.transformer_blocks.0.attn.add_v_proj"),
    ("transformer.single_blocks.7.linear1.3", K, 12288, 3072, D::Kohya, "flux1", "transformer.single_transformer_blocks.7.proj_mlp"),
    // Others.
    ("lora_unet_distilled_guidance_layer_layers_0_in_layer", K, 64, 64, D::Kohya, "chroma", "transformer.distilled_guidance_layer.layers.0.linear_1"),
    ("transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj", AB, 64, 64, D::Diffusers, "flux2", "transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj"),
    ("diffusion_model.single_blocks.0.linear1", AB, 27648, 3072, D::Comfy, "flux2", "transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj"),
    ("lora_unet_joint_blocks_0_x_block_attn_qkv", K, 4608, 1536, D::Kohya, "sd3", "transformer.joint_blocks.0.x_block.attn.qkv"),
    ("lora_unet_joint_blocks_0_context_block_mlp_fc1", K, 64, 64, D::Kohya, "sd3", "transformer.transformer_blocks.0.ff_context.net.0.proj"),
    ("transformer.transformer_blocks.0.attn.add_q_proj", AB, 1536, 1536, D::Diffusers, "sd3", "transformer.transformer_blocks.0.attn.add_q_proj"),
    ("diffusion_model.blocks.0.self_attn.q", AB, 5120, 5120, D::Comfy, "wan", "transformer.blocks.0.attn1.to_q"),
    ("diffusion_model.blocks.0.cross_attn.k_img", AB, 5120, 5120, D::Comfy, "wan", "transformer.blocks.0.attn2.add_k_proj"),
    ("lora_unet_blocks_0_self_attn_q", K, 5120, 5120, D::Kohya, "wan", "transformer.blocks.0.attn1.to_q"),
    ("lora_unet__blocks_0_self_attn_q", K, 5120, 5120, D::Kohya, "wan", "transformer.blocks.0.attn1.to_q"),
    ("blocks.0.cross_attn.o", NAMED, 5120, 5120, D::Peft, "unknown", "model.blocks.0.cross_attn.o"),
    ("blocks.0.cross_attn.k", NAMED, 5120, 5120, D::Peft, "wan", "transformer.blocks.0.attn2.to_k"),
    ("transformer.blocks.0.ffn.net.0.proj", AB, 64, 64, D::Diffusers, "wan", "transformer.blocks.0.ffn.net.0.proj"),
    ("transformer_2.blocks.0.ffn.net.0.proj", AB, 64, 64, D::Diffusers, "wan", "transformer.transformer_2.blocks.0.ffn.net.0.proj"),
    ("transformer.double_blocks.0.img_mod.linear", AB, 64, 64, D::Diffusers, "hunyuan-video", "transformer.transformer_blocks.0.norm1.linear"),
    ("transformer_blocks.0.img_mlp.net.0.proj", K, 64, 64, D::Kohya, "qwen-image", "transformer.transformer_blocks.0.img_mlp.net.0.proj"),
    ("transformer.transformer_blocks.0.img_mlp.net.0.proj", AB, 64, 64, D::Diffusers, "qwen-image", "transformer.transformer_blocks.0.img_mlp.net.0.proj"),
    ("lora_unet_transformer_blocks_0_txt_mod_1", K, 64, 64, D::Kohya, "qwen-image", "transformer.transformer_blocks.0.txt_mod.1"),
    ("diffusion_model.layers.0.attention.to_q", AB, 3840, 3840, D::Comfy, "z-image", "transformer.layers.0.attention.to_q"),
    ("diffusion_model.layers.0.attention.out", AB, 3840, 3840, D::Comfy, "z-image", "transformer.layers.0.attention.to_out.0"),
    ("lora_unet_layers_0_attention_qkv", K, 11520, 3840, D::Kohya, "z-image", "transformer.layers.0.attention.qkv"),
    ("diffusion_model.layers.0.attention.qkv", AB, 3840, 2304, D::Comfy, "lumina2", "transformer.layers.0.attention.qkv"),
    ("lora_unet_blocks_0_self_attn_q_proj", K, 64, 64, D::Kohya, "unknown", "transformer.blocks_0_self_attn_q_proj"),
    ("lora_prior_unet_down_blocks_0_x", K, 64, 64, D::Kohya, "unknown", "prior.down_blocks_0_x"),
    ("base_model.model.model.layers.0.mlp.down_proj", AB, 64, 64, D::Peft, "llama", "model.model.layers.0.mlp.down_proj"),
    ("base_model.model.transformer.h.0.attn.c_attn", AB, 64, 64, D::Peft, "gpt2", "model.transformer.h.0.attn.c_attn"),
];

#[test]
fn every_flavour_finds_its_module_and_keeps_its_name() {
    for &(base, [up, down], out, inp, dialect, family, id) in FLAVOURS {
        let adapter = pair(&format!("{base}{up}"), &format!("{base}{down}"), out, inp);
        let module = &adapter.modules[0];
        assert_eq!((adapter.dialect, adapter.family.id.as_str()), (dialect, family), "{base}{up}");
        assert_eq!((module.key.id().as_str(), module.raw.as_str()), (id, base), "{base}{up}");
        assert_eq!((module.shape.out, module.shape.inp, module.rank), (out, inp, 2), "{base}{up}");
        let parts: Vec<Part> = module.parts.iter().map(|(part, _)| *part).collect();
        let turned = dialect == D::Mlx;
        assert_eq!(parts, if turned { [Part::TransposedUp, Part::TransposedDown] } else { [Part::Up, Part::Down] });
        // Written as it was read, but for what only an older version of PEFT would read.
        let keys = output_keys(dialect.written(), &module.key, base, dialect, NamingContext { family }).unwrap();
        let expected = match dialect {
            D::Peft => format!("{base}.lora_B.weight"),
            D::Mlx => format!("base_model.model.{base}.lora_B.weight"),
            _ => format!("{base}{up}"),
        };
        assert_eq!(keys.up, expected);
        assert_eq!(keys.alpha.is_some(), dialect == D::Kohya);
    }
}

/// What each module is called in kohya's, ComfyUI's, diffusers' and PEFT's names; `-` where it has no name.
#[rustfmt::skip]
const NAMES: &[(&str, &str, [&str; 4])] = &[
    ("sd15", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k", ["lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k", "unet.", "base_model.model."]),
    ("sdxl", "unet.up_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k", ["lora_unet_output_blocks_1_1_transformer_blocks_0_attn2_to_k", "diffusion_model.output_blocks.1.1.transformer_blocks.0.attn2.to_k", "unet.", "base_model.model."]),
    ("sdxl", "text_encoder_2.text_model.encoder.layers.0.mlp.fc1", ["lora_te2_text_model_encoder_layers_0_mlp_fc1", "text_encoders.clip_g.transformer.text_model.encoder.layers.0.mlp.fc1", "text_encoder_2.", "base_model.model."]),
    ("sd15", "text_encoder.text_model.encoder.layers.0.mlp.fc1", ["lora_te_text_model_encoder_layers_0_mlp_fc1", "text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1", "text_encoder.", "base_model.model."]),
    ("flux1", "transformer.transformer_blocks.0.attn.to_out.0", ["lora_unet_double_blocks_0_img_attn_proj", "diffusion_model.double_blocks.0.img_attn.proj", "transformer.", "base_model.model."]),
    ("flux1", "transformer.single_transformer_blocks.0.proj_out", ["lora_unet_single_blocks_0_linear2", "diffusion_model.single_blocks.0.linear2", "transformer.", "base_model.model."]),
    ("flux1", "transformer.norm_out.linear", ["lora_unet_final_layer_adaLN_modulation_1", "diffusion_model.final_layer.adaLN_modulation.1", "transformer.", "base_model.model."]),
    ("flux1", "transformer.x_embedder", ["lora_unet_img_in", "diffusion_model.img_in", "transformer.", "base_model.model."]),
    ("flux1", "transformer.transformer_blocks.0.attn.to_q", ["lora_transformer_transformer_blocks_0_attn_to_q", "-", "transformer.", "base_model.model."]),
    ("flux1", "transformer.double_blocks.0.img_attn.qkv", ["lora_unet_double_blocks_0_img_attn_qkv", "diffusion_model.double_blocks.0.img_attn.qkv", "-", "-"]),
    ("flux1", "text_encoder_2.encoder.block.0.layer.0.SelfAttention.q", ["lora_te3_encoder_block_0_layer_0_SelfAttention_q", "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q", "text_encoder_2.", "base_model.model."]),
    ("sd3", "text_encoder_3.encoder.block.0.layer.0.SelfAttention.q", ["lora_te3_encoder_block_0_layer_0_SelfAttention_q", "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q", "text_encoder_3.", "base_model.model."]),
    ("sd3", "transformer.transformer_blocks.0.ff.net.0.proj", ["lora_unet_joint_blocks_0_x_block_mlp_fc1", "diffusion_model.joint_blocks.0.x_block.mlp.fc1", "transformer.", "base_model.model."]),
    ("flux2", "transformer.single_transformer_blocks.0.attn.to_out", ["lora_unet_single_blocks_0_linear2", "diffusion_model.single_blocks.0.linear2", "transformer.", "base_model.model."]),
    ("chroma", "transformer.distilled_guidance_layer.layers.1.linear_2", ["lora_unet_distilled_guidance_layer_layers_1_out_layer", "diffusion_model.distilled_guidance_layer.layers.1.out_layer", "transformer.", "base_model.model."]),
    ("wan", "transformer.blocks.0.attn2.add_k_proj", ["lora_unet_blocks_0_cross_attn_k_img", "diffusion_model.blocks.0.cross_attn.k_img", "transformer.", "base_model.model."]),
    ("wan", "transformer.transformer_2.blocks.0.attn1.to_q", ["-", "-", "", "base_model.model."]),
    ("hunyuan-video", "transformer.transformer_blocks.0.norm1.linear", ["lora_unet_double_blocks_0_img_mod_linear", "diffusion_model.double_blocks.0.img_mod.linear", "transformer.", "base_model.model."]),
    ("qwen-image", "transformer.transformer_blocks.0.attn.add_q_proj", ["lora_unet_transformer_blocks_0_attn_add_q_proj", "diffusion_model.transformer_blocks.0.attn.add_q_proj", "transformer.", "base_model.model."]),
    ("z-image", "transformer.layers.0.attention.to_out.0", ["lora_unet_layers_0_attention_out", "diffusion_model.layers.0.attention.out", "transformer.", "base_model.model."]),
    ("z-image", "transformer.layers.0.attention.to_q", ["lora_unet_layers_0_attention_to_q", "diffusion_model.layers.0.attention.to_q", "transformer.", "base_model.model."]),
    ("lumina2", "transformer.layers.0.feed_forward.linear_2", ["lora_unet_layers_0_feed_forward_w2", "diffusion_model.layers.0.feed_forward.w2", "transformer.", "base_model.model."]),
];

#[test]
fn modules_are_written_in_every_dialect_that_has_a_name_for_them() {
    use rankweave_adapter::{Component, ModuleKey};
    for &(family, id, names) in NAMES {
        let (part, path) = id.split_once('.').unwrap();
        let component = match part {
            "unet" => Component::Unet,
            "transformer" => Component::Transformer,
            "text_encoder" => Component::TextEncoder(1),
            other => Component::TextEncoder(other.bytes().last().unwrap() - b'0'),
        };
        let key = ModuleKey { component, path: path.to_owned() };
        for (dialect, name) in [D::Kohya, D::Comfy, D::Diffusers, D::Peft].into_iter().zip(names) {
            // Where it comes from does not matter, as long as it is not the same dialect.
            for raw in [D::Kohya, D::Comfy, D::Xlabs].into_iter().filter(|raw| *raw != dialect) {
                let keys = output_keys(dialect, &key, "raw", raw, NamingContext { family });
                if name == "-" {
                    let error = keys.unwrap_err();
                    assert_eq!((error.kind, error.place.module), (Kind::Unsupported, Some(id.to_owned())));
                    continue;
                }
                let ending = if dialect == D::Kohya { ".lora_up.weight" } else { ".lora_B.weight" };
                let path = if name.is_empty() || name.ends_with('.') { path } else { "" };
                let expected = format!("{name}{path}{ending}");
                assert_eq!(keys.unwrap_or_else(|e| panic!("{e}")).up, expected, "{family} {id} in {dialect:?}");
            }
        }
    }
}

#[test]
fn rows_that_change_places_are_noted_on_both_ways() {
    let last = pair(
        "lora_unet_final_layer_adaLN_modulation_1.lora_up.weight",
        "lora_unet_final_layer_adaLN_modulation_1.lora_down.weight",
        6144,
        3072,
    );
    // Alone it tells no family.
    assert!(!last.modules[0].swapped);
    let (block, last) = ("double_blocks.0.img_mod.lin", "final_layer.adaLN_modulation.1");
    let names: Vec<String> = [block, last].iter().flat_map(|b| AB.map(|end| format!("{b}{end}"))).collect();
    let tensors: Vec<Blank> = names
        .iter()
        .zip([[18432, 2], [2, 3072], [6144, 2], [2, 3072]].iter())
        .map(|(n, s)| (n.as_str(), Dtype::F16, &s[..]))
        .collect();
    let adapter = open(&file_with(&tensors, &[])).unwrap();
    let module = adapter.modules.iter().find(|m| m.raw == last).unwrap();
    assert_eq!((module.key.id().as_str(), module.swapped), ("transformer.norm_out.linear", true));
    assert_eq!(adapter.dialect, D::Comfy, "bare names outside the blocks go with those inside");
    for (dialect, swapped) in [(D::Comfy, true), (D::Kohya, true), (D::Diffusers, false), (D::Peft, false)] {
        let keys = output_keys(dialect, &module.key, &module.raw, module.dialect, NamingContext { family: "flux1" });
        assert_eq!(keys.unwrap().rows.swapped(6144, 3072), swapped, "{dialect:?}");
    }
}

#[test]
fn half_pairs_and_doubles_of_every_flavour_are_refused() {
    for &(base, [up, down], out, inp, ..) in FLAVOURS {
        for (one, other) in [(up, down), (down, up)] {
            let shape = if one == up { [out, 2] } else { [2, inp] };
            let name = format!("{base}{one}");
            let error = open(&file_with(&[(&name, Dtype::F16, &shape)], &[])).unwrap_err();
            assert_eq!((error.kind, error.place.key.as_deref()), (Kind::Malformed, Some(name.as_str())));
            let expected = error.expected.unwrap();
            assert!(expected.contains(&format!("{base}{other}")), "{name}: {expected}");
        }
    }
    let sam = open(&file_with(&[("w_a_000", Dtype::F32, &[2, 768])], &[])).unwrap_err();
    assert!(sam.kind == Kind::Malformed && sam.to_string().contains("w_b_000"), "{sam}");
    // One module in two spellings: the layout knows that they are one.
    for (one, other) in [
        ("lora_unet_double_blocks_0_img_mlp_0", "lora_transformer_transformer_blocks_0_ff_net_0_proj"),
        ("lora_unet_double_blocks_0_img_mlp_0", "transformer.double_blocks.0.img_mlp.0"),
        ("lora_unet_unet_double_blocks_0_img_mlp_0", "lora_unet_double_blocks_0_img_mlp_0"),
    ] {
        let names: Vec<String> = [one, other].iter().flat_map(|b| K.map(|end| format!("{b}{end}"))).collect();
        let tensors: Vec<Blank> = names.iter().map(|n| (n.as_str(), Dtype::F16, &[4usize, 4][..])).collect();
        let error = open(&file_with(&tensors, &[])).unwrap_err();
        assert!(error.kind == Kind::Malformed && error.what.contains("two factor pairs"), "{one} {other}: {error}");
    }
}

#[test]
fn factors_that_do_not_fit_are_named() {
    for (up, down) in [([2usize, 8], [6usize, 3]), ([2, 8], [6, 4])] {
        let tensors: [Blank; 2] = [("a.lora_b", Dtype::F32, &up), ("a.lora_a", Dtype::F32, &down)];
        let error = open(&file_with(&tensors, &[])).unwrap_err();
        assert!(error.kind == Kind::Malformed && error.to_string().contains("lora_a"), "{error}");
    }
    let deep: [Blank; 2] = [("a.lora_b", Dtype::F32, &[2, 8, 1, 1]), ("a.lora_a", Dtype::F32, &[6, 2])];
    assert_eq!(open(&file_with(&deep, &[])).unwrap_err().kind, Kind::Malformed);
}
