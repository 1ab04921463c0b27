//! What goes into the output, in which order, cut into tasks.

use crate::align;
use crate::extras;
use crate::form::Form;
use crate::fuse::{self, Cut, Joined};
use crate::method::MergeMethod;
use crate::spec::Params;
use crate::vectors::{self, LeftOut};
use crate::weights::{Taken, Weight, take};
use rankweave_adapter::{
    Adapter, BaseWeight, DialectId, Dtype, Error, Family, Kind, KindId, ModuleKey, ModuleShape, NamingContext,
    OutTensor, OutputKeys, Result, Warning, check_components, output_keys,
};
use rankweave_compute::RankPolicy;
use std::ops::Range;

/// Input bytes per task, least and most: each read costs a browser most of a millisecond, so tasks of large inputs are
/// large; small inputs still are cut into enough tasks for many workers.
const TASK_BYTES: (u64, u64) = (4 << 20, 16 << 20);
/// How many tasks an input is cut into between these.
const TASKS: u64 = 24;

/// What is wanted.
pub struct Request<'a> {
    /// The adapters, in the recipe's order; at least one.
    pub adapters: &'a [Adapter],
    /// The weights of each adapter.
    pub weights: &'a [Weight],
    /// The method.
    pub method: &'static dyn MergeMethod,
    /// Its checked parameters.
    pub params: Params,
    /// Rank of the output's modules.
    pub rank: RankPolicy,
    /// Type of the output's factors: F32, F16 or BF16.
    pub dtype: Dtype,
    /// Spelling of the output; `None` for that of the first adapter.
    pub dialect: Option<DialectId>,
    /// A single adapter that is only rewritten keeps its alphas in adapter_config.json too; else they are folded in, so
    /// that the file alone says all.
    pub keep_alpha: bool,
}

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
    /// Under those names the halves of its rows change places.
    pub swapped: bool,
    /// The largest rank it can get.
    pub rank_bound: usize,
}

/// One thing to write, in the output's order.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Module(usize),
    /// A tensor copied byte for byte: (adapter, tensor).
    Extra(usize, usize),
}

/// A checked request: everything that can be known from headers alone.
pub struct Plan {
    /// Modules of the output.
    pub modules: Vec<PlannedModule>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// Number of adapters.
    pub adapters: usize,
    /// Spelling of the output.
    pub dialect: DialectId,
    /// Type of the output's factors.
    pub dtype: Dtype,
    pub(crate) method: &'static dyn MergeMethod,
    pub(crate) params: Params,
    pub(crate) rank: RankPolicy,
    pub(crate) keep_alpha: bool,
    pub(crate) items: Vec<Item>,
    tasks: Vec<Range<usize>>,
    bytes_in: u64,
}

impl Plan {
    /// Aligns the adapters and names the output. Reads no tensor.
    ///
    /// # Errors
    /// `Mismatch` where shapes disagree, `Unsupported` where a name cannot be written
    /// in the dialect asked for, `Parameter` where nothing is left to write.
    pub fn new(request: Request) -> Result<Plan> {
        let Request { adapters, weights, .. } = request;
        let Some(first) = adapters.first() else {
            return Err(Error::new(Kind::Parameter, "There is no adapter to merge").hint("Give at least one file."));
        };
        let dialect = request.dialect.unwrap_or(first.dialect).written();
        let groups = align::groups(adapters)?;
        let groups = fuse::reshape(groups, &adapters.iter().collect::<Vec<_>>(), &family(adapters).id, dialect)?;
        let mut warnings = coverage(adapters, &groups);
        warnings.extend(adapters.iter().zip(weights).flat_map(|(adapter, weight)| weight.warnings(adapter)));
        let mut modules = Vec::with_capacity(groups.len());
        let (mut silenced, mut left_out) = (0, LeftOut::new(dialect));
        for group in groups {
            let Some(module) = planned(&request, group, dialect, &mut left_out)? else { continue };
            if module.weights.iter().all(|w| *w == 0.0) {
                silenced += 1;
            } else {
                modules.push(module);
            }
        }
        if silenced > 0 {
            let message = format!("{silenced} modules are left out: every adapter that has them has weight 0 there");
            warnings.push(Warning { code: "weight-zero".into(), message, place: Default::default() });
        }
        warnings.extend(left_out.warning());
        check_components(
            dialect,
            modules.iter().map(|m| (&m.key, adapters[m.sources[0].0].modules[m.sources[0].1].dialect)),
        )?;
        let (kept, told) = extras::choose(adapters, weights);
        warnings.extend(told);
        if modules.is_empty() {
            left_out.error(silenced)?;
            return Err(Error::new(Kind::Parameter, "Every weight is 0, so that nothing is left to merge")
                .hint("Give at least one adapter a weight, and see that block weights and rules leave some of it."));
        }
        let mut plan = Plan {
            modules,
            warnings,
            adapters: adapters.len(),
            dialect,
            dtype: request.dtype,
            method: request.method,
            params: request.params,
            rank: request.rank,
            keep_alpha: request.keep_alpha,
            items: Vec::new(),
            tasks: Vec::new(),
            bytes_in: 0,
        };
        plan.order(adapters, kept);
        plan.cut(adapters);
        Ok(plan)
    }

    /// Number of tasks; each is run by [`crate::run_task`].
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Number of modules in a task, for progress.
    pub fn modules_in(&self, task: usize) -> usize {
        self.task(task).iter().filter(|item| matches!(item, Item::Module(_))).count()
    }

    /// Bytes of all tensors that will be read.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in
    }

    pub(crate) fn task(&self, task: usize) -> &[Item] {
        self.tasks.get(task).map_or(&[], |range| &self.items[range.clone()])
    }

    /// The tensors of the output at the largest ranks possible, in the output's order.
    pub fn tensors_bound(&self, adapters: &[Adapter]) -> Vec<OutTensor> {
        self.tensors(adapters, &self.items, |m| self.modules[m].rank_bound)
    }

    /// The most bytes a task can write.
    pub(crate) fn bytes_bound(&self, adapters: &[Adapter], task: usize) -> usize {
        let tensors = self.tensors(adapters, self.task(task), |m| self.modules[m].rank_bound);
        // A task that does not fit in memory fails where it allocates what it really needs.
        tensors.iter().map(OutTensor::bytes).sum::<u64>().min(64 << 20) as usize
    }

    /// The tensors that a task wrote, in the order of its bytes. `ranks` are those of
    /// its modules, in order.
    pub fn tensors_of(&self, adapters: &[Adapter], task: usize, ranks: &[usize]) -> Vec<OutTensor> {
        let mut ranks = ranks.iter();
        self.tensors(adapters, self.task(task), |_| ranks.next().copied().unwrap_or(0))
    }

    fn tensors(&self, adapters: &[Adapter], items: &[Item], mut rank: impl FnMut(usize) -> usize) -> Vec<OutTensor> {
        let tensors = items.iter().flat_map(|item| match *item {
            Item::Module(m) => self.modules[m].tensors(rank(m), self.dtype),
            Item::Extra(a, t) => vec![extra_tensor(&adapters[a], t)],
        });
        tensors.collect()
    }

    /// Orders everything as the reference serializer does: wider types first, then
    /// by name; a module's tensors stay together.
    fn order(&mut self, adapters: &[Adapter], kept: Vec<(usize, usize)>) {
        let modules = (0..self.modules.len())
            .map(|m| (self.dtype.bitsize(), self.modules[m].first_key().to_owned(), Item::Module(m)));
        let extras = kept.into_iter().map(|(a, t)| {
            let info = &adapters[a].header.tensors[t];
            (info.dtype.bitsize(), info.name.clone(), Item::Extra(a, t))
        });
        let mut items: Vec<_> = modules.chain(extras).collect();
        items.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        self.items = items.into_iter().map(|(_, _, item)| item).collect();
    }

    fn cut(&mut self, adapters: &[Adapter]) {
        let size = |item: &Item| match *item {
            Item::Module(m) => self.modules[m].bytes_in(adapters),
            Item::Extra(a, t) => adapters[a].header.tensors[t].len,
        };
        let sizes: Vec<u64> = self.items.iter().map(size).collect();
        self.bytes_in = sizes.iter().sum();
        let most = (self.bytes_in / TASKS).clamp(TASK_BYTES.0, TASK_BYTES.1);
        let (mut start, mut bytes) = (0, 0);
        for (i, size) in sizes.into_iter().enumerate() {
            if i > start && bytes + size > most {
                self.tasks.push(start..i);
                (start, bytes) = (i, 0);
            }
            bytes += size;
        }
        self.tasks.push(start..self.items.len());
    }
}

impl PlannedModule {
    fn bytes_in(&self, adapters: &[Adapter]) -> u64 {
        let size = |&(a, m): &(usize, usize)| {
            let module = &adapters[a].modules[m];
            let base = module.base.as_ref().map_or(0, BaseWeight::bytes);
            base + module.parts.iter().map(|(_, tensor)| adapters[a].header.tensors[*tensor].len).sum::<u64>()
        };
        self.sources.iter().map(size).sum()
    }
}

fn extra_tensor(adapter: &Adapter, tensor: usize) -> OutTensor {
    let info = &adapter.header.tensors[tensor];
    OutTensor { key: info.name.clone(), dtype: info.dtype, shape: info.shape.clone() }
}

/// The module that a group becomes; `None` where rules drop it from every adapter that has it, and where the output cannot
/// hold it, which `left_out` notes.
fn planned(
    request: &Request,
    joined: Joined,
    dialect: DialectId,
    left_out: &mut LeftOut,
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
    let context = NamingContext { family: &family(adapters).id };
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
    let (key, shape) = made.unwrap_or_else(|| (source.key.clone(), shape.clone()));
    let swapped = keys.rows.swapped(shape.out, shape.inp);
    if swapped && !shape.out.is_multiple_of(2) {
        return Err(Error::new(Kind::Unsupported, "The rows of this module have no two halves that could be swapped")
            .file(&adapters[members[0].0].label)
            .module(key.id())
            .hint("Keep the keys as they are."));
    }
    let silent = |a: &usize| having.iter().zip(&weights).any(|(own, weight)| own == a && *weight == 0.0);
    let ranks = members.iter().filter(|(a, _)| !silent(a));
    let rank_sum = ranks.map(|member| module(member).rank).sum::<usize>();
    Ok(Some(PlannedModule {
        swapped,
        key,
        shape,
        form,
        keys,
        rank_bound: if form == Form::Vector { 1 } else { request.rank.bound(rank_sum).max(1) },
        sources: members,
        cuts,
        adapters: having,
        weights,
        factors,
        scales,
    }))
}

/// The family of the output: that of the first adapter whose family is known. A file with text encoders alone may
/// not tell which model they belong to.
pub fn family(adapters: &[Adapter]) -> &Family {
    let known = adapters.iter().find(|a| a.family.id != "unknown");
    &known.unwrap_or(&adapters[0]).family
}

/// Says how far the adapters overlap.
fn coverage(adapters: &[Adapter], groups: &[Joined]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = adapters.iter().flat_map(|a| a.warnings.clone()).collect();
    if adapters.len() < 2 {
        return warnings;
    }
    let known: Vec<_> = adapters.iter().filter(|a| a.family.id != "unknown").collect();
    if let Some(other) = known.iter().find(|a| a.family.id != known[0].family.id) {
        let (first, second) = (&known[0], other);
        let message = format!(
            "{} looks made for {}, {} for {}",
            first.label, first.family.title, second.label, second.family.title
        );
        warnings.push(Warning::new("different-families", &second.label, message));
    }
    // The only adapter that has a module.
    let only = |group: &Joined| {
        let (a, _) = group.members[0];
        group.members.iter().all(|(other, _)| *other == a).then_some(a)
    };
    if groups.iter().all(|group| only(group).is_some()) {
        let message = "The adapters share no module: the result carries each of them unchanged beside the others";
        warnings.push(Warning { code: "no-overlap".into(), message: message.into(), place: Default::default() });
        return warnings;
    }
    for (a, adapter) in adapters.iter().enumerate() {
        let alone = groups.iter().filter(|group| only(group) == Some(a)).count();
        if alone > 0 {
            let total = groups.iter().filter(|group| group.members.iter().any(|(own, _)| *own == a)).count();
            let message = format!("{alone} of its {total} modules are in no other adapter and are taken from it alone");
            warnings.push(Warning::new("only-in-one", &adapter.label, message));
        }
    }
    warnings
}
