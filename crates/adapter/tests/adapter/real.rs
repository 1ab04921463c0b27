//! Trained adapters of the shared folder: opened rightly, or refused by name.

use crate::support::shared;
use rankweave_adapter::{Adapter, Component, DialectId, Kind, Part, Stored, Tensor, read_alphas, read_modules};
use std::collections::BTreeMap;
use std::path::Path;

/// What the folder's README says of one file.
struct Row {
    file: String,
    spelling: String,
    ranks: BTreeMap<usize, usize>,
    modules: usize,
    zero_up: usize,
}

fn table(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let rows = text.lines().filter(|l| l.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let ranks = cells[3].trim_matches(['{', '}']).split(", ").filter(|s| !s.is_empty()).map(|pair| {
            let (rank, count) = pair.split_once(": ").unwrap();
            (rank.trim_matches('\'').parse().unwrap(), count.parse().unwrap())
        });
        Row {
            file: cells[0].trim_matches('`').to_owned(),
            spelling: cells[2].to_owned(),
            ranks: ranks.collect(),
            modules: cells[4].parse().unwrap(),
            zero_up: cells[7].parse().unwrap(),
        }
    })
    .collect()
}

/// The up factor, however it is stored.
fn up(stored: &Stored) -> &Tensor {
    let parts = [Part::Up, Part::TransposedUp, Part::EmbeddingUp];
    parts.into_iter().find_map(|part| stored.part(part)).unwrap()
}

/// The configuration beside a file, as the folder names it.
fn config(path: &Path) -> Option<String> {
    let name = path.to_str()?.strip_suffix(".safetensors")?;
    std::fs::read_to_string(format!("{name}.adapter_config.json")).ok()
}

#[test]
fn every_file_of_the_table_opens_as_it_says_or_is_refused_by_name() {
    let Some(folder) = shared("trained adapters", "adapters") else { return };
    let rows = table(&folder);
    let folders = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).filter(|p| p.is_dir());
    let files = folders.flat_map(|f| std::fs::read_dir(f).unwrap()).map(|f| f.unwrap().path());
    let files = files.filter(|p| p.extension().is_some_and(|e| e == "safetensors")).count();
    assert!(rows.len() == files && files > 30, "{} rows for {files} files", rows.len());
    let (mut opened, mut refused) = (0, 0);
    for row in &rows {
        let path = folder.join(&row.file);
        let bytes = std::fs::read(&path).unwrap();
        let config = config(&path);
        let result = Adapter::open(&bytes, &row.file, config.as_deref());
        let named = match row.spelling.as_str() {
            "other" if row.file.contains("finegates") => Some("FINEGATES"),
            "other" if row.file.contains("unilora") => Some("UNILORA"),
            _ => None,
        };
        if let Some(named) = named {
            let error = result.map(|a| a.modules.len()).expect_err(&row.file);
            assert_eq!(error.kind, Kind::Unsupported, "{error}");
            assert!(error.what.contains(named), "{error}");
            assert!(error.place.file.is_some() && error.place.key.is_some() && !error.hint.is_empty(), "{error}");
            refused += 1;
            continue;
        }
        let adapter = result.unwrap_or_else(|e| panic!("{e}"));
        if row.file.contains("ia3") {
            assert_eq!(
                (adapter.needing_base(), adapter.dialect),
                (adapter.modules.len(), DialectId::Peft),
                "{}",
                row.file
            );
            assert!(
                adapter.modules.len() == adapter.header.tensors.len() && adapter.modules.iter().all(|m| !m.sized())
            );
            opened += 1;
            continue;
        }
        let dialect = match row.spelling.as_str() {
            "peft" | "adalora" | "peft_embedding+peft" => DialectId::Peft,
            "cloneofsimo" => DialectId::Cloneofsimo,
            "mlx" => DialectId::Mlx,
            "sam_w" => DialectId::SamLora,
            "diffusers_old" => DialectId::DiffusersProcs,
            "diffusers_lora_dot" => DialectId::DiffusersLora,
            other => panic!("unknown spelling {other}"),
        };
        assert_eq!((adapter.dialect, adapter.modules.len()), (dialect, row.modules), "{}", row.file);
        let mut ranks = BTreeMap::new();
        adapter.modules.iter().for_each(|m| *ranks.entry(m.rank).or_default() += 1);
        assert_eq!(ranks, row.ranks, "{}", row.file);
        let all: Vec<usize> = (0..adapter.modules.len()).collect();
        let factors = read_modules(&adapter, &bytes, &all).unwrap_or_else(|e| panic!("{e}"));
        let zero = factors.iter().filter(|f| up(f).values.iter().all(|v| *v == 0.0)).count();
        assert_eq!(zero, row.zero_up, "{}", row.file);
        assert_eq!(read_alphas(&adapter, &bytes).unwrap().len(), row.modules);
        opened += 1;
    }
    assert!(opened >= 32 && refused >= 2, "{opened} opened, {refused} refused");
}

#[test]
fn without_their_configurations_the_negatives_are_still_known() {
    let Some(folder) = shared("negatives", "adapters") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder.join("negative_not_lora")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            let opened = Adapter::open(&std::fs::read(&path).unwrap(), "f", None);
            count += 1;
            if path.to_string_lossy().contains("ia3") {
                assert!(opened.unwrap().needing_base() > 0);
                continue;
            }
            let error = opened.map(|_| ()).unwrap_err();
            let names = ["UniLoRA", "FineGates"];
            assert!(names.iter().any(|n| error.what.contains(n)), "{error}");
        }
    }
    assert_eq!(count, 4);
}

#[test]
fn families_scales_and_extras_of_known_files() {
    let Some(folder) = shared("known files", "adapters") else { return };
    let open = |file: &str| {
        let path = folder.join(file);
        let bytes = std::fs::read(&path).unwrap();
        let adapter = Adapter::open(&bytes, file, config(&path).as_deref()).unwrap();
        (adapter, bytes)
    };
    for (file, family) in [
        ("sd15_diffusers/huggingface-diffusers__sd-pokemon-model-lora.safetensors", "sd15"),
        ("sd15_diffusers/catundchat-stable-diffusion-v1.5-lora__pytorch_lora_weights.safetensors", "sd15"),
        ("sd15_cloneofsimo/cloneofsimo-lora__lora_disney.safetensors", "sd15"),
        ("sd15_cloneofsimo/cloneofsimo-lora__analog_svd_distill.text_encoder.safetensors", "sd15"),
        ("sd21_cloneofsimo/cloneofsimo-lora__lora_pop.safetensors", "sd21"),
        ("sd21_cloneofsimo/cloneofsimo-lora__lora_kiriko.text_encoder.safetensors", "sd21"),
        ("llm_opt/huggingface-peft__opt125m_regression_0.5.0.safetensors", "opt"),
        ("llm_roberta_base/huggingface-peft__monteclora_mrpc_checkpoint-230.safetensors", "roberta"),
    ] {
        assert_eq!(open(file).0.family.id, family, "{file}");
    }
    let (roberta, bytes) = open("llm_roberta_base/huggingface-peft__monteclora_mrpc_checkpoint-230.safetensors");
    assert!(roberta.extras.iter().all(|e| e.reason == "saved module") && roberta.extras.len() == 4);
    assert!(read_modules(&roberta, &bytes, &[0, 5]).unwrap().iter().all(|f| (f.scale, f.alpha) == (2.0, 16.0)));
    let (disney, _) = open("sd15_cloneofsimo/cloneofsimo-lora__lora_disney.safetensors");
    assert_eq!(disney.extras.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["<s1>", "<s2>"]);
}

/// Sets of files that belong together, as the folder's README says, and what they are.
#[test]
fn files_of_one_set_share_all_modules() {
    let Some(folder) = shared("sets of files", "adapters") else { return };
    for (set, family, begin, files, modules) in [
        ("sd15_diffusers", "sd15", "", 3, 128),
        ("sd15_cloneofsimo", "sd15", "cloneofsimo-lora__lora_disney", 2, 192),
        ("sd21_cloneofsimo", "sd21", "cloneofsimo-lora__lora_disney", 1, 128),
        ("vit_sam_b", "sam", "", 7, 24),
        ("llm_roberta_base", "roberta", "", 2, 24),
        ("mlx", "llama", "", 2, 8),
    ] {
        let mut names: Vec<Vec<String>> = Vec::new();
        for entry in std::fs::read_dir(folder.join(set)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.ends_with(".safetensors") || !name.starts_with(begin) {
                continue;
            }
            let adapter = Adapter::open(&std::fs::read(&path).unwrap(), name, config(&path).as_deref()).unwrap();
            assert_eq!(adapter.family.id, family, "{name}");
            assert!(!adapter.warnings.iter().any(|w| w.code == "positional-names"), "{name}");
            let mut own: Vec<String> = adapter.modules.iter().map(|m| m.key.matching()).collect();
            own.sort();
            names.push(own);
        }
        assert_eq!((names.len(), names[0].len()), (files, modules), "{set}");
        assert!(names.iter().all(|n| *n == names[0]), "{set}");
    }
}

#[test]
fn positions_are_the_modules_whose_shapes_they_have() {
    let Some(folder) = shared("positions", "adapters") else { return };
    let open = |file: &str| {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        Adapter::open(&bytes, file, None).unwrap()
    };
    let names = |adapter: &Adapter, component| {
        let own = adapter.modules.iter().filter(|m| m.key.component == component);
        own.map(|m| (m.key.matching(), (m.shape.out, m.shape.inp))).collect::<BTreeMap<_, _>>()
    };
    // Attention of files with real names, and the shapes of the base model.
    let named =
        names(&open("sd15_diffusers/huggingface-diffusers__sd-pokemon-model-lora.safetensors"), Component::Unet);
    let Some(lists) = shared("base shapes", "keylists") else { return };
    let base: BTreeMap<String, (usize, usize)> = crate::keylists::list(&lists, "base_shapes_sd15_kohya_names")
        .into_iter()
        .map(|(name, shape)| (name, shape.unwrap()))
        .map(|(name, shape)| (name, (shape[0] as usize, shape[1] as usize)))
        .collect();
    for file in ["analog_svd_rank4", "lora_disney", "lora_disney_inpainting"] {
        let adapter = open(&format!("sd15_cloneofsimo/cloneofsimo-lora__{file}.safetensors"));
        let unet = names(&adapter, Component::Unet);
        assert_eq!(unet.len(), 144);
        assert!(named.iter().all(|(name, shape)| unet.get(name) == Some(shape)), "{file}");
        let text = names(&adapter, Component::TextEncoder(1));
        assert_eq!(text.len(), 48);
        let kohya = |name: &String| name.replacen("text_encoder.", "lora_te_", 1).replacen("unet.", "lora_unet_", 1);
        assert!(unet.iter().chain(&text).all(|(name, shape)| base.get(&kohya(name)) == Some(shape)), "{file}");
    }
    let sd2 = open("sd21_cloneofsimo/cloneofsimo-lora__lora_kiriko.text_encoder.safetensors");
    assert_eq!(sd2.modules[91].key.id(), "text_encoder.text_model.encoder.layers.22.self_attn.out_proj");
    let sam = open("vit_sam_b/MathieuNlp-Sam_LoRA__lora_rank2.safetensors");
    let found = sam.modules.iter().find(|m| m.raw == "005").unwrap();
    assert_eq!(found.key.id(), "model.image_encoder.blocks.2.attn.qkv.v");
}

#[test]
fn mlx_takes_its_scale_from_its_configuration() {
    let Some(folder) = shared("MLX", "adapters") else { return };
    let path = folder.join("mlx/wyek1n-MLX-CLI__qwen2.5-0.5b_0000100_adapters.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let open = |config: Option<&str>| Adapter::open(&bytes, "f", config);
    let adapter = open(config(&path).as_deref()).unwrap();
    let stored = read_modules(&adapter, &bytes, &[0, 7]).unwrap();
    assert!(stored.iter().all(|s| (s.scale, s.alpha) == (10.0, 80.0)));
    let value = adapter.modules.iter().find(|m| m.key.path.ends_with("v_proj")).unwrap();
    assert_eq!((value.shape.out, value.shape.inp, value.rank), (128, 896, 8));
    assert_eq!(
        adapter.config.unwrap().base_model.as_deref(),
        Some("/Users/wyek1n/Downloads/MLX/model/Qwen2.5-0.5B-Instruct")
    );
    let without = open(None).unwrap();
    assert!(without.warnings.iter().any(|w| w.code == "no-config"));
    assert_eq!(read_modules(&without, &bytes, &[0]).unwrap()[0].scale, 1.0);
    let odd = open(Some(r#"{"lora_parameters": {"rank": 8}}"#)).unwrap_err();
    assert_eq!((odd.kind, odd.place.key.as_deref()), (Kind::Malformed, Some("lora_parameters")));
    let dora = open(Some(r#"{"fine_tune_type": "dora", "lora_parameters": {"rank": 8, "scale": 2.0}}"#)).unwrap_err();
    assert!(dora.kind == Kind::Unsupported && dora.what.contains("DoRA"));
    // PEFT's configuration stays PEFT's, whatever else it holds.
    let peft = r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "lora_parameters": {"scale": 3.0}}"#;
    assert_eq!(read_modules(&open(Some(peft)).unwrap(), &bytes, &[0]).unwrap()[0].scale, 2.0);
}
