//! Joda-Time's patterns, which `parse_datetime` and `format_datetime` take: `yyyy-MM-dd'T'HH:mm:ss.SSSZ`.

use crate::pattern::{Field, Item};

/// Reads a pattern.
///
/// # Errors
/// Names a letter that means nothing, or something that is not supported: eras, centuries.
pub(crate) fn items(pattern: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let length = rest.find(|other| other != c).unwrap_or(rest.len());
        if c == '\'' {
            let (literal, after) = quoted(&rest[1..]);
            push_literal(&mut items, &literal);
            rest = after;
            continue;
        }
        match c.is_ascii_alphabetic() {
            true => {
                items.push(item(c, length).ok_or_else(|| format!("pattern \"{pattern}\": `{c}` is not supported"))?)
            }
            false => push_literal(&mut items, &rest[..length]),
        }
        rest = &rest[length..];
    }
    Ok(items)
}

/// The text up to the closing quote, or the end if there is none, and what follows. Two quotes are one of the text.
fn quoted(text: &str) -> (String, &str) {
    if let Some(rest) = text.strip_prefix('\'') {
        return ("'".to_owned(), rest);
    }
    let mut literal = String::new();
    let mut rest = text;
    loop {
        let Some((part, after)) = rest.split_once('\'') else {
            return (literal + rest, "");
        };
        literal += part;
        match after.strip_prefix('\'') {
            Some(after) => {
                literal.push('\'');
                rest = after;
            }
            None => return (literal, after),
        }
    }
}

fn push_literal(items: &mut Vec<Item>, text: &str) {
    match items.last_mut() {
        Some(Item::Literal(literal)) => literal.push_str(text),
        _ => items.push(Item::Literal(text.to_owned())),
    }
}

fn item(letter: char, width: usize) -> Option<Item> {
    let number = |field, most| Item::Number { field, width, most: width.max(most) };
    Some(match letter {
        'y' | 'Y' if width == 2 => number(Field::YearOfCentury, 2),
        'y' | 'Y' => number(Field::Year, 9),
        'x' => number(Field::WeekYear, 9),
        'w' => number(Field::Week, 2),
        'e' => number(Field::Weekday, 1),
        'E' => Item::Weekday { is_long: width >= 4 },
        'D' => number(Field::DayOfYear, 3),
        'M' if width >= 3 => Item::Month { is_long: width >= 4 },
        'M' => number(Field::Month, 2),
        'd' => number(Field::Day, 2),
        'a' => Item::HalfOfDay,
        'K' => number(Field::HalfHour, 2),
        'h' => number(Field::HalfClockHour, 2),
        'H' => number(Field::Hour, 2),
        'k' => number(Field::ClockHour, 2),
        'm' => number(Field::Minute, 2),
        's' => number(Field::Second, 2),
        'S' => Item::Fraction { digits: width },
        'z' => Item::ZoneName,
        'Z' if width <= 2 => Item::Offset { colon: width == 2 },
        'Z' => Item::ZoneName,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{format, parse};

    fn read(text: &str, pattern: &str) -> Result<String, String> {
        let (time, zone) = parse(text, &items(pattern)?)?;
        Ok(format!("{time} {zone:?}"))
    }

    #[test]
    fn patterns_of_published_queries() {
        for (text, pattern, expected) in [
            ("2026-11-19T19:42:07.163041Z", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z", "2026-11-19 19:42:07.163041 None"),
            ("2026-11-19T19:42:07.163041Z", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'", "2026-11-19 19:42:07.163041 None"),
            (
                "2026-11-19T19:42:07.163041Z",
                "yyyy-MM-dd'T'HH:mm:ss.SSSSSSZ",
                "2026-11-19 19:42:07.163041 Some(Fixed(0))",
            ),
            // Fewer letters than digits, as AWS's page had it in 2018.
            ("2026-11-19T19:42:07.163041Z", "yyyy-MM-dd'T'HH:mm:ss.SSSS'Z", "2026-11-19 19:42:07.163041 None"),
            ("2018-05-30-12:00:00", "yyyy-MM-dd-HH:mm:ss", "2018-05-30 12:00:00 None"),
            ("19/Nov/2026:19:42:07 +0100", "dd/MMM/yyyy:HH:mm:ss Z", "2026-11-19 19:42:07 Some(Fixed(3600))"),
            ("20261119T194207", "yyyyMMdd'T'HHmmss", "2026-11-19 19:42:07 None"),
            ("12:05 AM", "hh:mm a", "1970-01-01 00:05:00 None"),
            ("1/2/26 9:03 pm", "M/d/yy h:mm a", "2026-01-02 21:03:00 None"),
            ("it's 2026", "'it''s' yyyy", "2026-01-01 00:00:00 None"),
            ("Thursday, November 19 2026", "EEEE, MMMM d yyyy", "2026-11-19 00:00:00 None"),
            ("2026-323", "yyyy-DDD", "2026-11-19 00:00:00 None"),
            ("2026-W47-4", "xxxx-'W'ww-e", "2026-11-19 00:00:00 None"),
        ] {
            assert_eq!(read(text, pattern).as_deref(), Ok(expected), "{text} {pattern}");
        }
    }

    #[test]
    fn what_departs_is_named() {
        for (text, pattern, problem) in [
            ("2026-11-19", "yyyy-MM-dd HH", "\"2026-11-19\" is too short"),
            ("2026-11-19x", "yyyy-MM-dd", "\"2026-11-19x\" is malformed at \"x\""),
            ("2026-13-19", "yyyy-MM-dd", "\"2026-13-19\" is malformed at \"13-19\""),
            ("2026-02-30", "yyyy-MM-dd", "there is no time \"2026-02-30\""),
            ("-", "yyyy", "\"-\" is malformed at \"-\""),
            ("é", "'ab'", "\"é\" is malformed at \"é\""),
            ("2026", "yyyyG", "pattern \"yyyyG\": `G` is not supported"),
        ] {
            assert_eq!(read(text, pattern), Err(problem.to_owned()), "{text} {pattern}");
        }
    }

    #[test]
    fn writing() {
        let time = "2026-01-02T00:04:05.678901".parse().unwrap();
        for (pattern, expected) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2026-01-02T00:04:05.678"),
            ("yy MMM MMMM E EEEE", "26 Jan January Fri Friday"),
            ("h K H k a", "12 0 0 24 AM"),
            ("Z ZZ z", "+0100 +01:00 +01:00"),
            ("xxxx-'W'ww-e D", "2026-W01-5 2"),
        ] {
            assert_eq!(format(time, Some(3600), &items(pattern).unwrap()), expected, "{pattern}");
        }
    }
}
