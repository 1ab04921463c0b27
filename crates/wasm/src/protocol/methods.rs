//! The registry of methods, enough to draw their forms and explain them.

use serde::{Deserialize, Serialize};

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
