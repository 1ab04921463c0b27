//! What goes into the output, in which order, cut into tasks.

use crate::align::{self, family};
use crate::coverage::coverage;
use crate::extras;
use crate::facts::Facts;
use crate::form::Form;
use crate::fuse;
use crate::kept::Keeping;
use crate::method::{Detail, MergeMethod};
use crate::planned::{PlannedModule, planned};
use crate::scale;
use crate::spec::Params;
use crate::vectors::LeftOut;
use crate::weights::Weight;
use rankweave_adapter::{
    Adapter, DialectId, Dtype, Error, Kind, OutTensor, PeftLycoris, Result, Warning, check_components,
};
use rankweave_compute::RankPolicy;
use std::ops::Range;

/// Input bytes per task, least and most: each read costs a browser most of a millisecond, so tasks of large inputs are
/// large; small inputs still are cut into enough tasks for many workers.
const TASK_BYTES: (u64, u64) = (4 << 20, 16 << 20);
/// How many tasks an input is cut into between these.
const TASKS: u64 = 24;
/// Entries of ΔW per task where every single one is looked at, several times: what takes long is shared out more finely.
const TASK_ENTRIES: u64 = 4 << 20;

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
    /// What chance is drawn from.
    pub seed: u64,
    /// Rank of the output's modules.
    pub rank: RankPolicy,
    /// Every matrix is written as its whole difference instead of a pair; the rank is then [`RankPolicy::Exact`].
    pub dense: bool,
    /// Every entry is looked at, whatever the method: there are more tasks then.
    pub by_entry: bool,
    /// Type of the output's factors: any that can be written.
    pub dtype: Dtype,
    /// Spelling of the output; `None` for that of the first adapter.
    pub dialect: Option<DialectId>,
    /// A single adapter that is only rewritten keeps its alphas in adapter_config.json too; else they are folded in, so
    /// that the file alone says all.
    pub keep_alpha: bool,
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
    pub(crate) labels: Vec<String>,
    pub(crate) method: &'static dyn MergeMethod,
    pub(crate) params: Params,
    pub(crate) seed: u64,
    pub(crate) rank: RankPolicy,
    /// Alphas stand in adapter_config.json where they can.
    pub keep_alpha: bool,
    /// The type of a PEFT file of LoHa or LoKr modules.
    pub lycoris: Option<PeftLycoris>,
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
        suits(request.method, adapters, &request.params)?;
        let dialect = request.dialect.unwrap_or(first.dialect).written();
        let groups = align::groups(adapters)?;
        let groups = fuse::reshape(groups, &adapters.iter().collect::<Vec<_>>(), &family(adapters).id, dialect)?;
        let mut warnings = coverage(adapters, &groups);
        warnings.extend(adapters.iter().zip(weights).flat_map(|(adapter, weight)| weight.warnings(adapter)));
        let mut modules = Vec::with_capacity(groups.len());
        let (mut silenced, mut left_out) = (0, LeftOut::new(dialect));
        let mut keeping = Keeping::new(&request, dialect);
        for group in groups {
            let Some(module) = planned(&request, group, dialect, &mut left_out, &mut keeping)? else { continue };
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
        warnings.extend(keeping.warnings());
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
        if request.method.full_rank() && request.rank == RankPolicy::Exact && !request.dense {
            warnings.push(truncated(request.method.spec().title));
        }
        let kept_any = modules.iter().any(|module| module.form == Form::Kept);
        let mut plan = Plan {
            modules,
            warnings,
            adapters: adapters.len(),
            labels: adapters.iter().map(|adapter| adapter.label.clone()).collect(),
            dialect,
            dtype: request.dtype,
            method: request.method,
            params: request.params,
            seed: request.seed,
            rank: request.rank,
            keep_alpha: request.keep_alpha,
            lycoris: keeping.lycoris.filter(|_| kept_any),
            items: Vec::new(),
            tasks: Vec::new(),
            bytes_in: 0,
        };
        plan.order(adapters, kept);
        plan.cut(adapters, request.by_entry || request.method.full_rank());
        Ok(plan)
    }

    /// Does the method look at every entry of every ΔW?
    pub fn by_entry(&self) -> bool {
        self.method.full_rank()
    }

    /// How many times [`crate::survey_task`] has to be run over all tasks before the first [`crate::run_task`].
    pub fn rounds(&self) -> usize {
        self.method.rounds(&self.params) + scale::rounds(&self.params)
    }

    /// What the method says of the whole merge. `details` holds those of every module.
    pub fn remarks(&self, facts: &Facts, details: &[&[Detail]]) -> Vec<Warning> {
        self.method.remarks(facts, details, &self.params)
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

    fn cut(&mut self, adapters: &[Adapter], by_entry: bool) {
        let size = |item: &Item| match *item {
            Item::Module(m) => self.modules[m].bytes_in(adapters),
            Item::Extra(a, t) => adapters[a].header.tensors[t].len,
        };
        let mut sizes: Vec<u64> = self.items.iter().map(size).collect();
        self.bytes_in = sizes.iter().sum();
        // A whole difference is much larger than what it is made of.
        for (size, item) in sizes.iter_mut().zip(&self.items) {
            if let Item::Module(m) = *item
                && self.modules[m].form == Form::Dense
            {
                let tensors = self.modules[m].tensors(0, self.dtype);
                *size = tensors.iter().map(OutTensor::bytes).fold(*size, u64::max);
            }
        }
        // What is carried over is written as large as it is read, so that half as much of it fills as much memory.
        let carried = self.modules.iter().any(|module| !module.kept.is_empty());
        let largest = if carried { TASK_BYTES.1 / 2 } else { TASK_BYTES.1 };
        let most = (self.bytes_in / TASKS).clamp(TASK_BYTES.0, largest);
        let entries = |item: &Item| match *item {
            Item::Module(m) if by_entry => (self.modules[m].shape.out * self.modules[m].shape.columns()) as u64,
            _ => 0,
        };
        let (mut start, mut bytes, mut looked_at) = (0, 0, 0);
        for (i, (size, entries)) in sizes.into_iter().zip(self.items.iter().map(entries)).enumerate() {
            if i > start && (bytes + size > most || looked_at + entries > TASK_ENTRIES) {
                self.tasks.push(start..i);
                (start, bytes, looked_at) = (i, 0, 0);
            }
            bytes += size;
            looked_at += entries;
        }
        self.tasks.push(start..self.items.len());
    }
}

/// No rank below that of the model's own matrices holds all of it.
fn truncated(title: &str) -> Warning {
    let message = format!(
        "What {title} makes has more directions than the adapters have together; the strongest as many as they have are \
         kept. The report says how much that is; a higher rank keeps more, whole differences (the rank dense) keep all"
    );
    Warning { code: "more-directions".into(), message, place: Default::default() }
}

fn extra_tensor(adapter: &Adapter, tensor: usize) -> OutTensor {
    let info = &adapter.header.tensors[tensor];
    OutTensor { key: info.name.clone(), dtype: info.dtype, shape: info.shape.clone() }
}

/// Does the method take this many adapters, and these?
fn suits(method: &dyn MergeMethod, adapters: &[Adapter], params: &Params) -> Result<()> {
    let spec = method.spec();
    let (least, most) = spec.adapters;
    if (least..=most).contains(&adapters.len()) {
        return method.suits(adapters, params);
    }
    let expected = match (least, most) {
        (1, 1) => "one adapter".to_owned(),
        (least, most) if least == most => format!("{least} adapters"),
        (least, usize::MAX) => format!("{least} adapters or more"),
        (least, most) => format!("{least} to {most} adapters"),
    };
    Err(Error::new(Kind::Parameter, format!("{} does not take this many adapters", spec.title))
        .key("method")
        .expected(expected)
        .found(adapters.len().to_string())
        .hint("Choose another method, or add or remove adapters."))
}
