//! Typed parameters of a query: how a header declares them, and how a given text becomes a value.

use std::fmt;

use chrono::{DateTime, SecondsFormat};

use crate::time::{Clock, DURATION_FORMS, TIME_FORMS, parse_duration, parse_time};

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A point in time, see [`parse_time`](crate::parse_time).
    Timestamp,
    /// A length of time above zero, see [`parse_duration`](crate::parse_duration).
    Duration,
    Integer,
    Float,
    Text,
    /// `true` or `false`.
    Boolean,
    /// Status codes: `502`, a class `5xx`, a range `500-504`, or a comma list of these. Used as `column IN ($name)`.
    Status,
    /// Texts, separated by commas. Used as `column IN ($name)`.
    List,
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::Timestamp, "timestamp"),
    (Kind::Duration, "duration"),
    (Kind::Integer, "integer"),
    (Kind::Float, "float"),
    (Kind::Text, "text"),
    (Kind::Boolean, "boolean"),
    (Kind::Status, "status"),
    (Kind::List, "list"),
];

impl Kind {
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    pub(crate) fn from_name(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(_, n)| *n == name).map(|(kind, _)| *kind)
    }

    /// What a text of this kind looks like, for messages.
    fn forms(self) -> &'static str {
        match self {
            Kind::Timestamp => TIME_FORMS,
            Kind::Duration => DURATION_FORMS,
            Kind::Integer => "a whole number",
            Kind::Float => "a number",
            Kind::Text => "any text",
            Kind::Boolean => "true or false",
            Kind::Status => "502, 5xx, 500-504 or a comma list of these",
            Kind::List => "texts separated by commas",
        }
    }

    /// Says why the text is no value of this kind, if it is none.
    pub fn test(self, text: &str) -> Result<(), String> {
        self.parse(text, &Clock { now: DateTime::UNIX_EPOCH, zone: chrono_tz::Tz::UTC }).map(drop)
    }

    /// The value of `text`, or why it is none.
    pub(crate) fn parse(self, text: &str, clock: &Clock) -> Result<Value, String> {
        let text = text.trim();
        let value = match self {
            Kind::Timestamp => parse_time(text, clock).map(|t| Value::Timestamp(t.timestamp_micros())),
            Kind::Duration => parse_duration(text)
                .and_then(|d| d.num_microseconds())
                .filter(|&micros| micros > 0)
                .map(Value::Duration),
            Kind::Integer => text.parse().ok().map(Value::Integer),
            Kind::Float => text.parse().ok().filter(|x: &f64| x.is_finite()).map(Value::Float),
            Kind::Text => Some(Value::Text(text.to_owned())),
            Kind::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(Value::Boolean(true)),
                "false" | "no" | "off" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Kind::Status => statuses(text).map(Value::Status),
            Kind::List => {
                let items: Vec<String> =
                    text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
                (!items.is_empty()).then_some(Value::List(items))
            }
        };
        value.ok_or_else(|| format!("`{}` is not {}: give {}", text.escape_debug(), self.article(), self.forms()))
    }

    fn article(self) -> String {
        match self {
            Kind::Integer => "an integer".to_owned(),
            Kind::Status => "a set of status codes".to_owned(),
            kind => format!("a {}", kind.name()),
        }
    }
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Value {
    /// Microseconds since 1970-01-01 in UTC.
    Timestamp(i64),
    /// Microseconds.
    Duration(i64),
    Integer(i64),
    Float(f64),
    Text(String),
    Boolean(bool),
    /// First and last code of each range.
    Status(Vec<(i64, i64)>),
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Timestamp(micros) => match DateTime::from_timestamp_micros(*micros) {
                Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
                None => write!(f, "{micros} µs"),
            },
            Value::Duration(micros) => write_duration(f, micros / 1000),
            Value::Integer(n) => write!(f, "{n}"),
            Value::Float(x) => write!(f, "{x}"),
            Value::Text(text) => f.write_str(text),
            Value::Boolean(b) => write!(f, "{b}"),
            Value::Status(ranges) => {
                for (i, (first, last)) in ranges.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    match last - first {
                        0 => write!(f, "{comma}{first}")?,
                        99 if first % 100 == 0 => write!(f, "{comma}{}xx", first / 100)?,
                        _ => write!(f, "{comma}{first}-{last}")?,
                    }
                }
                Ok(())
            }
            Value::List(items) => f.write_str(&items.join(",")),
        }
    }
}

fn write_duration(f: &mut fmt::Formatter<'_>, millis: i64) -> fmt::Result {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let mut rest = millis;
    for (size, unit) in units {
        if rest >= size {
            write!(f, "{}{unit}", rest / size)?;
            rest %= size;
        }
    }
    Ok(())
}

/// A declared parameter of a query.
#[derive(Debug, Clone)]
pub struct Param {
    pub name: String,
    pub kind: Kind,
    /// Without a value it is NULL (or, for a status or a list, no restriction).
    pub optional: bool,
    /// What it means, for people.
    pub help: String,
    /// The value it has when none is given, as one would write it.
    pub default: Option<String>,
    pub(crate) min: Option<Value>,
    pub(crate) max: Option<Value>,
    /// The only texts it takes; any if there are none.
    pub(crate) choices: Vec<String>,
}

impl Param {
    /// The values it takes, for people: `1..1000`, or `5m, 1h30m ...`.
    pub fn allowed(&self) -> String {
        let end = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        match (&self.min, &self.max) {
            (None, None) if !self.choices.is_empty() => self.choices.join(", "),
            (None, None) => self.kind.forms().to_owned(),
            (min, max) => format!("{}..{}", end(min), end(max)),
        }
    }

    /// The value of a given text, or why it has none.
    pub(crate) fn parse(&self, text: &str, clock: &Clock) -> Result<Value, String> {
        let value = self.kind.parse(text, clock)?;
        if let Value::Text(text) = &value
            && !self.choices.is_empty()
            && !self.choices.contains(text)
        {
            return Err(format!("`{}` is not one of {}", text.escape_debug(), self.allowed()));
        }
        let below = self.min.as_ref().is_some_and(|min| value < *min);
        let above = self.max.as_ref().is_some_and(|max| value > *max);
        if below || above {
            return Err(format!("`{value}` is out of range: give {}", self.allowed()));
        }
        Ok(value)
    }
}

fn statuses(text: &str) -> Option<Vec<(i64, i64)>> {
    let code = |s: &str| -> Option<i64> {
        let digits = s.len() == 3 && s.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| s.parse().ok())?
    };
    let range = |item: &str| -> Option<(i64, i64)> {
        let item = item.trim().to_ascii_lowercase();
        if let Some(class) = item.strip_suffix("xx") {
            let class: i64 = class.parse().ok()?;
            return (1..=9).contains(&class).then_some((class * 100, class * 100 + 99));
        }
        let (first, last) = item.split_once('-').unwrap_or((&item, &item));
        let (first, last) = (code(first)?, code(last)?);
        (first <= last).then_some((first, last))
    };
    text.split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn clock() -> Clock {
        Clock { now: "2026-11-20T08:30:00Z".parse().unwrap(), zone: Tz::UTC }
    }

    #[test]
    fn every_kind_reads_its_forms_and_shows_them_again() {
        for (kind, text, shown) in [
            (Kind::Timestamp, "yesterday", "2026-11-19T00:00:00Z"),
            (Kind::Duration, "90m", "1h30m"),
            (Kind::Duration, "1500ms", "1s500ms"),
            (Kind::Integer, " -3 ", "-3"),
            (Kind::Float, "0.5", "0.5"),
            (Kind::Text, "'; DROP TABLE alb; --", "'; DROP TABLE alb; --"),
            (Kind::Boolean, "Yes", "true"),
            (Kind::Status, "5xx", "5xx"),
            (Kind::Status, "502, 504,4XX,200-203", "502,504,4xx,200-203"),
            (Kind::List, "a, b,,c d", "a,b,c d"),
        ] {
            assert_eq!(kind.parse(text, &clock()).unwrap().to_string(), shown, "{kind:?} {text}");
        }
    }

    #[test]
    fn what_is_of_another_kind_is_refused_with_the_forms() {
        for (kind, text) in [
            (Kind::Timestamp, "soon"),
            (Kind::Duration, "5"),
            (Kind::Duration, "0s"),
            (Kind::Integer, "1.5"),
            (Kind::Integer, "99999999999999999999"),
            (Kind::Float, "NaN"),
            (Kind::Float, "1e999"),
            (Kind::Boolean, "maybe"),
            (Kind::Status, "50x"),
            (Kind::Status, "502,"),
            (Kind::Status, "504-502"),
            (Kind::Status, "0xx"),
            (Kind::Status, "5020"),
            (Kind::List, " , "),
        ] {
            assert!(kind.parse(text, &clock()).is_err(), "{kind:?} {text}");
        }
        assert_eq!(
            Kind::Duration.parse("5", &clock()).unwrap_err(),
            "`5` is not a duration: give 30s, 5m, 1h30m, 1d or 500ms"
        );
        assert_eq!(
            Kind::Status.parse("\u{1b}[2J", &clock()).unwrap_err(),
            "`\\u{1b}[2J` is not a set of status codes: give 502, 5xx, 500-504 or a comma list of these"
        );
    }

    #[test]
    fn bounds_are_part_of_the_message() {
        let param = Param {
            name: "bucket".to_owned(),
            kind: Kind::Duration,
            optional: false,
            help: String::new(),
            default: None,
            min: Some(Value::Duration(1_000_000)),
            max: Some(Value::Duration(86_400_000_000)),
            choices: Vec::new(),
        };
        assert_eq!(param.parse("1d", &clock()), Ok(Value::Duration(86_400_000_000)));
        assert_eq!(param.parse("999ms", &clock()).unwrap_err(), "`999ms` is out of range: give 1s..1d");
        assert_eq!(param.parse("25h", &clock()).unwrap_err(), "`1d1h` is out of range: give 1s..1d");
    }
}
