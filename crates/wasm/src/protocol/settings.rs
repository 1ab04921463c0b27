//! What the user chose: method, weights and output, in words of the recipe.

use super::{Base, Rule};
use serde::{Deserialize, Serialize};

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
