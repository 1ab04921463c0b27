//! Shared helpers for the tests across crates.
//!
//! The oracle side ([`tensors`], [`dense`], [`naive`]) is written from the formats and the formulas alone, in plain
//! f64 loops, and uses nothing of the crates it judges: two implementations that agree by accident are unlikely,
//! one that agrees with itself is not. [`synth`] makes full-size adapters, [`shared`] finds real ones, and
//! [`engine`] is the only door to the code under test.

pub mod bench;
pub mod dense;
pub mod naive;
pub mod rng;
pub mod shared;
pub mod synth;
pub mod tensors;
