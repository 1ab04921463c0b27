//! Files of zeros, of which only the header takes up room.

use rankweave_adapter::Source;
use serde_json::{Value, json};
use std::io;

/// A header, and zeros after it.
pub struct Zeros {
    head: Vec<u8>,
    len: u64,
}

impl Source for Zeros {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buf.len() as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let rest = self.head.get(offset as usize..).unwrap_or_default();
        for (i, byte) in buf.iter_mut().enumerate() {
            *byte = rest.get(i).copied().unwrap_or(0);
        }
        Ok(())
    }
}

/// An F16 file of these tensors.
pub fn zeros(tensors: &[(String, Vec<u64>)]) -> Zeros {
    let (mut header, mut at) = (serde_json::Map::new(), 0);
    for (key, shape) in tensors {
        let end = at + 2 * shape.iter().product::<u64>();
        header.insert(key.clone(), json!({"dtype": "F16", "shape": shape, "data_offsets": [at, end]}));
        at = end;
    }
    let text = Value::Object(header).to_string();
    let mut head = (text.len() as u64).to_le_bytes().to_vec();
    head.extend(text.as_bytes());
    let len = head.len() as u64 + at;
    Zeros { head, len }
}
