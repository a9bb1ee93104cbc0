//! Times as text, by a pattern: what Joda's and MySQL's patterns have in common.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Weekday};

use crate::call::Zone;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    Literal(String),
    /// A number of at least `width` digits when it is written, and of at most `most` when it is read.
    Number {
        field: Field,
        width: usize,
        most: usize,
    },
    /// Digits behind the decimal point. Read are all that there are, if no other number follows at once.
    Fraction {
        digits: usize,
    },
    Month {
        is_long: bool,
    },
    Weekday {
        is_long: bool,
    },
    HalfOfDay,
    /// `+0100`, or `+01:00` with a colon; `Z` is read as well.
    Offset {
        colon: bool,
    },
    ZoneName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Year,
    /// 70 to 99 are years of the last century, 00 to 69 of this one.
    YearOfCentury,
    Month,
    Day,
    DayOfYear,
    WeekYear,
    Week,
    /// 1 is Monday.
    Weekday,
    /// 0 to 23.
    Hour,
    /// 1 to 24.
    ClockHour,
    /// 0 to 11.
    HalfHour,
    /// 1 to 12.
    HalfClockHour,
    Minute,
    Second,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// What a text said; the rest is that of 1970-01-01 00:00.
#[derive(Default)]
struct Parsed {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    week_year: Option<i32>,
    week: Option<u32>,
    weekday: Option<u32>,
    hour: Option<u32>,
    half_hour: Option<u32>,
    is_afternoon: Option<bool>,
    minute: Option<u32>,
    second: Option<u32>,
    nanos: u32,
    zone: Option<Zone>,
}

/// Reads a time; with it comes the zone that the text names.
///
/// # Errors
/// Names the text and the place in it where it departs from the pattern, or the value that no time can have.
pub(crate) fn parse(text: &str, items: &[Item]) -> Result<(NaiveDateTime, Option<Zone>), String> {
    let mut parsed = Parsed::default();
    let mut rest = text;
    for (i, item) in items.iter().enumerate() {
        let is_followed_by_number = matches!(items.get(i + 1), Some(Item::Number { .. } | Item::Fraction { .. }));
        rest = read(rest, item, is_followed_by_number, &mut parsed).ok_or_else(|| {
            let place = if rest.is_empty() { "is too short".to_owned() } else { format!("is malformed at \"{rest}\"") };
            format!("\"{text}\" {place}")
        })?;
    }
    if !rest.is_empty() {
        return Err(format!("\"{text}\" is malformed at \"{rest}\""));
    }
    let time = parsed.time().ok_or_else(|| format!("there is no time \"{text}\""))?;
    Ok((time, parsed.zone))
}

/// Takes what the item says from the beginning of the text and returns what is left of it.
fn read<'a>(text: &'a str, item: &Item, is_followed_by_number: bool, parsed: &mut Parsed) -> Option<&'a str> {
    match item {
        Item::Literal(literal) => {
            let head = text.get(..literal.len())?;
            head.eq_ignore_ascii_case(literal).then(|| &text[literal.len()..])
        }
        Item::Number { field, width, most } => {
            let most = if is_followed_by_number { (*width).max(1) } else { *most };
            let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let number: u32 = text[..digits].parse().ok()?;
            parsed.set(*field, number)?;
            Some(&text[digits..])
        }
        Item::Fraction { digits } => {
            let most = if is_followed_by_number { *digits } else { usize::MAX };
            let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let nine: String = text[..digits].chars().chain("000000000".chars()).take(9).collect();
            parsed.nanos = if digits == 0 { return None } else { nine.parse().ok()? };
            Some(&text[digits..])
        }
        Item::Month { .. } => {
            let (number, rest) = name(text, &MONTHS)?;
            parsed.month = Some(number);
            Some(rest)
        }
        Item::Weekday { .. } => {
            let (number, rest) = name(text, &WEEKDAYS)?;
            parsed.weekday = Some(number);
            Some(rest)
        }
        Item::HalfOfDay => {
            let head = text.get(..2)?;
            parsed.is_afternoon = Some(match () {
                () if head.eq_ignore_ascii_case("am") => false,
                () if head.eq_ignore_ascii_case("pm") => true,
                () => return None,
            });
            Some(&text[2..])
        }
        Item::Offset { .. } => {
            let length = if text.starts_with(['Z', 'z']) {
                1
            } else {
                let sign = text.starts_with(['+', '-']).then_some(1)?;
                sign + text[1..].bytes().take(5).take_while(|b| b.is_ascii_digit() || *b == b':').count()
            };
            parsed.zone = Some(text[..length].to_ascii_uppercase().parse().ok()?);
            Some(&text[length..])
        }
        Item::ZoneName => {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+' | ':');
            let length = text.find(|c| !is_part(c)).unwrap_or(text.len());
            parsed.zone = Some(text[..length].parse().ok()?);
            Some(&text[length..])
        }
    }
}

/// Number, from 1, of the name that the text begins with, long or as its first three letters.
fn name<'a>(text: &'a str, names: &[&str]) -> Option<(u32, &'a str)> {
    let begins_with = |name: &str| text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    let found = |length: fn(&str) -> usize| {
        let index = names.iter().position(|name| begins_with(&name[..length(name)]))?;
        Some((index as u32 + 1, &text[length(names[index])..]))
    };
    found(str::len).or_else(|| found(|_| 3))
}

impl Parsed {
    fn set(&mut self, field: Field, number: u32) -> Option<()> {
        let within = |low: u32, high: u32| (low..=high).contains(&number).then_some(number);
        match field {
            Field::Year => self.year = Some(i32::try_from(number).ok()?),
            Field::YearOfCentury if number < 100 => {
                self.year = Some(number as i32 + if number < 70 { 2000 } else { 1900 });
            }
            Field::YearOfCentury => self.year = Some(i32::try_from(number).ok()?),
            Field::Month => self.month = Some(within(1, 12)?),
            Field::Day => self.day = Some(within(1, 31)?),
            Field::DayOfYear => self.day_of_year = Some(within(1, 366)?),
            Field::WeekYear => self.week_year = Some(i32::try_from(number).ok()?),
            Field::Week => self.week = Some(within(1, 53)?),
            Field::Weekday => self.weekday = Some(within(1, 7)?),
            Field::Hour => self.hour = Some(within(0, 23)?),
            Field::ClockHour => self.hour = Some(within(1, 24)? % 24),
            Field::HalfHour => self.half_hour = Some(within(0, 11)?),
            Field::HalfClockHour => self.half_hour = Some(within(1, 12)? % 12),
            Field::Minute => self.minute = Some(within(0, 59)?),
            Field::Second => self.second = Some(within(0, 59)?),
        }
        Some(())
    }

    fn time(&self) -> Option<NaiveDateTime> {
        let year = self.year.unwrap_or(1970);
        let date = match (self.day_of_year, self.week) {
            (Some(day), _) => NaiveDate::from_yo_opt(year, day)?,
            (_, Some(week)) => {
                let weekday = Weekday::try_from(self.weekday.unwrap_or(1) as u8 - 1).ok()?;
                NaiveDate::from_isoywd_opt(self.week_year.unwrap_or(year), week, weekday)?
            }
            _ => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let afternoon = if self.is_afternoon == Some(true) { 12 } else { 0 };
        let hour = self.hour.unwrap_or(self.half_hour.unwrap_or(0) + afternoon);
        date.and_hms_nano_opt(hour, self.minute.unwrap_or(0), self.second.unwrap_or(0), self.nanos)
    }
}

/// Writes a time. `ahead` is how far its zone is ahead of UTC, in seconds; a time without a zone is in UTC.
pub(crate) fn format(time: NaiveDateTime, ahead: Option<i32>, items: &[Item]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for item in items {
        // Writing to a string cannot fail.
        let _ = match item {
            Item::Literal(literal) => text.write_str(literal),
            Item::Number { field, width, .. } => write!(text, "{:0width$}", number(time, *field)),
            Item::Fraction { digits } => {
                let nine = format!("{:09}", time.nanosecond());
                text.extend(nine.chars().chain(std::iter::repeat('0')).take(*digits));
                Ok(())
            }
            Item::Month { is_long } => text.write_str(shortened(MONTHS[time.month0() as usize], *is_long)),
            Item::Weekday { is_long } => {
                let name = WEEKDAYS[time.weekday().num_days_from_monday() as usize];
                text.write_str(shortened(name, *is_long))
            }
            Item::HalfOfDay => text.write_str(if time.hour() < 12 { "AM" } else { "PM" }),
            Item::Offset { colon } => text.write_str(&offset(ahead.unwrap_or(0), *colon)),
            Item::ZoneName => text.write_str(&match ahead.unwrap_or(0) {
                0 => "UTC".to_owned(),
                ahead => offset(ahead, true),
            }),
        };
    }
    text
}

/// `+01:00`
pub(crate) fn offset(ahead: i32, colon: bool) -> String {
    let minutes = ahead.abs() / 60;
    let (sign, colon) = (if ahead < 0 { '-' } else { '+' }, if colon { ":" } else { "" });
    format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
}

fn shortened(name: &str, is_long: bool) -> &str {
    if is_long { name } else { &name[..3] }
}

fn number(time: NaiveDateTime, field: Field) -> i64 {
    i64::from(match field {
        Field::Year => return i64::from(time.year()),
        Field::YearOfCentury => return i64::from(time.year().rem_euclid(100)),
        Field::WeekYear => return i64::from(time.iso_week().year()),
        Field::Month => time.month(),
        Field::Day => time.day(),
        Field::DayOfYear => time.ordinal(),
        Field::Week => time.iso_week().week(),
        Field::Weekday => time.weekday().number_from_monday(),
        Field::Hour => time.hour(),
        Field::ClockHour => {
            if time.hour() == 0 {
                24
            } else {
                time.hour()
            }
        }
        Field::HalfHour => time.hour() % 12,
        Field::HalfClockHour => time.hour12().1,
        Field::Minute => time.minute(),
        Field::Second => time.second(),
    })
}

/// The moment that a clock showing `time` means: in the zone that came with it, else in UTC. Microseconds are cut off.
pub(crate) fn millis((time, zone): (NaiveDateTime, Option<Zone>)) -> i64 {
    let time = time - TimeDelta::nanoseconds(i64::from(time.nanosecond() % 1_000_000));
    zone.unwrap_or(Zone::Fixed(0)).micros(time).div_euclid(1000)
}
