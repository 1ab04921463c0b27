//! The fields of a recipe as a table, from the schema that editors check recipes with.

use super::cell;
use serde_json::Value;
use std::fmt::Write;

/// All fields in Markdown, in the schema's order.
///
/// # Errors
/// If the schema is no JSON.
pub fn fields(source: &str) -> Result<String, String> {
    let schema: Value = serde_json::from_str(source).map_err(|error| format!("recipe.schema.json: {error}"))?;
    let mut table =
        Table { text: String::from("| field | what it says | values |\n|---|---|---|\n"), source, schema: &schema };
    table.object("", 0, &schema);
    Ok(table.text)
}

struct Table<'a> {
    text: String,
    /// The schema as it is written, which alone knows the order of its keys.
    source: &'a str,
    schema: &'a Value,
}

impl Table<'_> {
    /// The properties of an object that is written from `start` on, each followed by its own.
    fn object(&mut self, path: &str, start: usize, value: &Value) {
        let required = |name: &str| value["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
        let place =
            |name: &str| self.source.get(start..).and_then(|rest| Some(start + rest.find(&format!("\"{name}\": "))?));
        let properties = value["properties"].as_object().into_iter().flatten();
        let mut placed: Vec<_> =
            properties.map(|(name, property)| (place(name).unwrap_or(start), name, property)).collect();
        placed.sort_unstable_by_key(|(place, ..)| *place);
        for (place, name, property) in placed {
            let items = &property["items"];
            let inner = if items["properties"].is_object() { items } else { property };
            let own = format!("{path}{name}{}", if property["type"] == "array" { "[]" } else { "" });
            let said = property["description"].as_str().unwrap_or("");
            let must = if required(name) { "**Required.** " } else { "" };
            let values = values(property, self.schema).join(", ");
            let _ = writeln!(self.text, "| `{own}` | {must}{} | {values} |", cell(said));
            self.object(&format!("{own}."), place, inner);
        }
    }
}

/// What a value may be, in words.
fn values(property: &Value, schema: &Value) -> Vec<String> {
    let property = resolved(property, schema);
    let mut out = Vec::new();
    if let Some(value) = property.get("const") {
        out.push(format!("`{value}`"));
    }
    out.extend(property["enum"].as_array().into_iter().flatten().map(|value| format!("`{value}`")));
    if let Some(forms) = property["oneOf"].as_array() {
        out.extend(forms.iter().filter_map(|form| form_of(form, schema)));
        return out;
    }
    if out.is_empty() {
        out.extend(
            property["type"].as_str().map(|kind| if kind == "array" { "list".into() } else { kind.to_string() }),
        );
    }
    let item = resolved(&property["items"], schema);
    out.extend(["minItems", "maxItems"].iter().filter_map(|name| limit(property, name)));
    out.extend(["exclusiveMinimum", "minimum", "maximum", "maxLength"].iter().filter_map(|name| limit(property, name)));
    out.extend(
        ["minimum", "maximum", "maxLength"].iter().filter_map(|name| Some(format!("each {}", limit(item, name)?))),
    );
    let pattern = property["pattern"].as_str().or(item["pattern"].as_str());
    out.extend(pattern.map(|pattern| format!("matches `{}`", pattern.replace('|', "\\|"))));
    out.extend(property.get("default").map(|value| format!("default `{value}`")));
    out
}

/// One of several forms: its fields with their values.
fn form_of(form: &Value, schema: &Value) -> Option<String> {
    let fields = form["properties"].as_object()?;
    let field = |(name, property): (&String, &Value)| format!("{name} {}", values(property, schema).join(" "));
    Some(format!("<br>{{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join("; ")))
}

fn limit(property: &Value, name: &str) -> Option<String> {
    let value = property.get(name)?;
    Some(match name {
        "exclusiveMinimum" => format!("above {value}"),
        "minimum" => format!("at least {value}"),
        "maximum" => format!("at most {value}"),
        "maxLength" => format!("at most {value} characters"),
        "minItems" => format!("at least {value} entries"),
        _ => format!("at most {value} entries"),
    })
}

/// What a `$ref` stands for.
fn resolved<'a>(property: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = property["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
    pointer.and_then(|pointer| schema.pointer(pointer)).unwrap_or(property)
}
