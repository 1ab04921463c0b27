//! Orthogonal Adaptation merges by adding up.

use super::{Module, Twin};

pub const TWIN: Twin = Twin { id: "orthogonal", params: &["{}"], merge: |problem| problem.each(Module::sum) };
