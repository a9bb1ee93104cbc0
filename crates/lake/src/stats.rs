//! Bounds of the columns of one file, and their form in the Delta log.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value as Json, json};

/// Delta's limit for strings in statistics, in characters.
const MAX_CHARS: usize = 32;

/// A bound, typed as its column is.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Value {
    /// A column of Int32 or Int64.
    Int(i64),
    /// Never NaN or infinite.
    Float(f64),
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 in UTC.
    Timestamp(i64),
}

/// What is known of one column of one file. The bounds hold all values that are not NULL; they need not occur.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnStat {
    pub min: Option<Value>,
    pub max: Option<Value>,
    pub null_count: Option<u64>,
}

/// What is known of the columns of one file: some columns may be missing, and then nothing is known of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnStats(Vec<(Arc<str>, ColumnStat)>); // sorted by name

impl ColumnStats {
    pub fn get(&self, column: &str) -> Option<&ColumnStat> {
        self.find(column).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn insert(&mut self, column: &str, stat: ColumnStat) {
        match self.find(column) {
            Ok(at) => self.0[at].1 = stat,
            Err(at) => self.0.insert(at, (column.into(), stat)),
        }
    }

    fn find(&self, column: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| (**name).cmp(column))
    }

    /// Delta's statistics of a file with this many rows.
    ///
    /// Timestamps become milliseconds and long strings are cut, each rounded away from the values.
    pub(crate) fn to_delta(&self, rows: u64) -> String {
        let mut mins = Map::new();
        let mut maxes = Map::new();
        let mut nulls = Map::new();
        for (column, stat) in &self.0 {
            let bound = |value: &Option<Value>, end| value.as_ref().and_then(|v| to_json(v, end));
            if let Some(min) = bound(&stat.min, End::Min) {
                mins.insert(column.to_string(), min);
            }
            if let Some(max) = bound(&stat.max, End::Max) {
                maxes.insert(column.to_string(), max);
            }
            if let Some(count) = stat.null_count {
                nulls.insert(column.to_string(), count.into());
            }
        }
        json!({"numRecords": rows, "minValues": mins, "maxValues": maxes, "nullCount": nulls}).to_string()
    }

    /// Rows and bounds from Delta's statistics, written by us or by any other engine. What is not understood is
    /// not known.
    pub(crate) fn from_delta(stats: &str, columns: &Columns) -> (Option<u64>, ColumnStats) {
        let DeltaStats { num_records, mut min_values, mut max_values, mut null_count } =
            serde_json::from_str(stats).unwrap_or_default();
        let stat = |(name, data_type): &(Arc<str>, DataType)| {
            let stat = ColumnStat {
                min: min_values.take(name).and_then(|min| from_json(min, data_type, End::Min)),
                max: max_values.take(name).and_then(|max| from_json(max, data_type, End::Max)),
                null_count: null_count.take(name).and_then(|count| count.as_u64()),
            };
            (stat != ColumnStat::default()).then(|| (name.clone(), stat))
        };
        (num_records.as_u64(), ColumnStats(columns.0.iter().filter_map(stat).collect()))
    }
}

/// Names and types of a table's columns, sorted by name: read once for the statistics of all its files, which can be many.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<(Arc<str>, DataType)>);

impl Columns {
    pub(crate) fn of(schema: &Schema) -> Columns {
        let column = |field: &Arc<Field>| (field.name().as_str().into(), field.data_type().clone());
        let mut columns: Vec<(Arc<str>, DataType)> = schema.fields().iter().map(column).collect();
        columns.sort_by(|(a, _), (b, _)| a.cmp(b));
        Columns(columns)
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeltaStats<'a> {
    num_records: Json,
    #[serde(borrow)]
    min_values: Group<'a>,
    max_values: Group<'a>,
    null_count: Group<'a>,
}

/// One value for each column, those with the last names first.
#[derive(Default)]
struct Group<'a>(Vec<(Name<'a>, Json)>);

#[derive(PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Group<'_> {
    /// The value of a column, which must come after those asked for before.
    fn take(&mut self, column: &str) -> Option<Json> {
        while self.0.pop_if(|(name, _)| *name.0 < *column).is_some() {}
        self.0.pop_if(|(name, _)| *name.0 == *column).map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Group<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Group<'a>, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Group<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("values by column")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Group::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                pairs.sort_by(|(a, _): &(Name, Json), (b, _)| b.cmp(a));
                Ok(Group(pairs))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Min,
    Max,
}

fn to_json(value: &Value, end: End) -> Option<Json> {
    Some(match value {
        Value::Int(n) => Json::from(*n),
        Value::Float(x) => Json::Number(serde_json::Number::from_f64(*x)?),
        Value::Text(text) if end == End::Min => text.chars().take(MAX_CHARS).collect::<String>().into(),
        Value::Text(text) => not_below(text)?.into(),
        Value::Date(days) => date(*days)?.to_string().into(),
        Value::Timestamp(micros) => {
            let millis = match end {
                End::Min => micros.div_euclid(1000),
                End::Max => -(-micros).div_euclid(1000),
            };
            let time = DateTime::<Utc>::from_timestamp_millis(millis)?;
            if !(0..=9999).contains(&time.year()) {
                return None; // not ISO any more
            }
            time.to_rfc3339_opts(SecondsFormat::Millis, true).into()
        }
    })
}

fn from_json(json: Json, data_type: &DataType, end: End) -> Option<Value> {
    Some(match data_type {
        DataType::Int32 | DataType::Int64 => Value::Int(json.as_i64()?),
        // Read from a decimal it may be one off in the last bit; as a bound it must not be.
        DataType::Float64 if end == End::Min => Value::Float(json.as_f64()?.next_down()),
        DataType::Float64 => Value::Float(json.as_f64()?.next_up()),
        DataType::Utf8 => match json {
            Json::String(text) => Value::Text(text),
            _ => return None,
        },
        DataType::Date32 => {
            let date: NaiveDate = json.as_str()?.parse().ok()?;
            Value::Date(date.num_days_from_ce() - DAYS_TO_1970)
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let micros = DateTime::parse_from_rfc3339(json.as_str()?).ok()?.timestamp_micros();
            // Other engines cut a maximum down to its millisecond.
            Value::Timestamp(if end == End::Max { micros + 999 } else { micros })
        }
        _ => return None,
    })
}

/// The shortest text we can give that is not below `text`: itself, or its beginning with the last character raised.
fn not_below(text: &str) -> Option<String> {
    let Some((cut, _)) = text.char_indices().nth(MAX_CHARS) else {
        return Some(text.to_owned());
    };
    let mut head: Vec<char> = text[..cut].chars().collect();
    while let Some(last) = head.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'), // the surrogates between are no characters
            _ => char::from_u32(last as u32 + 1),
        };
        if let Some(next) = next {
            head.push(next);
            return Some(head.into_iter().collect());
        }
    }
    None
}

const DAYS_TO_1970: i32 = 719_163;

fn date(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(DAYS_TO_1970)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Through Delta's form and back.
    fn round_trip(data_type: DataType, min: Value, max: Value) -> ColumnStat {
        let mut stats = ColumnStats::default();
        stats.insert("c", ColumnStat { min: Some(min), max: Some(max), null_count: Some(3) });
        let schema = Schema::new(vec![Field::new("c", data_type, true)]);
        let (rows, back) = ColumnStats::from_delta(&stats.to_delta(7), &Columns::of(&schema));
        assert_eq!(rows, Some(7));
        back.get("c").unwrap().clone()
    }

    #[test]
    fn numbers_and_dates_come_back_as_they_were() {
        for (data_type, min, max) in [
            (DataType::Int64, Value::Int(i64::MIN), Value::Int(i64::MAX)),
            (DataType::Int32, Value::Int(-1), Value::Int(599)),
            (DataType::Date32, Value::Date(-1), Value::Date(20_777)),
        ] {
            let stat = round_trip(data_type, min.clone(), max.clone());
            assert_eq!(stat, ColumnStat { min: Some(min), max: Some(max), null_count: Some(3) });
        }
    }

    #[test]
    fn timestamps_are_rounded_away_from_the_values() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (min, max) in [(1_789_000_000_123_456, 1_789_000_000_123_456), (-1, -1), (0, 0), (1_001, 1_001)] {
            let stat = round_trip(utc.clone(), Value::Timestamp(min), Value::Timestamp(max));
            let Some(Value::Timestamp(low)) = stat.min else { panic!() };
            let Some(Value::Timestamp(high)) = stat.max else { panic!() };
            assert!(low <= min && min - low < 1000, "{low} {min}");
            assert!(high >= max && high - max < 2000, "{high} {max}");
        }
        let mut stats = ColumnStats::default();
        let time = Some(Value::Timestamp(1_763_632_800_123_001));
        stats.insert("t", ColumnStat { min: time.clone(), max: time, null_count: None });
        assert_eq!(
            stats.to_delta(1),
            concat!(
                r#"{"maxValues":{"t":"2025-11-20T10:00:00.124Z"},"minValues":{"t":"2025-11-20T10:00:00.123Z"},"#,
                r#""nullCount":{},"numRecords":1}"#
            )
        );
    }

    #[test]
    fn long_texts_are_cut_to_bounds() {
        let long = |last: char| format!("{}{last}{}", "/api".repeat(7), "tail that is not kept");
        for text in [
            "short".to_owned(),
            "é".repeat(32),
            "é".repeat(33),
            long('\u{7f}'),
            format!("{}\u{D7FF}rest", "x".repeat(31)),
            format!("{}\u{10FFFF}\u{10FFFF}rest", "x".repeat(30)),
        ] {
            let stat = round_trip(DataType::Utf8, Value::Text(text.clone()), Value::Text(text.clone()));
            let Some(Value::Text(min)) = stat.min else { panic!() };
            let Some(Value::Text(max)) = stat.max else { panic!() };
            assert!(min.as_str() <= text.as_str() && text.as_str() <= max.as_str(), "{min} {text} {max}");
            assert!(min.chars().count() <= 32 && max.chars().count() <= 32);
        }
        let top = "\u{10FFFF}".repeat(40);
        let stat = round_trip(DataType::Utf8, Value::Text("a".into()), Value::Text(top));
        assert_eq!(stat.max, None);
    }

    #[test]
    fn bounds_of_doubles_hold_to_the_last_bit() {
        for i in 0..20_000 {
            let value = f64::from(i) * 0.37 / 7.0 - 300.0;
            let stat = round_trip(DataType::Float64, Value::Float(value), Value::Float(value));
            let (Some(Value::Float(min)), Some(Value::Float(max))) = (stat.min, stat.max) else { panic!("{value}") };
            assert!(min <= value && value <= max && max - min < 1e-12, "{min} {value} {max}");
        }
    }

    #[test]
    fn what_json_or_iso_cannot_say_is_left_out() {
        let stat = round_trip(DataType::Float64, Value::Float(f64::NAN), Value::Float(f64::INFINITY));
        assert_eq!((stat.min, stat.max), (None, None));
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let stat = round_trip(utc, Value::Timestamp(i64::MIN), Value::Timestamp(i64::MAX));
        assert_eq!((stat.min, stat.max), (None, None));
    }

    #[test]
    fn foreign_or_broken_statistics_are_just_not_known() {
        let columns = Columns::of(&Schema::new(vec![Field::new("c", DataType::Int64, true)]));
        for stats in ["", "{", "[]", "null", r#"{"numRecords":"many"}"#, r#"{"minValues":{"c":"x"}}"#] {
            assert_eq!(ColumnStats::from_delta(stats, &columns), (None, ColumnStats::default()), "{stats}");
        }
    }

    #[test]
    fn other_engines_name_columns_in_their_own_order_and_some_that_we_do_not_have() {
        let field = |name: &str| Field::new(name, DataType::Int64, true);
        let columns = Columns::of(&Schema::new(vec![field("b"), field("a"), field("c")]));
        let (rows, stats) = ColumnStats::from_delta(
            r#"{"numRecords":2,"minValues":{"z":1,"c":3,"nested":{"a":9},"\u0061":1,"b":2,"aa":0},"maxValues":null,"tightBounds":true}"#,
            &columns,
        );
        let mins = ["a", "b", "c", "z", "aa"].map(|column| stats.get(column).and_then(|stat| stat.min.clone()));
        assert_eq!(rows, Some(2));
        assert_eq!(mins, [Some(Value::Int(1)), Some(Value::Int(2)), Some(Value::Int(3)), None, None]);
    }
}
