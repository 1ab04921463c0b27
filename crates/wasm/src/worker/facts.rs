//! What the engine knows, cut down to what the page shows.
//!
//! A report or a file's metadata can be megabytes; the page must not spend a frame on reading them.

use super::hand::count;
use super::recipes;
use crate::protocol::{
    Block, Choice, Estimate, Facts, Method, Param, ParamKind, Preset, Recovered, Reference, Row, Summary,
};
use rankweave_adapter::layout::block_weights;
use rankweave_adapter::{Adapter, KindId, Warning};
use rankweave_merge::{OUTPUT, ParamKind as Kind, ParamSpec, Picture, Spec, registry};
use rankweave_recipe::{FamilyBlocks, Inspection, ModuleLine, Output, Report};

/// Warnings shown; the report has all.
const SHOWN: usize = 5;
/// Warnings that are told by [`super::said::fit`].
const COMPARED: [&str; 3] = ["different-families", "no-overlap", "only-in-one"];
/// Most letters of a suggested file name.
const NAME: usize = 60;

/// The registry.
pub fn methods() -> Vec<Method> {
    registry().iter().map(|method| method_of(method.spec(), method.full_rank())).collect()
}

fn method_of(spec: &Spec, by_entry: bool) -> Method {
    Method {
        id: spec.id.into(),
        title: spec.title.into(),
        summary: spec.summary.into(),
        formula: spec.formula.into(),
        when: spec.when.into(),
        reference: Reference { title: spec.reference.title.into(), url: spec.reference.url.into() },
        section: spec.section.title().into(),
        adapters: (count(spec.adapters.0), count(spec.adapters.1)),
        experimental: spec.experimental,
        by_entry,
        params: spec.params.iter().map(param).collect(),
        output: OUTPUT.iter().map(param).collect(),
    }
}

fn param(spec: &ParamSpec) -> Param {
    let kind = match &spec.kind {
        Kind::Number { default, min, max, step } => {
            ParamKind::Number { default: *default, min: *min, max: *max, step: *step }
        }
        Kind::Choice { default, options } => ParamKind::Choice {
            default: (*default).into(),
            options: options.iter().map(|o| Choice { id: o.id.into(), title: o.title.into() }).collect(),
        },
        Kind::Flag { default } => ParamKind::Flag { default: *default },
        Kind::Text { .. } => ParamKind::Text,
    };
    Param { name: spec.name.into(), title: spec.title.into(), help: spec.help.into(), kind }
}

/// For an adapter's card.
pub fn of(inspection: &Inspection, adapter: &Adapter) -> Facts {
    let mut alphas: Vec<f64> = inspection.alpha.values.keys().filter_map(|alpha| alpha.parse().ok()).collect();
    alphas.sort_by(f64::total_cmp);
    Facts {
        size: inspection.size,
        family: inspection.family.id.clone(),
        family_title: inspection.family.title.clone(),
        confidence: inspection.family.confidence,
        dialect: inspection.dialect_title.clone(),
        kind: inspection.kinds.keys().map(|kind| kind_title(kind)).collect::<Vec<_>>().join(", "),
        modules: count(inspection.modules),
        text_encoder_modules: count(inspection.text_encoder_modules),
        ranks: inspection.ranks.iter().map(|(rank, n)| (count(*rank), count(*n))).collect(),
        alphas,
        alpha_from: inspection.alpha.from.clone(),
        dtypes: inspection.dtypes.keys().cloned().collect(),
        dtype: Output::dtype_of(adapter).into(),
        needs_base: inspection.kinds.iter().filter(|(kind, _)| needs_base(kind)).map(|(_, n)| count(*n)).sum(),
        dora: inspection.kinds.keys().any(|kind| KindId::from_id(kind) == Some(KindId::Dora)),
        config: adapter.config.is_some(),
        data_start: adapter.header.data_start,
        recipe: recipes::told(adapter).is_some(),
        blocks: Vec::new(),
        presets: Vec::new(),
        block_lists: Vec::new(),
        warnings: first(&inspection.warnings),
        warning_count: count(inspection.warnings.len()),
    }
}

/// The blocks of an adapter's family, for its card.
pub fn add_blocks(facts: &mut Facts, adapter: &Adapter) {
    let FamilyBlocks { family, blocks, presets, lists, .. } = FamilyBlocks::of(adapter);
    let preset = |name: String| block_weights(&family, &name).ok().map(|values| Preset { name, values });
    facts.presets = presets.into_iter().filter_map(preset).collect();
    facts.block_lists = lists.into_iter().map(count).collect();
    facts.blocks = blocks
        .into_iter()
        .map(|b| Block {
            text_encoders: b.block == "BASE",
            id: b.block,
            role: b.role,
            group: b.group,
            modules: count(b.modules),
        })
        .collect();
}

fn needs_base(kind: &str) -> bool {
    KindId::from_id(kind).is_some_and(KindId::needs_base)
}

fn kind_title(kind: &str) -> String {
    KindId::from_id(kind).map_or_else(|| kind.to_owned(), |kind| kind.title().to_owned())
}

/// For the line above Merge and the notes of column 2.
pub fn estimate(estimate: &rankweave_recipe::Estimate, adapters: &[&Adapter]) -> Estimate {
    // What a card says of its own file, or a comparison of them all, need not be said twice.
    let own = |w: &&Warning| adapters.iter().any(|adapter| adapter.warnings.contains(w));
    let told = |w: &&Warning| own(w) || COMPARED.contains(&w.code.as_str());
    let warnings: Vec<_> = estimate.warnings.iter().filter(|w| !told(w)).cloned().collect();
    Estimate {
        bytes: estimate.bytes_max,
        modules: count(estimate.modules),
        rank: count(estimate.rank_max),
        loads: estimate.loads.iter().map(|l| (l.program.clone(), l.reads.word().to_owned(), l.says.clone())).collect(),
        warnings: first(&warnings),
        warning_count: count(warnings.len()),
    }
}

/// Totals of a report. Warnings that were `known` before the merge have been shown.
pub fn summary(report: &Report, peft: bool, known: &[Warning]) -> Summary {
    let news: Vec<_> = report.warnings.iter().filter(|w| !known.contains(w)).cloned().collect();
    let ranks = report.modules.iter().map(|m| count(m.rank));
    Summary {
        // PEFT looks for this name beside adapter_config.json.
        name: if peft { "adapter_model.safetensors".into() } else { name(report) },
        size: report.bytes,
        data_sha256: report.sha256_data.clone(),
        modules: count(report.modules.len()),
        ranks: (ranks.clone().min().unwrap_or(0), ranks.max().unwrap_or(0)),
        energy: report.energy,
        residual: report.residual,
        rounding: report.rounding,
        sources: report
            .sources
            .iter()
            .map(|source| Recovered {
                label: source.label.clone(),
                weight: source.weight,
                text_encoder_weight: source.te_weight,
                recovered: source.recovered_weight,
                recovered_text_encoder: source.recovered_te_weight,
            })
            .collect(),
        remarks: report.remarks.clone(),
        warnings: first(&news),
        warning_count: count(news.len()),
    }
}

/// `first+second.safetensors`, of letters that every file system takes.
fn name(report: &Report) -> String {
    let stem = |label: &str| {
        let stem = label.strip_suffix(".safetensors").unwrap_or(label);
        stem.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect::<String>()
    };
    let all = report.sources.iter().map(|source| stem(&source.label)).collect::<Vec<_>>().join("+");
    let all: String = all.chars().take(NAME).collect();
    if report.sources.len() == 1 { format!("{all}-rankweave.safetensors") } else { format!("{all}.safetensors") }
}

/// One module of a report.
pub fn row(line: &ModuleLine, adapters: usize) -> Row {
    let mut source_ranks = vec![0; adapters];
    for (source, rank) in line.sources.iter().zip(&line.ranks) {
        if let Some(slot) = source_ranks.get_mut(*source) {
            *slot = count(*rank);
        }
    }
    Row {
        module: line.module.clone(),
        out: count(line.out),
        columns: count(line.columns),
        rank: count(line.rank),
        source_ranks,
        energy: line.energy,
        residual: line.residual,
        details: line.details.iter().map(|detail| (detail.name.clone(), detail.value)).collect(),
        picture: line.picture.as_ref().map(points).unwrap_or_default(),
    }
}

/// A picture's units as points of the unit square.
fn points(picture: &Picture) -> Vec<(f32, f32, u32, u32)> {
    let all = picture.x.iter().chain(&picture.y);
    let (least, most) = all.fold((f32::MAX, f32::MIN), |(least, most), x| (least.min(*x), most.max(*x)));
    let place = |x: f32| if most > least { (x - least) / (most - least) } else { 0.5 };
    let groups = picture.cluster.iter().zip(&picture.source);
    let points = picture.x.iter().zip(&picture.y).zip(groups);
    points.map(|((x, y), (cluster, source))| (place(*x), place(*y), count(*cluster), count(*source))).collect()
}

fn first(warnings: &[Warning]) -> Vec<Warning> {
    warnings.iter().take(SHOWN).cloned().collect()
}
