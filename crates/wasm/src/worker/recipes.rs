//! Recipes as text, for people and other programs, and back.

use crate::protocol::{self, Form, Recalled, Rule, Settings, Shared, Slot, Value};
use crate::worker::order;
use rankweave_adapter::metadata::RECIPE;
use rankweave_adapter::{Adapter, Error, MetadataMode, Warning};
use rankweave_merge::{ParamKind, Params, find};
use rankweave_recipe::forms::{self, Imported};
use rankweave_recipe::{Expect, Identity, MixEntry, Output, Rank, Recipe, SourceRef, identify};
use serde_json::Value as Json;

/// The recipe of `settings` as text, with the files' names if `names`, in all forms if the address of the `page` is given, and
/// with the hash of what should come out, if it is known.
pub fn shared(
    settings: &Settings,
    adapters: &[&Adapter],
    (names, page): (bool, Option<&str>),
    expected: Option<&str>,
) -> Result<Shared, Vec<Error>> {
    let mut recipe = order::recipe(settings, adapters)?;
    let files: Vec<_> = adapters.iter().zip(&settings.mix).map(|(adapter, mix)| identity(adapter, mix)).collect();
    identify(&mut recipe, &files);
    for (source, mix) in recipe.sources.iter_mut().zip(&settings.mix) {
        if settings.recipe.is_none() {
            source.at.clone_from(&mix.at);
        }
        source.label = source.label.take().filter(|_| names || source.data.is_none());
    }
    recipe.expect = expected.map(|hash| Expect {
        data: Some(format!("sha256:{hash}")),
        backend: Some("cpu".into()),
        ..Expect::default()
    });
    let recipe = recipe.normal();
    let link = recipe.link();
    let address = page.map(|page| format!("{page}#r={link}"));
    let qr = address.as_deref().and_then(forms::qr).map(|qr| (qr.size, qr.path));
    let forms = if page.is_some() { forms_of(&recipe) } else { Vec::new() };
    Ok(Shared { id: recipe.id(), link, forms, qr })
}

fn forms_of(recipe: &Recipe) -> Vec<Form> {
    let form = |id: &str, title: &str, help: &str, text: String| Form {
        id: id.into(),
        title: title.into(),
        help: help.into(),
        text,
    };
    let json = serde_json::to_string_pretty(recipe).unwrap_or_default();
    let prompt = recipe.to_prompt();
    let prompt = prompt.map(|text| form("prompt", "Prompt", "Tags that load the adapters at these weights.", text));
    let all = [
        form("json", "JSON", "The recipe itself: for rankweave merge --recipe, and to keep beside the file.", json),
        form("yaml", "YAML", "Like mergekit's; what it has no word for stands under rankweave.", recipe.to_yaml()),
        form("command", "Terminal", "The same merge in a terminal, in the folder of the files.", recipe.to_command()),
        form("python", "Python", "A script; its head says what it needs and what it gives.", recipe.to_python()),
    ];
    all.into_iter().chain(prompt).collect()
}

fn identity(adapter: &Adapter, mix: &protocol::Mix) -> Identity {
    Identity { label: adapter.label.clone(), size: adapter.size, data: mix.data.clone(), file: None }
}

/// A recipe's text, or a link to one, as the page shows it.
pub fn recalled(text: &str) -> Result<Recalled, Vec<Error>> {
    let Imported { recipe, warnings } = forms::read(text)?;
    let problems = recipe.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut notes = [warnings, notes(&recipe)].concat();
    let slots =
        recipe.mix.iter().filter_map(|entry| Some(slot(entry, recipe.sources.iter().find(|s| s.id == entry.src)?)));
    let rank = match recipe.output.rank {
        Rank::Exact => protocol::Rank::Exact,
        Rank::Dense => protocol::Rank::Dense,
        Rank::Fixed { value } => protocol::Rank::Fixed { value: u32::try_from(value).unwrap_or(u32::MAX) },
        Rank::Energy { value, max } => {
            protocol::Rank::Energy { value, max: max.map(|max| u32::try_from(max).unwrap_or(u32::MAX)) }
        }
    };
    let first = recipe.mix.first().map(|entry| format!("same:{}", entry.src));
    let keys = match recipe.output.keys.clone() {
        Some(keys) if Some(&keys) != first.as_ref() && keys.starts_with("same:") => {
            notes.push(note(
                "keys",
                "The recipe spells the output like another adapter than the first; the first one's is taken here",
            ));
            "same".to_owned()
        }
        Some(keys) if !keys.starts_with("same:") => keys,
        _ => "same".to_owned(),
    };
    Ok(Recalled {
        name: recipe.name.clone().unwrap_or_default(),
        id: recipe.id(),
        slots: slots.collect(),
        params: params(&recipe),
        method: recipe.method.id.clone(),
        rank,
        dtype: recipe.output.dtype.clone(),
        keys,
        metadata: recipe.output.metadata.clone().unwrap_or_else(|| MetadataMode::default().id().to_owned()),
        seed: recipe.seed,
        title: recipe.output.title.clone().or_else(|| recipe.name.clone()),
        base: recipe.base.as_ref().map(|base| base.label.clone()),
        expected: recipe.expect.as_ref().and_then(|expect| digits(expect.data.as_ref())),
        notes,
    })
}

/// The recipe that a merged file tells, if it tells one.
pub fn told(adapter: &Adapter) -> Option<&str> {
    adapter.header.metadata.get(RECIPE).map(String::as_str)
}

/// What is known in the recipe and not here.
fn notes(recipe: &Recipe) -> Vec<Warning> {
    let Output { other, alpha, .. } = &recipe.output;
    let mut keys: Vec<String> = recipe.other.keys().map(|key| format!("/{key}")).collect();
    keys.extend(other.keys().map(|key| format!("/output/{key}")));
    keys.extend(
        recipe.sources.iter().enumerate().flat_map(|(i, s)| s.other.keys().map(move |k| format!("/sources/{i}/{k}"))),
    );
    keys.extend(
        recipe
            .mix
            .iter()
            .enumerate()
            .flat_map(|(i, m)| m.other.keys().filter(|k| *k != forms::WAITING).map(move |k| format!("/mix/{i}/{k}"))),
    );
    let unknown = (!keys.is_empty())
        .then(|| note("unknown", &format!("The recipe says what is not known here: {}", keys.join(", "))));
    let alphas = (alpha.as_deref() == Some("keep-first"))
        .then(|| note("alpha", "The recipe keeps alphas in adapter_config.json; here they stand in the file"));
    unknown.into_iter().chain(alphas).collect()
}

fn note(code: &str, message: &str) -> Warning {
    Warning { code: code.into(), message: message.into(), place: rankweave_adapter::Place::default() }
}

fn slot(entry: &MixEntry, source: &SourceRef) -> Slot {
    let data = digits(source.data.as_ref());
    Slot {
        label: source.label.clone().unwrap_or_default(),
        file: digits(source.file.as_ref()).filter(|_| data.is_none()),
        data,
        size: source.size,
        at: source.at.clone(),
        family: entry.blocks.as_ref().map(|blocks| blocks.scheme.clone()).unwrap_or_default(),
        weight: entry.weight,
        te: entry.te,
        // They were checked.
        blocks: entry.blocks.as_ref().and_then(|blocks| blocks.resolve().ok()).unwrap_or_default(),
        typed: forms::typed(entry).map(str::to_owned),
        direction: source.dora.is_some(),
        rules: entry.rules.iter().map(|rule| Rule { pattern: rule.pattern.clone(), weight: rule.weight }).collect(),
    }
}

fn digits(hash: Option<&String>) -> Option<String> {
    hash.and_then(|hash| hash.strip_prefix("sha256:")).map(str::to_owned)
}

/// The parameters that are not the defaults, as the form has them.
fn params(recipe: &Recipe) -> Vec<(String, Value)> {
    let Some(method) = find(&recipe.method.id) else { return Vec::new() };
    let spec = method.spec();
    let chosen = Params::check(spec, &recipe.method.params).map(|params| params.chosen(spec)).unwrap_or_default();
    let text = |name: &str| spec.all_params().any(|p| p.name == name && matches!(p.kind, ParamKind::Text { .. }));
    let value = |(name, value): (String, Json)| {
        let value = match value {
            Json::Bool(on) => Value::Flag(on),
            Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
            Json::String(own) if text(&name) => Value::Text(own),
            Json::String(own) => Value::Choice(own),
            _ => return None,
        };
        Some((name, value))
    };
    chosen.into_iter().filter_map(value).collect()
}
