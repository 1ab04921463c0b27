//! From mergekit's methods and parameters to ours, by a table, and back.

mod table;

use super::wrong;
use rankweave_adapter::{Error, Kind};
use rankweave_merge::{ParamKind, Params, find, registry};
use serde_json::{Map, Value};
use table::{IDLE, KNOWN, OTHERS, Sets};

/// Before the ids of methods that mergekit does not have.
const PREFIX: &str = "rankweave:";

/// A method of ours that someone named as mergekit does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    /// Ours.
    pub id: String,
    pub params: Map<String, Value>,
    /// Has every model a weight?
    pub weights: bool,
    /// Are the weights divided by their sum?
    pub divide: bool,
    /// Parameters that are left out.
    pub idle: Vec<String>,
}

/// Finds the method of a name; `given` are its parameters without weights, at the pointer `at`.
///
/// # Errors
/// `Unsupported` for methods and settings of mergekit that are not here, `Parameter` for what is not known or missing.
pub(super) fn named(name: &str, given: &Map<String, Value>, at: &dyn Fn(&str) -> String) -> Result<Named, Vec<Error>> {
    let own =
        |id: &str| Named { id: id.to_owned(), params: given.clone(), weights: true, divide: false, idle: Vec::new() };
    let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
        return match name.strip_prefix(PREFIX).or((!OTHERS.contains(&name)).then_some(name)) {
            Some(id) if find(id).is_some() => Ok(own(id)),
            _ => Err(vec![unknown(name)]),
        };
    };
    let mut named = Named { params: Map::new(), weights: known.weights, ..own(known.id) };
    let mut errors = Vec::new();
    let set = |params: &mut Map<String, Value>, sets: Sets| {
        params.extend(sets.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    };
    set(&mut named.params, known.sets);
    for (theirs, ours, default) in known.numbers {
        match given.get(*theirs).map_or(*default, number) {
            Some(x) => {
                _ = named.params.insert((*ours).to_owned(), Value::from(if *ours == "drop" { rest(x) } else { x }))
            }
            None => {
                let mut error =
                    wrong(format!("{theirs} of {name} is missing or no number"), at(theirs)).expected("a number");
                error.found = given.get(*theirs).map(ToString::to_string);
                errors.push(error);
            }
        }
    }
    for flag in known.flags {
        let Some(on) = given.get(flag.name).map_or(Some(flag.default), truth) else {
            errors.push(wrong(format!("{} of {name} is neither true nor false", flag.name), at(flag.name)));
            continue;
        };
        match if on { flag.on } else { flag.off } {
            Some(sets) => set(&mut named.params, sets),
            None => {
                let what = format!("{name} with {}: {on} cannot be done", flag.name);
                errors.push(
                    Error::new(Kind::Unsupported, what).key(at(flag.name)).hint("Leave it at mergekit's default."),
                );
            }
        }
        named.divide |= known.id == "sum" && flag.name == "normalize" && on;
    }
    let rows = named.params.contains_key("rows");
    if rows && given.get("nuslerp_row_wise").and_then(truth) != Some(true) {
        let what = "nuslerp column by column cannot be done";
        errors
            .push(Error::new(Kind::Unsupported, what).key(at("nuslerp_row_wise")).hint("Set nuslerp_row_wise: true."));
    }
    for param in given.keys() {
        let read =
            known.numbers.iter().any(|(own, ..)| own == param) || known.flags.iter().any(|flag| flag.name == param);
        if IDLE.contains(&param.as_str()) {
            named.idle.push(param.clone());
        } else if !read {
            let names = known.numbers.iter().map(|(own, ..)| *own).chain(known.flags.iter().map(|flag| flag.name));
            let names: Vec<_> = known.weights.then_some("weight").into_iter().chain(names).collect();
            errors.push(
                wrong(format!("{name} has no such parameter"), at(param)).expected(names.join(", ")).found(param),
            );
        }
    }
    if errors.is_empty() { Ok(named) } else { Err(errors) }
}

/// What mergekit calls a method of ours and its parameters, where the same comes back; else the name that only we read. `plain`
/// where all weights are 1.
pub(super) fn name_of(id: &str, params: &Map<String, Value>, plain: bool) -> (String, Map<String, Value>) {
    let own = || (format!("{PREFIX}{id}"), params.clone());
    let Some(spec) = find(id).map(|method| method.spec()) else { return own() };
    let chosen = |params: &Map<String, Value>| Params::check(spec, params).ok().map(|params| params.chosen(spec));
    let Some(wanted) = chosen(params) else { return own() };
    for known in KNOWN.iter().filter(|known| known.id == id && (known.weights || plain)) {
        let mut given = Map::new();
        for (theirs, ours, default) in known.numbers {
            let standard = spec.all_params().find(|param| param.name == *ours).map(|param| &param.kind);
            let standard = if let Some(ParamKind::Number { default, .. }) = standard { Some(*default) } else { None };
            let Some(x) = wanted.get(*ours).map_or(standard, number) else { continue };
            let x = if *ours == "drop" { rest(x) } else { x };
            if *default != Some(x) {
                given.insert((*theirs).to_owned(), Value::from(x));
            }
        }
        // Every way to set the flags; the defaults first, so that they are not written.
        for choice in 0..1_u32 << known.flags.len() {
            let mut given = given.clone();
            for (_, flag) in known.flags.iter().enumerate().filter(|(i, _)| choice >> i & 1 == 1) {
                given.insert(flag.name.to_owned(), Value::from(!flag.default));
            }
            let back = named(known.name, &given, &|_| String::new());
            if back.is_ok_and(|back| !back.divide && chosen(&back.params).as_ref() == Some(&wanted)) {
                return (known.name.to_owned(), given);
            }
        }
    }
    own()
}

/// Has a method of this name a weight for each model?
pub(super) fn weighted(name: &str) -> bool {
    KNOWN.iter().find(|known| known.name == name).is_none_or(|known| known.weights)
}

/// 1 − x, without the last digits' noise.
fn rest(x: f64) -> f64 {
    ((1.0 - x) * 1e12).round() / 1e12
}

/// A number, or the text of one.
pub(super) fn number(value: &Value) -> Option<f64> {
    let x = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    x.is_finite().then_some(x)
}

fn truth(value: &Value) -> Option<bool> {
    let number = || [(0.0, false), (1.0, true)].into_iter().find(|(x, _)| value.as_f64() == Some(*x));
    value.as_bool().or_else(|| Some(number()?.1))
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
    let ids: Vec<&str> = registry().iter().map(|method| method.spec().id).collect();
    if OTHERS.contains(&name) {
        let error = Error::new(Kind::Unsupported, "This method of mergekit is not one of ours").key("/merge_method");
        return error.expected(names.join(", ")).found(name).hint("rankweave methods lists what there is.");
    }
    let error = wrong("There is no method of this name", "/merge_method").found(name);
    error.expected(format!("mergekit's {}; or {PREFIX} and one of {}", names.join(", "), ids.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(name: &str, params: Value) -> Result<Named, Vec<Error>> {
        named(name, params.as_object().unwrap(), &|key| format!("/parameters/{key}"))
    }

    /// mergekit's defaults are not ours.
    #[test]
    fn methods_mean_what_they_mean_there() {
        for (name, given, id, wanted) in [
            ("task_arithmetic", json!({"lambda": 0.5}), "sum", json!({"lambda": 0.5})),
            ("ties", json!({}), "ties", json!({"variant": "mergekit", "density": 1.0})),
            (
                "ties",
                json!({"density": 0.3, "normalize": false}),
                "ties",
                json!({"variant": "mergekit", "density": 0.3, "combine": "sum"}),
            ),
            ("dare_ties", json!({"density": 0.35}), "dare-ties", json!({"variant": "mergekit", "drop": 0.65})),
            ("dare_linear", json!({"density": 0.9, "rescale": 0}), "dare", json!({"drop": 0.1, "rescale": "none"})),
            (
                "della",
                json!({"density": 0.5}),
                "della",
                json!({"density": 0.5, "rescale": "l1", "combine": "weighted"}),
            ),
            (
                "della_linear",
                json!({"density": 0.5, "epsilon": 0.1}),
                "della",
                json!({"density": 0.5, "epsilon": 0.1, "rescale": "l1", "elect": "none"}),
            ),
            (
                "breadcrumbs_ties",
                json!({"density": 0.9}),
                "breadcrumbs",
                json!({"density": 0.9, "elect": "mass", "combine": "sum"}),
            ),
            ("nuslerp", json!({"nuslerp_flatten": false, "nuslerp_row_wise": true}), "nuslerp", json!({"rows": true})),
            ("karcher", json!({"max_iter": 20, "tol": 1e-6}), "karcher", json!({"steps": 20.0})),
            ("ram", json!({}), "ram", json!({"active": "absolute", "r": 0.0})),
            ("rankweave:ties", json!({"density": 0.3}), "ties", json!({"density": 0.3})),
            ("lego", json!({}), "lego", json!({})),
        ] {
            let read = read(name, given).unwrap();
            let spec = find(&read.id).unwrap().spec();
            let chosen = Params::check(spec, &read.params).unwrap().chosen(spec);
            assert_eq!((read.id.as_str(), Value::Object(chosen)), (id, wanted), "{name}");
        }
        assert!(read("linear", json!({})).unwrap().divide);
        assert!(!read("linear", json!({"normalize": false})).unwrap().divide);
    }

    #[test]
    fn every_name_has_a_method_that_takes_its_settings() {
        for known in &KNOWN {
            let given = if known.name == "slerp" { json!({"t": 0.25}) } else { json!({}) };
            let read = read(known.name, given.clone()).unwrap();
            let spec = find(known.id).unwrap().spec();
            Params::check(spec, &read.params).unwrap();
            if read.divide {
                continue;
            }
            let (name, params) = name_of(&read.id, &read.params, true);
            let again = read_back(&name, &params);
            assert_eq!(again.params, Params::check(spec, &read.params).unwrap().chosen(spec), "{}", known.name);
            assert!(!name.starts_with(PREFIX), "{}", known.name);
        }
    }

    fn read_back(name: &str, params: &Map<String, Value>) -> Named {
        let mut back = named(name, params, &|_| String::new()).unwrap();
        let spec = find(&back.id).unwrap().spec();
        back.params = Params::check(spec, &back.params).unwrap().chosen(spec);
        back
    }

    /// Every method at its defaults comes back from its name.
    #[test]
    fn every_method_has_a_name() {
        for method in registry() {
            let spec = method.spec();
            for plain in [true, false] {
                let (name, params) = name_of(spec.id, &Map::new(), plain);
                let back = read_back(&name, &params);
                assert_eq!((back.id.as_str(), back.params.len()), (spec.id, 0), "{name}");
            }
        }
        assert_eq!(name_of("sum", &Map::new(), false).0, "task_arithmetic");
        assert_eq!(name_of("ties", &Map::new(), false).0, "rankweave:ties");
        assert_eq!(name_of("slerp", &Map::new(), true).0, "slerp");
        assert_eq!(name_of("slerp", &Map::new(), false).0, "rankweave:slerp");
    }

    #[test]
    fn what_is_not_known_is_no_default() {
        for (name, params, pointer) in [
            ("nearswap", json!({}), "/merge_method"),
            ("tyes", json!({}), "/merge_method"),
            ("ties", json!({"densitty": 0.5}), "/parameters/densitty"),
            ("ties", json!({"density": true}), "/parameters/density"),
            ("ties", json!({"rescale": true}), "/parameters/rescale"),
            ("ties", json!({"normalize": "maybe"}), "/parameters/normalize"),
            ("slerp", json!({}), "/parameters/t"),
            ("dare_linear", json!({"normalize": true}), "/parameters/normalize"),
            ("nuslerp", json!({"nuslerp_flatten": false}), "/parameters/nuslerp_row_wise"),
            ("multislerp", json!({"normalize_weights": false}), "/parameters/normalize_weights"),
        ] {
            let errors = read(name, params).unwrap_err();
            assert_eq!(errors[0].place.key.as_deref(), Some(pointer), "{name}");
        }
    }
}
