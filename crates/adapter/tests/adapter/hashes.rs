//! Hashes, against known digests and against naive code over whole files.

use rankweave_adapter::hash::{Claim, LEGACY_BYTES, Verdict, claims, hex, legacy_hash};
use rankweave_adapter::{Error, Header, Kind, Limits, OutTensor, Source, hashes, header_bytes, read_header};
use safetensors::tensor::serialize;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

fn sha(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// CRC-32 (IEEE 802.3), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |mut crc: u32, byte: &u8| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
        crc
    };
    !bytes.iter().fold(!0, step)
}

fn noise(n: usize, seed: u32) -> Vec<u8> {
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 24) as u8
    };
    (0..n).map(|_| next()).collect()
}

/// kohya's definition: write the file anew with only ss_ entries, look at 64 KiB of it.
fn naive_legacy(file: &[u8]) -> String {
    let (_, header) = SafeTensors::read_metadata(file).unwrap();
    let all = header.metadata().clone().unwrap_or_default();
    let kept = Some(all.into_iter().filter(|(k, _)| k.starts_with("ss_")).collect());
    let again = serialize(SafeTensors::deserialize(file).unwrap().tensors(), kept).unwrap();
    let (start, end) = (again.len().min(0x10_0000), again.len().min(0x11_0000));
    sha(&again[start..end])[..8].to_owned()
}

/// A file with tensors of these sizes in bytes, in this order, which need not be the reference serializer's.
fn file(sizes: &[(&str, Dtype, usize)], metadata: &[(&str, &str)]) -> Vec<u8> {
    let shape = |d: &Dtype, n: usize| vec![(n * 8 / d.bitsize()) as u64];
    let tensor =
        |(key, d, n): &(&str, Dtype, usize)| OutTensor { key: key.to_string(), dtype: *d, shape: shape(d, *n) };
    let tensors: Vec<OutTensor> = sizes.iter().map(tensor).collect();
    let metadata = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let mut out = header_bytes(&tensors, &metadata, 0).unwrap();
    for (i, (_, _, n)) in sizes.iter().enumerate() {
        out.extend(noise(*n, i as u32 + 1));
    }
    out
}

fn check(bytes: &[u8]) -> rankweave_adapter::Hashes {
    let header = read_header(&bytes, "f", &Limits::default()).unwrap();
    let mut steps = Vec::new();
    let step = |n| {
        steps.push(n);
        Ok(())
    };
    let h = hashes(&bytes, &header, step).unwrap();
    assert_eq!(steps.last(), Some(&(bytes.len() as u64)));
    let data = &bytes[header.data_start as usize..];
    assert_eq!(h.sha256, sha(bytes));
    assert_eq!(h.autov2, sha(bytes)[..10].to_uppercase());
    assert_eq!(h.data_sha256, sha(data));
    assert_eq!(h.autov3, sha(data)[..12].to_uppercase());
    let autov1 = (bytes.len() >= 2 << 20).then(|| sha(&bytes[0x10_0000..0x11_0000])[..8].to_uppercase());
    assert_eq!(h.autov1, autov1);
    assert_eq!(h.blake3, blake3::hash(bytes).to_hex().as_str());
    assert_eq!(h.crc32, format!("{:08X}", crc32(bytes).swap_bytes()));
    assert_eq!(h.legacy.as_deref(), Some(naive_legacy(bytes).as_str()));
    h
}

#[test]
fn hello_world_hashes_as_civitai_does() {
    let h = hashes(&b"hello world".to_vec(), &Header::default(), |_| Ok(())).unwrap();
    assert_eq!(h.sha256, "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
    assert_eq!(h.autov2, "B94D27B993");
    assert_eq!(h.blake3, "d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24");
    assert_eq!(h.crc32, "85114A0D");
    assert_eq!(h.autov1, None);
    assert_eq!(h.legacy.as_deref(), Some("e3b0c442"));
}

#[test]
fn all_hashes_are_those_of_naive_code() {
    const M: usize = 1 << 20;
    let meta: &[(&str, &str)] = &[
        ("ss_network_dim", "4"),
        ("ss_tag\"", "ä\n"),
        ("modelspec.title", "never hashed"),
        ("sshs_model_hash", "nor this"),
    ];
    let sizes = [
        vec![("a", Dtype::F16, 64)],
        vec![("a", Dtype::F16, M - 100), ("b", Dtype::F16, 8)],
        vec![("a", Dtype::F16, M + 4096)],
        vec![("a", Dtype::F16, M), ("b", Dtype::F16, M), ("c", Dtype::F16, M)],
        vec![("a", Dtype::F32, 900_000), ("b", Dtype::F32, 180_000), ("c", Dtype::F16, 2 * M + 2)],
        // Not in the reference serializer's order: by name, and by type.
        vec![("z", Dtype::F16, M / 2), ("b", Dtype::F16, 3 * M / 4), ("a", Dtype::F16, 2 * M)],
        vec![("a", Dtype::BF16, M), ("b", Dtype::F32, 2 * M - 128), ("c", Dtype::F64, 64), ("d", Dtype::F16, 0)],
    ];
    let mut legacy = std::collections::BTreeSet::new();
    for sizes in &sizes {
        for metadata in [meta, &meta[2..], &[]] {
            let h = check(&file(sizes, metadata));
            legacy.insert(h.legacy);
        }
    }
    // Files without ss_ entries hash alike whatever else they say, the shortest as nothing.
    assert_eq!(legacy.len(), 2 * (sizes.len() - 1) + 1);
}

#[test]
fn the_beginning_of_the_data_is_enough_for_an_ordered_file() {
    let bytes = file(&[("a", Dtype::F16, 1 << 19), ("b", Dtype::F16, 1 << 20)], &[("ss_x", "y")]);
    let header = read_header(&bytes, "f", &Limits::default()).unwrap();
    let data = bytes[header.data_start as usize..][..LEGACY_BYTES].to_vec();
    let tensor =
        |t: &rankweave_adapter::TensorInfo| OutTensor { key: t.name.clone(), dtype: t.dtype, shape: t.shape.clone() };
    let mut tensors: Vec<_> = header.tensors.iter().map(tensor).collect();
    assert_eq!(legacy_hash(&tensors, &header.metadata, &data).unwrap(), Some(naive_legacy(&bytes)));
    tensors.swap(0, 1);
    tensors[0].shape = vec![1 << 21];
    tensors[1].shape = vec![1 << 20];
    assert_eq!(legacy_hash(&tensors, &header.metadata, &data).unwrap_err().kind, Kind::Io);
}

#[test]
fn a_header_that_reaches_into_the_window_has_no_legacy_hash() {
    let long = "x".repeat(0x10_0000);
    let hash = |key: &str| {
        let bytes = file(&[("a", Dtype::F16, 1 << 20)], &[(key, &long)]);
        hashes(&bytes, &read_header(&bytes, "f", &Limits::default()).unwrap(), |_| Ok(())).unwrap().legacy
    };
    assert_eq!(hash("ss_tag_frequency"), None);
    assert!(hash("other").is_some());
}

#[test]
fn hashing_can_be_stopped_and_tells_of_short_reads() {
    let bytes = file(&[("a", Dtype::F16, 3 << 20)], &[]);
    let header = read_header(&bytes, "f", &Limits::default()).unwrap();
    let stop = |_| Err(Error::new(Kind::Cancelled, "Stopped"));
    assert_eq!(hashes(&bytes, &header, stop).unwrap_err().kind, Kind::Cancelled);
    struct Short(Vec<u8>);
    impl Source for Short {
        fn len(&self) -> u64 {
            self.0.len() as u64 + 1
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
            self.0.read_at(offset, buf)
        }
    }
    assert_eq!(hashes(&Short(bytes), &header, |_| Ok(())).unwrap_err().kind, Kind::Io);
}

fn claim(key: &str, stated: &str) -> Claim {
    let metadata = BTreeMap::from([(key.to_owned(), stated.to_owned())]);
    claims(&metadata, &"ab12".repeat(16), Some("0123abcd")).remove(0)
}

#[test]
fn stated_hashes_are_held_to_the_truth() {
    let digest = "ab12".repeat(16);
    let nothing = sha(&[]);
    let cases: [(&str, &str, Verdict, bool); 16] = [
        ("sshs_model_hash", &digest, Verdict::Right, false),
        ("sshs_model_hash", &format!("0x{digest}"), Verdict::Right, true),
        ("sshs_model_hash", &digest.to_uppercase(), Verdict::Right, true),
        ("sshs_model_hash", &"ab13".repeat(16), Verdict::Wrong, false),
        ("sshs_model_hash", &nothing, Verdict::OfNothing, false),
        ("sshs_model_hash", &format!("0X{}", nothing.to_uppercase()), Verdict::OfNothing, false),
        ("sshs_model_hash", "", Verdict::NotADigest, false),
        ("sshs_model_hash", &digest[..63], Verdict::NotADigest, false),
        ("sshs_model_hash", &"zz".repeat(32), Verdict::NotADigest, false),
        ("modelspec.hash_sha256", &format!("0x{digest}"), Verdict::Right, false),
        ("modelspec.hash_sha256", &digest, Verdict::Right, true),
        ("modelspec.hash_sha256", &format!("0x{}", "00".repeat(32)), Verdict::Wrong, false),
        ("sshs_legacy_hash", "0123abcd", Verdict::Right, false),
        ("sshs_legacy_hash", "0123abce", Verdict::Wrong, false),
        ("sshs_legacy_hash", "e3b0c442", Verdict::OfNothing, false),
        ("sshs_legacy_hash", &digest, Verdict::NotADigest, false),
    ];
    for (key, stated, verdict, misspelt) in cases {
        let claim = claim(key, stated);
        assert_eq!((claim.verdict, claim.misspelt), (verdict, misspelt), "{key}: {stated}");
        assert_eq!(claim.warning("f").map(|w| w.code), (verdict == Verdict::Wrong).then(|| "wrong-hash".to_owned()));
    }
    let metadata = BTreeMap::from([("sshs_legacy_hash".to_owned(), "0123abcd".to_owned())]);
    assert_eq!(claims(&metadata, &digest, None)[0].verdict, Verdict::Unknown);
    assert!(claims(&BTreeMap::new(), &digest, None).is_empty());
    let hostile = claim("sshs_model_hash", &"\u{202E}\n".repeat(10_000));
    assert!(hostile.stated.chars().count() <= 101 && !hostile.stated.contains('\n'));
}
