//! What a merged file says of itself, over whole merges: every mode, every rank policy, true hashes, room that holds.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::hash::{Verdict, claims};
use rankweave_adapter::{Error, Kind, Limits, MetadataMode, hashes, read_header};
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture;
use rankweave_tests::tensors;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The adapter's bytes with this metadata.
fn with(bytes: &[u8], metadata: &[(&str, &str)]) -> Vec<u8> {
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
    header["__metadata__"] = metadata.iter().map(|(k, v)| (k.to_string(), Value::from(*v))).collect();
    let text = header.to_string();
    let mut out = (text.len() as u64).to_le_bytes().to_vec();
    out.extend(text.as_bytes());
    out.extend(&bytes[8 + len..]);
    out
}

/// Two adapters with tags; together their exact merge is over 1 MiB long.
fn files() -> Vec<File> {
    let shapes = [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k", 640, 640, &[] as &[usize]),
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", 640, 640, &[]),
        ("lora_unet_down_blocks_0_resnets_0_conv1", 64, 32, &[3, 3]),
    ];
    let adapter = |seed, rank| fixture::bytes(&fixture::adapter(seed, rank, &shapes), "F32");
    let one = [("ss_tag_frequency", r#"{"a": {"x": 1}}"#), ("license", "MIT"), ("ss_seed", "7")];
    let two = [("ss_tag_frequency", r#"{"a": {"x": 2, "y": 1}}"#), ("modelspec.license", "no merging")];
    vec![File::new("one", with(&adapter(1, 64), &one), 1.0), File::new("two", with(&adapter(2, 48), &two), 0.5)]
}

fn metadata(merged: &Merged) -> BTreeMap<String, String> {
    read_header(&merged.bytes, "merged", &Limits::default()).unwrap().metadata
}

#[test]
fn hashes_are_true_and_the_room_holds_in_every_mode() {
    let ranks =
        [json!({"mode": "exact"}), json!({"mode": "fixed", "value": 100}), json!({"mode": "energy", "value": 0.9})];
    let mut legacy = 0;
    for mode in MetadataMode::ALL {
        for rank in &ranks {
            for keys in ["kohya", "peft"] {
                let metadata = Some(mode.id().to_owned());
                let job = Job { rank: rank.clone(), keys: Some(keys.into()), metadata, ..Job::new("sum", files()) };
                let merged = job.run().unwrap_or_else(|e| panic!("{mode:?} {rank} {keys}: {}", e[0]));
                let header = read_header(&merged.bytes, "merged", &Limits::default()).unwrap();
                let truth = hashes(&merged.bytes, &header, |_| Ok(())).unwrap();
                let stated = claims(&header.metadata, &truth.data_sha256, truth.legacy.as_deref());
                for claim in &stated {
                    assert_eq!((claim.verdict, claim.misspelt), (Verdict::Right, false), "{mode:?} {rank} {claim:?}");
                }
                legacy += stated.iter().filter(|c| c.key == "sshs_legacy_hash").count();
                let expected = if mode == MetadataMode::None { 0 } else { 2 };
                assert!(stated.len() >= expected && (expected > 0 || stated.is_empty()), "{mode:?} {stated:?}");
                assert_eq!(merged.bytes, job.run().unwrap().bytes, "same input, same bytes");
            }
        }
    }
    // Four modes write it in kohya's spelling, for the two results that are long enough.
    assert_eq!(legacy, 8);
}

#[test]
fn the_modes_do_what_their_names_say() {
    let run = |mode: Option<&str>| {
        metadata(&Job { metadata: mode.map(str::to_owned), ..Job::new("sum", files()) }.run().unwrap())
    };
    let minimal = run(None);
    assert!(!minimal.contains_key("ss_tag_frequency") && !minimal.contains_key("ss_seed"));
    assert_eq!(run(Some("minimal")), minimal);
    let tags = run(Some("merge-tags"));
    assert_eq!(tags["ss_tag_frequency"], r#"{"a":{"x":3,"y":1}}"#);
    assert_eq!(tags["modelspec.license"], "MIT\nno merging");
    let first = run(Some("keep-first"));
    assert_eq!((first["ss_seed"].as_str(), first["ss_tag_frequency"].as_str()), ("7", r#"{"a": {"x": 1}}"#));
    assert_eq!(run(Some("keep-all"))["rankweave.source.2.modelspec.license"], "no merging");
    assert_eq!(run(Some("none")), BTreeMap::from([("format".to_owned(), "pt".to_owned())]));
    let recipe: Value = serde_json::from_str(&tags["rankweave.recipe"]).unwrap();
    assert_eq!(recipe["output"]["metadata"], "merge-tags");
}

fn refused(job: &Job) -> Error {
    job.run().unwrap_err().remove(0)
}

#[test]
fn modes_that_do_not_exist_or_do_not_fit_are_refused() {
    let job = Job { metadata: Some("most".into()), ..Job::new("sum", files()) };
    let error = refused(&job);
    assert_eq!((error.kind, error.place.key.as_deref()), (Kind::Parameter, Some("/output/metadata")));
    assert!(error.expected.unwrap().contains("merge-tags"));

    let long = "x".repeat(20 << 20);
    let mut files = files();
    for file in &mut files {
        file.bytes = with(&file.bytes, &[("modelspec.description", &long)]);
    }
    let error = refused(&Job { metadata: Some("keep-all".into()), ..Job::new("sum", files.clone()) });
    assert_eq!(error.kind, Kind::Limit);
    Job { metadata: Some("keep-first".into()), ..Job::new("sum", files) }.run().unwrap();
}

#[test]
fn tags_that_cannot_be_read_are_told_before_the_merge() {
    let mut files = files();
    files[1].bytes = with(&files[1].bytes, &[("ss_tag_frequency", "{")]);
    let merged = Job { metadata: Some("merge-tags".into()), ..Job::new("sum", files) }.run().unwrap();
    assert!(merged.report.warnings.iter().any(|w| w.code == "tags-left-out"));
    assert_eq!(metadata(&merged)["ss_tag_frequency"], r#"{"a":{"x":1}}"#);
    assert!(tensors::read(&merged.bytes).tensors.len() >= 6);
}
