//! Files made in memory, sources that count or pretend, and the folder of shared material.

use rankweave_adapter::{Adapter, Error, Source};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};
use std::cell::Cell;
use std::io;
use std::path::PathBuf;

/// A tensor: name, type, shape; its bytes are zero.
pub type Blank<'a> = (&'a str, Dtype, &'a [usize]);

/// A safetensors file of zeros, written by the reference serializer.
pub fn file_with(tensors: &[Blank], metadata: &[(&str, &str)]) -> Vec<u8> {
    let sizes = tensors.iter().map(|(_, d, s)| s.iter().product::<usize>() * d.bitsize() / 8);
    let zeros = vec![0u8; sizes.max().unwrap_or(0)];
    let views = tensors.iter().map(|(name, dtype, shape)| {
        let n = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        (*name, TensorView::new(*dtype, shape.to_vec(), &zeros[..n]).unwrap())
    });
    let metadata = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string()));
    serialize(views, (metadata.len() > 0).then(|| metadata.collect())).unwrap()
}

/// A file of f32 tensors with these values.
pub fn valued(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|t| t.2.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), b)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), b).unwrap()));
    serialize(views, None).unwrap()
}

/// A file with this header text and so many bytes of zeros as data.
pub fn raw(header: &str, data: usize) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.resize(out.len() + data, 0);
    out
}

pub fn open(bytes: &[u8]) -> Result<Adapter, Error> {
    Adapter::open(&bytes, "test.safetensors", None)
}

/// A long file of which only the beginning exists; it counts what is read.
pub struct Sparse {
    pub head: Vec<u8>,
    pub len: u64,
    pub read: Cell<u64>,
    pub calls: Cell<u64>,
}

impl Sparse {
    pub fn new(head: Vec<u8>, len: u64) -> Self {
        Sparse { head, len, read: Cell::new(0), calls: Cell::new(0) }
    }
}

impl Source for Sparse {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buf.len() as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read.set(self.read.get() + buf.len() as u64);
        self.calls.set(self.calls.get() + 1);
        buf.fill(0);
        let start = (offset as usize).min(self.head.len());
        let n = (self.head.len() - start).min(buf.len());
        buf[..n].copy_from_slice(&self.head[start..start + n]);
        Ok(())
    }
}

/// A folder of the shared material beside the workspace; `None`, said aloud, when it is absent.
pub fn shared(test: &str, folder: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: {test}: ../shared/{folder} is absent");
    None
}
