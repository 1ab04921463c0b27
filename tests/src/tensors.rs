//! safetensors files, the naive way: the whole file in memory, every number as f64.
//!
//! Layout: u64 little-endian header length, JSON header, tensor bytes at the offsets the header gives. Nothing is
//! checked beyond what indexing checks: it reads files that are known to be good.

use half::{bf16, f16};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One tensor: its type as the header spells it, its shape, its values in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// `F64`, `F32`, `F16`, `BF16` or `I16`.
    pub dtype: String,
    /// Sizes of its axes; empty for a scalar.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f64>,
}

impl Tensor {
    /// A tensor of `values` in `dtype`.
    pub fn new(dtype: &str, shape: &[usize], values: Vec<f64>) -> Tensor {
        Tensor { dtype: dtype.into(), shape: shape.to_vec(), values }
    }
}

/// All tensors of a file by name, and its `__metadata__`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    /// By name.
    pub tensors: BTreeMap<String, Tensor>,
    /// The flat string map; empty where there is none.
    pub metadata: BTreeMap<String, String>,
}

/// Reads a good file. Panics on a bad one.
pub fn read(bytes: &[u8]) -> TensorFile {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a JSON header");
    let data = &bytes[8 + length..];
    let mut file = TensorFile::default();
    for (name, info) in header.as_object().expect("an object") {
        if name == "__metadata__" {
            for (key, value) in info.as_object().into_iter().flatten() {
                file.metadata.insert(key.clone(), value.as_str().unwrap_or_default().into());
            }
            continue;
        }
        let number = |v: &Value| v.as_u64().expect("a whole number") as usize;
        let dtype = info["dtype"].as_str().expect("a dtype").to_string();
        let shape: Vec<usize> = info["shape"].as_array().expect("a shape").iter().map(number).collect();
        let span = number(&info["data_offsets"][0])..number(&info["data_offsets"][1]);
        let values = decode(&dtype, &data[span]);
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}: values against its shape");
        file.tensors.insert(name.clone(), Tensor { dtype, shape, values });
    }
    file
}

/// The bytes of a file with these tensors, in the order given, and this metadata.
pub fn write(tensors: &[(String, Tensor)], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    if !metadata.is_empty() {
        header.insert("__metadata__".into(), json!(metadata));
    }
    for (name, tensor) in tensors {
        let start = data.len();
        for value in &tensor.values {
            encode(&tensor.dtype, *value, &mut data);
        }
        let info = json!({"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [start, data.len()]});
        header.insert(name.clone(), info);
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    bytes.extend(data);
    bytes
}

/// Bytes of one value in a type of this name.
pub fn width(dtype: &str) -> usize {
    match dtype {
        "F64" => 8,
        "F32" => 4,
        "F16" | "BF16" | "I16" => 2,
        _ => panic!("unknown dtype {dtype}"),
    }
}

/// The values of little-endian bytes.
pub fn decode(dtype: &str, bytes: &[u8]) -> Vec<f64> {
    let one = |b: &[u8]| match dtype {
        "F64" => f64::from_le_bytes(b.try_into().expect("eight bytes")),
        "F32" => f64::from(f32::from_le_bytes(b.try_into().expect("four bytes"))),
        "F16" => f16::from_le_bytes(b.try_into().expect("two bytes")).to_f64(),
        "I16" => f64::from(i16::from_le_bytes(b.try_into().expect("two bytes"))),
        _ => bf16::from_le_bytes(b.try_into().expect("two bytes")).to_f64(),
    };
    bytes.chunks_exact(width(dtype)).map(one).collect()
}

/// Appends one value's little-endian bytes, rounded to nearest even.
pub fn encode(dtype: &str, value: f64, out: &mut Vec<u8>) {
    match dtype {
        "F64" => out.extend(value.to_le_bytes()),
        "F32" => out.extend((value as f32).to_le_bytes()),
        "F16" => out.extend(f16::from_f32(value as f32).to_le_bytes()),
        "I16" => out.extend((value as i16).to_le_bytes()),
        "BF16" => out.extend(bf16::from_f32(value as f32).to_le_bytes()),
        _ => panic!("unknown dtype {dtype}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let one = Tensor::new("F16", &[2, 1], vec![0.5, -2.0]);
        let two = Tensor::new("BF16", &[], vec![3.0]);
        let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
        let bytes = write(&[("one".into(), one.clone()), ("two".into(), two.clone())], &metadata);
        let file = read(&bytes);
        assert_eq!(file.metadata, metadata);
        assert_eq!(file.tensors, BTreeMap::from([("one".to_string(), one), ("two".to_string(), two)]));
    }
}
