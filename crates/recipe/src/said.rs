//! What a file says of itself, as lines of a name and a text: the same in the terminal and in the page.

use rankweave_adapter::Described;
use rankweave_adapter::metadata::{Tags, Training, TriggersFrom};

/// Name and text.
pub type Line = (&'static str, String);

/// What it is and what one may do with it.
pub fn about(d: &Described) -> Vec<Line> {
    let licences: Vec<_> = d.licences.iter().map(|text| ("licence", text.clone())).collect();
    let from = match d.triggers_from {
        Some(TriggersFrom::Tags) => " (tags of nearly all images)",
        Some(TriggersFrom::Folders) => " (names of image folders)",
        _ => "",
    };
    let triggers = (!d.triggers.is_empty()).then(|| format!("{}{from}", d.triggers.join(", ")));
    let base = [&d.base.name, &d.base.version, &d.base.architecture].into_iter().flatten().cloned();
    let base = base.collect::<Vec<_>>().join(", ");
    let mut out = given([("title", d.title.clone()), ("author", d.author.clone())]);
    out.extend(licences);
    out.extend(given([
        ("triggers", triggers),
        ("base", (!base.is_empty()).then_some(base)),
        ("merged of", d.merged_from.clone()),
        ("software", d.software.clone()),
    ]));
    out
}

/// Everything else.
pub fn more(d: &Described) -> Vec<Line> {
    let picture = d.thumbnail.as_ref().map(|t| format!("{}, {} bytes", t.media_type, t.bytes));
    let mut out = given([
        ("what", d.description.clone()),
        ("hint", d.usage_hint.clone()),
        ("picture", picture),
        ("tags", d.tags.as_ref().map(tags)),
    ]);
    for set in &d.datasets {
        let count = |n: Option<u64>, what: &str| n.map(|n| format!("{n} {what}"));
        let facts = [count(set.images, "images"), count(set.repeats, "repeats")].into_iter().flatten();
        out.push(("folder", [vec![set.name.clone()], facts.collect()].concat().join(", ")));
    }
    out.extend(d.training.iter().flat_map(training));
    for config in &d.configs {
        let part = if config.part.is_empty() { "" } else { " for " };
        let scale = if config.rslora { ", rank-stabilised" } else { "" };
        out.push(("config", format!("rank {}, alpha {}{scale}{part}{}", config.rank, config.alpha, config.part)));
    }
    out
}

fn tags(tags: &Tags) -> String {
    const SHOWN: usize = 20;
    let top: Vec<_> = tags.top.iter().take(SHOWN).map(|t| format!("{} {}", t.tag, t.count)).collect();
    let rest = tags.distinct.saturating_sub(top.len());
    format!("{}{}", top.join(", "), if rest > 0 { format!(" and {rest} more") } else { String::new() })
}

fn training(t: &Training) -> Vec<Line> {
    let one = |name: &str, value: Option<String>| value.map(|v| format!("{name} {v}"));
    let text = |value: Option<f64>| value.map(|x| x.to_string());
    let count = |value: Option<u64>| value.map(|x| x.to_string());
    let of = |done: Option<u64>, all: Option<u64>| match (done, all) {
        (Some(done), Some(all)) => Some(format!("{done} of {all}")),
        (done, all) => count(done.or(all)),
    };
    let joined = |parts: &[Option<String>]| {
        let parts: Vec<_> = parts.iter().flatten().cloned().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    given([
        (
            "network",
            joined(&[
                t.network.clone(),
                one("rank", count(t.rank)),
                one("alpha", text(t.alpha)),
                one("convolution rank", count(t.convolution_rank)),
                one("convolution alpha", text(t.convolution_alpha)),
            ]),
        ),
        (
            "trained",
            joined(&[
                t.images.map(|n| format!("{n} images")),
                t.regularisation_images.filter(|n| *n > 0).map(|n| format!("{n} regularisation images")),
                one("epoch", of(t.epoch, t.epochs)),
                one("step", of(t.step, t.steps)),
                one("batch", count(t.batch_size)),
                t.resolution.map(|[width, height]| format!("{width}×{height}")),
                one("clip skip", count(t.clip_skip)),
                one("kept tokens", count(t.keep_tokens)),
            ]),
        ),
        (
            "optimizer",
            joined(&[
                t.optimizer.clone(),
                t.scheduler.clone(),
                one("rate", text(t.learning_rate)),
                one("model rate", text(t.model_learning_rate)),
                one("text encoder rate", text(t.text_encoder_learning_rate)),
                t.precision.clone(),
                one("noise offset", text(t.noise_offset)),
                one("min SNR gamma", text(t.min_snr_gamma)),
                one("seed", count(t.seed)),
            ]),
        ),
        ("comment", t.comment.clone()),
    ])
}

/// The lines that there is something to say for.
fn given<const N: usize>(lines: [(&'static str, Option<String>); N]) -> Vec<Line> {
    lines.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}
