//! Numbers as people read them.
//!
//! Digits come from whole numbers, since the standard library's exact printing of floats is 20 KB of code.

/// A number with so many digits behind the point.
pub fn fixed(value: f64, digits: u32) -> String {
    let scale = 10_i64.pow(digits.min(9));
    // Numbers beyond 64 bits are not shown to people, and a cast does not overflow but stops at the end.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "far below 2^53 in use")]
    let n = (value * scale as f64).round() as i64;
    let sign = if n < 0 { "-" } else { "" };
    let (whole, rest) = (n.abs() / scale, n.abs() % scale);
    let width = digits as usize;
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0width$}") }
}

/// Bytes in decimal units, as file managers show them: `3.2 MB`.
pub fn bytes(count: f64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000.0 {
        return format!("{} bytes", fixed(count, 0));
    }
    let mut value = count;
    let mut unit = "";
    for name in UNITS {
        value /= 1000.0;
        unit = name;
        if value < 999.5 {
            break;
        }
    }
    format!("{} {unit}", fixed(value, u32::from(value < 9.95)))
}

/// A weight or parameter, with no more digits than needed: `0.7`, `-0.25`, `1`.
pub fn number(value: f64) -> String {
    trimmed(value, 4)
}

/// A relative error: `0`, `3.4 × 10⁻⁸`, `0.12 %`.
pub fn error(value: f64) -> String {
    if value <= 0.0 || !value.is_finite() {
        return number(value);
    }
    if value >= 1e-4 {
        return percent(value);
    }
    let (mut mantissa, mut exponent) = (value, 0);
    while mantissa < 0.995 {
        mantissa *= 10.0;
        exponent += 1;
    }
    format!("{} × 10⁻{}", fixed(mantissa, 1), superscript(exponent))
}

/// A share: `100 %`, `99.2 %`, `99.996 %`, `0.012 %`. Never rounds up to 100.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let missing = 100.0 - value;
    // Two digits of what is little, one of what is missing from all.
    let (little, wanted) = if value < 1.0 { (value, 10.0) } else { (missing, 1.0) };
    let (mut digits, mut scale) = (1, 10.0);
    while little > 0.0 && little * scale < wanted && digits < 9 {
        digits += 1;
        scale *= 10.0;
    }
    // Half a unit more than a number's own error, so that 99.996 stays what it is.
    let cut = if missing > 0.0 && value > 99.0 { (value * scale + 1e-5).floor() / scale } else { value };
    format!("{} %", trimmed(cut, digits))
}

/// Time left, coarse: `3 s`, `2 min`.
pub fn seconds(value: f64) -> String {
    if value < 90.0 { format!("{} s", fixed(value.max(1.0), 0)) } else { format!("{} min", fixed(value / 60.0, 0)) }
}

/// Time taken: `0.83 s`, `12.4 s`.
pub fn took(value: f64) -> String {
    format!("{} s", fixed(value, if value < 10.0 { 2 } else { 1 }))
}

/// `1 module`, `2 modules`.
pub fn count(n: u32, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// At most so many digits behind the point, without zeros at the end.
fn trimmed(value: f64, digits: u32) -> String {
    let text = fixed(value, digits);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

fn superscript(n: usize) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    n.to_string().bytes().filter_map(|digit| RAISED.get(usize::from(digit - b'0'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn bytes_have_one_unit_and_at_most_three_digits() {
        let cases = [
            (10.0, "10 bytes"),
            (3_227_336.0, "3.2 MB"),
            (171_969_408.0, "172 MB"),
            (999_600.0, "1.0 MB"),
            (4.3e9, "4.3 GB"),
        ];
        for (value, text) in cases {
            assert_eq!(bytes(value), text);
        }
    }

    #[wasm_bindgen_test]
    fn numbers_lose_no_sign_and_gain_no_zeros() {
        let cases = [(0.7, "0.7"), (-0.3, "-0.3"), (1.0, "1"), (-0.0, "0"), (10.0, "10"), (0.1234, "0.1234")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[wasm_bindgen_test]
    fn errors_and_shares_never_look_better_than_they_are() {
        assert_eq!(error(0.0), "0");
        assert_eq!(error(3.4e-8), "3.4 × 10⁻⁸");
        assert_eq!(error(0.0012), "0.12 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.992), "99.2 %");
        assert_eq!(percent(0.999_96), "99.996 %");
        assert_eq!(percent(0.999_999_9), "99.99999 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_12), "0.012 %");
        assert_eq!(percent(0.5), "50 %");
        assert_eq!(error(9.96e-9), "1.0 × 10⁻⁸");
    }

    #[wasm_bindgen_test]
    fn counts_agree_with_their_nouns() {
        assert_eq!(count(1, "module"), "1 module");
        assert_eq!(count(0, "module"), "0 modules");
    }
}
