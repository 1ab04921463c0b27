//! Modules: the adapted weight matrices of a file, and how they are called.
//!
//! A module is known by a [`ModuleKey`]: which part of the model it lives in and its path inside that part.
//! Two spellings of one module have one [`ModuleKey::matching`] name: dots and underscores count as the same,
//! because kohya's names have lost their dots.

use crate::base::BaseWeight;
use crate::dialect::DialectId;
use crate::kind::KindId;
use crate::part::Part;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The part of a model that a module belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// A convolutional denoiser (Stable Diffusion 1, 2, XL).
    Unet,
    /// A transformer denoiser (Flux, SD3, Wan, …).
    Transformer,
    /// The first, second or third text encoder.
    TextEncoder(u8),
    /// The prior of a cascade.
    Prior,
    /// The model itself, for files that know only one part (language models).
    Model,
}

impl Component {
    /// True for text encoders, which have a weight of their own in a recipe.
    pub fn is_text_encoder(self) -> bool {
        matches!(self, Component::TextEncoder(_))
    }
}

impl fmt::Display for Component {
    /// The name diffusers gives the part: `unet`, `transformer`, `text_encoder`, `text_encoder_2`, `prior`, `model`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Component::Unet => f.write_str("unet"),
            Component::Transformer => f.write_str("transformer"),
            Component::TextEncoder(0 | 1) => f.write_str("text_encoder"),
            Component::TextEncoder(n) => write!(f, "text_encoder_{n}"),
            Component::Prior => f.write_str("prior"),
            Component::Model => f.write_str("model"),
        }
    }
}

/// Which module: the part of the model and the path inside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModuleKey {
    /// The part of the model.
    pub component: Component,
    /// Dotted path in the native (diffusers, transformers) spelling when the layout knows it, else as spelled.
    pub path: String,
}

impl ModuleKey {
    /// The name shown to people, such as `unet.down_blocks.0.attentions.0.proj_in`.
    pub fn id(&self) -> String {
        format!("{}.{}", self.component, self.path)
    }

    /// The name modules are matched by across dialects: [`ModuleKey::id`] with underscores for dots in the path.
    pub fn matching(&self) -> String {
        format!("{}.{}", self.component, self.path.replace('.', "_"))
    }
}

/// The shape of the weight that a module adapts: `out × (inp · kernel…)`. A size of 0 is one that only the base model
/// knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleShape {
    /// Output features or channels: rows of ΔW.
    pub out: usize,
    /// Input features or channels.
    pub inp: usize,
    /// `[]` for a linear layer, `[kh, kw]` for a convolution (a 1×1 convolution keeps `[1, 1]`).
    pub kernel: Vec<usize>,
}

impl ModuleShape {
    /// Columns of ΔW as a matrix: `inp` times the kernel's size. Opening has checked that it fits.
    pub fn columns(&self) -> usize {
        self.kernel.iter().fold(self.inp, |n, k| n.saturating_mul(*k))
    }
}

impl fmt::Display for ModuleShape {
    /// `320×768`, or `320×4×3×3` for a convolution; `?` where only the base model knows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |n: usize| if n == 0 { "?".to_owned() } else { n.to_string() };
        write!(f, "{}×{}", size(self.out), size(self.inp))?;
        self.kernel.iter().try_for_each(|k| write!(f, "×{k}"))
    }
}

/// Where a module's alpha comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alpha {
    /// Nowhere: the scale is 1.
    None,
    /// From adapter_config.json or the file's metadata.
    Value(f64),
    /// From the tensor of this index.
    Tensor(usize),
}

/// One adapted weight matrix and the tensors that hold its ΔW.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Which module.
    pub key: ModuleKey,
    /// The base name as the file spells it, without the suffix that tells the parts apart.
    pub raw: String,
    /// How the file spells this module.
    pub dialect: DialectId,
    /// How its ΔW is stored.
    pub kind: KindId,
    /// Shape of the adapted weight.
    pub shape: ModuleShape,
    /// Rank of the factor pair that it becomes, from the tensors' shapes.
    pub rank: usize,
    /// What alpha is divided by, usually the rank; 0 where the scale is 1 whatever alpha says.
    pub dim: usize,
    /// Its tensors (indices into the header's), in the parts' order; alpha is not among them.
    pub parts: Vec<(Part, usize)>,
    /// The file has the two halves of the rows in the other order than the native module.
    pub swapped: bool,
    /// Where alpha comes from.
    pub alpha: Alpha,
    /// The scale is alpha/√r instead of alpha/r.
    pub rslora: bool,
    /// For DoRA: the kind of its direction, which is the module without its magnitudes, and that one's rank.
    pub direction: Option<(KindId, usize)>,
    /// Where the base model's weight lies, for kinds that need it, once [`crate::Base::attach`] has found it.
    pub base: Option<BaseWeight>,
}

impl Module {
    /// Is its weight's size known? That of some kinds is the base model's.
    pub fn sized(&self) -> bool {
        self.shape.out > 0 && self.shape.inp > 0
    }

    /// For DoRA: the module without its magnitudes.
    pub fn without_magnitudes(&self) -> Option<Module> {
        let (kind, rank) = self.direction?;
        let mut module = Module { kind, rank, direction: None, base: None, ..self.clone() };
        module.parts.retain(|(part, _)| !matches!(part, Part::Magnitude | Part::MagnitudeVector));
        Some(module)
    }

    /// The factor before ΔW, for the alpha that the file states (see [`crate::read_alphas`]): alpha/r, alpha/√r
    /// with rsLoRA, 1 without alpha. An alpha tensor of 0 counts as none, as kohya's trainer means it; PEFT takes 0 in a
    /// configuration at its word.
    pub fn scale(&self, alpha: Option<f64>) -> f64 {
        let dim = self.dim as f64;
        match alpha {
            _ if self.dim == 0 => 1.0,
            Some(0.0) if matches!(self.alpha, Alpha::Tensor(_)) => 1.0,
            Some(alpha) => alpha / if self.rslora { dim.sqrt() } else { dim },
            None => 1.0,
        }
    }

    /// The tensor of a part.
    pub fn part(&self, part: Part) -> Option<usize> {
        self.parts.iter().find(|(own, _)| *own == part).map(|(_, tensor)| *tensor)
    }
}

/// A tensor of the file that is no factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// Index of the tensor.
    pub tensor: usize,
    /// Its name.
    pub name: String,
    /// Why it is no factor: "saved module", "embedding", …
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching_forgets_dots_only_in_the_path() {
        let key =
            ModuleKey { component: Component::TextEncoder(2), path: "text_model.encoder.layers.0.mlp.fc1".into() };
        assert_eq!(key.id(), "text_encoder_2.text_model.encoder.layers.0.mlp.fc1");
        assert_eq!(key.matching(), "text_encoder_2.text_model_encoder_layers_0_mlp_fc1");
    }

    #[test]
    fn columns_count_the_kernel() {
        assert_eq!(ModuleShape { out: 4, inp: 5, kernel: vec![3, 3] }.columns(), 45);
        assert_eq!(ModuleShape { out: 4, inp: 5, kernel: vec![] }.to_string(), "4×5");
    }
}
