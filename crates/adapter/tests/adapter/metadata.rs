//! What files say of themselves, friendly and hostile, and what merged files take over.

use crate::support::file_with;
use rankweave_adapter::metadata::{
    Described, Tag, TriggersFrom, combine_warnings, describe, merged, tag_frequency, thumbnail,
};
use rankweave_adapter::{Adapter, DialectId, MergedFacts, MergedModule, MetadataMode};
use safetensors::Dtype;
use std::collections::BTreeMap;

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

fn described(entries: &[(&str, &str)]) -> Described {
    describe(&map(entries))
}

const TAGS: &str = r#"{"10_sks dog": {"sks dog": 20, "grass": 18, "sky": 3}, "5_cat": {"cat": 4, "sky": 4}}"#;
const FOLDERS: &str =
    r#"{"10_sks dog": {"n_repeats": 10, "img_count": 20}, "5_cat": {"n_repeats": 5, "img_count": 5}}"#;

#[test]
fn a_trained_file_is_described() {
    let d = described(&[
        ("modelspec.title", "Ink\nwash"),
        ("modelspec.author", "someone"),
        ("modelspec.license", "CC-BY-4.0"),
        ("license", "CC-BY-4.0\nno merging"),
        ("modelspec.architecture", "stable-diffusion-v1/lora"),
        ("ss_sd_model_name", "v1-5.safetensors"),
        ("ss_base_model_version", "sd_v1"),
        ("ss_tag_frequency", TAGS),
        ("ss_dataset_dirs", FOLDERS),
        ("ss_network_module", "networks.lora"),
        ("ss_network_dim", "16"),
        ("ss_network_alpha", "8.0"),
        ("ss_network_args", r#"{"conv_dim": "4", "conv_alpha": 1.5}"#),
        ("ss_unet_lr", "1e-4"),
        ("ss_text_encoder_lr", "None"),
        ("ss_resolution", "(768, 512)"),
        ("ss_seed", "42"),
        ("ss_optimizer", "None"),
        ("software", r#"{"name": "ai-toolkit", "version": "0.7"}"#),
        ("lora_adapter_metadata", r#"{"unet.r": 4, "unet.lora_alpha": 2, "unet.use_rslora": true}"#),
        ("modelspec.thumbnail", "data:image/png;base64,YWJjZA=="),
    ]);
    assert_eq!(d.title.as_deref(), Some("Ink wash"));
    assert_eq!(d.licences, ["CC-BY-4.0", "no merging"]);
    assert_eq!((d.base.name.as_deref(), d.base.version.as_deref()), (Some("v1-5.safetensors"), Some("sd_v1")));
    let tags = d.tags.unwrap();
    let top = [("sks dog", 20), ("grass", 18), ("sky", 7), ("cat", 4)];
    assert_eq!(tags.top, top.map(|(tag, count)| Tag { tag: tag.to_owned(), count }));
    assert_eq!(tags.distinct, 4);
    // 18 of 20 and 4 of 5: nine in ten is met by the first only.
    assert_eq!(
        (d.triggers, d.triggers_from),
        (vec!["sks dog".to_owned(), "grass".to_owned()], Some(TriggersFrom::Tags))
    );
    assert_eq!(d.datasets[0].concept.as_deref(), Some("sks dog"));
    let t = d.training.unwrap();
    assert_eq!((t.rank, t.alpha, t.convolution_rank, t.convolution_alpha), (Some(16), Some(8.0), Some(4), Some(1.5)));
    assert_eq!((t.model_learning_rate, t.text_encoder_learning_rate), (Some(1e-4), None));
    assert_eq!((t.resolution, t.seed, t.optimizer), (Some([768, 512]), Some(42), None));
    assert_eq!(d.software.as_deref(), Some("ai-toolkit 0.7"));
    assert_eq!((d.configs[0].part.as_str(), d.configs[0].rank, d.configs[0].rslora), ("unet", 4, true));
    let picture = d.thumbnail.unwrap();
    assert_eq!(
        (picture.key.as_str(), picture.media_type.as_str(), picture.bytes),
        ("modelspec.thumbnail", "image/png", 4)
    );
}

#[test]
fn trigger_words_are_stated_or_common_or_folder_names() {
    let stated = described(&[("modelspec.trigger_phrase", "inkw, , portrait,inkw"), ("ss_tag_frequency", TAGS)]);
    assert_eq!(
        (stated.triggers, stated.triggers_from),
        (vec!["inkw".into(), "portrait".into()], Some(TriggersFrom::Stated))
    );
    let folders = described(&[("ss_dataset_dirs", FOLDERS)]);
    assert_eq!(
        (folders.triggers, folders.triggers_from),
        (vec!["sks dog".into(), "cat".into()], Some(TriggersFrom::Folders))
    );
    // Without counted images nothing is known to be common.
    assert_eq!(described(&[("ss_tag_frequency", TAGS)]).triggers_from, None);
    let odd = r#"{"dog": {"img_count": 0}, "_x": {}, "10_": 3, "1x_y": []}"#;
    let odd = described(&[("ss_dataset_dirs", odd), ("ss_tag_frequency", r#"{"dog": {"a": 1, "b": 0}}"#)]);
    assert!(odd.triggers.is_empty() && odd.datasets.len() == 4);
}

#[test]
fn nothing_said_is_nothing_told() {
    assert_eq!(described(&[]), Described::default());
    assert_eq!(described(&[("format", "pt"), ("ss_seed", "None"), ("modelspec.title", "  ")]), Described::default());
}

#[test]
fn hostile_entries_are_left_out() {
    let deep = "[".repeat(100_000);
    let long = format!("{{\"a\": {{{}\"z\": 1}}}}", "\"tag\": 1, ".repeat(500_000));
    let strange = [
        deep.as_str(),
        &long,
        "",
        "null",
        "[]",
        "{",
        "{\"a\": 3}",
        "{\"a\": {\"b\": \"c\", \"d\": -1, \"e\": 1.5, \"f\": [[]], \"g\": 1e99}}",
        "\u{202E}\0",
        "NaN",
        "inf",
        "1e999",
        "-1",
    ];
    let keys = [
        "ss_tag_frequency",
        "ss_dataset_dirs",
        "ss_network_args",
        "ss_network_dim",
        "ss_network_alpha",
        "ss_unet_lr",
        "ss_resolution",
        "ss_seed",
        "software",
        "lora_adapter_metadata",
        "modelspec.thumbnail",
        "modelspec.title",
        "modelspec.trigger_phrase",
        "modelspec.license",
        "modelspec.description",
        "ss_training_started_at",
    ];
    for text in strange {
        let entries: Vec<_> = keys.iter().map(|key| (*key, text)).collect();
        let d = described(&entries);
        assert!(d.tags.is_none() && d.thumbnail.is_none() && d.configs.is_empty());
        let text = serde_json::to_string(&d).unwrap();
        assert!(text.len() < 40_000, "{} bytes", text.len());
        assert!(!text.contains('\u{202E}') && !text.contains("\\u0000"));
        assert_eq!(serde_json::from_str::<Described>(&text).unwrap(), d);
    }
    assert!(tag_frequency(&long).is_empty(), "too long");
    let many: Vec<String> = (0..5000).map(|i| format!("\"t{i}\": 18446744073709551615")).collect();
    let many = format!("{{\"a\": {{{0}}}, \"b\": {{{0}}}}}", many.join(","));
    let tags = described(&[("ss_tag_frequency", &many)]).tags.unwrap();
    assert_eq!((tags.distinct, tags.top.len(), tags.top[0].count), (5000, 200, u64::MAX));
    assert!(thumbnail(&map(&[("modelspec.thumbnail", "data:image/svg+xml;base64,YWJj")])).is_none());
}

fn input(label: &str, metadata: &[(&str, &str)]) -> Adapter {
    let name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k";
    let bytes = file_with(
        &[
            (&format!("{name}.lora_up.weight"), Dtype::F16, &[64, 4]),
            (&format!("{name}.lora_down.weight"), Dtype::F16, &[4, 768]),
        ],
        metadata,
    );
    Adapter::open(&bytes, label, None).unwrap()
}

fn inputs() -> [Adapter; 2] {
    let first = input(
        "one.safetensors",
        &[
            ("ss_tag_frequency", TAGS),
            ("ss_dataset_dirs", FOLDERS),
            ("modelspec.trigger_phrase", "sks dog, Ink"),
            ("modelspec.license", "MIT"),
            ("modelspec.description", "a dog"),
            ("modelspec.date", "2024-01-01"),
            ("ss_network_dim", "999"),
            ("ss_network_alpha", "999"),
            ("sshs_model_hash", "999"),
            ("sshs_legacy_hash", "999"),
            ("modelspec.hash_sha256", "999"),
            ("lora_adapter_metadata", r#"{"r": 4, "lora_alpha": 999}"#),
            ("unet:0:rank", "999"),
            ("rankweave.recipe", "999"),
            ("lora_alpha", "999"),
        ],
    );
    let tags = r#"{"10_sks dog": {"sks dog": 1, "snow": 2}, "9_none": {"x": "y"}}"#;
    let second = input(
        "two.safetensors",
        &[
            ("ss_tag_frequency", tags),
            ("ss_dataset_dirs", r#"{"5_cat": {"img_count": 99}, "2_fox": {"img_count": 3}}"#),
            ("modelspec.trigger_phrase", "ink,  fox"),
            ("license", "no merging\nMIT"),
            ("modelspec.title", "Second"),
        ],
    );
    [first, second]
}

fn merge(mode: MetadataMode, dialect: DialectId) -> BTreeMap<String, String> {
    let inputs = inputs();
    merged(&MergedFacts {
        dialect,
        family: &inputs[0].family,
        inputs: &[&inputs[0], &inputs[1]],
        modules: &[MergedModule { up: "x".to_owned(), rank: 8, alpha: 8.0, kernel: Vec::new() }],
        title: "both",
        data_sha256: "77",
        legacy_hash: Some("66"),
        recipe: Some("{}"),
        mode,
    })
}

#[test]
fn minimal_takes_nothing_over() {
    let m = merge(MetadataMode::Minimal, DialectId::Kohya);
    let taken = ["ss_tag_frequency", "modelspec.license", "modelspec.trigger_phrase", "modelspec.description"];
    assert!(taken.iter().all(|key| !m.contains_key(*key)));
    assert_eq!((m["sshs_model_hash"].as_str(), m["sshs_legacy_hash"].as_str()), ("77", "66"));
    assert_eq!(m["modelspec.merged_from"], "one, Second");
}

#[test]
fn merged_tags_add_up() {
    let m = merge(MetadataMode::MergeTags, DialectId::Kohya);
    let tags = r#"{"10_sks dog":{"grass":18,"sks dog":21,"sky":3,"snow":2},"5_cat":{"cat":4,"sky":4}}"#;
    assert_eq!(m["ss_tag_frequency"], tags);
    let folders: serde_json::Value = serde_json::from_str(&m["ss_dataset_dirs"]).unwrap();
    assert_eq!((&folders["5_cat"]["img_count"], &folders["2_fox"]["img_count"]), (&5.into(), &3.into()));
    assert_eq!(m["modelspec.trigger_phrase"], "sks dog, Ink, fox");
    assert_eq!(m["modelspec.license"], "MIT\nno merging");
    assert!(!m.contains_key("modelspec.description"));
    assert_eq!(m["ss_network_dim"], "8");
}

#[test]
fn the_first_ones_words_are_kept_but_not_its_numbers() {
    for dialect in [DialectId::Kohya, DialectId::Peft] {
        let m = merge(MetadataMode::KeepFirst, dialect);
        assert_eq!(m["ss_tag_frequency"], TAGS);
        assert_eq!((m["modelspec.description"].as_str(), m["modelspec.title"].as_str()), ("a dog", "both"));
        assert_eq!(m["modelspec.license"], "MIT\nno merging");
        assert!(!m.contains_key("modelspec.date") && !m.contains_key("lora_adapter_metadata"));
        assert!(m.values().all(|v| !v.contains("999")), "{m:?}");
        assert_eq!(m.get("ss_network_dim").map(String::as_str), (dialect == DialectId::Kohya).then_some("8"));
    }
}

#[test]
fn all_is_kept_under_the_inputs_own_names() {
    let m = merge(MetadataMode::KeepAll, DialectId::Kohya);
    for (n, input) in inputs().iter().enumerate() {
        for (key, value) in &input.header.metadata {
            assert_eq!(m.get(&format!("rankweave.source.{}.{key}", n + 1)), Some(value));
        }
    }
    let tags = merge(MetadataMode::MergeTags, DialectId::Kohya);
    assert!(tags.iter().all(|(k, v)| m.get(k) == Some(v)));
}

#[test]
fn none_is_next_to_nothing() {
    assert_eq!(merge(MetadataMode::None, DialectId::Kohya), map(&[("format", "pt")]));
}

#[test]
fn modes_are_found_by_their_names() {
    for mode in MetadataMode::ALL {
        assert_eq!(MetadataMode::of(mode.id()), Some(mode));
    }
    assert_eq!(MetadataMode::of("Minimal"), None);
}

#[test]
fn tags_that_cannot_be_merged_are_told() {
    let broken = map(&[("ss_tag_frequency", "{"), ("ss_dataset_dirs", "None")]);
    let warnings = |mode| combine_warnings(mode, "f", &broken);
    assert_eq!(warnings(MetadataMode::MergeTags).len(), 1);
    let w = warnings(MetadataMode::KeepAll).remove(0);
    assert_eq!((w.code.as_str(), w.place.key.as_deref()), ("tags-left-out", Some("ss_tag_frequency")));
    assert!(warnings(MetadataMode::KeepFirst).is_empty());
    assert!(combine_warnings(MetadataMode::MergeTags, "f", &map(&[("ss_tag_frequency", TAGS)])).is_empty());
}
