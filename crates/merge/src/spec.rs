//! What a method says about itself. Forms, flags, help, the README's table, URL
//! codec and checks are all derived from its [`Spec`].

use crate::scale::OUTPUT;
use rankweave_adapter::{Error, Kind};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// A method's description: the one place where its facts are written.
#[derive(Debug, Serialize)]
pub struct Spec {
    /// Stable id, as in `--method sum` and in recipes.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// One sentence: what it does.
    pub summary: &'static str,
    /// The formula, in plain text, with ΔWᵢ and weights wᵢ.
    pub formula: &'static str,
    /// When to use it, and when not.
    pub when: &'static str,
    /// Where it comes from.
    pub reference: Reference,
    /// Which methods it stands with.
    pub section: Section,
    /// The least and the largest number of adapters it takes.
    pub adapters: (usize, usize),
    /// Whether its formula is not settled, or not known to help.
    pub experimental: bool,
    /// Its own parameters, in the order of the form; those of the output follow, see [`Spec::all_params`].
    #[serde(serialize_with = "with_output")]
    pub params: &'static [ParamSpec],
    /// Laws it obeys; the tests hold it to them.
    #[serde(skip)]
    pub laws: &'static [Law],
}

/// Any number of adapters.
pub const ANY: (usize, usize) = (1, usize::MAX);

impl Spec {
    /// Its parameters and those that every method has.
    pub fn all_params(&self) -> impl Iterator<Item = &'static ParamSpec> {
        self.params.iter().chain(&OUTPUT)
    }
}

/// Methods that belong together, in reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Chosen by itself from what the adapters are like.
    Auto,
    /// Sums and averages.
    Linear,
    /// One coefficient per adapter, from norms and angles.
    Scalar,
    /// Rank-one units are grouped.
    Clustering,
    /// Adapters are kept out of each other's way.
    Orthogonal,
    /// Merged in a space that the adapters share.
    Aligned,
    /// Singular values and directions are treated.
    Spectral,
    /// Entries of ΔW are masked, by size, chance or agreement.
    Sparse,
    /// One adapter is made smaller.
    Reduction,
    /// New adapters are bred from old ones.
    Variation,
}

impl Section {
    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Section::Auto => "Automatic",
            Section::Linear => "Sums and averages",
            Section::Scalar => "Weights from norms and angles",
            Section::Clustering => "Rank-wise clustering",
            Section::Orthogonal => "Orthogonal",
            Section::Aligned => "Aligned spaces",
            Section::Spectral => "Spectral",
            Section::Sparse => "Sparse masks",
            Section::Reduction => "Reduction of one adapter",
            Section::Variation => "Variation",
        }
    }
}

/// A paper, specification or implementation.
#[derive(Debug, Serialize)]
pub struct Reference {
    /// Title, authors or project, year.
    pub title: &'static str,
    /// Address, or empty.
    pub url: &'static str,
}

/// A law from algebra that a method may obey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// The order of the adapters does not matter.
    OrderFree,
    /// (up·c, down/c) gives the same result as (up, down).
    GaugeFree,
    /// One adapter at weight 1 gives itself.
    Single,
    /// One adapter at weight 1 gives itself with these settings (name, value); with others only part of it.
    SingleAt(&'static [(&'static str, &'static str)]),
    /// Copies of one adapter at weight 1 give that adapter.
    Idempotent,
    /// Copies of one adapter give the adapter times the sum of the weights.
    Additive,
    /// An adapter and its negation give zero.
    Cancels,
}

/// One parameter of a method.
#[derive(Debug, Serialize)]
pub struct ParamSpec {
    /// Name, as in `--param name=value`.
    pub name: &'static str,
    /// Label for people.
    pub title: &'static str,
    /// What it does, with its effect at both ends.
    pub help: &'static str,
    /// Kind, range and default.
    #[serde(flatten)]
    pub kind: ParamKind,
}

/// Kind of a parameter, with its range and default.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ParamKind {
    /// A number in min..=max.
    Number {
        /// Value when not given.
        default: f64,
        /// Least value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Step of a slider; where it is 1, only whole numbers are allowed.
        step: f64,
    },
    /// One of a few named options.
    Choice {
        /// Id of the option when not given.
        default: &'static str,
        /// The options.
        options: &'static [Option],
    },
    /// On or off.
    Flag {
        /// Value when not given.
        default: bool,
    },
    /// Text that the method reads itself.
    Text {
        /// Most bytes.
        most: usize,
    },
}

/// One option of a choice.
#[derive(Debug, Serialize)]
pub struct Option {
    /// Stable id.
    pub id: &'static str,
    /// Label for people.
    pub title: &'static str,
}

/// A method's parameters are written together with those of the output.
fn with_output<S: serde::Serializer>(own: &&'static [ParamSpec], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(own.iter().chain(&OUTPUT))
}

/// A checked parameter value.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Choice(String),
    Flag(bool),
    Text(String),
}

/// Checked values for every parameter of one Spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(BTreeMap<&'static str, Value>);

impl Params {
    /// Checks `given` against `spec`: defaults for what is missing, and every
    /// problem at once for unknown names, wrong types and values out of range.
    /// Text is accepted for any type, as it comes from a command line.
    pub fn check(spec: &'static Spec, given: &Map<String, Json>) -> Result<Params, Vec<Error>> {
        let mut problems = Vec::new();
        for name in given.keys() {
            if spec.all_params().all(|p| p.name != name) {
                problems.push(unknown(spec, name));
            }
        }
        let mut values = BTreeMap::new();
        for param in spec.all_params() {
            match param.kind.value(given.get(param.name)) {
                Ok(value) => {
                    values.insert(param.name, value);
                }
                Err((expected, found)) => problems.push(
                    Error::new(Kind::Parameter, format!("Parameter {} of {} is not valid", param.name, spec.id))
                        .key(param.name)
                        .expected(expected)
                        .found(found)
                        .hint(param.help),
                ),
            }
        }
        if problems.is_empty() { Ok(Params(values)) } else { Err(problems) }
    }

    /// Those that are not the defaults, each in the type that its Spec asks for.
    pub fn chosen(&self, spec: &'static Spec) -> Map<String, Json> {
        let standard = Self::defaults(spec);
        let own = self.0.iter().filter(|(name, value)| standard.0.get(*name) != Some(value));
        own.map(|(name, value)| ((*name).to_owned(), value.json())).collect()
    }

    /// Defaults of every parameter.
    pub fn defaults(spec: &'static Spec) -> Params {
        Self::check(spec, &Map::new()).unwrap_or_default()
    }

    /// Value of a number parameter. Panics where the Spec has none of this name,
    /// which is a bug in the method.
    pub fn number(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Value::Number(x)) => *x,
            other => panic!("{name} is not a number of this method's Spec: {other:?}"),
        }
    }

    /// Value of a number parameter that is a count; panics as [`Params::number`].
    pub fn count(&self, name: &str) -> usize {
        self.number(name).max(0.0) as usize
    }

    /// Value of a text parameter; panics as [`Params::number`].
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Text(text)) => text,
            other => panic!("{name} is not a text of this method's Spec: {other:?}"),
        }
    }

    /// Is there a text parameter that says something?
    pub fn has_text(&self) -> bool {
        self.0.values().any(|value| matches!(value, Value::Text(text) if !text.trim().is_empty()))
    }

    /// Option id of a choice parameter; panics as [`Params::number`].
    pub fn choice(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Choice(id)) => id,
            other => panic!("{name} is not a choice of this method's Spec: {other:?}"),
        }
    }

    /// Value of a flag parameter; panics as [`Params::number`].
    pub fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Flag(on)) => *on,
            other => panic!("{name} is not a flag of this method's Spec: {other:?}"),
        }
    }
}

impl Value {
    fn json(&self) -> Json {
        match self {
            Value::Number(x) => Json::from(*x),
            Value::Choice(text) | Value::Text(text) => Json::from(text.as_str()),
            Value::Flag(on) => Json::from(*on),
        }
    }
}

fn unknown(spec: &Spec, name: &str) -> Error {
    let names: Vec<_> = spec.all_params().map(|p| p.name).collect();
    let hint = format!("Parameters of {}: {}.", spec.id, names.join(", "));
    Error::new(Kind::Parameter, format!("{} has no parameter of this name", spec.id)).key(name).hint(hint)
}

impl ParamKind {
    /// The checked value, or what was expected and found.
    fn value(&self, given: std::option::Option<&Json>) -> Result<Value, (String, String)> {
        let found = || given.map_or_else(String::new, Json::to_string);
        match self {
            ParamKind::Number { default, min, max, step } => {
                let value = match given {
                    None => Some(*default),
                    Some(Json::Number(n)) => n.as_f64(),
                    Some(Json::String(s)) => s.trim().parse().ok(),
                    Some(_) => None,
                };
                value
                    .filter(|x| x.is_finite() && (min..=max).contains(&x) && (*step != 1.0 || x.fract() == 0.0))
                    .map(Value::Number)
                    .ok_or_else(|| {
                        let what = if *step == 1.0 { "whole number" } else { "number" };
                        (format!("a {what} from {min} to {max}"), found())
                    })
            }
            ParamKind::Choice { default, options } => {
                let id = match given {
                    None => Some(*default),
                    Some(Json::String(s)) => Some(s.as_str()),
                    Some(_) => None,
                };
                id.filter(|id| options.iter().any(|o| o.id == *id)).map(|id| Value::Choice(id.to_owned())).ok_or_else(
                    || {
                        let ids: Vec<_> = options.iter().map(|o| o.id).collect();
                        (format!("one of {}", ids.join(", ")), found())
                    },
                )
            }
            ParamKind::Flag { default } => match given {
                None => Ok(Value::Flag(*default)),
                Some(Json::Bool(on)) => Ok(Value::Flag(*on)),
                Some(Json::String(s)) if s == "true" || s == "on" => Ok(Value::Flag(true)),
                Some(Json::String(s)) if s == "false" || s == "off" => Ok(Value::Flag(false)),
                Some(_) => Err(("true or false".to_owned(), found())),
            },
            ParamKind::Text { most } => match given {
                None => Ok(Value::Text(String::new())),
                Some(Json::String(text)) if text.len() <= *most => Ok(Value::Text(text.clone())),
                Some(Json::String(text)) => {
                    Err((format!("at most {most} bytes of text"), format!("{} bytes", text.len())))
                }
                // JSON inside JSON, as a recipe may have it.
                Some(other) if other.to_string().len() <= *most => Ok(Value::Text(other.to_string())),
                Some(_) => Err((format!("at most {most} bytes of text"), "more".to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods;
    use serde_json::json;

    static SPEC: Spec = Spec {
        id: "example",
        title: "Example",
        summary: "",
        formula: "",
        when: "",
        reference: Reference { title: "", url: "" },
        section: Section::Linear,
        adapters: ANY,
        experimental: false,
        params: &[
            ParamSpec {
                name: "density",
                title: "Density",
                help: "0 drops all, 1 keeps all.",
                kind: ParamKind::Number { default: 0.5, min: 0.0, max: 1.0, step: 0.01 },
            },
            ParamSpec {
                name: "sign",
                title: "Sign",
                help: "How a sign is elected.",
                kind: ParamKind::Choice {
                    default: "mass",
                    options: &[Option { id: "mass", title: "By mass" }, Option { id: "count", title: "By count" }],
                },
            },
            ParamSpec { name: "rescale", title: "Rescale", help: "", kind: ParamKind::Flag { default: true } },
        ],
        laws: &[],
    };

    fn check(given: Json) -> Result<Params, Vec<Error>> {
        Params::check(&SPEC, given.as_object().unwrap())
    }

    #[test]
    fn missing_values_are_the_defaults() {
        let params = check(json!({})).unwrap();
        assert_eq!(params.number("density"), 0.5);
        assert_eq!(params.choice("sign"), "mass");
        assert!(params.flag("rescale"));
    }

    #[test]
    fn text_is_read_as_the_parameter_asks() {
        let params = check(json!({"density": "0.25", "sign": "count", "rescale": "off"})).unwrap();
        assert_eq!(params.number("density"), 0.25);
        assert_eq!(params.choice("sign"), "count");
        assert!(!params.flag("rescale"));
    }

    #[test]
    fn what_was_chosen_is_told_in_its_own_type() {
        let params = check(json!({"density": "0.25", "sign": "mass", "rescale": "off"})).unwrap();
        assert_eq!(Json::from(params.chosen(&SPEC)), json!({"density": 0.25, "rescale": false}));
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = check(json!({"density": 2, "sign": "loud", "rescale": 1, "colour": 3})).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|p| p.place.key.as_deref().unwrap()).collect();
        assert_eq!(keys, ["colour", "density", "sign", "rescale"]);
        assert!(problems[1].lines()[0].contains("a number from 0 to 1"));
    }

    #[test]
    fn every_default_is_within_its_own_range() {
        for method in methods::registry() {
            assert!(Params::check(method.spec(), &Map::new()).is_ok(), "{}", method.spec().id);
        }
    }
}
