//! The report of a merge: stable JSON for programs, numbers for people.

use crate::Recipe;
use crate::devices::{self, DeviceUse};
use crate::expected;
use crate::loads::{Loads, loads};
use crate::prepare::Prepared;
use rankweave_adapter::layout::{block_of, blocks};
use rankweave_adapter::{ModuleKey, Warning};
use rankweave_merge::{BlockSummary, Detail, Facts, ModuleReport, Picture, Share, Totals, block_summaries, family};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a merge did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this layout: 1.
    pub report: u32,
    /// Id of the method.
    pub method: String,
    /// Spelling of the output: stable id.
    pub dialect: String,
    /// Type of the output's factors.
    pub dtype: String,
    /// Length of the safetensors file.
    pub bytes: u64,
    /// SHA-256 of the tensor data: `sshs_model_hash`; its first 12 digits are AutoV3.
    pub sha256_data: String,
    /// ‖M − exact‖_F/‖exact‖_F over all modules, where exact is what the method's
    /// formula asks for (for `sum` and `concat`: Σ wᵢ·ΔWᵢ) and M what the file holds.
    pub residual: f64,
    /// The part of the residual that comes from rounding to the output type.
    pub rounding: f64,
    /// Share of ‖exact‖²_F kept by the rank policy.
    pub energy: f64,
    /// One line per adapter, in the mix's order.
    pub sources: Vec<SourceLine>,
    /// One line per module, in the file's order.
    pub modules: Vec<ModuleLine>,
    /// Weights by block: one line per block and adapter that has modules there.
    #[serde(default)]
    pub blocks: Vec<BlockLine>,
    /// Modules that rules dropped from an adapter.
    #[serde(default)]
    pub dropped: Vec<DroppedLine>,
    /// What is known of the programs that may read the file; empty where nothing is.
    #[serde(default)]
    pub loads: Vec<Loads>,
    /// Devices other than the CPU that worked on modules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceUse>,
    /// What the method says of the whole merge, and what working on a GPU means for it.
    #[serde(default)]
    pub remarks: Vec<Warning>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// The recipe's id: the same for all recipes that mean the same.
    #[serde(default)]
    pub recipe_id: String,
    /// The recipe that was run, with what came out.
    pub recipe: Recipe,
}

/// One adapter in the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceLine {
    /// Id in the recipe.
    pub id: String,
    /// File name.
    pub label: String,
    /// Weight asked for, before blocks and rules.
    pub weight: f64,
    /// Weight found in the result (least squares), outside text encoders, before blocks and rules; `null`
    /// where the adapter has no module there, or blocks and rules leave none.
    pub recovered_weight: Option<f64>,
    /// Weight asked for in text encoders.
    pub te_weight: f64,
    /// Weight found in text encoders.
    pub recovered_te_weight: Option<f64>,
    /// Its modules.
    pub modules: usize,
    /// How many of them are in text encoders.
    pub te_modules: usize,
    /// ‖ΔW‖_F over all its modules; `null` where some were carried over as they are, which takes no norm.
    pub norm: Option<f64>,
}

/// One module in the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleLine {
    /// Display name.
    pub module: String,
    /// Name of its block, where its family has one for it.
    #[serde(default)]
    pub block: Option<String>,
    /// Rows of ΔW.
    pub out: usize,
    /// Columns of ΔW; for a convolution in·kh·kw.
    pub columns: usize,
    /// Rank written.
    pub rank: usize,
    /// Adapters that have it: positions in `sources`.
    pub sources: Vec<usize>,
    /// Their ranks.
    pub ranks: Vec<usize>,
    /// Their weights: what each ΔW was multiplied by, blocks and rules included.
    #[serde(default)]
    pub weights: Vec<f64>,
    /// Kept share of the energy.
    pub energy: f64,
    /// Relative error against the exact result.
    pub residual: f64,
    /// ‖M‖_F before rounding; `null` where the module was carried over as it is.
    pub norm: Option<f64>,
    /// Recovered weight of each source.
    pub recovered_weights: Vec<f64>,
    /// What the method tells of it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// The method's picture of its rank-one units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
}

/// The weights of one adapter in one block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockLine {
    /// Name of the block; `null` for modules that lie in none.
    pub block: Option<String>,
    /// Where it lies, in plain words.
    pub role: String,
    /// The adapter: position in `sources`.
    pub source: usize,
    /// Its modules there that are not dropped.
    pub modules: usize,
    /// How many rules dropped.
    pub dropped: usize,
    /// Least weight of these modules: what their ΔW were multiplied by.
    pub least: Option<f64>,
    /// Largest weight.
    pub largest: Option<f64>,
}

/// A module that a rule dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedLine {
    /// Display name.
    pub module: String,
    /// The adapter it was dropped from: position in `sources`.
    pub source: usize,
    /// The rule's pattern.
    pub rule: String,
}

pub(crate) fn report(
    prepared: &Prepared,
    modules: &[ModuleReport],
    facts: &Facts,
    data_sha256: &str,
    bytes: u64,
    made: Recipe,
) -> Report {
    let mut totals = Totals::new(prepared.adapters.len());
    modules.iter().for_each(|m| totals.add(m));
    let mut warnings = prepared.plan.warnings.clone();
    let empty = modules.iter().filter(|m| m.total == 0.0 && !m.carried).count();
    if empty > 0 {
        warnings.push(Warning {
            code: "zero-modules".into(),
            message: format!("{empty} modules are zero in the result: their inputs are untrained or cancel"),
            place: Default::default(),
        });
    }
    let details: Vec<&[Detail]> = modules.iter().map(|m| m.details.as_slice()).collect();
    let devices = devices::devices(modules);
    warnings.extend(devices::warnings(&devices));
    let mut remarks = prepared.plan.remarks(facts, &details);
    remarks.extend(devices::remarks(&devices, modules.len(), facts));
    remarks.extend(expected::remark(prepared, &made));
    let sources = totals.sources().into_iter().zip(&prepared.adapters).zip(&prepared.recipe.mix);
    Report {
        report: 1,
        method: prepared.recipe.method.id.clone(),
        dialect: prepared.plan.dialect.id().to_owned(),
        dtype: prepared.recipe.output.dtype.clone(),
        bytes,
        sha256_data: data_sha256.to_owned(),
        residual: totals.residual(),
        rounding: totals.rounding(),
        energy: totals.energy(),
        sources: sources
            .map(|((source, adapter), entry)| SourceLine {
                id: entry.src.clone(),
                label: adapter.label.clone(),
                weight: entry.weight,
                recovered_weight: source.recovered,
                te_weight: entry.te.unwrap_or(entry.weight),
                recovered_te_weight: source.recovered_text_encoder,
                modules: adapter.modules.len(),
                te_modules: adapter.modules.iter().filter(|m| m.key.component.is_text_encoder()).count(),
                norm: source.norm,
            })
            .collect(),
        modules: lines(prepared, modules),
        blocks: block_lines(prepared),
        dropped: dropped(prepared),
        loads: loads(prepared),
        devices,
        remarks,
        warnings,
        recipe_id: made.id(),
        recipe: made,
    }
}

fn lines(prepared: &Prepared, modules: &[ModuleReport]) -> Vec<ModuleLine> {
    let family = &family(&prepared.adapters).id;
    let blocks = blocks(family);
    let planned: HashMap<&str, &ModuleKey> =
        prepared.plan.modules.iter().map(|m| (m.keys.up.as_str(), &m.key)).collect();
    let block = |module: &ModuleReport| {
        let block = block_of(family, planned.get(module.key.as_str())?)?;
        blocks.get(block).map(|b| b.id.clone())
    };
    modules.iter().map(|module| line(module, block(module))).collect()
}

fn line(module: &ModuleReport, block: Option<String>) -> ModuleLine {
    ModuleLine {
        module: module.module.clone(),
        block,
        out: module.out,
        columns: module.columns,
        rank: module.rank,
        sources: module.sources.iter().map(|s| s.source).collect(),
        ranks: module.sources.iter().map(|s| s.rank).collect(),
        weights: module.sources.iter().map(|s| s.weight).collect(),
        energy: module.energy(),
        residual: module.residual(),
        norm: (!module.carried).then(|| module.kept.sqrt()),
        recovered_weights: module.recovered_weights(),
        details: module.details.clone(),
        picture: module.picture.clone(),
    }
}

fn block_lines(prepared: &Prepared) -> Vec<BlockLine> {
    let family = &family(&prepared.adapters).id;
    let blocks = blocks(family);
    let line = |of: BlockSummary| {
        let block = of.block.and_then(|b| blocks.get(b));
        BlockLine {
            block: block.map(|b| b.id.clone()),
            role: block.map_or_else(|| "in no block".to_owned(), |b| b.role.clone()),
            source: of.adapter,
            modules: of.modules,
            dropped: of.dropped,
            least: of.weights.map(|(least, _)| least),
            largest: of.weights.map(|(_, largest)| largest),
        }
    };
    block_summaries(family, &prepared.adapters, &prepared.weights).into_iter().map(line).collect()
}

fn dropped(prepared: &Prepared) -> Vec<DroppedLine> {
    let mut out = Vec::new();
    for (source, (adapter, weight)) in prepared.adapters.iter().zip(&prepared.weights).enumerate() {
        for module in &adapter.modules {
            if let Share::Dropped { rule } = weight.of(&module.key) {
                let rule = weight.rules[rule].pattern.text().to_owned();
                out.push(DroppedLine { module: module.key.id(), source, rule });
            }
        }
    }
    out
}
