//! Trained adapters of the shared folder: opened rightly, or refused by name.

use crate::support::shared;
use rankweave_adapter::{Adapter, DialectId, Kind, Part, Stored, read_alphas, read_modules};
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
            "mlx" => Some("MLX"),
            "sam_w" => Some("Sam_LoRA"),
            "other" if row.file.contains("ia3") => Some("IA³"),
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
        let dialect = match row.spelling.as_str() {
            "peft" | "adalora" | "peft_embedding+peft" => DialectId::Peft,
            "cloneofsimo" => DialectId::Cloneofsimo,
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
        let up = |f: &Stored| f.part(Part::Up).or(f.part(Part::EmbeddingUp)).unwrap().clone();
        let zero = factors.iter().filter(|f| up(f).values.iter().all(|v| *v == 0.0)).count();
        assert_eq!(zero, row.zero_up, "{}", row.file);
        assert_eq!(read_alphas(&adapter, &bytes).unwrap().len(), row.modules);
        opened += 1;
    }
    assert!(opened >= 22 && refused >= 13, "{opened} opened, {refused} refused");
}

#[test]
fn without_their_configurations_the_negatives_are_still_refused() {
    let Some(folder) = shared("negatives", "adapters") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder.join("negative_not_lora")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            let error = Adapter::open(&std::fs::read(&path).unwrap(), "f", None).map(|_| ()).unwrap_err();
            let names = ["IA³", "UniLoRA", "FineGates"];
            assert!(names.iter().any(|n| error.what.contains(n)), "{error}");
            count += 1;
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
    // Two people's files, two spellings, the same modules.
    let names = |file| {
        let mut names: Vec<String> = open(file).0.modules.iter().map(|m| m.key.matching()).collect();
        names.sort();
        names
    };
    let pokemon = names("sd15_diffusers/huggingface-diffusers__sd-pokemon-model-lora.safetensors");
    let other = names("sd15_diffusers/catundchat-stable-diffusion-v1.5-lora__pytorch_lora_weights.safetensors");
    assert_eq!(pokemon, other);
    assert_eq!(pokemon.len(), 128);
}
