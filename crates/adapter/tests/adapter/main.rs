//! The adapter crate against independent witnesses: the safetensors crate, key lists, real files, and hostility.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod block_weights;
mod container;
mod dialects;
mod editing;
mod flavours;
mod hashes;
mod hostile;
mod keylists;
mod kinds;
mod layouts;
mod metadata;
mod real;
mod scales;
mod spellings;
mod support;
mod writing;
