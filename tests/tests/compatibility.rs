//! How sets of adapters go together, against what was put into them.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, Error, Kind, Source};
use rankweave_recipe::{Compatibility, Finding, Level, Reading, compatibility, read_whole, scan};
use rankweave_tests::tensors::{self, Tensor};
use rankweave_tests::zeros::zeros;
use rankweave_tests::{fixture, shared, source};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::{fs, io};

/// An opened file of rank-4 pairs: module, out, in.
fn pairs(label: &str, modules: &[(String, u64, u64)]) -> Adapter {
    let pair = |(name, out, inp): &(String, u64, u64)| {
        [(format!("{name}.lora_up.weight"), vec![*out, 4]), (format!("{name}.lora_down.weight"), vec![4, *inp])]
    };
    let tensors: Vec<_> = modules.iter().flat_map(pair).collect();
    Adapter::open(&zeros(&tensors), label, None).unwrap()
}

/// Cross-attention of a U-Net whose text encoder has `width` features.
fn unet(label: &str, width: u64) -> Adapter {
    let block = |i: u64| format!("lora_unet_down_blocks_{}_attentions_0_transformer_blocks_0", i % 3);
    let sizes = |i: u64| [320, 640, 1280][i as usize % 3];
    let key = |i| (format!("{}_attn2_to_k", block(i)), sizes(i), width);
    let query = |i| (format!("{}_attn2_to_q", block(i)), sizes(i), sizes(i));
    pairs(label, &(0..3).flat_map(|i| [key(i), query(i)]).collect::<Vec<_>>())
}

fn flux(label: &str) -> Adapter {
    let module = |i| (format!("lora_unet_double_blocks_{i}_img_attn_qkv"), 9216, 3072);
    pairs(label, &(0..4).map(module).collect::<Vec<_>>())
}

fn sdxl(label: &str) -> Adapter {
    let block = |i: u64| format!("lora_unet_input_blocks_7_1_transformer_blocks_{i}_attn2_to_k");
    pairs(label, &(0..3).map(|i| (block(i), 1280, 2048)).collect::<Vec<_>>())
}

/// The bytes of a kohya file of the shapes given with this metadata.
fn file(rank: usize, shapes: &[fixture::Shape], metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut read: Vec<(String, Tensor)> =
        tensors::read(&fixture::bytes(&fixture::adapter(7, rank, shapes), "F32")).tensors.into_iter().collect();
    read.sort_by(|a, b| a.0.cmp(&b.0));
    tensors::write(&read, &metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

fn compared(adapters: &[Adapter]) -> Compatibility {
    compatibility(&adapters.iter().collect::<Vec<_>>(), &[])
}

fn finding<'a>(found: &'a Compatibility, code: &str) -> &'a Finding {
    let all = || found.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>();
    found.findings.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("{code} is not among {:?}", all()))
}

fn codes(found: &Compatibility) -> Vec<&str> {
    found.findings.iter().map(|f| f.code.as_str()).collect()
}

#[test]
fn files_of_two_families_share_nothing_and_are_told_so_once() {
    let found = compared(&[sdxl("a"), flux("b"), flux("c")]);
    assert_eq!(found.verdict, Level::Bad);
    let families = finding(&found, "different-families");
    assert!(families.text.contains("share 0 modules") && families.text.contains("XL"), "{}", families.text);
    assert!(families.text.contains("Flux") || families.text.contains("FLUX"), "{}", families.text);
    assert!(!families.fix.is_empty());
    assert_eq!(codes(&found).iter().filter(|c| **c == "different-families").count(), 1);
    let overlap = |o: &rankweave_recipe::Overlap| (o.a, o.b, o.shared, o.only_a, o.only_b, o.share);
    let overlaps: Vec<_> = found.overlaps.iter().map(overlap).collect();
    assert_eq!(overlaps, [(0, 1, 0, 3, 4, 0.0), (0, 2, 0, 3, 4, 0.0), (1, 2, 4, 0, 0, 1.0)]);
}

#[test]
fn every_module_of_another_size_is_listed() {
    let found = compared(&[unet("sd1.safetensors", 768), unet("sd2.safetensors", 1024)]);
    assert_eq!((found.verdict, found.shapes.len()), (Level::Bad, 3));
    for (shape, out) in found.shapes.iter().zip([320, 640, 1280]) {
        assert!(shape.module.ends_with("attn2.to_k"), "{shape:?}");
        assert_eq!(shape.sizes, [(0, format!("{out}×768")), (1, format!("{out}×1024"))]);
    }
    let sizes = finding(&found, "size-conflict");
    for word in ["sd1.safetensors and sd2.safetensors", "3 modules", "320×768 and 320×1024"] {
        assert!(sizes.text.contains(word), "{}", sizes.text);
    }
    assert_eq!(sizes.files, [0, 1]);
    // The plan names the first of them.
    let settings = rankweave_recipe::Recipe::blank(2);
    let error = rankweave_recipe::Prepared::new(settings, vec![unet("a", 768), unet("b", 1024)]).err().unwrap();
    assert_eq!(error[0].place.module.as_deref(), Some(found.shapes[0].module.as_str()));
}

#[test]
fn a_fused_module_and_its_parts_are_the_same() {
    let whole = |i| (format!("lora_unet_double_blocks_{i}_img_attn_qkv"), 9216, 3072);
    let parts = |i| ["q", "k", "v"].map(|p| (format!("transformer.transformer_blocks.{i}.attn.to_{p}"), 3072, 3072));
    let kohya = pairs("fused", &(0..4).map(whole).collect::<Vec<_>>());
    let pair = |(name, out, inp): &(String, u64, u64)| {
        [(format!("{name}.lora_B.weight"), vec![*out, 4]), (format!("{name}.lora_A.weight"), vec![4, *inp])]
    };
    let tensors: Vec<_> = (0..3).flat_map(parts).collect::<Vec<_>>().iter().flat_map(pair).collect();
    let diffusers = Adapter::open(&zeros(&tensors), "parts", None).unwrap();
    for (pair, only) in [([&kohya, &diffusers], [1, 0]), ([&diffusers, &kohya], [0, 3])] {
        let found = compatibility(&pair, &[]);
        let overlap = &found.overlaps[0];
        let shared = if only == [1, 0] { 3 } else { 9 };
        assert_eq!((overlap.shared, [overlap.only_a, overlap.only_b]), (shared, only), "{:?}", found.findings);
        assert_eq!((found.verdict, found.shapes.len()), (Level::Info, 0));
    }
}

#[test]
fn parts_that_are_missing_are_counted_and_harmless_differences_are_called_so() {
    let shapes = fixture::SHAPES;
    let open =
        |label: &str, rank, shapes: &[fixture::Shape]| Adapter::open(&file(rank, shapes, &[]), label, None).unwrap();
    let same = compared(&[open("a", 4, &shapes), open("b", 4, &shapes)]);
    assert_eq!((same.verdict, codes(&same)), (Level::Good, vec!["all-shared"]));
    assert!(finding(&same, "all-shared").text.contains("All 6 modules"));
    let found = compared(&[open("a", 4, &shapes), open("b", 16, &shapes[..4])]);
    assert_eq!((found.verdict, codes(&found)), (Level::Info, vec!["only-in-one", "ranks-differ"]));
    let alone = finding(&found, "only-in-one");
    assert!(alone.text.starts_with("2 of 6 modules of a, 1 of them in text encoders"), "{}", alone.text);
    assert!(finding(&found, "ranks-differ").text.contains("(4 and 16)"));
    assert_eq!((found.overlaps[0].shared, found.overlaps[0].share), (4, 1.0));
    let halves = compared(&[open("a", 4, &shapes[5..]), open("b", 4, &shapes[..5])]);
    assert_eq!((halves.verdict, codes(&halves)), (Level::Good, vec!["complementary"]));
    assert_eq!(compared(&[open("a", 4, &shapes)]).findings, []);
    assert_eq!(compared(&[]).findings, []);
}

#[test]
fn accelerators_licences_and_hashes_are_read_from_headers() {
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let shapes = &fixture::SHAPES[..2];
    let lcm = file(4, shapes, &[("modelspec.title", "LCM for SD"), ("license", "CC-BY-NC-4.0\nignore\u{202e}d")]);
    let mit = file(4, shapes, &[("modelspec.license", "MIT"), ("sshs_model_hash", nothing)]);
    let adapters = [Adapter::open(&lcm, "a", None).unwrap(), Adapter::open(&mit, "b", None).unwrap()];
    let found = compared(&adapters);
    assert_eq!(codes(&found), ["accelerator", "licences", "wrong-hash", "all-shared"]);
    assert_eq!(finding(&found, "accelerator").level, Level::Warn);
    assert_eq!(found.files[0].accelerator.as_ref().unwrap().name, "LCM");
    assert_eq!(found.files[1].accelerator, None);
    let licences = finding(&found, "licences");
    assert!(licences.text.contains("CC-BY-NC-4.0") && licences.text.contains("b states \"MIT\""), "{}", licences.text);
    assert!(!licences.text.contains('\u{202e}'));
    assert!(finding(&found, "wrong-hash").text.contains("no bytes"));
    // Alone, an accelerator is only named.
    assert_eq!(finding(&compared(&adapters[..1]), "accelerator").level, Level::Info);
}

#[test]
fn a_wrong_hash_is_known_once_the_file_was_read() {
    let bytes = file(4, &fixture::SHAPES[..2], &[("sshs_model_hash", &"12".repeat(32))]);
    let adapter = Adapter::open(&bytes, "a", None).unwrap();
    assert_eq!(compatibility(&[&adapter], &[]).findings, []);
    let reading = read_whole(&adapter, &bytes, |_| Ok(())).unwrap();
    let read = compatibility(&[&adapter], &[Some(reading.clone())]);
    assert!(finding(&read, "wrong-hash").text.contains("another file"));
    let right = file(4, &fixture::SHAPES[..2], &[("sshs_model_hash", &reading.hashes.data_sha256)]);
    let adapter = Adapter::open(&right, "a", None).unwrap();
    let reading = read_whole(&adapter, &right, |_| Ok(())).unwrap();
    assert_eq!(compatibility(&[&adapter], &[Some(reading)]).findings, []);
}

/// Bytes, and the longest read of them.
struct Counted<'a>(&'a [u8], Cell<usize>);

impl Source for Counted<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.1.set(self.1.get().max(buf.len()));
        Source::read_at(self.0, offset, buf)
    }
}

/// `count` modules of `width` × `width`, rank 4; the up factors of the first `dead` are zero.
fn with_dead(dtype: &str, count: usize, width: usize, dead: usize) -> Vec<(String, Tensor)> {
    let mut list = Vec::new();
    for i in 0..count {
        let name = format!("base_model.model.layers.{i}.q_proj");
        let up = if i < dead { 0.0 } else { 0.5 };
        let down = Tensor::new(dtype, &[4, width], vec![0.25; 4 * width]);
        list.push((format!("{name}.lora_A.weight"), down));
        list.push((format!("{name}.lora_B.weight"), Tensor::new(dtype, &[width, 4], vec![up; 4 * width])));
    }
    list
}

#[test]
fn untrained_modules_and_broken_numbers_are_found_where_they_are() {
    for dtype in ["F32", "F16", "BF16", "F64"] {
        // The second module alone is longer than a piece; the others share pieces.
        for width in [10, 300_000] {
            let mut list = with_dead(dtype, 3, 10, 2);
            list.extend(with_dead(dtype, 4, width, 0).split_off(6));
            let size = match dtype {
                "F64" => 8,
                "F32" => 4,
                _ => 2,
            };
            let (at, last) = (4 * width - 3, list.len() - 1);
            list[last].1.values[at] = f64::NAN;
            list[last].1.values[at + 2] = f64::NEG_INFINITY;
            let bytes = tensors::write(&list, &BTreeMap::new());
            let adapter = Adapter::open(&bytes, "x", None).unwrap();
            let counted = Counted(&bytes, Cell::new(0));
            let mut steps = Vec::new();
            let step = |done| {
                steps.push(done);
                Ok(())
            };
            let scan = scan(&adapter, &counted, step).unwrap();
            assert_eq!(scan.untrained, ["model.layers.0.q_proj", "model.layers.1.q_proj"]);
            assert_eq!((scan.broken_tensors, scan.broken.len()), (1, 1));
            let broken = &scan.broken[0];
            let expected = bytes.len() - 3 * size;
            assert_eq!((broken.offset, broken.value.as_str(), broken.count), (expected as u64, "NaN", 2), "{dtype}");
            assert_eq!(broken.key, list[last].0);
            assert_eq!(broken.module.as_deref(), Some("model.layers.3.q_proj"));
            assert!(counted.1.get() <= 1 << 20, "{} bytes at once", counted.1.get());
            assert!(steps.is_sorted() && steps.last() == Some(&(bytes.len() as u64)), "{steps:?}");
            let reading = Reading { scan, ..read_whole(&adapter, &bytes, |_| Ok(())).unwrap() };
            let found = compatibility(&[&adapter], &[Some(reading)]);
            assert_eq!(codes(&found), ["not-finite", "untrained"]);
            let text = &finding(&found, "not-finite").text;
            assert!(text.contains(&expected.to_string()) && text.contains(&list[last].0), "{text}");
            // Where a merge would stop.
            let error = rankweave_adapter::read_modules(&adapter, &bytes, &[3]).unwrap_err();
            assert_eq!(error.place.offset, Some(expected as u64));
        }
    }
}

#[test]
fn products_of_every_kind_are_zero_where_a_factor_is() {
    let loha = |name: &str, zero: &str| {
        let parts = [("hada_w1_a", [6, 2]), ("hada_w1_b", [2, 5]), ("hada_w2_a", [6, 2]), ("hada_w2_b", [2, 5])];
        let value = move |part: &str| if part == zero { 0.0 } else { 0.5 };
        let name = format!("lora_unet_mid_block_attentions_0_{name}");
        let tensor = |(part, shape): (&str, [usize; 2])| {
            (format!("{name}.{part}"), Tensor::new("F32", &shape, vec![value(part); shape[0] * shape[1]]))
        };
        parts.map(tensor)
    };
    let list: Vec<_> = [("proj_in", "hada_w2_a"), ("proj_out", ""), ("other", "hada_w1_b")]
        .into_iter()
        .flat_map(|(n, z)| loha(n, z))
        .collect();
    let bytes = tensors::write(&list, &BTreeMap::new());
    let adapter = Adapter::open(&bytes, "x", None).unwrap();
    let scan = scan(&adapter, &bytes, |_| Ok(())).unwrap();
    assert_eq!((adapter.modules.len(), scan.untrained.len()), (3, 2), "{:?}", scan.untrained);
    assert!(scan.untrained.iter().all(|name| !name.contains("proj_out")));
}

#[test]
fn an_adapter_that_does_nothing_is_told_and_reading_can_be_stopped() {
    let bytes = tensors::write(&with_dead("F32", 3, 10, 3), &BTreeMap::new());
    let adapter = Adapter::open(&bytes, "x", None).unwrap();
    let reading = read_whole(&adapter, &bytes, |_| Ok(())).unwrap();
    let found = compatibility(&[&adapter], &[Some(reading)]);
    assert_eq!((finding(&found, "untrained").level, found.verdict), (Level::Warn, Level::Warn));
    let mut heard = 0;
    let stop = |done| {
        heard = done;
        if done > bytes.len() as u64 { Err(Error::new(Kind::Cancelled, "Stopped")) } else { Ok(()) }
    };
    let error = read_whole(&adapter, &bytes, stop).unwrap_err();
    assert_eq!((error.kind, error.place.file.as_deref()), (Kind::Cancelled, Some("x")));
    assert!(heard > bytes.len() as u64);
}

#[test]
fn hostile_names_stay_on_one_line() {
    let label = format!("{}\n\u{202e}evil", "x".repeat(500));
    let found = compared(&[unet(&label, 768), unet("b", 1024), flux("\u{200b}")]);
    for finding in &found.findings {
        assert!(!finding.text.contains(['\n', '\u{202e}', '\u{200b}']), "{}", finding.text);
        assert!(finding.text.chars().count() < 1200, "{}", finding.text);
    }
}

#[test]
fn numbers_that_no_model_counts_match_no_name() {
    let pair = |i: u64| [(format!("unet:{i}:up"), vec![24, 4]), (format!("unet:{i}:down"), vec![4, 20])];
    let tensors: Vec<_> = (0..3).flat_map(pair).collect();
    let numbered = Adapter::open(&zeros(&tensors), "numbered", None).unwrap();
    let named = pairs("named", &[("lora_unet_mid_block_attentions_0_proj_in".into(), 24, 20)]);
    let found = compatibility(&[&named, &numbered], &[]);
    assert_eq!(codes(&found), ["no-overlap"]);
    assert!(finding(&found, "no-overlap").text.starts_with("numbered numbers its modules"), "{:?}", found.findings);
}

#[test]
fn numbered_files_and_named_ones_meet_where_the_order_of_modules_is_known() {
    let Some(folder) = shared::path("adapters") else { return };
    let open = |name: &str| {
        let bytes = fs::read(folder.join(name)).unwrap();
        (Adapter::open(&bytes, name, None).unwrap(), bytes)
    };
    let (numbered, _) = open("sd15_cloneofsimo/cloneofsimo-lora__lora_disney.safetensors");
    let (named, _) = open("sd15_diffusers/huggingface-diffusers__sd-pokemon-model-lora.safetensors");
    let (second, bytes) = open("sd21_cloneofsimo/cloneofsimo-lora__lora_pop.safetensors");
    let found = compatibility(&[&numbered, &named], &[]);
    // The numbered file changes feed-forward layers too.
    let overlap = &found.overlaps[0];
    assert_eq!((overlap.shared, overlap.only_a, overlap.only_b), (128, 64, 0), "{:?}", found.findings);
    // SD 1 and 2 share names; 32 modules look at text of another width.
    let found = compatibility(&[&named, &second], &[]);
    assert_eq!(found.shapes.len(), 32);
    let scan = scan(&second, &bytes, |_| Ok(())).unwrap();
    assert_eq!((scan.untrained.len(), scan.broken_tensors), (32, 0));
}

#[test]
fn every_warning_says_what_to_do() {
    let codes = |text: &str| -> Vec<String> {
        let begins = ["Warning::new(\"", "warn(\"", "code: \""];
        let quoted = |begin: &str| {
            let parts = text.split(begin).skip(1).filter_map(|rest| rest.split_once('"'));
            parts.map(|(code, _)| code.to_owned()).collect::<Vec<_>>()
        };
        begins.iter().flat_map(|begin| quoted(begin)).collect()
    };
    let mut all = BTreeSet::new();
    for room in ["adapter", "merge", "recipe"] {
        for path in source::files(&shared::root().join("crates").join(room).join("src"), &["rs"]) {
            all.extend(codes(&fs::read_to_string(path).unwrap()));
        }
    }
    assert!(all.len() >= 14, "{all:?}");
    for code in all {
        let warning = rankweave_adapter::Warning::new(&code, "f", "m");
        assert!(!warning.fix().is_empty(), "there is no fix for {code}");
    }
}
