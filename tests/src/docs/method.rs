//! The page of a method, from its Spec and the head of its file.

use super::{cell, escaped, read};
use crate::shared;
use rankweave_merge::{Law, ParamKind, ParamSpec, Spec};
use std::fmt::Write;

/// How many adapters the playground has: it shows the methods that take so many.
pub const PLAYED: usize = 4;

/// The text at the head of a method's file, as Markdown.
///
/// # Errors
/// If the file cannot be read.
pub fn head(id: &str) -> Result<String, String> {
    let path = shared::root().join("crates/merge/src/methods").join(format!("{}.rs", id.replace('-', "_")));
    let text = read(&path)?;
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    Ok(without_links(&lines.join("\n")))
}

/// Links of Rust's documentation, `` [`name`] ``, lead nowhere here: the name is left.
fn without_links(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`")
}

/// The page, in Markdown.
pub fn page(spec: &'static Spec, head: &str) -> String {
    let mut text = format!("# {}\n\n", spec.title);
    let _ = writeln!(text, "<p class=\"lead\">{}</p>\n", escaped(spec.summary));
    let _ = writeln!(text, "<p class=\"formula\">{}</p>\n", formula(spec.formula));
    let _ = writeln!(text, "**When to use it.** {}\n", escaped(spec.when));
    if spec.experimental {
        text += "**Experimental:** its formula is not settled, or it is not known to help.\n\n";
    }
    let _ = writeln!(
        text,
        "Its id is `{}`; it takes {}. It stands with the methods under [{}](../methods.md#{}).\n",
        spec.id,
        adapters(spec.adapters),
        spec.section.title(),
        anchor(spec.section.title()),
    );
    if (spec.adapters.0..=spec.adapters.1).contains(&PLAYED) {
        text += &demo(spec);
    }
    text += "## Parameters\n\n";
    if spec.params.is_empty() {
        text += "It has none of its own.";
    } else {
        text += &parameters(spec.params.iter());
    }
    text += "\n\nBesides, it has [those that every method has](../methods.md#parameters-of-every-method): λ, and a norm to match.\n\n";
    text += &usage(spec);
    let _ = writeln!(text, "## In detail\n\n{head}\n");
    text += &laws(spec);
    text += "## Where it comes from\n\n";
    text += &match spec.reference.url {
        "" => format!("{}.\n", escaped(spec.reference.title)),
        url => format!("[{}]({url})\n", spec.reference.title),
    };
    text
}

/// A link into the playground, which becomes a frame where there are scripts (www/playground/embed.js).
fn demo(spec: &Spec) -> String {
    let title = escaped(spec.title);
    format!(
        "## Try it\n\n\
         Four small adapters that were trained on one network, merged by {title}. Change something: they are merged anew, and \
         the network reads pictures of digits with what comes out.\n\n\
         <p><a data-playground href=\"../../playground/#method={}\">{title} in the playground</a></p>\n\n",
        spec.id
    )
}

/// A table of parameters, in Markdown.
pub fn parameters<'a>(params: impl Iterator<Item = &'a ParamSpec>) -> String {
    let mut text = String::from("| parameter | what it does | default | values |\n|---|---|---|---|\n");
    for param in params {
        let (default, values) = values(&param.kind);
        let _ = writeln!(text, "| `{}` | {} | {default} | {values} |", param.name, cell(param.help));
    }
    text
}

/// Default and range of a parameter.
fn values(kind: &ParamKind) -> (String, String) {
    match kind {
        ParamKind::Number { default, min, max, step } => {
            let whole = if *step == 1.0 { "whole, " } else { "" };
            (format!("{default}"), format!("{whole}{min} to {max}"))
        }
        ParamKind::Choice { default, options } => {
            let options: Vec<_> = options.iter().map(|o| format!("`{}`: {}", o.id, cell(o.title))).collect();
            (format!("`{default}`"), options.join("<br>"))
        }
        ParamKind::Flag { default } => (format!("`{default}`"), "`true`, `false`".to_string()),
        ParamKind::Text { most } => ("empty".to_string(), format!("text of at most {most} bytes")),
    }
}

/// A formula as HTML: names of parameters stand between backticks in it.
fn formula(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(i, part)| if i % 2 == 0 { escaped(part) } else { format!("<code>{}</code>", escaped(part)) }).collect()
}

/// How it is asked for: in a terminal, and in a recipe.
fn usage(spec: &Spec) -> String {
    let files = ["a.safetensors", "b.safetensors", "c.safetensors"];
    let files = files[..spec.adapters.1.clamp(spec.adapters.0, 3).min(3)].join(" ");
    let param = spec.params.iter().find_map(|param| match &param.kind {
        ParamKind::Number { default, .. } => Some((param.name, format!("{default}"), format!("{default}"))),
        ParamKind::Choice { default, .. } => Some((param.name, (*default).to_string(), format!("\"{default}\""))),
        ParamKind::Flag { default } => Some((param.name, format!("{default}"), format!("{default}"))),
        ParamKind::Text { .. } => None,
    });
    let id = spec.id;
    let (flag, json) = param.map_or_else(Default::default, |(name, plain, json)| {
        (format!(" --param {name}={plain}"), format!(", \"params\": {{ \"{name}\": {json} }}"))
    });
    format!(
        "## How to ask for it\n\nIn the page, choose **{}** as the method. In a terminal:\n\n\
         ```sh\nrankweave merge {files} --method {id}{flag} -o merged.safetensors\n```\n\n\
         In a [recipe](../recipe.md):\n\n```json\n{{ \"method\": {{ \"id\": \"{id}\"{json} }} }}\n```\n\n",
        escaped(spec.title)
    )
}

/// The laws that tests hold it to.
fn laws(spec: &Spec) -> String {
    if spec.laws.is_empty() {
        return String::new();
    }
    let mut text = String::from("## Laws it obeys\n\nTests hold it to these, on random adapters:\n\n");
    for law in spec.laws {
        let _ = writeln!(text, "- {}", sentence(*law));
    }
    text + "\n"
}

fn sentence(law: Law) -> String {
    match law {
        Law::OrderFree => "The order of the adapters does not matter.".into(),
        Law::GaugeFree => "Only ΔW counts, not how it is split: up · c and down / c give the same result.".into(),
        Law::Single => "One adapter at weight 1 comes out as it is.".into(),
        Law::SingleAt(settings) => {
            let settings: Vec<_> = settings.iter().map(|(name, value)| format!("`{name}={value}`")).collect();
            format!("One adapter at weight 1 comes out as it is at {}.", settings.join(", "))
        }
        Law::Idempotent => "Copies of one adapter at weight 1 give that adapter.".into(),
        Law::Additive => "Copies of one adapter give it times the sum of the weights.".into(),
        Law::Cancels => "An adapter and its negation give nothing.".into(),
    }
}

fn adapters((least, most): (usize, usize)) -> String {
    match (least, most) {
        (1, 1) => "one adapter".into(),
        (least, most) if least == most => format!("exactly {least} adapters"),
        (1, usize::MAX) => "any number of adapters".into(),
        (least, usize::MAX) => format!("{least} adapters or more"),
        (least, most) => format!("{least} to {most} adapters"),
    }
}

/// The anchor that the book gives to a heading of letters and spaces.
pub(super) fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}
