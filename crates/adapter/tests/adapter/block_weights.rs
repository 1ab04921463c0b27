//! Blocks and their weights, against tables made by hand.

use rankweave_adapter::layout::{block_of, block_weights, blocks, families};
use rankweave_adapter::{Component, Error, Kind, ModuleKey};

fn ids(family: &str) -> Vec<String> {
    blocks(family).into_iter().map(|b| b.id).collect()
}

/// The blocks whose weight is not 1, with their weights.
fn changed(family: &str, text: &str) -> Vec<(String, f64)> {
    let weights = block_weights(family, text).unwrap_or_else(|e| panic!("{family} {text}: {e}"));
    let ids = ids(family);
    assert_eq!(weights.len(), ids.len());
    ids.into_iter().zip(weights).filter(|(_, w)| *w != 1.0).collect()
}

/// The names of the blocks with this weight.
fn with(family: &str, text: &str, weight: f64) -> String {
    let weights = block_weights(family, text).unwrap_or_else(|e| panic!("{family} {text}: {e}"));
    let found = ids(family).into_iter().zip(weights).filter(|(_, w)| *w == weight);
    found.map(|(id, _)| id).collect::<Vec<_>>().join(" ")
}

fn refused(family: &str, text: &str) -> Error {
    let error = block_weights(family, text).expect_err(text);
    assert_eq!(error.kind, Kind::Parameter, "{error}");
    assert_eq!(error.place.key.as_deref(), Some("block weights"));
    error
}

fn block(family: &str, component: Component, path: &str) -> Option<String> {
    let index = block_of(family, &ModuleKey { component, path: path.to_owned() })?;
    Some(ids(family)[index].clone())
}

#[test]
fn every_family_has_its_blocks() {
    let sd = "BASE IN00 IN01 IN02 IN03 IN04 IN05 IN06 IN07 IN08 IN09 IN10 IN11 M00 OUT00 OUT01 OUT02 OUT03 OUT04 \
        OUT05 OUT06 OUT07 OUT08 OUT09 OUT10 OUT11 OTHER";
    assert_eq!(ids("sd15").join(" "), sd);
    assert_eq!(ids("sd21"), ids("sd15"));
    let sdxl = "BASE IN00 IN01 IN02 IN03 IN04 IN05 IN06 IN07 IN08 M00 OUT00 OUT01 OUT02 OUT03 OUT04 OUT05 OUT06 OUT07 \
        OUT08 OTHER";
    assert_eq!(ids("sdxl").join(" "), sdxl);
    for (family, count, some) in [
        ("flux1", 59, [(0, "BASE"), (1, "D00"), (19, "D18"), (20, "S00"), (57, "S37"), (58, "OTHER")]),
        ("chroma", 59, [(0, "BASE"), (1, "D00"), (19, "D18"), (20, "S00"), (57, "S37"), (58, "OTHER")]),
        ("flux2", 58, [(0, "BASE"), (1, "D00"), (8, "D07"), (9, "S00"), (56, "S47"), (57, "OTHER")]),
        ("sd3", 40, [(0, "BASE"), (1, "J00"), (24, "J23"), (25, "J24"), (38, "J37"), (39, "OTHER")]),
        ("wan", 82, [(0, "BASE"), (1, "B00"), (40, "B39"), (41, "L00"), (80, "L39"), (81, "OTHER")]),
        ("hunyuan-video", 96, [(0, "BASE"), (1, "D00"), (54, "D53"), (55, "S00"), (94, "S39"), (95, "OTHER")]),
        ("qwen-image", 62, [(0, "BASE"), (1, "B00"), (10, "B09"), (11, "B10"), (60, "B59"), (61, "OTHER")]),
        ("z-image", 36, [(0, "BASE"), (1, "N00"), (3, "C00"), (5, "L00"), (34, "L29"), (35, "OTHER")]),
        ("llama", 129, [(0, "L00"), (9, "L09"), (99, "L99"), (100, "L100"), (127, "L127"), (128, "OTHER")]),
    ] {
        let ids = ids(family);
        assert_eq!(ids.len(), count, "{family}");
        some.iter().for_each(|(i, id)| assert_eq!(ids[*i], *id, "{family}"));
    }
    for (family, _) in families() {
        let all = blocks(family);
        let mut names: Vec<&str> = all.iter().map(|b| b.id.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len(), "{family}: every block has a name of its own");
        assert!(all.len() > 2 && all.iter().all(|b| !b.role.is_empty()), "{family}");
        assert_eq!(block_weights(family, "all").unwrap(), vec![1.0; all.len()]);
        assert_eq!(block_weights(family, "None").unwrap(), vec![0.0; all.len()]);
        assert_eq!(block_weights(family, "ALL0.5").unwrap(), vec![0.5; all.len()]);
    }
    assert!(blocks("unknown").is_empty() && blocks("").is_empty());
}

#[test]
fn blocks_say_where_they_lie() {
    let role = |family: &str, id: &str| blocks(family).into_iter().find(|b| b.id == id).unwrap().role;
    assert_eq!(role("sd15", "BASE"), "text encoders");
    assert_eq!(role("sd15", "IN00"), "first convolution");
    assert_eq!(role("sd15", "IN01"), "down, 320 channels, layer 1, at full size, attention");
    assert_eq!(role("sd15", "IN03"), "down, 320 channels: halves the picture from full size");
    assert_eq!(role("sd15", "IN11"), "down, 1280 channels, layer 2, at 1/8 size, no attention");
    assert_eq!(role("sd15", "M00"), "middle, 1280 channels, at 1/8 size: the coarsest");
    assert_eq!(
        role("sd15", "OUT02"),
        "up, 1280 channels, layer 3, at 1/8 size, no attention; then doubles the picture"
    );
    assert_eq!(role("sd15", "OUT11"), "up, 320 channels, layer 3, at full size, attention");
    assert_eq!(role("sdxl", "IN08"), "down, 1280 channels, layer 2, at 1/4 size, attention 10 deep");
    assert_eq!(
        role("sdxl", "OUT05"),
        "up, 640 channels, layer 3, at 1/2 size, attention 2 deep; then doubles the picture"
    );
    assert_eq!(role("flux1", "S37"), "single block (picture and text together) 38 of 38");
    assert_eq!(role("sd3", "J00"), "joint block (picture and text) 1 of 24 or 38");
}

#[test]
fn modules_lie_in_their_blocks() {
    use Component::{Model, Prior, TextEncoder, Transformer, Unet};
    for (family, component, path, expected) in [
        ("sd15", Unet, "conv_in", "IN00"),
        ("sd15", Unet, "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", "IN01"),
        ("sd15", Unet, "down_blocks.0.downsamplers.0.conv", "IN03"),
        ("sd15", Unet, "down_blocks.1.resnets.0.conv1", "IN04"),
        ("sd15", Unet, "down_blocks.3.resnets.1.conv2", "IN11"),
        ("sd15", Unet, "down_blocks.2.motion_modules.1.proj_in", "IN08"),
        ("sd15", Unet, "mid_block.attentions.0.proj_in", "M00"),
        ("sd15", Unet, "up_blocks.0.upsamplers.0.conv", "OUT02"),
        ("sd15", Unet, "up_blocks.3.attentions.2.proj_out", "OUT11"),
        ("sd15", Unet, "input_blocks_5_1_proj_in", "IN05"),
        ("sd15", Unet, "middle_block.1.proj_in", "M00"),
        ("sd15", Unet, "output_blocks.11.1.proj_in", "OUT11"),
        ("sd15", Unet, "time_embedding.linear_1", "OTHER"),
        ("sd15", Unet, "conv_out", "OTHER"),
        ("sd15", TextEncoder(1), "text_model.encoder.layers.0.mlp.fc1", "BASE"),
        ("sdxl", Unet, "down_blocks.2.attentions.1.proj_in", "IN08"),
        ("sdxl", Unet, "up_blocks.2.resnets.2.conv1", "OUT08"),
        ("sdxl", Unet, "add_embedding.linear_1", "OTHER"),
        ("sdxl", TextEncoder(2), "text_projection", "BASE"),
        ("flux1", Transformer, "double_blocks.18.img_attn.qkv", "D18"),
        ("flux1", Transformer, "double_blocks_0_img_attn_qkv", "D00"),
        ("flux1", Transformer, "transformer_blocks.7.attn.to_q", "D07"),
        ("flux1", Transformer, "single_transformer_blocks.37.proj_mlp", "S37"),
        ("flux1", Transformer, "single_blocks_9_linear1", "S09"),
        ("flux1", Transformer, "final_layer.linear", "OTHER"),
        ("flux1", Model, "proj_out", "OTHER"),
        ("flux1", TextEncoder(2), "encoder.block.3.layer.0.SelfAttention.q", "BASE"),
        ("sd3", Transformer, "joint_blocks.37.x_block.attn.qkv", "J37"),
        ("sd3", Transformer, "transformer_blocks.0.attn.to_q", "J00"),
        ("wan", Transformer, "blocks.39.ffn.0", "B39"),
        ("wan", Transformer, "transformer_2.blocks.0.attn1.to_q", "L00"),
        ("wan", Model, "blocks.3.self_attn.q", "B03"),
        ("wan", Transformer, "patch_embedding", "OTHER"),
        ("hunyuan-video", Transformer, "txt_in.individual_token_refiner.blocks.0.mlp.fc1", "OTHER"),
        ("hunyuan-video", Transformer, "single_blocks.39.linear2", "S39"),
        ("z-image", Transformer, "context_refiner.1.attention.qkv", "C01"),
        ("z-image", Transformer, "layers.29.feed_forward.w1", "L29"),
        ("llama", Model, "model.layers.31.self_attn.q_proj", "L31"),
        ("llama", Model, "language_model.model.layers.101.mlp.up_proj", "L101"),
        ("llama", Model, "vision_tower.vision_model.encoder.layers.3.self_attn.q_proj", "OTHER"),
        ("llama", Model, "lm_head", "OTHER"),
        ("opt", Model, "model.decoder.layers.3.self_attn.q_proj", "L03"),
        ("gpt2", Model, "transformer.h.11.attn.c_attn", "L11"),
        ("t5", Model, "decoder.block.3.layer.0.SelfAttention.q", "D03"),
        ("roberta", Model, "roberta.encoder.layer.11.attention.self.query", "L11"),
        ("distilbert", Model, "distilbert.transformer.layer.5.attention.q_lin", "L05"),
        ("sam", Model, "image_encoder.blocks.11.attn.qkv", "L11"),
    ] {
        assert_eq!(block(family, component, path).as_deref(), Some(expected), "{family} {path}");
    }
    for (family, component, path) in [
        // Deeper than the family is.
        ("sdxl", Unet, "down_blocks.3.resnets.0.conv1"),
        ("sdxl", Unet, "output_blocks.9.0.in_layers.2"),
        ("sd15", Unet, "down_blocks.0.resnets.2.conv1"),
        ("flux1", Transformer, "double_blocks.19.img_attn.qkv"),
        ("llama", Model, "model.layers.128.self_attn.q_proj"),
        // Of another part, or without a name.
        ("sd15", Transformer, "down_blocks.0.resnets.0.conv1"),
        ("flux1", Unet, "double_blocks.0.img_attn.qkv"),
        ("sd15", Prior, "conv_in"),
        ("sd15", Unet, "12"),
        ("llama", TextEncoder(1), "layers.0.mlp"),
        ("unknown", Transformer, "blocks.0.x"),
    ] {
        assert_eq!(block(family, component, path), None, "{family} {path}");
    }
}

#[test]
fn lists_of_every_length() {
    let numbers = |n: usize| (1..=n).map(|i| format!("{}", i as f64 / 10.0)).collect::<Vec<_>>().join(",");
    let at = |family: &str, n: usize, block: &str| {
        let weights = block_weights(family, &numbers(n)).unwrap_or_else(|e| panic!("{family} {n}: {e}"));
        weights[ids(family).iter().position(|id| id == block).unwrap()]
    };
    for (family, n, some) in [
        (
            "sd15",
            17,
            [("BASE", 0.1), ("IN01", 0.2), ("IN08", 0.7), ("M00", 0.8), ("OUT03", 0.9), ("OUT11", 1.7), ("IN00", 1.0)],
        ),
        (
            "sd21",
            26,
            [("BASE", 0.1), ("IN00", 0.2), ("IN11", 1.3), ("M00", 1.4), ("OUT00", 1.5), ("OUT11", 2.6), ("OTHER", 1.0)],
        ),
        (
            "sdxl",
            12,
            [("BASE", 0.1), ("IN04", 0.2), ("IN08", 0.5), ("M00", 0.6), ("OUT00", 0.7), ("OUT05", 1.2), ("OUT06", 1.0)],
        ),
        (
            "sdxl",
            20,
            [("BASE", 0.1), ("IN00", 0.2), ("IN08", 1.0), ("M00", 1.1), ("OUT00", 1.2), ("OUT08", 2.0), ("OTHER", 1.0)],
        ),
        (
            "sdxl",
            26,
            [("BASE", 0.1), ("IN00", 0.2), ("IN08", 1.0), ("M00", 1.4), ("OUT00", 1.5), ("OUT08", 2.3), ("OTHER", 1.0)],
        ),
        (
            "flux1",
            19,
            [("D00", 0.1), ("D18", 1.9), ("S00", 1.0), ("S37", 1.0), ("BASE", 1.0), ("OTHER", 1.0), ("D09", 1.0)],
        ),
        (
            "flux1",
            57,
            [("D00", 0.1), ("D18", 1.9), ("S00", 2.0), ("S37", 5.7), ("BASE", 1.0), ("OTHER", 1.0), ("D09", 1.0)],
        ),
        (
            "flux1",
            58,
            [("D00", 0.2), ("D18", 2.0), ("S00", 2.1), ("S37", 5.8), ("BASE", 0.1), ("OTHER", 1.0), ("D08", 1.0)],
        ),
        (
            "wan",
            30,
            [("B00", 0.1), ("B29", 3.0), ("B30", 1.0), ("L00", 0.1), ("L29", 3.0), ("BASE", 1.0), ("OTHER", 1.0)],
        ),
        (
            "z-image",
            34,
            [("N00", 0.1), ("C01", 0.4), ("L00", 0.5), ("L29", 3.4), ("BASE", 1.0), ("OTHER", 1.0), ("L05", 1.0)],
        ),
    ] {
        for (block, weight) in some {
            assert_eq!(at(family, n, block), weight, "{family} {n} {block}");
        }
    }
    // 61 numbers: both text encoders, the input, 57 blocks, the output.
    let long = |clip: &str, t5: &str, inp: &str, out: &str| format!("{clip},{t5},{inp},{},{out}", numbers(57));
    let weights = block_weights("flux1", &long("0.3", "0.3", "0.4", "0.4")).unwrap();
    assert_eq!((weights[0], weights[1], weights[57], weights[58]), (0.3, 0.1, 5.7, 0.4));
    assert!(refused("flux1", &long("0.3", "0.2", "0.4", "0.4")).what.contains("BASE"));
    assert!(refused("flux1", &long("0.3", "0.3", "0.4", "0")).what.contains("OTHER"));
    // Spaces, brackets and the prompt's prefix do no harm.
    let same = block_weights("sd15", &numbers(17)).unwrap();
    for text in [numbers(17).replace(',', " , "), format!(" [{}] ", numbers(17)), format!("lbw={}", numbers(17))] {
        assert_eq!(block_weights("sd15", &text).unwrap(), same, "{text}");
    }
}

#[test]
fn presets_of_lora_block_weight() {
    for (preset, kept) in [
        ("INS", "BASE IN00 IN01 IN02 IN03 IN04"),
        ("IND", "BASE IN05 IN06 IN07 IN08 IN09 IN10 IN11"),
        ("MIDD", "BASE IN05 IN06 IN07 IN08 IN09 IN10 IN11 M00 OUT00 OUT01 OUT02 OUT03 OUT04 OUT05 OUT06"),
        ("OUTD", "BASE OUT00 OUT01 OUT02 OUT03 OUT04 OUT05 OUT06"),
        ("outs", "BASE OUT07 OUT08 OUT09 OUT10 OUT11"),
    ] {
        assert_eq!(with("sd15", preset, 1.0), kept, "{preset}");
    }
    // In the blocks that a plain LoRA changes, presets are the lists of 17 that they were made as.
    let attention = [0, 2, 3, 5, 6, 8, 9, 13, 17, 18, 19, 20, 21, 22, 23, 24, 25];
    for (preset, list) in [
        ("NONE", "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"),
        ("ALL", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"),
        ("INS", "1,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0"),
        ("IND", "1,0,0,0,1,1,1,0,0,0,0,0,0,0,0,0,0"),
        ("INALL", "1,1,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0"),
        ("MIDD", "1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0"),
        ("OUTD", "1,0,0,0,0,0,0,0,1,1,1,1,0,0,0,0,0"),
        ("OUTS", "1,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1"),
        ("OUTALL", "1,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1"),
        ("ALL0.5", "0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5"),
    ] {
        let pick = |text: &str| attention.map(|i| block_weights("sd15", text).unwrap()[i]);
        assert_eq!(pick(preset), pick(list), "{preset}");
    }
    assert_eq!(with("sdxl", "OUTALL", 1.0), "BASE OUT00 OUT01 OUT02 OUT03 OUT04 OUT05 OUT06 OUT07 OUT08");
    assert_eq!(with("flux1", "FLUXALL", 0.0), "");
    let late = with("flux1", "LATE", 1.0);
    assert!(late.starts_with("BASE S19 S20 ") && late.ends_with(" S36 S37"), "{late}");
    for (family, names) in [
        ("sd15", "NONE, ALL, ALL0.5, INS, IND, INALL, MIDD, OUTD, OUTS, OUTALL"),
        ("sdxl", "NONE, ALL, ALL0.5, INALL, OUTALL"),
        ("flux1", "NONE, ALL, ALL0.5, FLUXALL, DOUBLE, SINGLE, EARLY, MIDDLE, LATE"),
        ("llama", "NONE, ALL, ALL0.5"),
    ] {
        let error = refused(family, "dfsadfsfds");
        assert_eq!((error.expected.as_deref(), error.found.as_deref()), (Some(names), Some("dfsadfsfds")));
    }
    assert!(refused("sdxl", "INS").lines()[2].contains("SDXL"));
}

#[test]
fn named_blocks() {
    let pairs = |list: &[(&str, f64)]| list.iter().map(|(id, w)| (id.to_string(), *w)).collect::<Vec<_>>();
    assert_eq!(changed("sd15", "IN04=0.5"), pairs(&[("IN04", 0.5)]));
    assert_eq!(changed("sd15", "in04=0.5,mid=-1,te=0"), pairs(&[("BASE", 0.0), ("IN04", 0.5), ("M00", -1.0)]));
    let outs = changed("sd15", "IN04=0.5,OUT*=0");
    assert_eq!((outs.len(), &outs[0], &outs[12]), (13, &("IN04".to_owned(), 0.5), &("OUT11".to_owned(), 0.0)));
    assert_eq!(with("flux1", "NONE,D00-D05=1", 1.0), "D00 D01 D02 D03 D04 D05");
    assert_eq!(with("flux1", "none D17-S01=2", 2.0), "D17 D18 S00 S01", "a range goes on into the next stack");
    assert_eq!(with("flux1", "NONE,S01-D17=2", 2.0), "D17 D18 S00 S01", "in either order");
    assert_eq!(with("flux1", "NONE,*7=3", 3.0), "D07 D17 S07 S17 S27 S37");
    assert_eq!(changed("sd15", "IN*=0,IN04=1,IN04=0.25,IN*5=1").last().unwrap(), &("IN11".to_owned(), 0.0));
    assert_eq!(with("sd15", "IN*=0,IN04=1,IN04=0.25", 0.25), "IN04", "the last one counts");
    assert_eq!(with("llama", "NONE,L10-L12=0.5,other=0.1", 0.5), "L10 L11 L12");
}

#[test]
fn errors_say_what_may_be_typed() {
    for (family, text, expected) in [
        ("sd15", "1,1,1", "17 or 26 numbers"),
        ("sdxl", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "12, 20 or 26 numbers"),
        ("flux1", "0.5", "19, 20, 57, 58 or 61 numbers"),
        ("qwen-image", "1 1", "60 numbers"),
        ("sd15", "IN12=1", "BASE, IN00-IN11, M00, OUT00-OUT11, OTHER"),
        ("sd15", "IN00-IN12=1", "BASE, IN00-IN11, M00, OUT00-OUT11, OTHER"),
        ("flux1", "X*=1", "BASE, D00-D18, S00-S37, OTHER"),
        ("sd15", "=1", "BASE, IN00-IN11, M00, OUT00-OUT11, OTHER"),
        ("sd15", "IN04=a", "a number from -10 to 10"),
        ("sd15", "IN04=", "a number from -10 to 10"),
        ("sd15", "IN04=11", "a number from -10 to 10"),
        ("sd15", "IN04=nan", "a number from -10 to 10"),
        ("sd15", "IN04=1e999", "a number from -10 to 10"),
        ("sd15", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,R", "a number from -10 to 10"),
        ("sd15", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,inf", "a number from -10 to 10"),
        ("sd15", "NONE,0.5", "NAME=number"),
        ("sd15", "IN04=1,OUTALL", "NAME=number"),
        ("sd15", "", "17 or 26 numbers"),
        ("sd15", " [ ] ", "17 or 26 numbers"),
    ] {
        let error = refused(family, text);
        assert_eq!(error.expected.as_deref(), Some(expected), "{text}: {error}");
        assert!(error.lines()[2].len() > 10, "{error}");
    }
    assert!(refused("llama", "1,1").expected.unwrap().contains("no lists"));
    assert_eq!(block_weights("unknown", "ALL").unwrap_err().kind, Kind::Unsupported);
    for text in ["1,".repeat(5 << 20), "*".repeat(10_000), "IN*=1,".repeat(2000), "é=1".into(), "*é*-=1".into()] {
        let _ = block_weights("sd15", &text);
    }
    assert_eq!(refused("sd15", &"9".repeat(10 << 20)).found.as_deref(), Some("10485760"));
}
