//! Numbers as people read them.

/// Bytes in decimal units, as file managers show them: `3.2 MB`.
pub fn bytes(count: f64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000.0 {
        return format!("{count:.0} bytes");
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
    let digits = if value < 9.95 { 1 } else { 0 };
    format!("{value:.digits$} {unit}")
}

/// A weight or parameter, with no more digits than needed: `0.7`, `-0.25`, `1`.
pub fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// A relative error: `0`, `3.4 × 10⁻⁸`, `0.12 %`.
pub fn error(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return number(value);
    }
    if value >= 1e-4 {
        return percent(value);
    }
    let exponent = value.log10().floor();
    let mantissa = value / 10f64.powf(exponent);
    format!("{mantissa:.1} × 10{}", superscript(&format!("{exponent:.0}")))
}

/// A share: `100 %`, `99.2 %`, `0.012 %`. Never rounds up to 100.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value < 1.0 {
        format!("{} %", significant(value))
    } else if value < 100.0 && value > 99.9 {
        // 99.97 is not 100.
        let digits = (-(100.0 - value).log10()).ceil().clamp(1.0, 6.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=6")]
        let digits = digits as usize;
        let scale = 10f64.powf(f64::from(u8::try_from(digits).unwrap_or(6)));
        format!("{} %", number_with((value * scale).floor() / scale, digits))
    } else {
        format!("{} %", number_with(value, 1))
    }
}

/// Time left, coarse: `3 s`, `2 min`.
pub fn seconds(value: f64) -> String {
    if value < 90.0 { format!("{:.0} s", value.max(1.0)) } else { format!("{:.0} min", value / 60.0) }
}

/// Time taken: `0.83 s`, `12.4 s`.
pub fn took(value: f64) -> String {
    if value < 10.0 { format!("{value:.2} s") } else { format!("{value:.1} s") }
}

/// `1 module`, `2 modules`.
pub fn count(n: u32, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn number_with(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// Two significant digits of a value below 1.
fn significant(value: f64) -> String {
    if value <= 0.0 {
        return "0".into();
    }
    let digits = (1.0 - value.log10().floor()).clamp(1.0, 9.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=9")]
    let digits = digits as usize;
    number_with(value, digits)
}

fn superscript(text: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |c: char| c.to_digit(10).and_then(|d| RAISED.get(d as usize).copied()).unwrap_or('⁻');
    text.chars().map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_unit_and_at_most_three_digits() {
        let cases = [(10.0, "10 bytes"), (3_227_336.0, "3.2 MB"), (171_969_408.0, "172 MB"), (999_600.0, "1.0 MB"), (4.3e9, "4.3 GB")];
        for (value, text) in cases {
            assert_eq!(bytes(value), text);
        }
    }

    #[test]
    fn numbers_lose_no_sign_and_gain_no_zeros() {
        let cases = [(0.7, "0.7"), (-0.3, "-0.3"), (1.0, "1"), (-0.0, "0"), (10.0, "10"), (0.1234, "0.1234")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn errors_and_shares_never_look_better_than_they_are() {
        assert_eq!(error(0.0), "0");
        assert_eq!(error(3.4e-8), "3.4 × 10⁻⁸");
        assert_eq!(error(0.0012), "0.12 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.992), "99.2 %");
        assert_eq!(percent(0.999_96), "99.99 %");
        assert_eq!(percent(0.999_999_9), "99.99999 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn counts_agree_with_their_nouns() {
        assert_eq!(count(1, "module"), "1 module");
        assert_eq!(count(0, "module"), "0 modules");
    }
}
