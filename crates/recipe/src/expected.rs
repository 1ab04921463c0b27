//! Did what the recipe said should come out come out?

use crate::prepare::Prepared;
use crate::recipe::Recipe;
use crate::{MATH, VERSION};
use rankweave_adapter::Warning;

/// What is to be said of it; nothing where the recipe expected nothing. `made` is the recipe as it was run.
pub(crate) fn remark(prepared: &Prepared, made: &Recipe) -> Option<Warning> {
    let expected = prepared.expected.as_ref()?;
    let (wanted, own) = (expected.data.as_ref()?, made.expect.as_ref()?);
    let (code, message) = if own.data.as_ref() == Some(wanted) {
        ("as-expected", "The file holds what the recipe says should come out, byte for byte".to_owned())
    } else {
        let why = reasons(prepared, expected.backend.as_deref(), own.backend.as_deref());
        ("not-as-expected", format!("The file does not hold the bytes that the recipe says should come out: {why}"))
    };
    Some(Warning { code: code.into(), message, place: Default::default() })
}

fn reasons(prepared: &Prepared, then: Option<&str>, now: Option<&str>) -> String {
    let engine = prepared.engine.as_ref();
    let mut reasons = Vec::new();
    if then == Some("gpu") || now == Some("gpu") {
        reasons.push("a GPU had a part in it, then or now, and GPUs round differently".to_owned());
    }
    if let Some(math) = engine.and_then(|engine| engine.math).filter(|math| *math != MATH) {
        reasons.push(format!("it was made by version {math} of the arithmetic, this is version {MATH}"));
    }
    if let Some(other) = engine.filter(|engine| engine.version != VERSION) {
        reasons.push(format!("it was made by {} {}, this is version {VERSION}", other.name, other.version));
    }
    if prepared.recipe.base.is_some() {
        reasons.push("the base model may be another".to_owned());
    }
    if reasons.is_empty() {
        let processors = "another processor may have made it: page and terminal round differently where a method decomposes \
             matrices or looks at every entry";
        reasons.push(format!("{processors}; or files that it names without a hash are others"));
    }
    reasons.join("; ")
}
