//! Editing metadata: the entries change, the tensors do not.

use crate::support::{file_with, open, raw};
use rankweave_adapter::metadata::edit;
use rankweave_adapter::{Kind, Limits, read_header};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

fn changes(entries: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    entries.iter().map(|(k, v)| (k.to_string(), v.map(str::to_owned))).collect()
}

#[test]
fn editing_leaves_the_tensors_alone() {
    // Data in an order of its own, metadata null, a header of odd length.
    let text = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"__metadata__":null,"b":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}} "#;
    let mut old = raw(text, 0);
    old.extend(1..=8u8);
    let header = read_header(&old, "f", &Limits::default()).unwrap();
    let edited = edit(&header, "f", &changes(&[("modelspec.title", Some("\"ü\"\n")), ("x", Some(""))])).unwrap();
    let mut new = edited.header.clone();
    assert!(new.len().is_multiple_of(8));
    new.extend(&old[header.data_start as usize..]);
    let again = read_header(&new, "f", &Limits::default()).unwrap();
    assert_eq!(again.metadata, map(&[("modelspec.title", "\"ü\"\n"), ("x", "")]));
    assert_eq!(again.metadata, edited.metadata);
    let (theirs, before) = (SafeTensors::deserialize(&new).unwrap(), &header.tensors);
    for (t, n) in before.iter().zip(&again.tensors) {
        assert_eq!(
            (&t.name, t.dtype, &t.shape, t.offset - header.data_start),
            (&n.name, n.dtype, &n.shape, n.offset - again.data_start)
        );
    }
    assert_eq!(
        (theirs.tensor("b").unwrap().data(), theirs.tensor("a").unwrap().data()),
        (&[1, 2, 3, 4][..], &[5, 6, 7, 8][..])
    );
    let back = edit(&again, "f", &changes(&[("modelspec.title", None), ("x", None)])).unwrap();
    assert!(back.metadata.is_empty() && !String::from_utf8(back.header).unwrap().contains("__metadata__"));
}

#[test]
fn edits_that_cannot_be_are_refused() {
    let bytes =
        file_with(&[("a.lora_up.weight", Dtype::F32, &[4, 1]), ("a.lora_down.weight", Dtype::F32, &[1, 4])], &[]);
    let header = open(&bytes).unwrap().header;
    let fails = |c: &[(&str, Option<&str>)]| edit(&header, "f", &changes(c)).unwrap_err();
    let missing = fails(&[("x", None)]);
    assert_eq!((missing.kind, missing.place.key.as_deref()), (Kind::Parameter, Some("x")));
    assert_eq!(fails(&[("", Some("x"))]).kind, Kind::Parameter);
    assert_eq!(fails(&[("x", Some(&"x".repeat(33 << 20)))]).kind, Kind::Limit);
    let many: Vec<String> = (0..100_001).map(|i| i.to_string()).collect();
    assert_eq!(fails(&many.iter().map(|k| (k.as_str(), Some(""))).collect::<Vec<_>>()).kind, Kind::Limit);
}

#[test]
fn an_edit_that_spoils_a_hash_says_so() {
    let bytes = file_with(&[("a", Dtype::F32, &[4])], &[("sshs_legacy_hash", "0123abcd"), ("ss_seed", "1")]);
    let header = read_header(&bytes, "f", &Limits::default()).unwrap();
    let codes = |c: &[(&str, Option<&str>)]| {
        let edited = edit(&header, "f", &changes(c)).unwrap();
        edited.warnings.into_iter().map(|w| w.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&[("ss_seed", Some("2"))]), ["stale-hash"]);
    assert!(codes(&[("modelspec.title", Some("t"))]).is_empty());
    assert!(codes(&[("ss_seed", None), ("sshs_legacy_hash", None)]).is_empty());
}
