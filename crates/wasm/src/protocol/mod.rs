//! What the page and its workers say to each other, as plain data.
//!
//! Big things ride beside a message, never inside it: a `File`, a `Blob` or an `ArrayBuffer` (transferred, not
//! copied). The doc of each request names them as *attached*.
//!
//! Every request says what type its answer has; a refusal is a list of [`rankweave_adapter::Error`] instead.
//! Enums keep serde's plain form, `{Variant: {…}}`: any other needs code that would make the page much larger.

mod facts;
mod methods;
mod results;
mod settings;

pub use crate::recipes::{Form, Recalled, Rule, Shared, Slot};
pub use crate::said::{About, Checked, Conflicts, Finding, Fit, Hash, Level, Overlap, Shares, Stated};
pub use facts::{Block, Facts, Preset};
pub use methods::{Choice, Method, Param, ParamKind, Reference};
pub use results::{Estimate, Recovered, Row, Summary};
pub use settings::{Gpu, Mix, Rank, Settings, Value};

use serde::{Deserialize, Serialize};

/// What the page asks of a worker. The desk and the hands understand the same language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// The registry of methods. Answer: a list of [`Method`].
    Methods,
    /// Desk: read the header of the attached `File` and remember it as `adapter`. Answer: [`Facts`].
    Open {
        /// The page's number for this adapter.
        adapter: u32,
        /// The file's name as the user knows it.
        label: String,
        /// Text of the `adapter_config.json` beside it, if there is one.
        config: Option<String>,
    },
    /// Desk: read the headers of the attached `File`s and remember them as the base model, in place of any other. Answer:
    /// nothing.
    Base {
        /// What it is called.
        base: Base,
        /// Text of the `model.safetensors.index.json` beside its files.
        index: Option<String>,
    },
    /// Desk: forget the base model. Answer: nothing.
    NoBase,
    /// Desk: forget an adapter. Answer: nothing.
    Close {
        /// The page's number for it.
        adapter: u32,
    },
    /// Desk: what do these block weights, as someone typed them, mean for an open adapter? Answer: one factor per block of
    /// its family, `Vec<f64>`.
    Blocks {
        /// The page's number for it.
        adapter: u32,
        /// A preset, a list, or names.
        text: String,
    },
    /// Desk: what would this merge give? Answer: [`Estimate`].
    Plan {
        /// Numbers of open adapters, in the user's order.
        adapters: Vec<u32>,
        /// Method, weights and output.
        settings: Settings,
    },
    /// Desk: get ready to put a file together. Answer: [`Ready`].
    Begin {
        /// Numbers of open adapters, in the user's order.
        adapters: Vec<u32>,
        /// Method, weights and output.
        settings: Settings,
    },
    /// Hand: open the attached `File`s, then those of the base, and make the same plan as the desk. Answer: [`Ready`].
    Prepare {
        /// One entry per attached file of an adapter.
        inputs: Vec<Input>,
        /// Method, weights and output.
        settings: Settings,
    },
    /// Any worker that is neither desk nor hand yet: be a hand with a GPU, and open one if there is none open. Answer: its
    /// name, `Option<String>`; none where none will do.
    Gpu {
        /// Which will do; [`Gpu::Off`] opens none.
        wanted: Gpu,
    },
    /// Hand: what the next round finds in one task of the plan. Answer: its sums, `Vec<f64>`.
    Survey {
        /// Index of the task, 0 ≤ task < tasks.
        task: u32,
    },
    /// Desk and hands: what a round has found, task by task; the next round, or the tasks, may begin. Answer: nothing.
    Found {
        /// The sums of every task, in the tasks' order.
        tasks: Vec<Vec<f64>>,
    },
    /// Hand: do one task of the plan. Answer: [`Output`], attached: its bytes.
    Run {
        /// Index of the task, 0 ≤ task < tasks.
        task: u32,
    },
    /// Desk: append the attached bytes, which must come in task order. Answer: nothing.
    Write {
        /// Index of the task.
        task: u32,
        /// What the hand said about the task, opaque to the page.
        meta: String,
    },
    /// Desk: close the file. Answer: [`Summary`], attached: the file, then the report, then an
    /// `adapter_config.json` where the dialect has one, each a `Blob`.
    Finish,
    /// Desk: some rows of the last report's table. Answer: a list of [`Row`].
    Rows {
        /// First row.
        from: u32,
        /// At most this many.
        count: u32,
    },
    /// Desk: how these adapters go together. Answer: [`Fit`].
    Compare {
        /// Numbers of open adapters, in the user's order.
        adapters: Vec<u32>,
        /// For each what [`Request::Check`] has shown, as [`Checked::reading`].
        readings: Vec<Option<String>>,
    },
    /// Desk: what a file says of itself. Answer: [`About`].
    About {
        /// Number of an open adapter.
        adapter: u32,
    },
    /// Any worker: read the attached `File` whole, hash it, look at its numbers. Tells steps: the share done, 0 to 1.
    /// Answer: [`Checked`].
    Check {
        /// What the file is.
        input: Input,
    },
    /// Any worker: count where the adapters in the attached `File`s, then the base's, pull against each other. Tells steps:
    /// the share done, 0 to 1. Answer: [`Conflicts`].
    Conflicts {
        /// One entry per attached file of an adapter.
        inputs: Vec<Input>,
        /// The weights count.
        settings: Settings,
        /// Look at all entries, not at some rows of each module.
        exact: bool,
    },
    /// Any worker: SHA-256 of the attached `Blob`. Answer: 64 hexadecimal digits.
    Hash,
    /// Desk: the recipe of this merge as text. Answer: [`Shared`].
    Share {
        /// Numbers of open adapters, in the user's order.
        adapters: Vec<u32>,
        /// Method, weights and output.
        settings: Settings,
        /// Whether the names of the files are told.
        names: bool,
        /// The page's address, where all forms are wanted; else the link alone is made.
        page: Option<String>,
        /// Hash of the tensor data that comes out, if it is known.
        expected: Option<String>,
    },
    /// Desk: read a recipe, or a link to one. Answer: [`Recalled`].
    Recall {
        /// As it was found or pasted.
        text: String,
    },
    /// Desk: the recipe that a merged file tells. Answer: [`Recalled`].
    Told {
        /// Number of an open adapter.
        adapter: u32,
    },
}

/// A plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// Number of tasks.
    pub tasks: u32,
    /// How many rounds of [`Request::Survey`] come before the tasks.
    pub rounds: u32,
    /// Number of modules.
    pub modules: u32,
    /// Whether there is something for a GPU to do.
    pub by_entry: bool,
}

/// A task is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// For [`Request::Write`], opaque to the page.
    pub meta: String,
    /// Modules in this task.
    pub modules: u32,
}

/// A file for a hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The file's name as the user knows it.
    pub label: String,
    /// Text of its `adapter_config.json`.
    pub config: Option<String>,
}

/// The base model's files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// What it is called.
    pub label: String,
    /// Names of its files, with the folders they lie in.
    pub files: Vec<String>,
}
