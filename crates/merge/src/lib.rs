//! The mathematics of adapters: which modules go together, the methods, and the
//! engine that runs one of them over all modules.
//!
//! A [`Plan`] says what goes into the output and in which order; its tasks can run
//! anywhere and in any order, and their bytes, put together in the tasks' order,
//! are the output's tensor data. Nothing here reads a clock, a file or a random
//! device.

mod align;
mod assignment;
mod columns;
pub mod conflicts;
mod coverage;
mod crosstalk;
mod dense;
mod device;
mod election;
mod encode;
mod engine;
mod extras;
mod factors;
mod facts;
mod form;
mod fuse;
mod gauge;
mod given;
mod glob;
mod gram;
mod inner;
mod kept;
mod lowpass;
pub mod method;
pub mod methods;
mod multitask;
mod on_factors;
mod order;
mod plan;
mod planned;
mod read;
mod report;
mod rounds;
mod scale;
mod shift;
mod span;
pub mod spec;
mod spectra;
mod sphere;
mod stacked;
mod survey;
mod thin;
pub mod ties;
mod trim;
mod units;
mod vectors;
mod weights;
mod written;

pub use align::{Group, aligned, disagreement, family};
pub use device::DeviceLine;
pub use engine::{TaskOutput, run_task};
pub use facts::Facts;
pub use form::Form;
pub use fuse::{Cut, joined};
pub use glob::Glob;
pub use kept::KeptTensor;
pub use method::{Detail, MergeMethod, Merged, ModuleInputs, Outcome, Picture};
pub use methods::{find, registry};
pub use plan::{Plan, Request};
pub use planned::PlannedModule;
#[cfg(feature = "gpu")]
pub use rankweave_compute::gpu;
pub use rankweave_compute::{Nulls, RankPolicy, entries};
pub use report::{ModuleReport, SourceReport, SourceShare, Totals};
pub use rounds::survey_task;
pub use scale::OUTPUT;
pub use spec::{ANY, Law, Option as ChoiceOption, ParamKind, ParamSpec, Params, Reference, Section, Spec};
pub use survey::Survey;
pub use weights::{BlockSummary, BlockWeights, Rule, Share, Weight, block_summaries};
