//! Kinds: how a module's ΔW is stored.
//!
//! | kind | parts | ΔW |
//! |---|---|---|
//! | LoRA, LoCon | up, down (mid) | s·B·A |
//! | LoRA with a sparse rest | and bias_indices, bias_values, bias_size | s·(B·A + S) |
//! | LoRA of an embedding | lora_embedding_B, lora_embedding_A | s·(B·A)ᵀ |
//! | AdaLoRA | lora_B, lora_E, lora_A (ranknum) | B·diag(E)·A·alpha/(ranks + 10⁻⁵) |
//! | LoHa | hada_w1_a, w1_b, w2_a, w2_b (t1, t2) | s·(W1a·W1b)∘(W2a·W2b) |
//! | LoKr | lokr_w1 or w1_a, w1_b; lokr_w2 or w2_a, w2_b (t2) | s·W1⊗W2 |
//! | VeRA | vera_lambda_b, vera_lambda_d; vera_B, vera_A | diag(b)·B·diag(d)·A |
//! | whole difference | diff | as it is |
//! | vector | diff_b, w_norm, b_norm, lora_B.bias, diff of one dimension | as it is; lora_B.bias times s |
//! | LoRA, transposed | up, down | s·Bᵀ·Aᵀ of what is stored |
//! | DoRA | one of the products above, and dora_scale or lora_magnitude_vector | m·(W + ΔW₀)/‖W + ΔW₀‖ − W |
//! | IA³ | ia3_l | W·(l − 1) |
//! | OFT | oft_blocks (rescale, alpha); oft_R | R·W − W; W·R − W |
//!
//! The last three need W, the base model's weight: they are opened without it, and take their size from it.
//!
//! A kind is one file here, which says from names and shapes alone what the module's size and rank are, and one file
//! of the same name in the crate `merge` (`factors/`), which turns its tensors into a factor pair.

mod adalora;
mod dora;
mod embedding;
mod full;
mod ia3;
mod loha;
mod lokr;
mod lora;
mod oft;
mod sparse;
mod transposed;
mod vector;
mod vera;

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
    /// s·(B·A + S) with a sparse S.
    Sparse,
    /// s·(B·A)ᵀ, of an embedding.
    Embedding,
    /// A pair with a diagonal in its middle.
    Adalora,
    /// An entrywise product of two pairs.
    Loha,
    /// A Kronecker product.
    Lokr,
    /// Shared projections and two vectors.
    Vera,
    /// ΔW itself.
    Full,
    /// A change of a bias or a norm.
    Vector,
    /// Another kind whose result has lengths of its own.
    Dora,
    /// A factor for every output or input.
    Ia3,
    /// A rotation of the outputs or inputs.
    Oft,
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
    /// For kinds that need the base model's weight: do the parts fit one of this shape?
    base: Option<fn(&Parts, &ModuleShape) -> bool>,
}

/// The kinds, in the order in which they are tried.
const KINDS: [Entry; 13] = [
    vector::ENTRY,
    dora::ENTRY,
    ia3::ENTRY,
    oft::ENTRY,
    embedding::ENTRY,
    adalora::ENTRY,
    loha::ENTRY,
    lokr::ENTRY,
    vera::ENTRY,
    sparse::ENTRY,
    full::ENTRY,
    transposed::ENTRY,
    lora::ENTRY,
];

impl KindId {
    /// Name for people.
    pub fn title(self) -> &'static str {
        self.entry().map_or("", |kind| kind.title)
    }

    /// Does ΔW depend on the base model's weight?
    pub fn needs_base(self) -> bool {
        self.entry().is_some_and(|kind| kind.base.is_some())
    }

    fn entry(self) -> Option<&'static Entry> {
        KINDS.iter().find(|kind| kind.id == self)
    }

    /// The kind with this id.
    pub fn from_id(id: &str) -> Option<KindId> {
        KINDS.iter().map(|kind| kind.id).find(|kind| kind.id() == id)
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
    /// For DoRA: the kind of the change without its magnitudes, and its rank.
    pub direction: Option<(KindId, usize)>,
}

impl Measured {
    pub(crate) fn new(shape: ModuleShape, rank: usize, dim: usize) -> Measured {
        Measured { shape, rank, dim, direction: None }
    }
}

/// Do the parts of a module of a kind that needs the base fit a weight of this shape?
pub(crate) fn fits_base(kind: KindId, parts: &Parts, weight: &ModuleShape) -> bool {
    kind.entry().and_then(|kind| kind.base).is_some_and(|fits| fits(parts, weight))
}

/// The kind of a module with these parts, and what that kind says of it.
pub(crate) fn measure(parts: &Parts) -> Result<(KindId, Measured)> {
    let marked = |kind: &&Entry| kind.marks.iter().any(|mark| parts.find(*mark).is_some());
    let Some(kind) = KINDS.iter().find(marked) else {
        let error = Error::new(Kind::Malformed, "These tensors make up no kind of adapter");
        return Err(error.key(parts.first().map_or("", |info| info.name.as_str())));
    };
    let own = |part: &Part| kind.marks.contains(part) || kind.others.contains(part);
    if let Some((part, _)) = parts.list.iter().find(|(part, _)| !own(part)) {
        let error = Error::new(Kind::Unsupported, "One module is changed in two ways").key(parts.name(*part));
        return Err(error.expected(format!("the parts of a {} alone", kind.title)));
    }
    let measured = (kind.measure)(parts)?;
    within_limits(parts, &measured)?;
    Ok((kind.id, measured))
}

/// Is the factor pair that the module becomes small enough?
fn within_limits(parts: &Parts, measured: &Measured) -> Result<()> {
    let Measured { shape, rank, .. } = measured;
    let (rank, most) = (*rank as u64, parts.limits.factor_elements);
    let too = |what: &str, most: u64, found: String| {
        let error = Error::new(Kind::Limit, what).key(parts.first().map_or("", |info| info.name.as_str()));
        Err(error.expected(format!("at most {most}")).found(found))
    };
    if rank > parts.limits.rank {
        return too("The rank is too high", parts.limits.rank, rank.to_string());
    }
    let longest = shape.out.max(shape.columns()) as u64;
    match rank.checked_mul(longest) {
        Some(n) if n <= most => Ok(()),
        _ => too("A module is too large", most, format!("{rank}×{longest} numbers in a factor")),
    }
}

/// A product of two factors, or of two with a kernel between them.
pub(crate) struct Product {
    pub out: usize,
    pub inp: usize,
    pub kernel: Vec<usize>,
    pub rank: usize,
    /// Rows of the right factor.
    pub dim: usize,
}

impl Product {
    fn columns(&self) -> usize {
        self.kernel.iter().fold(self.inp, |n, k| n.saturating_mul(*k))
    }
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

    /// The name of a part's tensor; the first tensor's where it is not there.
    pub(crate) fn name(&self, part: Part) -> &'a str {
        self.find(part).or_else(|| self.first()).map_or("", |info| info.name.as_str())
    }

    /// The size of left·right: `[out, r]` and `[r, in]`, or, with a middle `[r, q, kernel…]` between them, `[r, out]` and
    /// `[q, in]`.
    ///
    /// # Errors
    /// As [`Parts::matrix`].
    pub(crate) fn product(&self, left: Part, right: Part, middle: Option<Part>) -> Result<Product> {
        let middle = middle.filter(|middle| self.find(*middle).is_some());
        let (a, b) = (self.matrix(left)?, self.matrix(right)?);
        let flat = |shape: &[usize]| shape[2..].iter().all(|n| *n == 1);
        let fits = match middle {
            None => a[1] == b[0] && flat(&a),
            Some(middle) => flat(&a) && flat(&b) && self.matrix(middle)?[..2] == [a[0], b[0]],
        };
        if !fits {
            let expected =
                if middle.is_some() { "[r, out], [r, q, kernel…] and [q, in]" } else { "[out, r] and [r, in]" };
            return Err(self.misfit(left, "The factors of a product do not fit together", expected));
        }
        let kernel = match middle {
            None => b[2..].to_vec(),
            Some(middle) => self.matrix(middle)?[2..].to_vec(),
        };
        let (out, rank) = if middle.is_some() { (a[1], a[0]) } else { (a[0], a[1]) };
        Ok(Product { out, inp: b[1], kernel, rank, dim: b[0] })
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
        self.sizes(part, info)
    }

    /// The shape of a tensor of whole numbers, such as positions, that the module must have; of any type of numbers.
    ///
    /// # Errors
    /// As [`Parts::tensor`].
    pub(crate) fn whole(&self, part: Part) -> Result<Vec<usize>> {
        let info = self.find(part).ok_or_else(|| self.missing(part))?;
        if dtype::decode_scalar(info.dtype, &[0; 8][..dtype::size_of(info.dtype).min(8)]).is_none() {
            let error = Error::new(Kind::Unsupported, "Positions are stored in a type that is not read");
            return Err(error.key(&info.name).expected("whole numbers").found(info.dtype.to_string()));
        }
        self.sizes(part, info)
    }

    fn sizes(&self, part: Part, info: &TensorInfo) -> Result<Vec<usize>> {
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
        let name = self.name(part);
        let shapes: Vec<String> = self
            .list
            .iter()
            .map(|(_, tensor)| &self.header.tensors[*tensor])
            .map(|info| format!("{} {:?}", crate::dialect::ending(&info.name), info.shape))
            .collect();
        Error::new(Kind::Malformed, what).key(name).expected(expected).found(shapes.join(", "))
    }
}
