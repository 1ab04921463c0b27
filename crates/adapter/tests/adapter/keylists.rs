//! Full key lists of real trainers' files, opened as if they were files.

use crate::support::{Sparse, shared};
use rankweave_adapter::{Adapter, Component, DialectId, Error, Kind, KindId, NamingContext, output_keys};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

const RANK: u64 = 4;

/// Names and shapes of a list; "r" becomes 4, an unknown shape stays `None`.
pub fn list(folder: &Path, name: &str) -> Vec<(String, Option<Vec<u64>>)> {
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let dim = |d: &Value| if d == "r" { RANK } else { d.as_u64().unwrap() };
    let shape = |s: &Value| s.as_array().map(|a| a.iter().map(dim).collect());
    let keys = value["keys"].as_array().unwrap();
    keys.iter().map(|k| (k[0].as_str().unwrap().to_owned(), shape(&k[1]))).collect()
}

/// Opens a list as an F16 file. Where a shape is unknown, factors get one that fits any partner.
fn open(folder: &Path, name: &str) -> Result<Adapter, Error> {
    let (mut header, mut at) = (serde_json::Map::new(), 0);
    let all = list(folder, name);
    let rows = |key: &str| {
        let up = key.replace(".dora_scale", ".lora_up.weight");
        all.iter().find(|(name, _)| *name == up).and_then(|(_, shape)| Some(shape.as_ref()?[0])).unwrap_or(RANK)
    };
    for (key, shape) in all.clone() {
        let shape = shape.unwrap_or_else(|| match &key {
            key if key.ends_with("alpha") => vec![],
            key if key.ends_with(".dora_scale") => vec![rows(key), 1],
            _ => vec![RANK, RANK],
        });
        let end = at + 2 * shape.iter().product::<u64>();
        header.insert(key, json!({"dtype": "F16", "shape": shape, "data_offsets": [at, end]}));
        at = end;
    }
    let text = Value::Object(header).to_string();
    let mut head = (text.len() as u64).to_le_bytes().to_vec();
    head.extend(text.as_bytes());
    let len = head.len() as u64 + at;
    Adapter::open(&Sparse::new(head, len), name, None)
}

#[test]
fn lists_open_with_the_right_dialect_family_and_count_or_are_refused_by_name() {
    let Some(folder) = shared("key lists", "keylists") else { return };
    use DialectId as D;
    let read = [
        ("sd15_kohya_lora_te_unet_base_names", D::Kohya, "sd15", 264),
        ("sd15_kohya_lora_conv_diffusers_names", D::Kohya, "sd15", 278),
        ("sd15_kohya_lora_subset", D::Kohya, "unknown", 85),
        ("sdxl_kohya_lora_diffusers_names", D::Kohya, "sdxl", 722),
        ("flux_kohya_lora_with_mod_lin", D::Kohya, "flux1", 304),
        ("invokeai_flux_lora_kohya_format", D::Kohya, "flux1", 304),
        ("invokeai_flux_lora_kohya_with_te1_format", D::Kohya, "flux1", 376),
        ("invokeai_flux_lora_diffusers_format", D::Diffusers, "flux1", 494),
        ("invokeai_flux_lora_diffusers_base_model_format", D::Peft, "flux1", 381),
        ("invokeai_qwen_image_lora_diffusers_format", D::Kohya, "unknown", 3),
        ("wan22_lora_AB", D::Comfy, "wan", 10),
        ("zimage_lora_AB", D::Comfy, "z-image", 8),
        ("invokeai_flux_lora_xlabs_format", D::Xlabs, "flux1", 12),
        ("sdxl_kohya_dora_diffusers_names", D::Kohya, "sdxl", 722),
        ("invokeai_flux_dora_onetrainer_format", D::Kohya, "flux1", 506),
    ];
    for (name, dialect, family, modules) in read {
        let adapter = open(&folder, name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            (adapter.dialect, adapter.family.id.as_str(), adapter.modules.len()),
            (dialect, family, modules),
            "{name}"
        );
        assert!(adapter.extras.is_empty(), "{name}: {:?}", adapter.extras[0]);
        assert_eq!(adapter.needing_base(), if name.contains("dora") { modules } else { 0 }, "{name}");
    }
    let refused = [("sd15_oft_diag", "OFT")];
    for (name, named) in refused {
        let error = open(&folder, name).map(|a| a.modules.len()).expect_err(name);
        assert_eq!(error.kind, Kind::Unsupported, "{name}: {error}");
        assert!(error.what.contains(named) && error.place.key.is_some(), "{name}: {error}");
    }
    // Every list is accounted for.
    let lists = std::fs::read_dir(&folder)
        .unwrap()
        .filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "json"));
    assert_eq!(lists.count(), read.len() + refused.len() + 5, "two lists of base shapes and three more are used below");
}

/// The shapes of SDXL's weights by kohya's names.
fn sdxl_shapes(folder: &Path) -> HashMap<String, Vec<u64>> {
    let shapes = list(folder, "base_shapes_sdxl_kohya_names");
    shapes.into_iter().filter_map(|(name, shape)| Some((name, shape?))).collect()
}

#[test]
fn a_loha_of_sdxl_has_every_module_with_its_kernel_and_rank() {
    let Some(folder) = shared("LoHa list", "keylists") else { return };
    let adapter = open(&folder, "sdxl_lycoris_loha_sai_names").unwrap();
    assert_eq!((adapter.dialect, adapter.family.id.as_str()), (DialectId::Kohya, "sdxl"));
    assert_eq!((adapter.modules.len(), adapter.extras.len()), (1052, 0));
    let shapes = sdxl_shapes(&folder);
    let (mut convolutions, mut known) = (0, 0);
    for module in &adapter.modules {
        let shape = &module.shape;
        assert_eq!((module.kind, module.dim), (KindId::Loha, RANK as usize), "{}", module.raw);
        assert_eq!(module.rank, 16.min(shape.out).min(shape.columns()), "{}", module.raw);
        convolutions += usize::from(shape.kernel == [3, 3]);
        if let Some(base) = shapes.get(&module.raw) {
            let ours = [&[shape.out, shape.inp], &shape.kernel[..]].concat();
            let squeezed = |sizes: &[u64]| sizes.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>();
            let ours: Vec<u64> = ours.iter().map(|n| *n as u64).collect();
            assert_eq!(squeezed(&ours), squeezed(base), "{}", module.raw);
            known += 1;
        }
    }
    assert!(convolutions > 35 && known > 700, "{convolutions} convolutions, {known} known shapes");
}

#[test]
fn a_lokr_of_sdxl_has_every_module_with_its_size() {
    let Some(folder) = shared("LoKr list", "keylists") else { return };
    let shapes = sdxl_shapes(&folder);
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    let mut wanted: HashMap<String, Vec<usize>> = HashMap::new();
    for (name, _) in list(&folder, "sdxl_lycoris_lokr_sai_names") {
        let (base, part) = name.rsplit_once('.').unwrap();
        let known = shapes.get(base).map(|s| s.iter().map(|n| *n as usize).collect());
        let weight: Vec<usize> = known.unwrap_or_else(|| vec![1280, 768]);
        let f = if weight[0].is_multiple_of(4) && weight[1].is_multiple_of(4) { 4 } else { 1 };
        let shape = match part {
            "alpha" => vec![],
            "lokr_w1" => vec![f, f],
            _ => [&[weight[0] / f, weight[1] / f], &weight[2..]].concat(),
        };
        wanted.insert(base.to_owned(), weight);
        tensors.push((name, shape));
    }
    let (mut header, mut at) = (serde_json::Map::new(), 0);
    for (name, shape) in tensors {
        let end = at + 2 * shape.iter().product::<usize>();
        header.insert(name, json!({"dtype": "F16", "shape": shape, "data_offsets": [at, end]}));
        at = end;
    }
    let text = Value::Object(header).to_string();
    let head = [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let len = (head.len() + at) as u64;
    let adapter = Adapter::open(&Sparse::new(head, len), "lokr", None).unwrap();
    assert_eq!((adapter.family.id.as_str(), adapter.modules.len()), ("sdxl", 1052));
    for module in &adapter.modules {
        let shape = &module.shape;
        assert_eq!([&[shape.out, shape.inp], &shape.kernel[..]].concat(), wanted[&module.raw], "{}", module.raw);
        assert_eq!((module.kind, module.dim), (KindId::Lokr, 0));
        assert_eq!(module.rank, shape.out.min(shape.columns()), "{}", module.raw);
        assert_eq!(module.scale(Some(7.0)), 1.0, "two whole factors have no scale");
    }
}

#[test]
fn a_control_lora_of_flux_keeps_its_biases() {
    let Some(folder) = shared("control LoRA list", "keylists") else { return };
    let adapter = open(&folder, "invokeai_flux_control_lora_format").unwrap();
    let vectors: Vec<_> = adapter.modules.iter().filter(|m| m.kind == KindId::Vector).collect();
    let pairs = adapter.modules.iter().filter(|m| m.kind == KindId::Lora).count();
    assert_eq!((adapter.dialect, adapter.family.id.as_str(), pairs), (DialectId::Comfy, "flux1", 314));
    assert!(adapter.modules.iter().all(|m| m.key.component == Component::Transformer));
    let last: Vec<_> = adapter.modules.iter().filter(|m| m.swapped).map(|m| m.key.path.as_str()).collect();
    assert_eq!(last, ["norm_out.linear", "norm_out.linear.bias"]);
    assert_eq!((vectors.len(), pairs + vectors.len()), (pairs, adapter.modules.len()));
    assert!(vectors.iter().all(|m| m.key.path.ends_with(".bias") && m.shape.inp == 1));
    let pair = adapter.modules.iter().find(|m| m.kind == KindId::Lora && m.raw == vectors[0].raw).unwrap();
    assert_eq!(vectors[0].dim, pair.rank, "a bias has its pair's scale");
    assert!(adapter.extras.iter().all(|e| e.name.ends_with("_norm.scale")), "{:?}", adapter.extras);
}

/// Modules of a list of base names, opened as a kohya file.
fn base_modules(folder: &Path, name: &str) -> HashMap<String, (Vec<u64>, Adapter)> {
    let open = |base: String, shape: Vec<u64>| {
        let tensors =
            [(format!("{base}.lora_up.weight"), [shape[0] as usize, 1]), (format!("{base}.lora_down.weight"), [1, 2])];
        let blanks: Vec<_> = tensors.iter().map(|(n, s)| (n.as_str(), safetensors::Dtype::F16, &s[..])).collect();
        let adapter = Adapter::open(&crate::support::file_with(&blanks, &[]), "f", None).unwrap();
        (base, (shape, adapter))
    };
    list(folder, name).into_iter().map(|(base, shape)| open(base, shape.unwrap())).collect()
}

#[test]
fn every_base_name_finds_its_dots_and_its_way_back() {
    let Some(folder) = shared("base names", "keylists") else { return };
    for (name, family, count) in
        [("base_shapes_sd15_kohya_names", "sd15", 350), ("base_shapes_sdxl_kohya_names", "sdxl", 1840)]
    {
        let modules = base_modules(&folder, name);
        assert_eq!(modules.len(), count);
        let mut by_key: HashMap<String, Vec<&String>> = HashMap::new();
        for (base, (_, adapter)) in &modules {
            let m = &adapter.modules[0];
            assert!(m.key.component != Component::Model, "{base}");
            let ctx = NamingContext { family };
            // To diffusers' spelling, which only exact dots allow, and back.
            let keys =
                output_keys(DialectId::Diffusers, &m.key, &m.raw, m.dialect, ctx).unwrap_or_else(|e| panic!("{e}"));
            let dotted = keys.up.strip_suffix(".lora_B.weight").unwrap();
            let back = output_keys(DialectId::Kohya, &m.key, dotted, DialectId::Diffusers, ctx).unwrap();
            let back = back.up.strip_suffix(".lora_up.weight").unwrap().to_owned();
            let original = base.contains("_blocks_")
                && (base.contains("input_") || base.contains("output_") || base.contains("middle_"));
            if family == "sd15" || original || base.starts_with("lora_te") {
                assert_eq!(&back, base);
            } else {
                assert!(modules.contains_key(&back), "{base} became {back}, which the list does not have");
            }
            by_key.entry(m.key.matching()).or_default().push(base);
        }
        // Where two names mean one module, their base shapes agree.
        let mut doubles = 0;
        for names in by_key.values().filter(|n| n.len() > 1) {
            doubles += 1;
            let squeeze = |s: &Vec<u64>| s.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>();
            assert!(names.iter().all(|n| squeeze(&modules[*n].0) == squeeze(&modules[names[0]].0)), "{names:?}");
        }
        if family == "sdxl" {
            assert!(doubles > 700, "{doubles}");
        }
    }
}
