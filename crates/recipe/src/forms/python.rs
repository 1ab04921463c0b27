//! A recipe as a Python script, for those who work with PEFT.
//!
//! | recipe | script |
//! |---|---|
//! | `sum`, `mean`, `concat` of rank exact, with plain weights | `python/sum.py`: numpy and safetensors alone; factors side by side, the same ΔW |
//! | the same with a fixed rank; `ties`, `dare`, `dare-ties`, `magnitude-prune`, with plain weights | `python/peft.py`: PEFT's `add_weighted_adapter` |
//! | others | `python/call.py`: calls the program `rankweave` with the recipe |
//!
//! PEFT's `ties` and its kind work on the two factors of a module one by one, and those whose names end in `_svd` on their
//! product; ours do the second unless `space` says `factors`. The script takes whichever is meant.

use super::command::files;
use super::file_name;
use crate::canonical::canonical;
use crate::recipe::{Rank, Recipe};
use rankweave_merge::{Params, find};
use serde_json::Value;
use std::fmt::Write;

const SUM: &str = include_str!("python/sum.py");
const PEFT: &str = include_str!("python/peft.py");
const CALL: &str = include_str!("python/call.py");

/// The line of a script that is replaced by its settings.
const HERE: &str = "# settings\n";

impl Recipe {
    /// A Python script that makes the result, or what PEFT has that comes closest; its head says which.
    pub fn to_python(&self) -> String {
        let recipe = self.normal();
        let link = self.link();
        let (script, settings) = own_sum(&recipe).or_else(|| weighted(&recipe)).unwrap_or_else(|| {
            let files: Vec<String> = files(&recipe).iter().map(|file| literal(file)).collect();
            (CALL, format!("RECIPE = {}\nFILES = [{}]\n", literal(&link), files.join(", ")))
        });
        let (head, body) = script.split_once(HERE).unwrap_or_default();
        format!("{}{settings}{body}", head.replacen("LINK", &link, 1))
    }
}

/// Has every adapter a weight and nothing else?
fn plain(recipe: &Recipe) -> bool {
    let mix = recipe.mix.iter().all(|entry| entry.blocks.is_none() && entry.rules.is_empty() && entry.other.is_empty());
    let sources = recipe.sources.iter().all(|source| source.dora.is_none());
    let scale = recipe.method.params.get("scale").is_none_or(|scale| scale == "none");
    mix && sources && scale && !recipe.other.contains_key("overrides")
}

fn lambda(recipe: &Recipe) -> Option<f64> {
    let spec = find(&recipe.method.id)?.spec();
    Some(Params::check(spec, &recipe.method.params).ok()?.number("lambda"))
}

/// Script and settings of the sum that needs no decomposition.
fn own_sum(recipe: &Recipe) -> Option<(&'static str, String)> {
    let lambda = lambda(recipe)?;
    let divide = match recipe.method.id.as_str() {
        "sum" | "concat" => "none",
        "mean" => recipe.method.params.get("divide_by").and_then(Value::as_str).unwrap_or("present"),
        _ => return None,
    };
    if !plain(recipe) || recipe.output.rank != Rank::Exact {
        return None;
    }
    let mut settings = "# File or folder, weight, weight for text encoders.\nADAPTERS = [\n".to_owned();
    for entry in &recipe.mix {
        let (weight, te) = (canonical(&entry.weight), canonical(&entry.te.unwrap_or(entry.weight)));
        let _ = writeln!(settings, "    ({}, {weight}, {te}),", literal(&file_name(recipe, &entry.src)));
    }
    let _ = write!(settings, "]\nFACTOR = {}\nDIVIDE_BY = {}\n", canonical(&lambda), literal(divide));
    let half = if recipe.output.dtype == "f16" { "float16" } else { "float32" };
    let _ = writeln!(settings, "DTYPE = {}", literal(half));
    Some((SUM, settings))
}

/// Script and settings of PEFT's own merge, where it has one of this kind.
fn weighted(recipe: &Recipe) -> Option<(&'static str, String)> {
    let spec = find(&recipe.method.id)?.spec();
    let params = Params::check(spec, &recipe.method.params).ok()?;
    let rank = if let Rank::Fixed { value } = recipe.output.rank { Some(value) } else { None };
    let (mut kind, density) = match recipe.method.id.as_str() {
        "sum" | "concat" if rank.is_some() => ("svd".to_owned(), None),
        "ties" => ("ties".to_owned(), Some(params.number("density"))),
        "magnitude-prune" => ("magnitude_prune".to_owned(), Some(params.number("density"))),
        "dare" => ("dare_linear".to_owned(), Some(1.0 - params.number("drop"))),
        "dare-ties" => ("dare_ties".to_owned(), Some(1.0 - params.number("drop"))),
        _ => return None,
    };
    if !plain(recipe) || recipe.mix.iter().any(|entry| entry.te.is_some()) {
        return None;
    }
    let factors = density.is_some() && params.choice("space") == "factors";
    if density.is_some() && !factors {
        kind += "_svd";
    }
    let names: Vec<String> = recipe.mix.iter().map(|entry| literal(&entry.src)).collect();
    let mut settings = "# Name inside this script, folder of the adapter.\nADAPTERS = {\n".to_owned();
    for entry in &recipe.mix {
        let _ = writeln!(settings, "    {}: {},", literal(&entry.src), literal(&file_name(recipe, &entry.src)));
    }
    let weights: Vec<String> =
        recipe.mix.iter().map(|entry| canonical(&(entry.weight * params.number("lambda")))).collect();
    let _ = write!(
        settings,
        "}}\nMERGE = dict(\n    adapters=[{}],\n    weights=[{}],\n    combination_type={},\n",
        names.join(", "),
        weights.join(", "),
        literal(&kind)
    );
    if let Some(density) = density {
        let _ = writeln!(settings, "    density={},", canonical(&((density * 1e12).round() / 1e12)));
    }
    if kind.contains("ties") {
        let sign = if params.choice("elect") == "count" { "frequency" } else { "total" };
        let _ = writeln!(settings, "    majority_sign_method={},", literal(sign));
    }
    if let Some(rank) = rank.filter(|_| !factors) {
        let _ = writeln!(settings, "    svd_rank={rank},");
    }
    settings += ")\n";
    if let Some(seed) = recipe.seed.filter(|_| kind.contains("dare")) {
        let _ = writeln!(
            settings,
            "# Its generator is another one: the same seed does not drop the same entries as Rankweave.\nSEED = {seed}"
        );
    } else {
        settings += "SEED = 0\n";
    }
    Some((PEFT, settings))
}

/// A text as a Python literal in ASCII.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c if (c as u32) < 0x100 => _ = write!(out, "\\x{:02x}", c as u32),
            c if (c as u32) < 0x10000 => _ = write!(out, "\\u{:04x}", c as u32),
            c => _ = write!(out, "\\U{:08x}", c as u32),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_script_has_its_settings_and_link() {
        let mut recipe = Recipe::blank(2);
        recipe.sources[0].label = Some("a\"]\nimport os\\é😀".into());
        for (id, params, rank, wanted) in [
            ("sum", json!({"lambda": 0.5}), Rank::Exact, "FACTOR = 0.5\nDIVIDE_BY = \"none\""),
            ("mean", json!({}), Rank::Exact, "DIVIDE_BY = \"present\""),
            ("sum", json!({}), Rank::Fixed { value: 8 }, "combination_type=\"svd\",\n    svd_rank=8"),
            (
                "ties",
                json!({"density": 0.3}),
                Rank::Fixed { value: 8 },
                "combination_type=\"ties_svd\",\n    density=0.3",
            ),
            (
                "dare",
                json!({"drop": 0.3, "space": "factors"}),
                Rank::Exact,
                "combination_type=\"dare_linear\",\n    density=0.7",
            ),
            ("dare-ties", json!({"elect": "count"}), Rank::Exact, "majority_sign_method=\"frequency\""),
            ("lego", json!({}), Rank::Exact, "RECIPE = \"1z"),
        ] {
            recipe.method.id = id.into();
            recipe.method.params = params.as_object().unwrap().clone();
            recipe.output.rank = rank;
            let script = recipe.to_python();
            assert!(script.contains(wanted), "{script}");
            assert!(!script.contains(HERE) && script.contains(&recipe.link()) && script.is_ascii());
            let label = if id == "lego" { "\"a.safetensors\"" } else { r#""a\"]\x0aimport os\\\xe9\U0001f600""# };
            assert!(script.contains(label), "{script}");
        }
        recipe.mix[0].rules = serde_json::from_value(json!([{"match": "*", "drop": true}])).unwrap();
        for id in ["sum", "ties"] {
            recipe.method.id = id.into();
            assert!(recipe.to_python().contains("subprocess"));
        }
    }
}
