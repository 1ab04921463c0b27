//! YAML 1.2 to values, for hostile texts.
//!
//! Plain scalars are read by the core schema: `1`, `0x1f`, `1.5e-3`, `true`, `null`, else text. Refused: aliases and merge keys,
//! with which a short text stands for a huge one; keys that stand twice, of which programs read different ones; tags; keys
//! that are no scalars; `.inf` and `.nan`; more than one document.

use crate::parse::DEEPEST;
use rankweave_adapter::{Error, Kind};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::{Map, Number, Value};

/// Most values.
const MOST: usize = 20_000;

/// A list or mapping that is not at its end yet.
enum Open {
    List(Vec<Value>),
    /// With the key that waits for its value.
    Mapping(Map<String, Value>, Option<String>),
}

/// Reads one document.
///
/// # Errors
/// `Limit` for more than 16 levels or 20,000 values; `Malformed` for what is not YAML; `Unsupported` for what is refused. All
/// with line and column.
pub(super) fn parse(text: &str) -> Result<Value, Error> {
    let mut parser = Parser::new_from_str(text);
    let (mut open, mut whole, mut count): (Vec<Open>, Option<Value>, usize) = (Vec::new(), None, 0);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| malformed(&error))?;
        let place = (span.start.line(), span.start.col() + 1);
        let value = match event {
            Event::Scalar(text, style, _, None) => scalar(&text, style, is_key(&open)).ok_or_else(|| {
                let error = at(Kind::Unsupported, "A number of the YAML is not finite", place);
                error.expected("a number").found(text.into_owned())
            })?,
            Event::SequenceStart(_, None) | Event::MappingStart(_, None) if is_key(&open) => {
                return Err(at(Kind::Unsupported, "A key of the YAML is no text", place));
            }
            Event::SequenceStart(_, None) | Event::MappingStart(_, None) if open.len() == DEEPEST => {
                let error = at(Kind::Limit, "The YAML's values lie too deep in each other", place);
                return Err(error.expected(format!("at most {DEEPEST} levels")));
            }
            Event::SequenceStart(_, None) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(_, None) => {
                open.push(Open::Mapping(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Value::Array(items),
                Some(Open::Mapping(map, _)) => Value::Object(map),
                None => return Err(at(Kind::Malformed, "The YAML ends before it begins", place)),
            },
            Event::Alias(_) => {
                return Err(at(Kind::Unsupported, "Aliases are not read", place).hint("Write the value out."));
            }
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(at(Kind::Unsupported, "Tags are not read", place).hint("Leave !… out."));
            }
            Event::DocumentStart(_) if whole.is_some() => {
                return Err(at(Kind::Unsupported, "The YAML has more than one document", place).hint("Leave one."));
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                continue;
            }
        };
        count += 1;
        if count > MOST {
            return Err(at(Kind::Limit, "The YAML has too many values", place).expected(format!("at most {MOST}")));
        }
        put(value, &mut open, &mut whole).map_err(|what| at(Kind::Unsupported, what, place))?;
    }
    Ok(whole.unwrap_or_default())
}

/// Does a key come next?
fn is_key(open: &[Open]) -> bool {
    matches!(open.last(), Some(Open::Mapping(_, None)))
}

/// Puts a value where it belongs; what is wrong with it there.
fn put(value: Value, open: &mut [Open], whole: &mut Option<Value>) -> Result<(), String> {
    match open.last_mut() {
        None => *whole = Some(value),
        Some(Open::List(items)) => items.push(value),
        Some(Open::Mapping(map, waiting)) => match waiting.take() {
            Some(key) => _ = map.insert(key, value),
            None => {
                let Value::String(key) = value else { return Err("A key of the YAML is no text".to_owned()) };
                if key == "<<" {
                    return Err("Merge keys are not read: write the values out".to_owned());
                }
                if map.contains_key(&key) {
                    return Err(format!("The key {key} stands twice in the YAML"));
                }
                *waiting = Some(key);
            }
        },
    }
    Ok(())
}

/// The core schema; `None` for numbers that JSON does not have. Keys are texts, whatever they look like.
fn scalar(text: &str, style: ScalarStyle, key: bool) -> Option<Value> {
    if style != ScalarStyle::Plain || key {
        return Some(Value::from(text));
    }
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if text.starts_with("0x") || text.starts_with("0o") => {
            let radix = if text.starts_with("0x") { 16 } else { 8 };
            let digits = &text[2..];
            let read = Some(digits).filter(|d| !d.starts_with('+')).and_then(|d| u64::from_str_radix(d, radix).ok());
            read.map_or_else(|| Value::from(text), Value::from)
        }
        _ => {
            let body = text.strip_prefix(['+', '-']).unwrap_or(text);
            if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&body) {
                return None;
            }
            let digits = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && body.contains(|c: char| c.is_ascii_digit());
            let fits = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
            if !(digits && body.chars().all(fits)) {
                return Some(Value::from(text));
            }
            let unsigned = text.strip_prefix('+').unwrap_or(text);
            if let Ok(whole) = unsigned.parse::<i64>() {
                return Some(Value::from(whole));
            }
            if let Ok(whole) = unsigned.parse::<u64>() {
                return Some(Value::from(whole));
            }
            match unsigned.parse::<f64>() {
                Ok(x) => Value::Number(Number::from_f64(x)?),
                Err(_) => Value::from(text),
            }
        }
    })
}

fn malformed(error: &ScanError) -> Error {
    let place = (error.marker().line(), error.marker().col() + 1);
    at(Kind::Malformed, format!("The YAML cannot be read: {}", error.info()), place)
}

fn at(kind: Kind, what: impl Into<String>, (line, column): (usize, usize)) -> Error {
    let error = Error::new(kind, what).file(super::FORM).key(format!("line {line}, column {column}"));
    error.hint("Write it out in plain YAML 1.2, or use the recipe's JSON.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        let text = "{i: 12, n: -3, p: +4, x: 0x1F, o: 0o17, f: 1.5, g: -2e-3, d: .5, e: 1., t: true, u: ~, v: , y: yes, s: '1', \
                    m: 1.2.3, h: 0xZ, dash: -x, w: 1e, big: 18446744073709551615, \"q\\u0041\": \"a\\n\", 7: b, date: 2026-01-01}";
        let wanted = json!({"i": 12, "n": -3, "p": 4, "x": 31, "o": 15, "f": 1.5, "g": -0.002, "d": 0.5, "e": 1.0, "t": true,
            "u": null, "v": null, "y": "yes", "s": "1", "m": "1.2.3", "h": "0xZ", "dash": "-x", "w": "1e", "big": u64::MAX,
            "qA": "a\n", "7": "b", "date": "2026-01-01"});
        assert_eq!(parse(text).unwrap(), wanted);
        assert_eq!(parse("# nothing").unwrap(), Value::Null);
        let block = "a:\n  - b: |\n      x\n      y\n    c: >-\n      x\n      y\n  -\n    - 1\n";
        assert_eq!(parse(block).unwrap(), json!({"a": [{"b": "x\ny\n", "c": "x y"}, [1]]}));
    }

    #[test]
    fn what_programs_read_differently_is_refused() {
        for (text, wanted) in [
            ("a: 1\nb: 2\na: 3", "stands twice"),
            ("a: &x [1]\nb: *x", "Aliases"),
            ("a: &x {b: 1}\nc:\n  <<: *x", "Merge keys"),
            ("a: !!str 1", "Tags"),
            ("a: !evil {b: 1}", "Tags"),
            ("? [a, b]\n: 1", "no text"),
            ("a: .inf", "not finite"),
            ("a: 1e999", "not finite"),
            ("a: 1\n---\nb: 1", "more than one"),
            ("a: [1", "cannot be read"),
            ("a: b: c", "cannot be read"),
            ("a: *nothing", "cannot be read"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.what.contains(wanted) && error.place.key.is_some(), "{text}: {error:?}");
        }
    }

    #[test]
    fn texts_without_end_or_bottom_are_refused() {
        let laughs: String = (1..9).map(|i| format!("l{i}: &l{i} [*l{0}, *l{0}]\n", i - 1)).collect();
        assert_eq!(parse(&format!("l0: &l0 ha\n{laughs}")).unwrap_err().kind, Kind::Unsupported);
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(&deep(DEEPEST)).is_ok());
        assert_eq!(parse(&deep(DEEPEST + 1)).unwrap_err().kind, Kind::Limit);
        assert!(parse(&"[".repeat(500_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
        let many = |n: usize| "- 1\n".repeat(n);
        assert!(parse(&many(MOST - 1)).is_ok());
        assert_eq!(parse(&many(MOST)).unwrap_err().kind, Kind::Limit);
    }
}
