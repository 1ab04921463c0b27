//! Kinds: how a module's ΔW is stored.
//!
//! | kind | parts | ΔW |
//! |---|---|---|
//! | LoRA | up, down | s·B·A |
//! | LoRA, transposed | up, down | s·Bᵀ·Aᵀ of what is stored |
//!
//! A kind is one file here, which says from names and shapes alone what the module's size and rank are, and one file
//! of the same name in the crate `merge` (`factors/`), which turns its tensors into a factor pair.

mod lora;
mod transposed;

use crate::dtype;
use crate::error::{Error, Kind, Result};
use crate::limits::Limits;
use crate::module::ModuleShape;
use crate::part::Part;
use crate::safetensors::{Header, TensorInfo};
use serde::{Deserialize, Serialize};

/// A way of storing ΔW.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindId {
    /// s·B·A, of linear layers and convolutions.
    Lora,
    /// s·B·A with both factors stored transposed.
    Transposed,
}

/// What a kind's file says.
struct Entry {
    id: KindId,
    /// Name for people.
    title: &'static str,
    /// A module with any of these parts is of this kind.
    marks: &'static [Part],
    /// Further parts that it may have.
    others: &'static [Part],
    /// Shape and rank from the parts' shapes.
    measure: fn(&Parts) -> Result<Measured>,
}

/// The kinds, in the order in which they are tried.
const KINDS: [Entry; 2] = [lora::ENTRY, transposed::ENTRY];

impl KindId {
    /// Name for people.
    pub fn title(self) -> &'static str {
        KINDS.iter().find(|kind| kind.id == self).map_or("", |kind| kind.title)
    }

    /// Stable id, such as `lora`.
    pub fn id(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Is this part one of a kind that can be read?
pub(crate) fn reads(part: Part) -> bool {
    KINDS.iter().any(|kind| kind.marks.contains(&part) || kind.others.contains(&part))
}

/// What is known of a module before any tensor is read.
pub(crate) struct Measured {
    /// Shape of the adapted weight.
    pub shape: ModuleShape,
    /// Rank of the factor pair that it becomes.
    pub rank: usize,
    /// What alpha is divided by; 0 where the scale is 1 whatever alpha says.
    pub dim: usize,
}

/// The kind of a module with these parts, and what that kind says of it.
pub(crate) fn measure(parts: &Parts) -> Result<(KindId, Measured)> {
    let marked = |kind: &&Entry| kind.marks.iter().any(|mark| parts.find(*mark).is_some());
    let Some(kind) = KINDS.iter().find(marked) else {
        let error = Error::new(Kind::Malformed, "These tensors make up no kind of adapter");
        return Err(error.key(parts.first().map_or("", |info| info.name.as_str())));
    };
    let measured = (kind.measure)(parts)?;
    if measured.rank as u64 > parts.limits.rank {
        return Err(Error::new(Kind::Limit, "The rank is too high")
            .key(parts.first().map_or("", |info| info.name.as_str()))
            .expected(format!("at most {}", parts.limits.rank))
            .found(measured.rank.to_string()));
    }
    Ok((kind.id, measured))
}

/// A module's tensors, by what they are.
pub(crate) struct Parts<'a> {
    pub list: &'a [(Part, usize)],
    pub header: &'a Header,
    pub limits: &'a Limits,
}

impl<'a> Parts<'a> {
    fn first(&self) -> Option<&'a TensorInfo> {
        self.list.first().map(|(_, tensor)| &self.header.tensors[*tensor])
    }

    /// The tensor of a part, if the module has it.
    pub(crate) fn find(&self, part: Part) -> Option<&'a TensorInfo> {
        let tensor = self.list.iter().find(|(own, _)| *own == part)?.1;
        Some(&self.header.tensors[tensor])
    }

    /// The shape of a factor that the module must have: at least two numbers, none of them 0, of a type that can be
    /// read and a size within the limits.
    ///
    /// # Errors
    /// `Malformed` where it is missing or empty, `Unsupported` for its type, `Limit` for its size.
    pub(crate) fn matrix(&self, part: Part) -> Result<Vec<usize>> {
        let shape = self.tensor(part)?;
        match shape.len() {
            0 | 1 => Err(self.misfit(part, "A factor has too few dimensions", "at least two")),
            _ => Ok(shape),
        }
    }

    /// As [`Parts::matrix`], of any number of dimensions.
    pub(crate) fn tensor(&self, part: Part) -> Result<Vec<usize>> {
        let info = self.find(part).ok_or_else(|| self.missing(part))?;
        if !dtype::is_factor_type(info.dtype) {
            let error = Error::new(Kind::Unsupported, "The factors are stored in a number type that is not read");
            return Err(error
                .key(&info.name)
                .expected("F32, F16, BF16, F8 or F64")
                .found(info.dtype.to_string())
                .hint("Save the adapter as F16 or BF16."));
        }
        if info.elements() > self.limits.factor_elements {
            let error = Error::new(Kind::Limit, "A factor is too large").key(&info.name);
            return Err(error
                .expected(format!("at most {} numbers", self.limits.factor_elements))
                .found(format!("{:?}", info.shape)));
        }
        let size = |n: &u64| usize::try_from(*n).ok().filter(|n| *n > 0);
        let shape: Option<Vec<usize>> = info.shape.iter().map(size).collect();
        shape.ok_or_else(|| self.misfit(part, "A factor is empty", "no size of 0"))
    }

    /// The error for a part that is not there.
    pub(crate) fn missing(&self, part: Part) -> Error {
        let present = self.first().map_or("", |info| info.name.as_str());
        let other = crate::dialect::counterpart(present, part);
        Error::new(Kind::Malformed, "Half of a factor pair is missing")
            .key(present)
            .expected(format!("also {other}"))
            .hint("The file is incomplete; download it again or save it again.")
    }

    /// The error for shapes that do not fit together.
    pub(crate) fn misfit(&self, part: Part, what: &str, expected: &str) -> Error {
        let name = self.find(part).map_or("", |info| info.name.as_str());
        let shapes: Vec<String> = self
            .list
            .iter()
            .map(|(_, tensor)| &self.header.tensors[*tensor])
            .map(|info| format!("{} {:?}", crate::dialect::ending(&info.name), info.shape))
            .collect();
        Error::new(Kind::Malformed, what).key(name).expected(expected).found(shapes.join(", "))
    }
}
