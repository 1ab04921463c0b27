//! Names of one family in two spellings, against tables made by hand and there and back over all key lists.

use crate::layouts::{LISTS, adapter, bases};
use crate::support::shared;
use rankweave_adapter::Component;
use rankweave_adapter::layout::{
    Fusion, Renamed, Rows, dotted_in, from_native, fusion_of_part, fusion_of_whole, to_native,
};

#[test]
fn flux_names_go_to_the_other_spelling_and_back() {
    let Some(folder) = shared("FLUX.1's two spellings", "keylists") else { return };
    let (mut native, mut parts, mut original, mut wholes) = (0, 0, 0, 0);
    for (name, ..) in LISTS.into_iter().filter(|(name, ..)| name.contains("flux")) {
        for module in adapter(&bases(&folder, name)).modules {
            if module.key.component.is_text_encoder() {
                continue;
            }
            let prefix = ["lora_unet_", "lora_transformer_", "transformer.", "base_model.model."];
            let spelled = prefix.iter().find_map(|p| module.raw.strip_prefix(p)).unwrap_or(&module.raw);
            let path = dotted_in("flux1", Component::Transformer, &spelled.replace('.', "_")).unwrap();
            let sizes = if path.contains("single") { (21504, 3072) } else { (9216, 3072) };
            if let Some(there) = from_native("flux1", &path) {
                let back = to_native("flux1", &there.path).unwrap();
                assert_eq!((&back.path, back.rows), (&path, there.rows));
                assert!(to_native("flux1", &path).is_none() && fusion_of_part("flux1", &path).is_none(), "{path}");
                native += 1;
            } else if let Some(part) = fusion_of_part("flux1", &path) {
                assert_eq!(part.parts[part.index], path);
                let whole = fusion_of_whole("flux1", &part.whole, sizes.0, sizes.1).unwrap();
                assert_eq!(whole.parts.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>(), part.parts);
                // Saved in parts, the whole's name with a number is the part's name.
                let numbered = to_native("flux1", &format!("{}.{}", part.whole, part.index)).unwrap();
                assert_eq!((numbered.path, numbered.rows), (path, Rows::Same));
                parts += 1;
            } else if let Some(there) = to_native("flux1", &path) {
                let back = from_native("flux1", &there.path).unwrap();
                assert_eq!((back.path, back.rows), (path, there.rows));
                original += 1;
            } else {
                let whole = fusion_of_whole("flux1", &path, sizes.0, sizes.1)
                    .unwrap_or_else(|| panic!("{path} has no other name"));
                assert_eq!(whole.whole, path);
                for (index, (part, _)) in whole.parts.iter().enumerate() {
                    let found = fusion_of_part("flux1", part).unwrap();
                    assert_eq!((found.whole.as_str(), found.index), (path.as_str(), index));
                }
                wholes += 1;
            }
        }
    }
    assert_eq!((native, parts, original, wholes), (381, 760, 922, 304), "modules of all lists");
}

#[test]
fn known_pairs_of_names() {
    for (family, original, native) in [
        ("sdxl", "input_blocks.4.1.proj_in", "down_blocks.1.attentions.0.proj_in"),
        ("sdxl", "label_emb.0.2", "add_embedding.linear_2"),
        ("sdxl", "output_blocks.2.2.conv", "up_blocks.0.upsamplers.0.conv"),
        ("sd15", "input_blocks.11.0.in_layers.2", "down_blocks.3.resnets.1.conv1"),
        ("sd15", "output_blocks.11.1.proj_out", "up_blocks.3.attentions.2.proj_out"),
        ("flux1", "double_blocks.18.img_attn.proj", "transformer_blocks.18.attn.to_out.0"),
        ("flux1", "double_blocks.0.txt_attn.proj", "transformer_blocks.0.attn.to_add_out"),
        ("flux1", "double_blocks.0.img_mlp.0", "transformer_blocks.0.ff.net.0.proj"),
        ("flux1", "double_blocks.0.img_mlp.2", "transformer_blocks.0.ff.net.2"),
        ("flux1", "double_blocks.0.txt_mlp.0", "transformer_blocks.0.ff_context.net.0.proj"),
        ("flux1", "double_blocks.0.txt_mlp.2", "transformer_blocks.0.ff_context.net.2"),
        ("flux1", "double_blocks.0.img_mod.lin", "transformer_blocks.0.norm1.linear"),
        ("flux1", "double_blocks.0.txt_mod.lin", "transformer_blocks.0.norm1_context.linear"),
        ("flux1", "single_blocks.0.linear2", "single_transformer_blocks.0.proj_out"),
        ("flux1", "img_in", "x_embedder"),
        ("flux1", "txt_in", "context_embedder"),
        ("flux1", "time_in.in_layer", "time_text_embed.timestep_embedder.linear_1"),
        ("flux1", "guidance_in.out_layer", "time_text_embed.guidance_embedder.linear_2"),
        ("flux1", "final_layer.linear", "proj_out"),
        ("flux1", "single_blocks.37.modulation.lin", "single_transformer_blocks.37.norm.linear"),
        ("flux1", "vector_in.out_layer", "time_text_embed.text_embedder.linear_2"),
        ("chroma", "single_blocks.3.linear2", "single_transformer_blocks.3.proj_out"),
        ("chroma", "distilled_guidance_layer.layers.4.out_layer", "distilled_guidance_layer.layers.4.linear_2"),
        ("flux2", "single_blocks.47.linear1", "single_transformer_blocks.47.attn.to_qkv_mlp_proj"),
        ("flux2", "single_blocks.47.linear2", "single_transformer_blocks.47.attn.to_out"),
        ("flux2", "double_blocks.0.img_mlp.0", "transformer_blocks.0.ff.linear_in"),
        ("flux2", "double_blocks.0.txt_mlp.2", "transformer_blocks.0.ff_context.linear_out"),
        ("flux2", "single_stream_modulation.lin", "single_stream_modulation.linear"),
        ("flux2", "time_in.out_layer", "time_guidance_embed.timestep_embedder.linear_2"),
        ("sd3", "joint_blocks.7.x_block.attn2.proj", "transformer_blocks.7.attn2.to_out.0"),
        ("sd3", "joint_blocks.7.context_block.mlp.fc1", "transformer_blocks.7.ff_context.net.0.proj"),
        ("sd3", "joint_blocks.7.x_block.attn.proj", "transformer_blocks.7.attn.to_out.0"),
        ("sd3", "joint_blocks.7.context_block.attn.proj", "transformer_blocks.7.attn.to_add_out"),
        ("sd3", "joint_blocks.7.x_block.mlp.fc2", "transformer_blocks.7.ff.net.2"),
        ("sd3", "joint_blocks.7.x_block.adaLN_modulation.1", "transformer_blocks.7.norm1.linear"),
        ("sd3", "x_embedder.proj", "pos_embed.proj"),
        ("sd3", "y_embedder.mlp.2", "time_text_embed.text_embedder.linear_2"),
        ("wan", "blocks.0.self_attn.q", "blocks.0.attn1.to_q"),
        ("wan", "blocks.0.self_attn.k", "blocks.0.attn1.to_k"),
        ("wan", "blocks.0.self_attn.v", "blocks.0.attn1.to_v"),
        ("wan", "blocks.0.self_attn.o", "blocks.0.attn1.to_out.0"),
        ("wan", "blocks.0.cross_attn.q", "blocks.0.attn2.to_q"),
        ("wan", "blocks.0.cross_attn.k", "blocks.0.attn2.to_k"),
        ("wan", "blocks.0.cross_attn.v", "blocks.0.attn2.to_v"),
        ("wan", "blocks.0.cross_attn.o", "blocks.0.attn2.to_out.0"),
        ("wan", "blocks.39.cross_attn.k_img", "blocks.39.attn2.add_k_proj"),
        ("wan", "blocks.39.cross_attn.v_img", "blocks.39.attn2.add_v_proj"),
        ("wan", "blocks.0.ffn.0", "blocks.0.ffn.net.0.proj"),
        ("wan", "blocks.0.ffn.2", "blocks.0.ffn.net.2"),
        ("wan", "time_projection.1", "condition_embedder.time_proj"),
        ("wan", "text_embedding.0", "condition_embedder.text_embedder.linear_1"),
        ("wan", "text_embedding.2", "condition_embedder.text_embedder.linear_2"),
        ("wan", "transformer_2.blocks.0.self_attn.o", "transformer_2.blocks.0.attn1.to_out.0"),
        ("wan", "head.head", "proj_out"),
        ("hunyuan-video", "double_blocks.0.img_attn_proj", "transformer_blocks.0.attn.to_out.0"),
        ("hunyuan-video", "double_blocks.0.txt_attn_proj", "transformer_blocks.0.attn.to_add_out"),
        ("hunyuan-video", "double_blocks.0.img_mlp.fc1", "transformer_blocks.0.ff.net.0.proj"),
        ("hunyuan-video", "double_blocks.0.txt_mlp.fc2", "transformer_blocks.0.ff_context.net.2"),
        ("hunyuan-video", "double_blocks.0.img_mod.linear", "transformer_blocks.0.norm1.linear"),
        ("hunyuan-video", "double_blocks.0.txt_mod.linear", "transformer_blocks.0.norm1_context.linear"),
        ("hunyuan-video", "single_blocks.0.linear2", "single_transformer_blocks.0.proj_out"),
        ("hunyuan-video", "time_in.mlp.0", "time_text_embed.timestep_embedder.linear_1"),
        ("hunyuan-video", "single_blocks.39.modulation.linear", "single_transformer_blocks.39.norm.linear"),
        (
            "hunyuan-video",
            "txt_in.individual_token_refiner.blocks.1.mlp.fc2",
            "context_embedder.token_refiner.refiner_blocks.1.ff.net.2",
        ),
        ("z-image", "layers.0.attention.out", "layers.0.attention.to_out.0"),
        ("z-image", "final_layer.linear", "all_final_layer.2-1.linear"),
        ("lumina2", "context_refiner.1.feed_forward.w3", "context_refiner.1.feed_forward.linear_3"),
    ] {
        let same = |path: &str| Some(Renamed { path: path.to_owned(), rows: Rows::Same });
        assert_eq!(to_native(family, original), same(native));
        assert_eq!(from_native(family, native), same(original));
        assert_eq!(to_native(family, &original.replace('.', "_")), same(native), "underscores do as well");
        assert_eq!(to_native(family, native), None, "{native} is native");
    }
}

#[test]
fn halves_change_places_where_shift_and_scale_do() {
    for family in ["flux1", "flux2", "sd3", "hunyuan-video"] {
        let there = to_native(family, "final_layer.adaLN_modulation.1").unwrap();
        assert_eq!((there.path.as_str(), there.rows), ("norm_out.linear", Rows::SwappedHalves), "{family}");
        assert_eq!(from_native(family, "norm_out.linear").unwrap().rows, Rows::SwappedHalves);
    }
    let last = to_native("sd3", "joint_blocks.23.context_block.adaLN_modulation.1").unwrap();
    assert_eq!(last.path, "transformer_blocks.23.norm1_context.linear");
    assert!(last.rows.swapped(3072, 1536) && !last.rows.swapped(9216, 1536), "only the last block has two parts");
}

/// Checks a fused module, and where each of its parts belongs; no parts means that the shape does not tell.
fn fused(family: &str, whole: &str, out: usize, inp: usize, parts: &[(&str, usize)]) {
    let parts: Vec<(String, usize)> = parts.iter().map(|(p, n)| (p.to_string(), *n)).collect();
    let expected = (!parts.is_empty()).then(|| Fusion { whole: whole.to_owned(), parts: parts.clone() });
    assert_eq!(fusion_of_whole(family, whole, out, inp), expected, "{family} {whole}");
    for (index, (part, _)) in parts.iter().enumerate() {
        let found = fusion_of_part(family, part).unwrap();
        assert_eq!((found.whole.as_str(), found.index, found.parts.len()), (whole, index, parts.len()));
    }
}

/// Checks a fused module of three parts with `h` rows each.
fn thirds(family: &str, whole: &str, head: &str, names: [&str; 3], h: usize) {
    let [a, b, c] = names.map(|n| format!("{head}.{n}"));
    fused(family, whole, 3 * h, h, &[(&a, h), (&b, h), (&c, h)]);
    fused(family, whole, 3 * h + 1, h, &[]);
}

#[test]
fn fused_modules_and_their_rows() {
    const TO: [&str; 3] = ["to_q", "to_k", "to_v"];
    const ADD: [&str; 3] = ["add_q_proj", "add_k_proj", "add_v_proj"];
    let h = 3072;
    for family in ["flux1", "chroma", "flux2"] {
        thirds(family, "double_blocks.3.img_attn.qkv", "transformer_blocks.3.attn", TO, h);
        thirds(family, "double_blocks.3.txt_attn.qkv", "transformer_blocks.3.attn", ADD, h);
    }
    let single = [
        ("single_transformer_blocks.3.attn.to_q", h),
        ("single_transformer_blocks.3.attn.to_k", h),
        ("single_transformer_blocks.3.attn.to_v", h),
        ("single_transformer_blocks.3.proj_mlp", 4 * h),
    ];
    for family in ["flux1", "chroma", "hunyuan-video"] {
        fused(family, "single_blocks.3.linear1", 7 * h, h, &single);
        fused(family, "single_blocks.3.linear1", 3 * h, h, &[]);
    }
    fused("flux2", "single_blocks.3.linear1", 9 * h, h, &[]);
    thirds("hunyuan-video", "double_blocks.0.img_attn_qkv", "transformer_blocks.0.attn", TO, h);
    thirds("hunyuan-video", "double_blocks.0.txt_attn_qkv", "transformer_blocks.0.attn", ADD, h);
    let refiner = "context_embedder.token_refiner.refiner_blocks.1.attn";
    thirds("hunyuan-video", "txt_in.individual_token_refiner.blocks.1.self_attn_qkv", refiner, TO, h);
    thirds("sd3", "joint_blocks.7.x_block.attn.qkv", "transformer_blocks.7.attn", TO, 1536);
    thirds("sd3", "joint_blocks.7.x_block.attn2.qkv", "transformer_blocks.7.attn2", TO, 1536);
    thirds("sd3", "joint_blocks.7.context_block.attn.qkv", "transformer_blocks.7.attn", ADD, 2432);
    for stack in ["layers.29", "noise_refiner.1", "context_refiner.0"] {
        let (whole, head) = (format!("{stack}.attention.qkv"), format!("{stack}.attention"));
        thirds("z-image", &whole, &head, TO, 3840);
        let parts = TO.map(|n| format!("{stack}.attn.{n}"));
        fused("lumina2", &whole, 3840, 2304, &[(&parts[0], 2304), (&parts[1], 768), (&parts[2], 768)]);
    }
    thirds("sam", "image_encoder.blocks.0.attn.qkv", "image_encoder.blocks.0.attn.qkv", ["q", "k", "v"], 768);
    let names = ["q_proj", "k_proj", "v_proj"];
    thirds("llama", "model.layers.0.self_attn.qkv_proj", "model.layers.0.self_attn", names, 4096);
    // Grouped keys and values: the shape does not say how many heads share one.
    fused("llama", "model.layers.0.self_attn.qkv_proj", 6144, 4096, &[]);
    let gate_up = [("model.layers.9.mlp.gate_proj", 8192), ("model.layers.9.mlp.up_proj", 8192)];
    fused("phi3", "model.layers.9.mlp.gate_up_proj", 16384, 3072, &gate_up);
    thirds("gpt2", "transformer.h.11.attn.c_attn", "transformer.h.11.attn.c_attn", ["q", "k", "v"], 768);
    // GPT-NeoX mixes rows head by head.
    fused("gpt-neox", "gpt_neox.layers.0.attention.query_key_value", 6144, 2048, &[]);
    // Underscores do as well, and the whole comes with its dots.
    let flat = fusion_of_whole("flux1", "double_blocks_3_img_attn_qkv", 3 * h, h).unwrap();
    assert_eq!(flat.whole, "double_blocks.3.img_attn.qkv");
    assert_eq!(fusion_of_part("flux1", "transformer_blocks_3_attn_to_k").unwrap().index, 1);
}
