//! What to do, as text: recipes, their checks, running them, and the report.
//!
//! ```text
//! recipe + opened adapters ─► Prepared ─► tasks (anywhere, any order) ─► Assembler ─► header + report
//! ```
//!
//! The terminal, the browser's workers and tests all go through [`Prepared`], so
//! that the same recipe gives the same bytes everywhere.

mod assemble;
mod base;
mod blocks;
mod canonical;
mod check;
mod compatibility;
mod conflicts;
mod devices;
mod expected;
pub mod forms;
mod inspect;
mod link;
mod loads;
mod normal;
mod parse;
mod pointer;
mod prepare;
mod reading;
mod recipe;
mod report;
mod run;
mod said;
mod sources;

pub use assemble::{Assembler, Finished};
pub use base::DIRECTION;
pub use blocks::{BlockFacts, Blocks, FamilyBlocks, Rule};
pub use canonical::canonical;
pub use compatibility::{Accelerator, Compatibility, FileFacts, Finding, Level, Overlap, ShapeConflict, compatibility};
pub use conflicts::{CONFLICT_ROWS, Conflicts, Measurement, ModuleConflicts};
pub use devices::DeviceUse;
pub use inspect::{AlphaFacts, Inspection, inspect};
pub use loads::{Loads, Reads};
pub use prepare::{Estimate, Prepared};
pub use rankweave_merge::conflicts::{Measured, Shares, Tally};
pub use rankweave_merge::{ModuleReport, RankPolicy};
pub use reading::{Broken, Reading, Scan, read_whole, scan};
pub use recipe::{BaseRef, Engine, Expect, MethodRef, MixEntry, Output, Rank, Recipe, SourceRef};
pub use report::{BlockLine, DroppedLine, ModuleLine, Report, SourceLine};
pub use run::TaskOutput;
pub use said::{Line, about, more};
pub use sources::{Identity, Match, assign, identify, order};

/// Version of this crate, as recipes and metadata name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Numerics contract: goes up whenever the CPU path's bytes may change.
pub const MATH: u32 = 1;

pub use rankweave_merge::Facts;
