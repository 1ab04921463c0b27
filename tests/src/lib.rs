//! Shared helpers for the tests across crates.
