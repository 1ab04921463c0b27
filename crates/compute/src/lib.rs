//! Matrices for merging low-rank adapters: factor pairs, Gram identities,
//! optimal truncation. Nothing here knows what an adapter or a file is.
//!
//! Everything that a linear merge needs follows from two small matrices per
//! module: with the factors of all inputs stacked, B = [B₁|…|B_T] (out×R) and
//! A = [A₁;…;A_T] (R×in), they are the Gram matrices BᵀB and AAᵀ (both R×R).
//! The dense ΔW = B·A (out×in) is never formed.

mod by_dense;
mod by_gram;
mod by_qr;
mod combine;
mod core;
pub mod entries;
mod error;
#[cfg(feature = "gpu")]
pub mod gpu;
mod gram;
pub mod kmeans;
pub mod linalg;
mod low_rank;
pub mod norms;
mod plane;
mod rank;
pub mod rng;
mod rows;
mod stack;

pub use combine::{Combination, Nulls, combine};
pub use core::Core;
pub use error::Error;
pub use faer::{Mat, MatRef};
pub use gram::Grams;
pub use low_rank::{FactorPair, ThinSvd};
pub use plane::plane;
pub use rank::{NULL, RankPolicy};
pub use rows::rows;
