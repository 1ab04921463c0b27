//! Adapters whose change depends on the base model, against the formulas, whatever the base is called and cut into.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

mod finding;
mod formulas;
mod support;
