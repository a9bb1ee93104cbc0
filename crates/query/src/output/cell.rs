//! One value of an answer, whatever the array it comes from.

use std::borrow::Cow;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Timelike, Utc};

pub(super) enum Cell<'a> {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    /// Digits of a decimal.
    Decimal(String),
    /// UTC; what has no zone is taken as UTC.
    Time(DateTime<Utc>),
    Date(NaiveDate),
    Text(Cow<'a, str>),
}

/// Whether a column of this type is aligned to the right.
pub(super) fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_number(value),
        data_type => data_type.is_numeric(),
    }
}

/// Lists, structs, intervals and other rare types are texts in Arrow's notation.
pub(super) fn cell(array: &dyn Array, row: usize) -> Cell<'_> {
    macro_rules! integer {
        ($type:ty) => {
            Cell::Integer(array.as_primitive::<$type>().value(row).into())
        };
    }
    macro_rules! time {
        ($type:ty, $from:expr) => {
            match $from(array.as_primitive::<$type>().value(row)) {
                Some(time) => Cell::Time(time),
                None => other(array, row),
            }
        };
    }
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Boolean(array.as_boolean().value(row)),
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::UInt64 => integer!(UInt64Type),
        DataType::Float32 => Cell::Float(shortest(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row).into()),
        DataType::Timestamp(TimeUnit::Second, _) => time!(TimestampSecondType, |t| DateTime::from_timestamp(t, 0)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            time!(TimestampMillisecondType, DateTime::from_timestamp_millis)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            time!(TimestampMicrosecondType, DateTime::from_timestamp_micros)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            time!(TimestampNanosecondType, |t| Some(DateTime::from_timestamp_nanos(t)))
        }
        DataType::Date32 => date(array.as_primitive::<Date32Type>().value(row).into(), array, row),
        DataType::Date64 => date(array.as_primitive::<Date64Type>().value(row).div_euclid(86_400_000), array, row),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            cell(dictionary.values(), dictionary.normalized_keys()[row])
        }
        data_type if data_type.is_decimal() => Cell::Decimal(displayed(array, row)),
        _ => other(array, row),
    }
}

/// A value in full, as CSV has it; `None` for NULL.
pub(crate) fn shown(array: &dyn Array, row: usize) -> Option<String> {
    Some(match cell(array, row) {
        Cell::Null => return None,
        Cell::Boolean(b) => b.to_string(),
        Cell::Integer(n) => n.to_string(),
        Cell::Float(x) => round_trip(x),
        Cell::Decimal(digits) => digits,
        Cell::Time(time) => rfc3339(time),
        Cell::Date(date) => date.to_string(),
        Cell::Text(text) => text.into_owned(),
    })
}

fn other(array: &dyn Array, row: usize) -> Cell<'_> {
    Cell::Text(displayed(array, row).into())
}

fn displayed(array: &dyn Array, row: usize) -> String {
    match ArrayFormatter::try_new(array, &FormatOptions::default()) {
        Ok(formatter) => formatter.value(row).to_string(),
        Err(error) => error.to_string(),
    }
}

fn date(days: i64, array: &dyn Array, row: usize) -> Cell<'_> {
    let date = TimeDelta::try_days(days).and_then(|days| NaiveDate::default().checked_add_signed(days));
    date.map_or_else(|| other(array, row), Cell::Date)
}

/// The number that a 32-bit float is written as, not the one nearest in 64 bits.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// RFC 3339 with `Z`; fractions of a second only where there are any.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    let fraction = match time.nanosecond() {
        0 => SecondsFormat::Secs,
        n if n % 1000 == 0 => SecondsFormat::Micros,
        _ => SecondsFormat::Nanos,
    };
    time.to_rfc3339_opts(fraction, true)
}

/// As few digits as bring the same number back: `0.1`, `5.0`, `1e-7`, `NaN`.
pub(super) fn round_trip(value: f64) -> String {
    format!("{value:?}")
}
