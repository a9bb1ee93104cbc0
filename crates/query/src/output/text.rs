//! Texts made safe to look at.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character acts on the reader's screen rather than being seen on it: control characters and escape
/// sequences, changes of writing direction, line separators and invisible characters.
pub(super) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with such characters written out: `\n`, `\x1b`, `\u{202e}`.
///
/// A backslash stays as it is, so this is to be looked at, not to be read back.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if acts(c) => {
                let code = u32::from(c);
                // Writing to a String cannot fail.
                let _ = if code < 0x100 { write!(shown, "\\x{code:02x}") } else { write!(shown, "\\u{{{code:x}}}") };
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A float in at most four digits, or all before the point: for people.
pub(super) fn short_float(value: f64, decimals: usize) -> String {
    if !value.is_finite() || (value != 0.0 && value.abs() < 1e-4 && decimals >= MAX_DECIMALS) {
        return format!("{value:.2e}").replace("NaN", "nan");
    }
    format!("{value:.decimals$}")
}

const MAX_DECIMALS: usize = 6;

/// How many decimals show four digits of a value of this size.
pub(super) fn decimals_for(size: f64) -> usize {
    if size == 0.0 || !size.is_finite() {
        return 0;
    }
    // The size of a float's exponent is far from overflowing.
    (3 - size.abs().log10().floor() as i64).clamp(0, MAX_DECIMALS as i64) as usize
}

/// Decimals of a number as written, without zeros at their end.
pub(super) fn significant_decimals(number: &str) -> usize {
    let fraction = number.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.trim_end_matches('0').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out() {
        for (text, shown) in [
            ("plain, Grüße 漢字 🦅 \\", "plain, Grüße 漢字 🦅 \\"),
            ("\u{1b}[31mred\u{7}", "\\x1b[31mred\\x07"),
            ("\u{9b}2J\u{7f}", "\\x9b2J\\x7f"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("a\u{2028}b\u{200b}\u{feff}\u{e0041}", "a\\u{2028}b\\u{200b}\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn floats_have_sensible_digits() {
        let short = |x| short_float(x, decimals_for(x));
        for (value, shown) in [
            (0.0, "0"),
            (5.8734, "5.873"),
            (0.092_233, "0.09223"),
            (47.31, "47.31"),
            (-100.04, "-100.0"),
            (123_456.7, "123457"),
            (0.000_012_34, "1.23e-5"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(short(value), shown);
        }
    }
}
