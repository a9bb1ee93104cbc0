//! MySQL's patterns, which `date_parse` and `date_format` take: `%Y-%m-%dT%H:%i:%s.%fZ`.

use crate::pattern::{Field, Item};

/// Reads a pattern. A letter that means nothing stands for itself.
///
/// # Errors
/// Names a letter that Trino does not support either (`%D`, `%U`, `%u`, `%V`, `%w`, `%X`).
pub(crate) fn items(pattern: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut literal = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            literal.push(c);
            continue;
        }
        match rest.next() {
            None => literal.push('%'),
            Some(c @ ('D' | 'U' | 'u' | 'V' | 'w' | 'X')) => {
                return Err(format!("pattern \"{pattern}\": `%{c}` is not supported"));
            }
            Some(c) => match of(c) {
                None => literal.push(c),
                Some(of) => {
                    if !literal.is_empty() {
                        items.push(Item::Literal(std::mem::take(&mut literal)));
                    }
                    items.extend(of);
                }
            },
        }
    }
    if !literal.is_empty() {
        items.push(Item::Literal(literal));
    }
    Ok(items)
}

fn of(letter: char) -> Option<Vec<Item>> {
    let number = |field, width| Item::Number { field, width, most: width.max(2) };
    let colon = || Item::Literal(":".to_owned());
    Some(match letter {
        'a' => vec![Item::Weekday { is_long: false }],
        'W' => vec![Item::Weekday { is_long: true }],
        'b' => vec![Item::Month { is_long: false }],
        'M' => vec![Item::Month { is_long: true }],
        'c' => vec![number(Field::Month, 1)],
        'm' => vec![number(Field::Month, 2)],
        'd' => vec![number(Field::Day, 2)],
        'e' => vec![number(Field::Day, 1)],
        'f' => vec![Item::Fraction { digits: 6 }],
        'H' => vec![number(Field::Hour, 2)],
        'k' => vec![number(Field::Hour, 1)],
        'h' | 'I' => vec![number(Field::HalfClockHour, 2)],
        'l' => vec![number(Field::HalfClockHour, 1)],
        'i' => vec![number(Field::Minute, 2)],
        's' | 'S' => vec![number(Field::Second, 2)],
        'j' => vec![number(Field::DayOfYear, 3)],
        'p' => vec![Item::HalfOfDay],
        'r' => {
            let space = Item::Literal(" ".to_owned());
            let (hour, minute, second) = (Field::HalfClockHour, Field::Minute, Field::Second);
            vec![number(hour, 2), colon(), number(minute, 2), colon(), number(second, 2), space, Item::HalfOfDay]
        }
        'T' => {
            vec![number(Field::Hour, 2), colon(), number(Field::Minute, 2), colon(), number(Field::Second, 2)]
        }
        'v' => vec![number(Field::Week, 2)],
        'x' => vec![number(Field::WeekYear, 4)],
        'Y' => vec![number(Field::Year, 4)],
        'y' => vec![number(Field::YearOfCentury, 2)],
        '%' => vec![Item::Literal("%".to_owned())],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{format, parse};

    #[test]
    fn reading() {
        for (text, pattern, expected) in [
            ("2026-11-19T19:42:07.163041Z", "%Y-%m-%dT%H:%i:%s.%fZ", "2026-11-19 19:42:07.163041"),
            ("2022/10/20/05", "%Y/%m/%d/%H", "2022-10-20 05:00:00"),
            ("20261119", "%Y%m%d", "2026-11-19 00:00:00"),
            ("2026-11-19 07:42:07 PM", "%Y-%m-%d %r", "2026-11-19 19:42:07"),
            ("9-Nov-26", "%e-%b-%y", "2026-11-09 00:00:00"),
            ("100%", "%j%%", "1970-04-10 00:00:00"),
        ] {
            assert_eq!(parse(text, &items(pattern).unwrap()).unwrap().0.to_string(), expected, "{text} {pattern}");
        }
        assert_eq!(items("%Y %X").unwrap_err(), "pattern \"%Y %X\": `%X` is not supported");
    }

    /// Trino's own examples, and those of published queries.
    #[test]
    fn writing() {
        let time = "2022-10-20T05:10:00".parse().unwrap();
        for (pattern, expected) in [
            ("%m-%d-%Y %H", "10-20-2022 05"),
            ("%Y/%m/%d", "2022/10/20"),
            ("%Y-%m-%d %H:00", "2022-10-20 05:00"),
            ("%Y-%m-%d %H:%i:%s JST", "2022-10-20 05:10:00 JST"),
            (
                "%a %W %b %M %c %e %f %k %l %p %T %v %x %y",
                "Thu Thursday Oct October 10 20 000000 5 5 AM 05:10:00 42 2022 22",
            ),
        ] {
            assert_eq!(format(time, None, &items(pattern).unwrap()), expected, "{pattern}");
        }
    }
}
