//! The adapter crate against independent witnesses: the safetensors crate, key lists, real files, and hostility.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod block_weights;
mod container;
mod dialects;
mod hostile;
mod keylists;
mod layouts;
mod real;
mod scales;
mod spellings;
mod support;
mod writing;
