//! Functions of dates and times.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, IntervalMonthDayNanoArray, StringViewArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use datafusion::common::Result;

use crate::call::{Call, Kept, Param, Reads, Spec, Zone, bigint, date, double, millis, millis_utc, text};
use crate::pattern::{self, Item};
use crate::{joda, mysql};

use Param::{Double, Int, Moment, MomentOrDate, Text};

pub(crate) const ADDED: &[Spec] = &[
    Spec { name: "parse_datetime", forms: &[&[Text, Text]], returns: millis_utc, eval: parse_datetime },
    Spec { name: "format_datetime", forms: &[&[Moment, Text]], returns: text, eval: |call| written(call, joda::items) },
    Spec { name: "date_parse", forms: &[&[Text, Text]], returns: millis, eval: date_parse },
    Spec { name: "from_iso8601_timestamp", forms: &[&[Text]], returns: millis_utc, eval: from_iso8601_timestamp },
    Spec { name: "from_iso8601_timestamp_nanos", forms: &[&[Text]], returns: nanos_utc, eval: from_iso8601_nanos },
    Spec { name: "from_iso8601_date", forms: &[&[Text]], returns: date, eval: from_iso8601_date },
    Spec { name: "to_iso8601", forms: &[&[MomentOrDate]], returns: text, eval: to_iso8601 },
    Spec { name: "date_diff", forms: &[&[Text, MomentOrDate, MomentOrDate]], returns: bigint, eval: date_diff },
    Spec { name: "date_add", forms: &[&[Text, Int, MomentOrDate]], returns: of_third, eval: date_add },
    Spec { name: "parse_duration", forms: &[&[Text]], returns: interval, eval: parse_duration },
    Spec { name: "last_day_of_month", forms: &[&[MomentOrDate]], returns: date, eval: last_day_of_month },
];

pub(crate) const REPLACED: &[Spec] = &[
    Spec { name: "date_format", forms: &[&[Moment, Text]], returns: text, eval: |call| written(call, mysql::items) },
    Spec { name: "from_unixtime", forms: &[&[Double], &[Double, Text]], returns: millis_utc, eval: from_unixtime },
    Spec { name: "to_unixtime", forms: &[&[Moment]], returns: double, eval: to_unixtime },
];

fn nanos_utc(_: &[DataType]) -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some(Arc::from("UTC")))
}

fn interval(_: &[DataType]) -> DataType {
    DataType::Interval(IntervalUnit::MonthDayNano)
}

fn of_third(arguments: &[DataType]) -> DataType {
    arguments.get(2).cloned().unwrap_or(DataType::Null)
}

/// How the function reads a text, and whether what it gives has a zone. `None` for a function that reads no times.
pub(crate) fn reader(function: &str) -> Option<(Reads, bool)> {
    Some(match function {
        "from_iso8601_timestamp" => (|text, _| iso_timestamp(text).map(pattern::millis), true),
        "parse_datetime" => (|text, pattern| by_pattern(text, joda::items(pattern.unwrap_or_default())), true),
        "date_parse" => (|text, pattern| by_pattern(text, mysql::items(pattern.unwrap_or_default())), false),
        _ => return None,
    })
}

fn by_pattern(text: &str, items: Result<Vec<Item>, String>) -> Result<i64, String> {
    pattern::parse(text, &items?).map(pattern::millis)
}

fn parse_datetime(call: &Call) -> Result<ArrayRef> {
    let mut items = Kept::new();
    let times: TimestampMillisecondArray = call.each(|row| {
        let items: &Vec<Item> = items.get(call.text(1, row), joda::items)?;
        pattern::parse(call.text(0, row), items).map(pattern::millis).map(Some)
    })?;
    Ok(Arc::new(times.with_timezone("UTC")))
}

fn date_parse(call: &Call) -> Result<ArrayRef> {
    let mut items = Kept::new();
    let times: TimestampMillisecondArray = call.each(|row| {
        let items: &Vec<Item> = items.get(call.text(1, row), mysql::items)?;
        pattern::parse(call.text(0, row), items).map(pattern::millis).map(Some)
    })?;
    Ok(Arc::new(times))
}

fn written(call: &Call, items: fn(&str) -> Result<Vec<Item>, String>) -> Result<ArrayRef> {
    let mut kept = Kept::new();
    let texts: StringViewArray = call.each(|row| {
        let items: &Vec<Item> = kept.get(call.text(1, row), items)?;
        let (time, ahead) = call.local(0, row)?;
        Ok(Some(pattern::format(time, ahead, items)))
    })?;
    Ok(Arc::new(texts))
}

fn from_iso8601_timestamp(call: &Call) -> Result<ArrayRef> {
    let times: TimestampMillisecondArray =
        call.each(|row| iso_timestamp(call.text(0, row)).map(pattern::millis).map(Some))?;
    Ok(Arc::new(times.with_timezone("UTC")))
}

fn from_iso8601_nanos(call: &Call) -> Result<ArrayRef> {
    let times: TimestampNanosecondArray = call.each(|row| {
        let text = call.text(0, row);
        let (time, zone) = iso_timestamp(text)?;
        let micros = zone.unwrap_or(Zone::Fixed(0)).micros(time);
        let nanos = micros.checked_mul(1000).ok_or_else(|| format!("\"{text}\" is too far away for nanoseconds"))?;
        Ok(Some(nanos + i64::from(time.nanosecond() % 1000)))
    })?;
    Ok(Arc::new(times.with_timezone("UTC")))
}

fn from_iso8601_date(call: &Call) -> Result<ArrayRef> {
    let dates: Date32Array = call.each(|row| {
        let text = call.text(0, row);
        iso_date(text).map(days).map(Some).ok_or_else(|| format!("\"{text}\" is no ISO 8601 date"))
    })?;
    Ok(Arc::new(dates))
}

/// A date, perhaps with a time behind `T`, perhaps with a distance from UTC.
fn iso_timestamp(text: &str) -> Result<(NaiveDateTime, Option<Zone>), String> {
    let read = || {
        let (date, rest) = text.split_once('T').unwrap_or((text, ""));
        let date = iso_date(date)?;
        let end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
        let (time, zone) = rest.split_at(end);
        let zone: Option<Zone> = if zone.is_empty() { None } else { Some(zone.parse().ok()?) };
        let (clock, fraction) = time.split_once(['.', ',']).unwrap_or((time, "0"));
        let mut parts = clock.split(':').filter(|_| !clock.is_empty()).map(number);
        let mut part = || parts.next().unwrap_or(Some(0));
        let (hour, minute, second) = (part()?, part()?, part()?);
        if parts.next().is_some() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        Some((date.and_hms_nano_opt(hour, minute, second, nanos.parse().ok()?)?, zone))
    };
    read().ok_or_else(|| format!("\"{text}\" is no ISO 8601 timestamp"))
}

/// `2026-11-19`, `2026-11`, `2026`, `2026-323`, `2026-W47-4`, `2026-W47`.
fn iso_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4).and_then(number)? as i32;
    let (second, third) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let third_or_first = || third.map_or(Some(1), number);
    match second {
        None => NaiveDate::from_ymd_opt(year, 1, 1),
        Some(week) if week.starts_with('W') => {
            let weekday = chrono::Weekday::try_from(u8::try_from(third_or_first()?.checked_sub(1)?).ok()?).ok()?;
            NaiveDate::from_isoywd_opt(year, number(&week[1..])?, weekday)
        }
        Some(day) if day.len() == 3 && third.is_none() => NaiveDate::from_yo_opt(year, number(day)?),
        Some(month) => NaiveDate::from_ymd_opt(year, number(month)?, third_or_first()?),
    }
}

fn number(digits: &str) -> Option<u32> {
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

fn to_iso8601(call: &Call) -> Result<ArrayRef> {
    let texts: StringViewArray = call.each(|row| {
        let (time, ahead) = call.local(0, row)?;
        if call.is_date(0) {
            return Ok(Some(time.format("%Y-%m-%d").to_string()));
        }
        let is_exact = time.nanosecond() % 1_000_000 != 0;
        let zone = match ahead {
            None => String::new(),
            Some(0) => "Z".to_owned(),
            Some(ahead) => pattern::offset(ahead, true),
        };
        let time = time.format(if is_exact { "%Y-%m-%dT%H:%M:%S%.6f" } else { "%Y-%m-%dT%H:%M:%S%.3f" });
        Ok(Some(format!("{time}{zone}")))
    })?;
    Ok(Arc::new(texts))
}

fn from_unixtime(call: &Call) -> Result<ArrayRef> {
    let times: TimestampMillisecondArray = call.each(|row| {
        if call.len() == 2 {
            call.text(1, row).parse::<Zone>()?;
        }
        let millis = (call.double(0, row) * 1e3).round();
        // A Gregorian year of four digits, which is what can be shown.
        match millis.is_finite() && millis.abs() < 253_402_300_800_000.0 {
            true => Ok(Some(millis as i64)),
            false => Err(format!("{} is no time", call.double(0, row))),
        }
    })?;
    Ok(Arc::new(times.with_timezone("UTC")))
}

fn to_unixtime(call: &Call) -> Result<ArrayRef> {
    let seconds: Float64Array = call.each(|row| Ok(Some(call.micros(0, row) as f64 / 1e6)))?;
    Ok(Arc::new(seconds))
}

fn last_day_of_month(call: &Call) -> Result<ArrayRef> {
    let dates: Date32Array = call.each(|row| {
        let date = call.local(0, row)?.0.date();
        let next_month = date.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
        Ok(next_month.and_then(|first| first.pred_opt()).map(days))
    })?;
    Ok(Arc::new(dates))
}

fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// `1.5h`: a number and its unit.
fn parse_duration(call: &Call) -> Result<ArrayRef> {
    let lengths: IntervalMonthDayNanoArray = call.each(|row| {
        let text = call.text(0, row).trim();
        let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let unit = match &text[end..] {
            "ns" => 1e-9,
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(format!("\"{text}\" is no duration such as 1.5h")),
        };
        let number: f64 = text[..end].trim().parse().map_err(|_| format!("\"{text}\" is no duration such as 1.5h"))?;
        // Trino's are whole milliseconds.
        let millis = (number * unit * 1e3).round();
        match millis.abs() < 9e12 {
            true => Ok(Some(IntervalMonthDayNano::new(0, 0, millis as i64 * 1_000_000))),
            false => Err(format!("\"{text}\" is too long")),
        }
    })?;
    Ok(Arc::new(lengths))
}

/// What `date_diff` and `date_add` count in.
#[derive(Clone, Copy)]
enum Unit {
    Micros(i64),
    Days(i64),
    Months(i64),
}

fn unit(name: &str) -> Result<Unit, String> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "millisecond" => Unit::Micros(1_000),
        "second" => Unit::Micros(1_000_000),
        "minute" => Unit::Micros(60_000_000),
        "hour" => Unit::Micros(3_600_000_000),
        "day" => Unit::Days(1),
        "week" => Unit::Days(7),
        "month" => Unit::Months(1),
        "quarter" => Unit::Months(3),
        "year" => Unit::Months(12),
        _ => return Err(format!("\"{name}\" is no unit of time")),
    })
}

/// Whole units from the first moment to the second; what is left over is cut off.
fn date_diff(call: &Call) -> Result<ArrayRef> {
    let mut kept = Kept::new();
    let counts: Int64Array = call.each(|row| {
        let (from, to) = (call.local(1, row)?.0, call.local(2, row)?.0);
        Ok(Some(match *kept.get(call.text(0, row), unit)? {
            Unit::Micros(size) => {
                let micros = |arg, local: NaiveDateTime| match call.is_date(arg) {
                    true => local.and_utc().timestamp_micros(),
                    false => call.micros(arg, row),
                };
                (micros(2, to) - micros(1, from)) / size
            }
            Unit::Days(size) => (to - from).num_days() / size,
            Unit::Months(size) => months(from, to) / size,
        }))
    })?;
    Ok(Arc::new(counts))
}

fn months(from: NaiveDateTime, to: NaiveDateTime) -> i64 {
    let index = |time: NaiveDateTime| i64::from(time.year()) * 12 + i64::from(time.month0());
    let months = index(to) - index(from);
    match add_months(from, months) {
        Some(time) if months > 0 && time > to => months - 1,
        Some(time) if months < 0 && time < to => months + 1,
        _ => months,
    }
}

/// The same day of another month, or its last one.
fn add_months(time: NaiveDateTime, months: i64) -> Option<NaiveDateTime> {
    let size = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { time.checked_sub_months(size) } else { time.checked_add_months(size) }
}

fn date_add(call: &Call) -> Result<ArrayRef> {
    let zone = call.zone(2).unwrap_or_default();
    let mut kept = Kept::new();
    let mut added = |row: usize| {
        let name = call.text(0, row);
        let unit = *kept.get(name, unit)?;
        let number = call.int(1, row);
        let local = call.local(2, row)?.0;
        let local = match unit {
            Unit::Micros(_) if call.is_date(2) => return Err(format!("a date has no \"{name}\"")),
            Unit::Micros(size) => {
                let micros = number.checked_mul(size).and_then(|added| call.micros(2, row).checked_add(added));
                return micros.ok_or_else(|| format!("{number} of \"{name}\" lead out of what can be counted"));
            }
            Unit::Days(size) => number.checked_mul(size).and_then(|days| match days {
                0.. => local.checked_add_days(Days::new(days.unsigned_abs())),
                _ => local.checked_sub_days(Days::new(days.unsigned_abs())),
            }),
            Unit::Months(size) => number.checked_mul(size).and_then(|months| add_months(local, months)),
        };
        let local = local.ok_or_else(|| format!("{number} of \"{name}\" lead out of what can be counted"))?;
        Ok(zone.unwrap_or(Zone::Fixed(0)).micros(local))
    };
    if call.is_date(2) {
        let day = TimeDelta::days(1).num_microseconds().unwrap_or(1);
        let dates: Date32Array = call.each(|row| added(row).map(|micros| Some((micros / day) as i32)))?;
        return Ok(Arc::new(dates));
    }
    let times: TimestampMicrosecondArray = call.each(|row| added(row).map(Some))?;
    Ok(Arc::new(times.with_timezone_opt(call.zone_name(2))))
}
