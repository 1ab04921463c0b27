//! What the page and its workers say to each other, as plain data.
//!
//! Big things ride beside a message, never inside it: a `File`, a `Blob` or an `ArrayBuffer` (transferred, not
//! copied). The doc of each request names them as *attached*.
//!
//! Every request says what type its answer has; a refusal is a list of [`rankweave_adapter::Error`] instead.
//! Enums keep serde's plain form, `{Variant: {…}}`: any other needs code that would make the page much larger.

pub use crate::recipes::{Form, Recalled, Rule, Shared, Slot};
pub use crate::said::{About, Checked, Conflicts, Finding, Fit, Hash, Level, Overlap, Shares, Stated};
use rankweave_adapter::Warning;
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

/// Whether a GPU helps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gpu {
    /// Where there is one. A program that plays one is slower than the CPU and counts as none.
    #[default]
    Auto,
    /// Any, even a program that plays one.
    On,
    /// Never.
    Off,
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

/// What the user chose, in words of the recipe; what is left out is as in an exact sum of nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The text of a whole recipe, or a link to one, in place of all that follows up to the base model.
    pub recipe: Option<String>,
    /// One entry per adapter, in order.
    pub mix: Vec<Mix>,
    /// Id of the method.
    pub method: String,
    /// Its parameters that were chosen, by name.
    pub params: Vec<(String, Value)>,
    /// Rank of the output.
    pub rank: Rank,
    /// An id of the recipe's output types, such as `f16`, or `same` (as the first adapter).
    pub dtype: String,
    /// `same` (as the first adapter), `kohya`, `diffusers`, `comfy` or `peft`.
    pub keys: String,
    /// For methods that need chance.
    pub seed: Option<u32>,
    /// What is taken over from the inputs' metadata: `minimal`, `merge-tags`, `keep-first`, `keep-all` or `none`.
    pub metadata: String,
    /// Title of the output; those of the inputs where absent.
    pub title: Option<String>,
    /// Id of a recipe, and the hash of the tensor data that should come out of it, 64 hexadecimal digits. Heeded where all
    /// this means that recipe.
    pub expected: Option<(String, String)>,
    /// The base model that is open, if there is one.
    pub base: Option<Base>,
    /// Whether a GPU helps where the method looks at every entry.
    pub gpu: Gpu,
}

/// How much of one adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mix {
    /// The number one would type at inference.
    pub weight: f64,
    /// The same for text encoders; `None`: as `weight`.
    pub te: Option<f64>,
    /// One factor per block of its family; empty: all 1.
    pub blocks: Vec<f64>,
    /// Of its DoRA modules the direction alone is taken.
    pub direction: bool,
    /// Factors by module name. In order; the last one that fits a module decides.
    pub rules: Vec<Rule>,
    /// Hash of its tensor data, 64 hexadecimal digits, once it is known.
    pub data: Option<String>,
    /// Where it can be had.
    pub at: Vec<String>,
}

impl Default for Mix {
    fn default() -> Self {
        let (te, blocks, direction, rules, data, at) = Default::default();
        Mix { weight: 1.0, te, blocks, direction, rules, data, at }
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Of a flag.
    Flag(bool),
    /// Of a number.
    Number(f64),
    /// Of a choice: the option's id.
    Choice(String),
    /// Of a text.
    Text(String),
}

/// Rank of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Rank {
    /// Whatever the exact result needs.
    #[default]
    Exact,
    /// The whole difference instead of a pair.
    Dense,
    /// At most this.
    Fixed {
        /// 1 or more.
        value: u32,
    },
    /// Per module, the least that keeps this share of the energy.
    Energy {
        /// Above 0, at most 1.
        value: f64,
        /// Never more than this.
        #[serde(default)]
        max: Option<u32>,
    },
}

/// A method, as its `Spec` tells it: enough to draw the form and the explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Stable id.
    pub id: String,
    /// Name.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// In symbols.
    pub formula: String,
    /// When to use it.
    pub when: String,
    /// Where it comes from.
    pub reference: Reference,
    /// Title of the section it stands in; methods of a section follow each other.
    pub section: String,
    /// The least and the largest number of adapters it takes.
    pub adapters: (u32, u32),
    /// Whether its formula is not settled, or not known to help.
    pub experimental: bool,
    /// Whether it looks at every entry, so that there is something for a GPU to do.
    pub by_entry: bool,
    /// Its own parameters.
    pub params: Vec<Param>,
    /// Those of the output, which every method has.
    pub output: Vec<Param>,
}

/// Where a method comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Title of the paper or page.
    pub title: String,
    /// Its address; may be empty.
    pub url: String,
}

/// One parameter of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Stable name.
    pub name: String,
    /// Label.
    pub title: String,
    /// One sentence.
    pub help: String,
    /// What kind of control.
    pub kind: ParamKind,
}

/// What values a parameter takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ParamKind {
    /// A number in a range.
    Number {
        /// Unless said otherwise.
        default: f64,
        /// Least.
        min: f64,
        /// Greatest.
        max: f64,
        /// Of the slider.
        step: f64,
    },
    /// One of a list.
    Choice {
        /// Id of the option unless said otherwise.
        default: String,
        /// In reading order.
        options: Vec<Choice>,
    },
    /// Yes or no.
    Flag {
        /// Unless said otherwise.
        default: bool,
    },
    /// Text, empty unless said otherwise.
    Text,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Stable id.
    pub id: String,
    /// Name.
    pub title: String,
}

/// What the header of a file says, for its card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Bytes.
    pub size: u64,
    /// Stable id of the base family; `unknown` if it cannot be told.
    pub family: String,
    /// Its name.
    pub family_title: String,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Name of the spelling of its keys.
    pub dialect: String,
    /// Name of the way its changes are stored.
    pub kind: String,
    /// Number of modules.
    pub modules: u32,
    /// How many of them belong to text encoders.
    pub text_encoder_modules: u32,
    /// Rank and how many modules have it, by rank.
    pub ranks: Vec<(u32, u32)>,
    /// Distinct alphas; empty: none stored, scale 1.
    pub alphas: Vec<f64>,
    /// Where they stand: `tensors`, `config`, `metadata` or `none`.
    pub alpha_from: String,
    /// Number types.
    pub dtypes: Vec<String>,
    /// What an output gets that is to have the same type: an id of the recipe's output types.
    pub dtype: String,
    /// How many of its modules depend on the base model's weights.
    pub needs_base: u32,
    /// Whether some of them are DoRA's, whose direction can be taken alone.
    pub dora: bool,
    /// Whether an `adapter_config.json` was read.
    pub config: bool,
    /// Where its tensor data begins, in bytes.
    pub data_start: u64,
    /// Whether it tells the recipe it was merged by.
    pub recipe: bool,
    /// Blocks of its family, in the model's order; none where the family is unknown or not cut into blocks.
    pub blocks: Vec<Block>,
    /// Settings of these blocks that have a name.
    pub presets: Vec<Preset>,
    /// How many numbers a list for these blocks may have.
    pub block_lists: Vec<u32>,
    /// The first few warnings.
    pub warnings: Vec<Warning>,
    /// How many there are in all.
    pub warning_count: u32,
}

/// A named group of a family's modules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Its name, such as `IN04`.
    pub id: String,
    /// Where it lies, in plain words.
    pub role: String,
    /// What it and its neighbours are, in plain words.
    pub group: String,
    /// Modules that the file has there.
    pub modules: u32,
    /// Whether it stands for the text encoders, whose weight is another one.
    pub text_encoders: bool,
}

/// A setting of all blocks that has a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// Its name, such as `OUTALL`.
    pub name: String,
    /// One factor per block.
    pub values: Vec<f64>,
}

/// What a merge would give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Size of the file, at most.
    pub bytes: u64,
    /// Modules in the output.
    pub modules: u32,
    /// Greatest possible rank.
    pub rank: u32,
    /// Programs that may read the file: name, whether they do (`yes`, `partly`, `no`, `unknown`), and what is to be said.
    pub loads: Vec<(String, String, String)>,
    /// The first few things that should be known before merging.
    pub warnings: Vec<Warning>,
    /// How many there are in all.
    pub warning_count: u32,
}

/// Totals of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Suggested name of the file.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its data section, 64 hexadecimal digits; the first 12 are AutoV3.
    pub data_sha256: String,
    /// Modules written.
    pub modules: u32,
    /// Least and greatest rank written.
    pub ranks: (u32, u32),
    /// Share of the energy kept, 0 to 1.
    pub energy: f64,
    /// Relative error against the exact result.
    pub residual: f64,
    /// The part of it that comes from rounding to the number type.
    pub rounding: f64,
    /// What became of each adapter.
    pub sources: Vec<Recovered>,
    /// What the method says of the whole.
    pub remarks: Vec<Warning>,
    /// The first few warnings.
    pub warnings: Vec<Warning>,
    /// How many there are in all.
    pub warning_count: u32,
}

/// Requested and found weights of one adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovered {
    /// The file's name.
    pub label: String,
    /// What was asked for, outside text encoders.
    pub weight: f64,
    /// What was asked for in text encoders.
    pub text_encoder_weight: f64,
    /// Least-squares weight in the result outside text encoders; `None` if it has no modules there.
    pub recovered: Option<f64>,
    /// The same in text encoders.
    pub recovered_text_encoder: Option<f64>,
}

/// One module of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Display name.
    pub module: String,
    /// Output size.
    pub out: u32,
    /// Input size; for a convolution, inputs times kernel.
    pub columns: u32,
    /// Rank written.
    pub rank: u32,
    /// Rank of each source; 0 where it is missing.
    pub source_ranks: Vec<u32>,
    /// Share of the energy kept.
    pub energy: f64,
    /// Relative error against the exact result.
    pub residual: f64,
    /// What the method tells of it: names and values.
    pub details: Vec<(String, f64)>,
    /// The method's picture of its rank-one units: x, y from 0 to 1, cluster and adapter of each; often none.
    pub picture: Vec<(f32, f32, u32, u32)>,
}
