//! The header reader against the safetensors crate, and each of its checks alone.

use crate::support::{Sparse, file_with, raw};
use proptest::prelude::*;
use rankweave_adapter::{Error, Header, Kind, Limits, read_header};
use safetensors::{Dtype, SafeTensors};
use std::time::Instant;

fn header(bytes: &[u8]) -> Result<Header, Error> {
    read_header(&bytes, "f.safetensors", &Limits::default())
}

fn refused(bytes: &[u8], kind: Kind, what: &str) -> Error {
    let error = header(bytes).expect_err(what);
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.what.contains(what), "expected {what:?} in: {error}");
    assert_eq!(error.place.file.as_deref(), Some("f.safetensors"));
    error
}

const TYPES: [Dtype; 12] = [
    Dtype::F64,
    Dtype::F32,
    Dtype::F16,
    Dtype::BF16,
    Dtype::I64,
    Dtype::I32,
    Dtype::I16,
    Dtype::I8,
    Dtype::U8,
    Dtype::BOOL,
    Dtype::F8_E4M3,
    Dtype::U16,
];

type Spec = (Vec<(String, usize, Vec<usize>)>, Vec<(String, String)>);

fn any_file() -> impl Strategy<Value = Spec> {
    let tensor = ("[a-zA-Z0-9_.:<>äß漢\"\\\\ -]{0,12}", 0..TYPES.len(), prop::collection::vec(0usize..4, 0..4));
    let tensors = prop::collection::btree_map("[a-zA-Z0-9_.:<>äß漢\"\\\\ -]{0,12}", tensor, 0..8);
    let tensors = tensors.prop_map(|m| m.into_iter().map(|(name, (_, d, s))| (name, d, s)).collect());
    let metadata = prop::collection::btree_map(".{0,8}", ".{0,20}", 0..4).prop_map(|m| m.into_iter().collect());
    (tensors, metadata)
}

fn build((tensors, metadata): &Spec) -> Vec<u8> {
    let blanks: Vec<_> = tensors.iter().map(|(n, d, s)| (n.as_str(), TYPES[*d], s.as_slice())).collect();
    let metadata: Vec<_> = metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    file_with(&blanks, &metadata)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn files_of_the_reference_serializer_read_equal(spec in any_file()) {
        let bytes = build(&spec);
        let ours = header(&bytes).unwrap();
        let theirs = SafeTensors::deserialize(&bytes).unwrap();
        prop_assert_eq!(ours.tensors.len(), theirs.len());
        for info in &ours.tensors {
            let view = theirs.tensor(&info.name).unwrap();
            prop_assert_eq!(info.dtype, view.dtype());
            prop_assert_eq!(info.shape.iter().map(|n| *n as usize).collect::<Vec<_>>(), view.shape());
            let range = info.offset as usize..(info.offset + info.len) as usize;
            prop_assert_eq!(bytes[range].as_ptr(), view.data().as_ptr());
            prop_assert_eq!(ours.tensors[ours.find(&info.name).unwrap()].name.as_str(), info.name.as_str());
        }
        prop_assert_eq!(ours.metadata.len(), spec.1.len());
        for (key, value) in &spec.1 {
            prop_assert_eq!(&ours.metadata[key], value);
        }
        prop_assert!(ours.find("no such tensor").is_none());
    }

    /// Whatever is done to a header, we never accept what the reference rejects.
    #[test]
    fn mutated_headers_are_never_accepted_against_the_reference(
        spec in any_file(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        const TOKENS: [&str; 22] = ["\"", "{", "}", "[", "]", ",", ":", "0", "9", "-1", "1e9", "null", "\"F32\"", "\"dtype\"",
            "18446744073709551615", " ", "\0", "\u{7f}", "[0,0]", "\"shape\":[2],", "\"x\":1,", "\"__metadata__\":{},"];
        let bytes = build(&spec);
        let n = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut text: Vec<char> = String::from_utf8(bytes[8..8 + n].to_vec()).unwrap().chars().collect();
        for (place, token) in &edits {
            let at = place.index(text.len());
            text.splice(at..at + 1, TOKENS[token.index(TOKENS.len())].chars());
        }
        let text: String = text.into_iter().collect();
        let mut mutated = raw(&text, 0);
        mutated.extend(&bytes[8 + n..]);
        if let Some(cut) = cut {
            mutated.truncate(cut.index(mutated.len()));
        }
        if header(&mutated).is_ok() {
            prop_assert!(SafeTensors::deserialize(&mutated).is_ok());
        }
    }

    #[test]
    fn any_bytes_at_all_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), json in "\\{.{0,60}\\}") {
        let _ = header(&bytes);
        let _ = header(&raw(&json, 3));
    }
}

#[test]
fn quirks_of_real_files_are_accepted() {
    let a = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}"#;
    let b = r#""b":{"shape":[],"data_offsets":[0,8],"dtype":"F64"}"#;
    let h = header(&raw(&format!(r#"{{{a},"__metadata__":null,{b}}}   "#), 16)).unwrap();
    assert_eq!(h.tensors.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["b", "a"], "by offset");
    assert_eq!(h.warnings[0].code, "null-metadata");
    assert_ne!(h.data_start % 8, 0, "data need not be aligned");
    assert_eq!(h.tensors[1].offset, h.data_start + 8);
    let zero = r#"{"z":{"dtype":"F16","shape":[0,5],"data_offsets":[0,0]},"y":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}}"#;
    assert_eq!(header(&raw(zero, 0)).unwrap().tensors.len(), 2, "empty tensors may share an offset");
    assert_eq!(header(&raw("{}", 0)).unwrap().tensors.len(), 0);
}

#[test]
fn every_breach_has_its_own_message() {
    let t = |body: &str| raw(&format!(r#"{{"t":{{{body}}}}}"#), 16);
    let ok = r#""dtype":"F32","shape":[4],"data_offsets":[0,16]"#;
    assert!(header(&t(ok)).is_ok());
    let malformed = |bytes: &[u8], what: &str| refused(bytes, Kind::Malformed, what);

    malformed(&[1, 2, 3], "too short");
    malformed(&9u64.to_le_bytes(), "longer than the file");
    malformed(&u64::MAX.to_le_bytes(), "longer than the file");
    malformed(&raw(" {}", 0), "does not begin with `{`");
    malformed(&raw("", 4), "does not begin with `{`");
    malformed(&raw("{}\n", 0), "does not end with `}`");
    let nul = malformed(&raw("{}\0\0", 0), "NUL");
    assert_eq!(nul.place.offset, Some(10));
    let mut bad_utf8 = t(ok);
    bad_utf8[11] = 0xff;
    assert_eq!(malformed(&bad_utf8, "not UTF-8").place.offset, Some(11));

    let e = malformed(&t(r#""dtype":"F32","shape":[4],"data_offsets":[0,12]"#), "length does not fit its shape");
    assert_eq!((e.place.key.as_deref(), e.found.as_deref()), (Some("t"), Some("12 bytes")));
    malformed(&t(r#""dtype":"F32","shape":[4],"data_offsets":[16,0]"#), "ends before it begins");
    malformed(&t(r#""dtype":"F32","shape":[3],"data_offsets":[4,16]"#), "gap");
    malformed(&t(r#""dtype":"F4","shape":[3],"data_offsets":[0,2]"#), "whole bytes");
    malformed(&t(r#""dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]"#), "too large to count");
    malformed(&t(r#""dtype":"F99","shape":[4],"data_offsets":[0,16]"#), "unknown number type");
    malformed(&t(r#""dtype":"F32","shape":[4]"#), "lacks dtype");
    malformed(&t(r#""dtype":"F32","shape":[4],"data_offsets":[0]"#), "lacks dtype");
    malformed(&t(r#""dtype":"F32","shape":[4.0],"data_offsets":[0,16]"#), "not the JSON");
    malformed(&t(r#""dtype":"F32","shape":[-4],"data_offsets":[0,16]"#), "not the JSON");
    malformed(&t(r#""dtype":"F32","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]"#), "not the JSON");
    malformed(&t(&format!(r#"{ok},"x":1"#)), "unknown field");
    malformed(&t(&format!(r#"{ok},"shape":[4]"#)), "stands twice");
    malformed(&raw(r#"{"a":[[[[]]]]}"#, 0), "not the JSON");

    let pair = |a: &str, b: &str| {
        raw(
            &format!(
                r#"{{"a":{{"dtype":"U8","shape":[4],"data_offsets":{a}}},"b":{{"dtype":"U8","shape":[4],"data_offsets":{b}}}}}"#
            ),
            8,
        )
    };
    assert!(header(&pair("[4,8]", "[0,4]")).is_ok());
    malformed(&pair("[0,4]", "[2,6]"), "overlap");
    malformed(&pair("[0,4]", "[0,4]"), "overlap");
    malformed(&pair("[0,4]", "[5,9]"), "gap");

    let one = r#"{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"#;
    let e = malformed(&raw(&format!(r#"{{"a":{one},"a":{one}}}"#), 4), "overlap");
    assert_eq!(e.place.key.as_deref(), Some("a"));
    let none = r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    let e = malformed(&raw(&format!(r#"{{"a":{none},"\u0061":{none}}}"#), 0), "stands twice");
    assert_eq!(e.place.key.as_deref(), Some("a"));
    malformed(&raw(r#"{"__metadata__":{},"__metadata__":{}}"#, 0), "stands twice");
    malformed(&raw(r#"{"__metadata__":{"k":"1","k":"2"}}"#, 0), "stands twice");
    let e = malformed(&raw(r#"{"__metadata__":{"k":1}}"#, 0), "not the JSON");
    assert_eq!(e.place.offset, Some(8 + 22));
    malformed(&raw(&format!(r#"{{"a\u0000b":{one}}}"#), 4), "control character");
    malformed(&raw("{\"a\":1}}", 0), "not the JSON");
}

#[test]
fn cut_files_and_trailing_bytes_are_told_apart_with_numbers() {
    let text = r#"{"t":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}"#;
    let full = 8 + text.len() + 9;
    let e = refused(&raw(text, 5), Kind::Malformed, "cut off");
    assert_eq!((e.expected.unwrap(), e.found.unwrap()), (format!("{full} bytes"), format!("{} bytes", full - 4)));
    let e = refused(&raw(text, 10), Kind::Malformed, "bytes after the last tensor");
    assert_eq!((e.place.offset, e.found.unwrap()), (Some(full as u64), format!("{} bytes", full + 1)));
}

#[test]
fn caps_hold_before_anything_is_allocated() {
    let limits =
        Limits { header_bytes: 300, tensors: 2, name_bytes: 4, dims: 2, metadata_entries: 1, ..Limits::default() };
    let read = |text: &str| read_header(&raw(text, 0), "f", &limits).unwrap_err();
    let empty = r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    assert_eq!(read(&format!(r#"{{"a":{empty},"b":{empty},"c":{empty}}}"#)).kind, Kind::Limit);
    assert_eq!(read(&format!(r#"{{"abcde":{empty}}}"#)).kind, Kind::Limit);
    assert_eq!(read(r#"{"__metadata__":{"a":"","b":""}}"#).kind, Kind::Limit);
    assert_eq!(read(&format!("{{}}{}", " ".repeat(400))).kind, Kind::Limit);
    assert_eq!(read(r#"{"a":{"dtype":"U8","shape":[0,0,0],"data_offsets":[0,0]}}"#).kind, Kind::Malformed);
    // A length field alone must not make us allocate: only 32 bytes are read.
    let lying = Sparse::new((30u64 << 20).to_le_bytes().to_vec(), 1 << 20);
    assert!(read_header(&lying, "f", &Limits::default()).is_err());
    assert_eq!(lying.read.get(), 32);
}

#[test]
fn other_containers_are_named() {
    for (bytes, name) in [
        (&b"PK\x03\x04\x14\0\0\0\x08\0....."[..], "zip"),
        (b"\x80\x02}q\x00(X\x04\x00\x00\x00....", "pickle"),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}", "pickle"),
        (b"GGUF\x03\0\0\0\0\0\0\0....", "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"{\"peft_type\": \"LORA\"}", "JSON"),
    ] {
        let e = refused(bytes, Kind::Unsupported, "not a safetensors file");
        assert!(e.found.as_deref().unwrap().contains(name), "{e}");
    }
    // A header of 0x280 bytes begins like a pickle and is none.
    let text = format!("{:<640}", "{}");
    assert!(header(&raw(&text, 0)).is_ok());
}

#[test]
fn a_huge_file_opens_by_its_header_alone() {
    let rows: Vec<String> = (0..4096u64)
        .map(|i| {
            format!(r#""t{i}":{{"dtype":"F32","shape":[512,512],"data_offsets":[{},{}]}}"#, i << 20, (i + 1) << 20)
        })
        .collect();
    let head = raw(&format!("{{{}}}", rows.join(",")), 0);
    let source = Sparse::new(head.clone(), head.len() as u64 + (4096 << 20));
    let start = Instant::now();
    let read = read_header(&source, "4 GiB", &Limits::default()).unwrap();
    let time = start.elapsed();
    assert_eq!(read.tensors.len(), 4096);
    assert!(source.read.get() <= head.len() as u64 + 32, "read {} bytes", source.read.get());
    assert!(time.as_millis() < 100, "took {time:?}");
}
