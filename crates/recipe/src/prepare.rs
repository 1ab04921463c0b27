//! A recipe with its adapters, checked and ready to run.

use crate::base;
use crate::blocks::{fits_families, weight};
use crate::canonical::canonical;
use crate::check::problems;
use crate::loads::{Loads, loads};
use crate::recipe::{BaseRef, Rank, Recipe};
use crate::{Engine, Expect, MATH, VERSION};
use rankweave_adapter::metadata::{MergedFacts, MergedModule, combine_warnings, merged, title};
use rankweave_adapter::{Adapter, Base, DialectId, Error, Kind, Limits, MetadataMode, OutTensor, Warning, header_room};
use rankweave_merge::{Form, Params, Plan, Request, Weight, family, find};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Hashes of the right length to plan a header with.
const SOME_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const SOME_LEGACY_HASH: &str = "00000000";

/// Header bytes kept free beyond the largest header planned: a rank that differs
/// between modules is written as a word.
const SLACK: usize = 64;

/// A checked recipe. Every worker may build its own: it is a function of the recipe
/// and the headers alone.
pub struct Prepared {
    pub(crate) recipe: Recipe,
    /// What the recipe said should come out.
    pub(crate) expected: Option<Expect>,
    /// What made the recipe.
    pub(crate) engine: Option<Engine>,
    pub(crate) adapters: Vec<Adapter>,
    pub(crate) plan: Plan,
    /// The weights of each adapter of the mix.
    pub(crate) weights: Vec<Weight>,
    /// Position of each adapter of the mix among the recipe's sources.
    pub(crate) order: Vec<usize>,
    room: usize,
}

/// What can be said before merging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Largest size of the output file in bytes; exact where the rank is fixed or
    /// every direction stays.
    pub bytes_max: u64,
    /// Bytes that will be read.
    pub bytes_in: u64,
    /// Modules of the output.
    pub modules: usize,
    /// Largest rank a module can get.
    pub rank_max: usize,
    /// Number of tasks.
    pub tasks: usize,
    /// Spelling of the output: stable id.
    pub dialect: String,
    /// What is known of the programs that may read it; empty where nothing is.
    #[serde(default)]
    pub loads: Vec<Loads>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

impl Prepared {
    /// Checks `recipe` against the opened adapters, which stand in the order of its
    /// sources. Reads no tensor.
    ///
    /// # Errors
    /// All problems at once.
    pub fn new(recipe: Recipe, adapters: Vec<Adapter>) -> Result<Prepared, Vec<Error>> {
        Self::with_base(recipe, adapters, None)
    }

    /// As [`Prepared::new`], with the base model, from which adapters that need it take their modules' sizes.
    ///
    /// # Errors
    /// All problems at once.
    pub fn with_base(recipe: Recipe, adapters: Vec<Adapter>, base: Option<&Base>) -> Result<Prepared, Vec<Error>> {
        Self::checked(recipe, adapters, base, false)
    }

    /// As [`Prepared::with_base`]; `by_entry` where every entry is looked at, which takes more tasks.
    pub(crate) fn checked(
        mut recipe: Recipe,
        adapters: Vec<Adapter>,
        base: Option<&Base>,
        by_entry: bool,
    ) -> Result<Prepared, Vec<Error>> {
        let found = problems(&recipe, Some(adapters.len()));
        if !found.is_empty() {
            return Err(found);
        }
        let position = |id: &str| recipe.sources.iter().position(|s| s.id == id).unwrap_or_default();
        let order: Vec<usize> = recipe.mix.iter().map(|entry| position(&entry.src)).collect();
        let dialect = match recipe.output.keys.as_deref().and_then(|k| k.strip_prefix("same:")) {
            Some(id) => Some(adapters[position(id)].dialect),
            None => recipe.output.dialect(),
        };
        let mut slots: Vec<Option<Adapter>> = adapters.into_iter().map(Some).collect();
        let mut adapters: Vec<Adapter> = order.iter().filter_map(|i| slots[*i].take()).collect();
        fits_families(&recipe, &adapters)?;
        settle(&mut adapters).map_err(|e| vec![e])?;
        let directions = recipe.mix.iter().map(|entry| recipe.sources[position(&entry.src)].dora.is_some());
        let directions: Vec<bool> = directions.collect();
        let read = base::complete(&mut adapters, &directions, base)?;
        let weights = recipe.mix.iter().map(weight).collect::<Result<Vec<_>, _>>().map_err(|e| vec![e])?;
        let plan = plan(&recipe, &adapters, &weights, dialect, by_entry).map_err(|e| vec![e])?;
        let (expected, engine) = (recipe.expect.take(), recipe.engine.take());
        let mut prepared = Prepared { recipe, expected, engine, adapters, plan, weights, order, room: 0 };
        prepared.stamp(base.filter(|_| read));
        let bound = prepared.plan.tensors_bound(&prepared.adapters);
        let bounds: Vec<(usize, f64)> =
            prepared.plan.modules.iter().map(|m| (m.rank_bound, m.rank_bound as f64)).collect();
        let metadata = prepared.metadata(&bounds, SOME_HASH, Some(SOME_LEGACY_HASH), prepared.by_entry());
        prepared.room = header_room(&bound, &metadata) + SLACK;
        check_header(&prepared, metadata.len()).map_err(|e| vec![e])?;
        let mode = prepared.mode();
        let unread = prepared.adapters.iter().flat_map(|a| combine_warnings(mode, &a.label, &a.header.metadata));
        prepared.plan.warnings.extend(unread);
        let told = base::size_warning(&prepared);
        prepared.plan.warnings.extend(told);
        Ok(prepared)
    }

    /// Size, rank and warnings, from headers alone.
    pub fn estimate(&self) -> Estimate {
        let tensors = self.plan.tensors_bound(&self.adapters);
        let data: u64 = tensors.iter().map(OutTensor::bytes).sum();
        Estimate {
            bytes_max: data + self.room() as u64,
            bytes_in: self.plan.bytes_in(),
            modules: self.plan.modules.len(),
            rank_max: self.plan.modules.iter().map(|m| m.rank_bound).max().unwrap_or(0),
            tasks: self.plan.tasks(),
            dialect: self.plan.dialect.id().to_owned(),
            loads: loads(self),
            warnings: self.plan.warnings.clone(),
        }
    }

    /// Length of the header that every run of this recipe gets, so that tensor data
    /// can be written before the header is known.
    pub fn room(&self) -> usize {
        self.room.next_multiple_of(8)
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.plan.tasks()
    }

    /// Modules in a task, for progress.
    pub fn modules_in(&self, task: usize) -> usize {
        self.plan.modules_in(task)
    }

    /// The recipe, with labels and sizes filled in.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Whether the output is a PEFT folder, which has an adapter_config.json.
    pub fn is_peft(&self) -> bool {
        self.plan.dialect == DialectId::Peft
    }

    /// Does the method look at every entry of every ΔW? Then there is something for a GPU to do.
    pub fn by_entry(&self) -> bool {
        self.plan.by_entry()
    }

    /// The output's metadata when its modules have these ranks and alphas; `by_device` where another device than the CPU
    /// had a part in it.
    pub(crate) fn metadata(
        &self,
        made: &[(usize, f64)],
        data_sha256: &str,
        legacy_hash: Option<&str>,
        by_device: bool,
    ) -> BTreeMap<String, String> {
        let modules: Vec<_> = self
            .plan
            .modules
            .iter()
            .zip(made)
            .filter(|(m, _)| m.form != Form::Vector)
            .map(|(m, (rank, alpha))| MergedModule {
                up: m.keys.up.clone(),
                rank: *rank,
                alpha: *alpha,
                kernel: m.shape.kernel.clone(),
            })
            .collect();
        let inputs: Vec<&Adapter> = self.adapters.iter().collect();
        merged(&MergedFacts {
            dialect: self.plan.dialect,
            family: family(&self.adapters),
            inputs: &inputs,
            modules: &modules,
            title: &self.title(),
            data_sha256,
            legacy_hash,
            recipe: Some(&canonical(&self.made(data_sha256, by_device))),
            mode: self.mode(),
        })
    }

    /// The recipe in its shortest words, saying what came out and on which path its bytes hold.
    pub(crate) fn made(&self, data_sha256: &str, by_device: bool) -> Recipe {
        let mut recipe = self.recipe.normal();
        let backend = if by_device { "gpu" } else { "cpu" };
        let data = Some(format!("sha256:{data_sha256}"));
        recipe.expect = Some(Expect { data, backend: Some(backend.to_owned()), ..Expect::default() });
        recipe
    }

    /// What is taken over from the inputs' metadata.
    fn mode(&self) -> MetadataMode {
        self.recipe.output.metadata_mode().unwrap_or_default()
    }

    /// The title asked for, else the inputs' titles.
    pub fn title(&self) -> String {
        let titles = || self.adapters.iter().map(title).collect::<Vec<_>>().join(" + ");
        let given = self.recipe.output.title.clone().or_else(|| self.recipe.name.clone());
        given.unwrap_or_else(titles)
    }

    /// Writes what is known about engine and sources into the recipe.
    fn stamp(&mut self, base: Option<&Base>) {
        self.recipe.base =
            base.map(|base| BaseRef { label: base.label.clone(), size: Some(base.size), ..BaseRef::default() });
        self.recipe.engine = Some(Engine { name: "Rankweave".into(), version: VERSION.into(), math: Some(MATH) });
        for (adapter, source) in self.adapters.iter_mut().zip(&self.order) {
            let source = &mut self.recipe.sources[*source];
            // A file that was renamed since goes by its name in the recipe, so that the same bytes come out.
            adapter.label.clone_from(source.label.get_or_insert_with(|| adapter.label.clone()));
            source.size.get_or_insert(adapter.size);
        }
    }
}

/// An adapter whose own names do not tell its family takes the others' word for what its modules are called.
fn settle(adapters: &mut [Adapter]) -> Result<(), Error> {
    let known = family(adapters).id.clone();
    adapters.iter_mut().filter(|a| a.family.id == "unknown").try_for_each(|a| a.settle(&known))
}

/// A file that could not be opened again would be no use.
fn check_header(prepared: &Prepared, entries: usize) -> Result<(), Error> {
    let limits = Limits::default();
    if entries <= limits.metadata_entries && prepared.room() as u64 <= limits.header_bytes {
        return Ok(());
    }
    Err(Error::new(Kind::Limit, "The output's header would be too long")
        .key("metadata")
        .expected(format!("at most {} bytes and {} entries", limits.header_bytes, limits.metadata_entries))
        .found(format!("up to {} bytes and {entries} entries", prepared.room()))
        .hint("Take less of the inputs' metadata over: choose the mode minimal."))
}

fn plan(
    recipe: &Recipe,
    adapters: &[Adapter],
    weights: &[Weight],
    dialect: Option<DialectId>,
    by_entry: bool,
) -> Result<Plan, Error> {
    let missing = || Error::new(Kind::Parameter, "The recipe was not checked");
    let method = find(&recipe.method.id).ok_or_else(missing)?;
    Plan::new(Request {
        adapters,
        weights,
        method,
        params: Params::check(method.spec(), &recipe.method.params).map_err(|mut e| e.swap_remove(0))?,
        seed: u64::from(recipe.seed.unwrap_or_default()),
        rank: recipe.output.rank.policy(),
        dense: recipe.output.rank == Rank::Dense,
        by_entry,
        dtype: recipe.output.dtype().ok_or_else(missing)?,
        dialect,
        keep_alpha: recipe.output.alpha.as_deref() == Some("keep-first"),
    })
}
