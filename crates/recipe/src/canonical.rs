//! JSON in one form only (RFC 8785): keys in order, nothing between tokens, numbers as ECMAScript writes them. What is
//! equal has equal bytes, so that it can be hashed, and it is short enough for a link.

use serde::Serialize;
use serde_json::{Number, Value};

/// Where ECMAScript begins to write exponents.
const LARGE: f64 = 1e21;
const SMALL: f64 = 1e-6;

/// The text of anything that can be JSON.
///
/// Keys are ordered by their UTF-16 units.
pub fn canonical(value: &impl Serialize) -> String {
    let mut out = String::new();
    // What serde can hand over as a value is one; anything else is a bug in its type, and null says so.
    write(&serde_json::to_value(value).unwrap_or_default(), &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&number(n)),
        Value::String(text) => quoted(text, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                quoted(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

/// serde_json escapes what RFC 8785 asks for, and nothing else.
fn quoted(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// As `Number.prototype.toString` writes it: integers without a point, exponents from 10²¹ on and below 10⁻⁶.
fn number(number: &Number) -> String {
    let (Some(x), true) = (number.as_f64(), number.is_f64()) else { return number.to_string() };
    if x == 0.0 {
        return "0".into();
    }
    if x.abs() >= LARGE {
        return format!("{x:e}").replace('e', "e+");
    }
    if x.abs() < SMALL { format!("{x:e}") } else { x.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What `JSON.stringify` gives in a browser.
    #[test]
    fn numbers_are_written_as_ecmascript_does() {
        for (x, wanted) in [
            (1.0, "1"),
            (-0.0, "0"),
            (0.8, "0.8"),
            (-10.0, "-10"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-1.5e-9, "-1.5e-9"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e300, "1.25e+300"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(canonical(&json!(x)), wanted);
        }
        assert_eq!(canonical(&json!(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn keys_stand_in_order_and_nothing_between() {
        let value = json!({"b": [1, null, true], "a": {"z": "\u{1}\"é\\", "y": false}, "\u{10000}": 1, "\u{ffff}": 2});
        let wanted =
            "{\"a\":{\"y\":false,\"z\":\"\\u0001\\\"é\\\\\"},\"b\":[1,null,true],\"\u{10000}\":1,\"\u{ffff}\":2}";
        assert_eq!(canonical(&value), wanted);
        let again: Value = serde_json::from_str(&canonical(&value)).unwrap();
        assert_eq!(again, value);
    }
}
