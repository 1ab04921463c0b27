//! One module of the output: what it is made of, and what it will be called.

use crate::align::family;
use crate::dense;
use crate::form::Form;
use crate::fuse::{Cut, Joined};
use crate::kept::{Keeping, KeptTensor};
use crate::plan::Request;
use crate::vectors::{self, LeftOut};
use crate::weights::{Taken, take};
use rankweave_adapter::{
    Adapter, BaseWeight, DialectId, Error, Kind, KindId, ModuleKey, ModuleShape, NamingContext, OutputKeys, Result,
    output_keys,
};
use rankweave_compute::RankPolicy;

/// One module of the output.
#[derive(Clone, Debug)]
pub struct PlannedModule {
    /// Which module.
    pub key: ModuleKey,
    /// Its shape, as the first adapter that has it writes it.
    pub shape: ModuleShape,
    /// (adapter, module) indices of its sources, by adapter; one adapter may have several parts of it.
    pub sources: Vec<(usize, usize)>,
    /// Which rows each source gives; none where every source is the whole module.
    pub cuts: Vec<Cut>,
    /// The adapters that have it, in order.
    pub adapters: Vec<usize>,
    /// One weight per adapter that has it: what its ΔW is multiplied by.
    pub weights: Vec<f64>,
    /// The part of each weight that blocks and rules make; 1 without any.
    pub factors: Vec<f64>,
    /// One factor per source where blocks and rules treat parts of one adapter differently: it belongs to the source's ΔW,
    /// and the adapter's factor is 1. All 1 elsewhere.
    pub scales: Vec<f64>,
    /// How it is written.
    pub form: Form,
    /// Names of its tensors in the output; a vector has the first alone.
    pub keys: OutputKeys,
    /// Its tensors where they are carried over, by name; none elsewhere.
    pub kept: Vec<KeptTensor>,
    /// Under those names the halves of its rows change places.
    pub swapped: bool,
    /// The largest rank it can get.
    pub rank_bound: usize,
}

impl PlannedModule {
    /// Bytes of its sources' tensors, with the base's weights where they need them.
    pub(crate) fn bytes_in(&self, adapters: &[Adapter]) -> u64 {
        let size = |&(a, m): &(usize, usize)| {
            let module = &adapters[a].modules[m];
            let base = module.base.as_ref().map_or(0, BaseWeight::bytes);
            base + module.parts.iter().map(|(_, tensor)| adapters[a].header.tensors[*tensor].len).sum::<u64>()
        };
        self.sources.iter().map(size).sum()
    }
}

/// The module that a group becomes; `None` where rules drop it from every adapter that has it, and where the output cannot
/// hold it, which `left_out` notes.
pub(crate) fn planned(
    request: &Request,
    joined: Joined,
    dialect: DialectId,
    left_out: &mut LeftOut,
    keeping: &mut Keeping,
) -> Result<Option<PlannedModule>> {
    let adapters = request.adapters;
    let Taken { joined, adapters: having, weights, factors, scales } = take(joined, adapters, request.weights);
    let Joined { members, cuts, made } = joined;
    if members.is_empty() {
        return Ok(None);
    }
    let module = |&(a, m): &(usize, usize)| &adapters[a].modules[m];
    let first = module(&members[0]);
    // A spelling that is already the wanted one needs no mapping.
    let source = members.iter().map(module).find(|m| m.dialect == dialect).unwrap_or(first);
    let context = NamingContext { family: &family(request.adapters).id };
    let (form, keys) = if first.kind == KindId::Vector {
        let Some((up, rows)) = vectors::key(adapters, &members, dialect, context) else {
            left_out.note(&source.raw, first.parts[0].0);
            return Ok(None);
        };
        (Form::Vector, OutputKeys { up, down: String::new(), alpha: None, rows })
    } else {
        let keys = match &made {
            None => output_keys(dialect, &source.key, &source.raw, source.dialect, context),
            // Its name is nobody's: the path is a native one, as diffusers and PEFT have it.
            Some((key, _)) => {
                let other = if dialect == DialectId::Diffusers { DialectId::Peft } else { DialectId::Diffusers };
                output_keys(dialect, key, &source.raw, other, context)
            }
        };
        Form::of(adapters, &members, keys.map_err(|e| e.file(&adapters[members[0].0].label))?)
    };
    // Where one file stores a convolution flat, another knows its kernel.
    let shapes = members.iter().map(|member| &module(member).shape).rev();
    let shape = shapes.max_by_key(|shape| shape.kernel.len()).unwrap_or(&first.shape);
    let renamed = made.is_some() && cuts.is_empty();
    let (key, shape) = made.unwrap_or_else(|| (source.key.clone(), shape.clone()));
    let swapped = keys.rows.swapped(shape.out, shape.inp);
    if swapped && !shape.out.is_multiple_of(2) {
        return Err(Error::new(Kind::Unsupported, "The rows of this module have no two halves that could be swapped")
            .file(&adapters[members[0].0].label)
            .module(key.id())
            .hint("Keep the keys as they are."));
    }
    let exact = weights == [1.0] && factors == [1.0] && scales == [1.0] && !renamed;
    let kept = keeping.tensors(&adapters[members[0].0], first, &cuts, &keys, swapped, exact);
    let (form, kept, keys) = match kept {
        Some((tensors, keys)) => (Form::Kept, tensors, keys),
        None if request.dense && form != Form::Vector => {
            (Form::Dense, Vec::new(), dense::keys(dialect, &keys).map_err(|e| e.module(key.id()))?)
        }
        None => (form, Vec::new(), keys),
    };
    let silent = |a: &usize| having.iter().zip(&weights).any(|(own, weight)| own == a && *weight == 0.0);
    let ranks = members.iter().filter(|(a, _)| !silent(a));
    let rank_sum = ranks.map(|member| module(member).rank).sum::<usize>();
    let side = shape.out.min(shape.columns());
    Ok(Some(PlannedModule {
        swapped,
        key,
        shape,
        form,
        keys,
        rank_bound: match form {
            Form::Vector => 1,
            Form::Kept => keeping.rank(first),
            Form::Dense => side,
            _ => request.rank.bound(available(request, rank_sum, side)).max(1),
        },
        kept,
        sources: members,
        cuts,
        adapters: having,
        weights,
        factors,
        scales,
    }))
}

/// How many directions there are to choose from: those of the adapters, or any where a rule by entry makes more.
fn available(request: &Request, rank_sum: usize, side: usize) -> usize {
    let more = matches!(request.rank, RankPolicy::Fixed(_)) && request.method.full_rank();
    if more { side } else { rank_sum }
}
