//! Headers we write, against the reference serializer and reader.

use crate::support::{file_with, valued};
use rankweave_adapter::metadata::merged;
use rankweave_adapter::{
    Adapter, DialectId, Kind, Limits, MergedFacts, MergedModule, MetadataMode, OutTensor, header_bytes, header_room,
    read_header, sort_tensors,
};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;

fn tensors() -> Vec<OutTensor> {
    let t = |key: &str, dtype, shape: &[u64]| OutTensor { key: key.to_owned(), dtype, shape: shape.to_vec() };
    let mut out = vec![
        t("b.alpha", Dtype::F32, &[]),
        t("b\"\\ü\u{7}.lora_up.weight", Dtype::F16, &[4, 2]),
        t("a.lora_down.weight", Dtype::BF16, &[2, 3, 1, 1]),
        t("Z.lora_down.weight", Dtype::F16, &[2, 3]),
        t("a.alpha", Dtype::F32, &[1]),
    ];
    sort_tensors(&mut out);
    out
}

#[test]
fn byte_for_byte_what_the_reference_serializer_writes() {
    let tensors = tensors();
    let shapes: Vec<Vec<usize>> = tensors.iter().map(|t| t.shape.iter().map(|n| *n as usize).collect()).collect();
    let blanks: Vec<_> = tensors.iter().zip(&shapes).map(|(t, s)| (t.key.as_str(), t.dtype, s.as_slice())).collect();
    for metadata in [vec![], vec![("k\"ä", "v\n\u{1}</script>")]] {
        let theirs = file_with(&blanks, &metadata);
        let own: BTreeMap<String, String> = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let ours = header_bytes(&tensors, &own, 0).unwrap();
        assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs[..ours.len()]));
        assert_eq!(ours.len(), header_room(&tensors, &own));
        let data: u64 = tensors.iter().map(OutTensor::bytes).sum();
        assert_eq!(theirs.len() as u64, ours.len() as u64 + data);
    }
}

#[test]
fn room_to_spare_is_filled_with_spaces_and_read_back() {
    let tensors = tensors();
    let metadata = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    let data: u64 = tensors.iter().map(OutTensor::bytes).sum();
    for room in [0, 900, 1000, 1003] {
        let mut bytes = header_bytes(&tensors, &metadata, room).unwrap();
        assert!(bytes.len() >= room && bytes.len().is_multiple_of(8));
        bytes.resize(bytes.len() + data as usize, 0);
        assert_eq!(SafeTensors::deserialize(&bytes).unwrap().len(), tensors.len());
        let bel: Vec<_> = tensors.iter().filter(|t| !t.key.contains('\u{7}')).collect();
        assert_eq!(bel.len(), tensors.len() - 1);
        let ours = read_header(&bytes, "f", &Limits::default());
        assert_eq!(ours.unwrap_err().what, "A tensor's name holds a control character");
    }
}

#[test]
fn doubles_and_monsters_are_refused() {
    let t = |key: &str, shape: &[u64]| OutTensor { key: key.to_owned(), dtype: Dtype::F32, shape: shape.to_vec() };
    let none = BTreeMap::new();
    assert_eq!(header_bytes(&[t("a", &[1]), t("a", &[1])], &none, 0).unwrap_err().kind, Kind::Parameter);
    assert_eq!(header_bytes(&[t("__metadata__", &[1])], &none, 0).unwrap_err().kind, Kind::Parameter);
    assert_eq!(header_bytes(&[t("a", &[u64::MAX, 2]), t("b", &[1])], &none, 0).unwrap_err().kind, Kind::Limit);
    assert_eq!(header_bytes(&[t("a", &[1])], &none, 200_000_000).unwrap_err().kind, Kind::Limit);
}

fn input(label: &str, metadata: &[(&str, &str)]) -> Adapter {
    let bytes = file_with(
        &[
            (
                "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight",
                Dtype::F16,
                &[64, 4],
            ),
            (
                "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight",
                Dtype::F16,
                &[4, 2048],
            ),
        ],
        metadata,
    );
    Adapter::open(&bytes, label, None).unwrap()
}

fn module(up: &str, rank: usize, kernel: &[usize]) -> MergedModule {
    MergedModule { up: up.to_owned(), rank, alpha: rank as f64, kernel: kernel.to_vec() }
}

#[test]
fn a_merged_file_says_what_it_is() {
    let inputs =
        [input("folder/one.safetensors", &[]), input("two", &[("modelspec.title", "Second"), ("ss_v2", "False")])];
    let hash = "ab".repeat(32);
    let mut facts = MergedFacts {
        dialect: DialectId::Kohya,
        family: &inputs[0].family,
        inputs: &[&inputs[0], &inputs[1]],
        modules: &[module("x", 4, &[]), module("y", 4, &[1, 1]), module("z", 2, &[3, 3])],
        title: "one + two",
        data_sha256: &hash,
        legacy_hash: None,
        recipe: Some("{}"),
        mode: MetadataMode::Minimal,
    };
    let m = merged(&facts);
    for (key, value) in [
        ("format", "pt"),
        ("ss_network_module", "networks.lora"),
        ("ss_network_dim", "4"),
        ("ss_network_alpha", "4"),
        ("ss_network_args", r#"{"conv_dim": "2", "conv_alpha": "2"}"#),
        ("ss_base_model_version", "sdxl_base_v1-0"),
        ("ss_v2", "False"),
        ("sshs_model_hash", hash.as_str()),
        ("modelspec.hash_sha256", &format!("0x{hash}")),
        ("modelspec.sai_model_spec", "1.0.1"),
        ("modelspec.architecture", "stable-diffusion-xl-v1-base/lora"),
        ("modelspec.merged_from", "one, Second"),
        ("modelspec.title", "one + two"),
        ("rankweave.recipe", "{}"),
    ] {
        assert_eq!(m.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert!(m.contains_key("modelspec.implementation") && !m.keys().any(|k| k.contains("date")));
    let mixed = [module("x", 4, &[]), module("y", 5, &[])];
    facts.modules = &mixed;
    assert_eq!(merged(&facts)["ss_network_dim"], "Dynamic");
    facts.dialect = DialectId::Peft;
    assert!(!merged(&facts).keys().any(|k| k.starts_with("ss_")));
}

#[test]
fn positions_keep_what_their_loader_needs() {
    let bytes = file_with(
        &[("unet:0:up", Dtype::F32, &[4, 1]), ("unet:0:down", Dtype::F32, &[1, 4]), ("<s1>", Dtype::F32, &[768])],
        &[("unet", "[\"CrossAttention\"]"), ("unet:0:rank", "1"), ("<s1>", "<embed>")],
    );
    let input = Adapter::open(&bytes, "f", None).unwrap();
    assert_eq!(input.extras[0].reason, "embedding");
    let facts = MergedFacts {
        dialect: DialectId::Cloneofsimo,
        family: &input.family,
        inputs: &[&input],
        modules: &[module("unet:0:up", 3, &[])],
        title: "t",
        data_sha256: "",
        legacy_hash: None,
        recipe: None,
        mode: MetadataMode::None,
    };
    let m = merged(&facts);
    assert_eq!(
        (m["unet:0:rank"].as_str(), m["unet"].as_str(), m["<s1>"].as_str()),
        ("3", "[\"CrossAttention\"]", "<embed>")
    );
}

#[test]
fn a_written_file_reads_back_equal() {
    let values = [1.5f32, -2.0, 0.25, 8.0];
    let mut tensors: Vec<OutTensor> = ["a.lora_up.weight", "a.lora_down.weight"]
        .map(|key| OutTensor { key: key.to_owned(), dtype: Dtype::F32, shape: vec![2, 2] })
        .to_vec();
    sort_tensors(&mut tensors);
    let mut bytes = header_bytes(&tensors, &BTreeMap::new(), 512).unwrap();
    for _ in &tensors {
        rankweave_adapter::dtype::encode(Dtype::F32, &values, &mut bytes).unwrap();
    }
    let adapter = Adapter::open(&bytes, "f", None).unwrap();
    let f = rankweave_adapter::read_modules(&adapter, &bytes, &[0]).unwrap().remove(0);
    for (_, tensor) in &f.parts {
        assert_eq!(tensor.values, values);
    }
    let same = valued(&[("a.lora_down.weight", &[2, 2], &values), ("a.lora_up.weight", &[2, 2], &values)]);
    let data = |b: &[u8]| b[b.len() - 32..].to_vec();
    assert_eq!(data(&bytes), data(&same));
}
