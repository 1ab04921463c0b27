//! Own coefficients, for the patterns of the settings below: `*text*` is all that has the word in it.

use super::{Part, Problem, Twin, assembled, svd};
use crate::dense::Matrix;
use serde_json::Value;

pub const TWIN: Twin = Twin {
    id: "coefficients",
    params: &[
        "{}",
        r#"{"coefficients": {"1": 0.5}}"#,
        r#"{"coefficients": {"1": {"*": 0.5, "*attn1*": -2, "unet*": 0.25}}}"#,
        r#"{"coefficients": "{\"0\": {\"*te*\": 0.7, \"*attn1*\": 0}}"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let json = match &problem.params["coefficients"] {
        Value::String(text) => serde_json::from_str(text).expect("JSON"),
        json => json.clone(),
    };
    let ones = Value::from(1.0);
    // Files are called by their number from 0, which comes before the place from 1.
    let of = |adapter: usize| match &json[adapter.to_string()] {
        Value::Null if adapter + 1 < problem.adapters => &Value::Null,
        Value::Null => &json[(adapter + 1).to_string()],
        named => named,
    };
    let lambda = |part: &Part, name: &str| -> Value {
        match of(part.adapter) {
            Value::Null => ones.clone(),
            Value::Object(patterns) => {
                let fits = |pattern: &str| {
                    let word = pattern.trim_matches('*');
                    if pattern.starts_with('*') { name.contains(word) } else { name.starts_with(word) }
                };
                let mut fitting: Vec<&String> = patterns.keys().filter(|pattern| fits(pattern)).collect();
                fitting.sort_by_key(|pattern| pattern.len());
                fitting.last().map_or(ones.clone(), |pattern| patterns[*pattern].clone())
            }
            value => value.clone(),
        }
    };
    problem.each(|module| {
        let mut sum = module.sum().scaled(0.0);
        for part in &module.parts {
            let delta = match lambda(part, &module.name) {
                Value::Array(list) => {
                    let list: Vec<f64> = list.iter().map(|x| x.as_f64().expect("a number")).collect();
                    units(part, &list, problem.choice("units", "stored") == "singular")
                }
                lambda => part.tau().scaled(lambda.as_f64().expect("a number")),
            };
            sum = sum.plus(1.0, &delta);
        }
        sum
    })
}

fn units(part: &Part, list: &[f64], singular: bool) -> Matrix {
    if singular {
        let (u, sigma, v) = svd(&part.tau(), 1e-9);
        let scaled: Vec<f64> = sigma.iter().zip(list).map(|(s, lambda)| s * lambda).collect();
        return assembled(&u, &scaled, &v);
    }
    assembled(&part.pair.up, list, &part.pair.down.transposed()).scaled(part.weight * part.pair.scale)
}
