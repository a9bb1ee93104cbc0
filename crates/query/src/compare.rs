//! What differs: between two windows of time, or between two requests.
//!
//! Windows are compared by the query `compare` of the catalogue; here is how the windows are found.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};

use crate::catalogue::Catalogue;
use crate::header::Query;
use crate::output::shown;
use crate::session::Session;
use crate::time::Clock;
use crate::{Error, Result};

/// A half-open range of time.
pub type Range = (DateTime<Utc>, DateTime<Utc>);

/// What counts as an error where nobody says: server errors, and clients that gave up.
pub const ERRORS: &str = "5xx,460";

/// Width of the buckets in which [`largest_rise`] looks.
const BUCKET: TimeDelta = TimeDelta::minutes(5);

/// Which window is the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The same length, directly before.
    Before,
    /// 24 hours earlier.
    DayBefore,
    /// 7 times 24 hours earlier.
    WeekBefore,
}

impl Against {
    /// The baseline of a window.
    pub fn baseline(self, (from, to): Range) -> Range {
        let earlier = match self {
            Against::Before => to - from,
            Against::DayBefore => TimeDelta::days(1),
            Against::WeekBefore => TimeDelta::weeks(1),
        };
        (from - earlier, to - earlier)
    }
}

/// The five-minute buckets in a row in which errors rose most above what their traffic explains, as `502_spikes` finds them;
/// `None` if no bucket stands out.
pub async fn largest_rise(session: &Session, status: &str, clock: &Clock) -> Result<Option<Range>> {
    let given = [("status", status), ("bucket", "5m"), ("spikes_only", "true")];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let catalogue = Catalogue::load(None)?;
    let spikes = collect(session.query(catalogue.get("502_spikes")?, &given, clock).await?).await?;
    let of_type = |name, data_type: &DataType| cast(column(&spikes, name)?, data_type).map_err(arrow_error);
    let start = of_type("start", &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
    let (errors, expected) = (of_type("errors", &DataType::Float64)?, of_type("expected", &DataType::Float64)?);
    let start = start.as_primitive::<TimestampMicrosecondType>();
    let (errors, expected) = (errors.as_primitive::<Float64Type>(), expected.as_primitive::<Float64Type>());
    let mut rises: Vec<(Range, f64)> = Vec::new();
    for row in 0..spikes.num_rows() {
        let Some(start) = DateTime::from_timestamp_micros(start.value(row)) else {
            continue;
        };
        let surplus = errors.value(row) - expected.value(row);
        match rises.last_mut() {
            Some(((_, to), sum)) if *to == start => (*to, *sum) = (start + BUCKET, *sum + surplus),
            _ => rises.push(((start, start + BUCKET), surplus)),
        }
    }
    // Of equal ones the latest.
    Ok(rises.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(range, _)| range))
}

/// The parameters `from`, `to`, `baseline_from` and `baseline_to` of the query `compare`.
///
/// # Errors
/// [`Error::Parameter`] if the windows overlap or one of them is empty.
pub fn parameters(window: Range, baseline: Range) -> Result<BTreeMap<String, String>> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    for (name, (from, to)) in [("to", window), ("baseline-to", baseline)] {
        if from >= to {
            return Err(Error::parameter(
                name,
                format!("`{}` is not after the start of its window, which is `{}`", time(to), time(from)),
            ));
        }
    }
    if window.0 < baseline.1 && baseline.0 < window.1 {
        let problem = format!(
            "the baseline {} to {} and the window {} to {} overlap",
            time(baseline.0),
            time(baseline.1),
            time(window.0),
            time(window.1)
        );
        return Err(Error::parameter("baseline-from", problem));
    }
    let names = ["from", "to", "baseline_from", "baseline_to"];
    let times = [window.0, window.1, baseline.0, baseline.1];
    Ok(names.into_iter().map(str::to_owned).zip(times.map(time)).collect())
}

/// How a request is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Its X-Amzn-Trace-Id.
    Trace(String),
    /// Its source file, or the end of that path, and its line, counted from 1.
    Line(String, u64),
}

impl FromStr for Request {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Request, Self::Err> {
        let line = text.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        Ok(match line {
            Some((file, line)) if !file.is_empty() => Request::Line(file.to_owned(), line),
            _ => Request::Trace(text.to_owned()),
        })
    }
}

/// Two requests side by side: a row per column of `alb` with both values as text (NULL where there is none) and the difference:
/// `differs`, `only first`, `only second`, `same` or `neither`, in this order.
///
/// # Errors
/// [`Error::Parameter`] if there is no such request in `within` (the whole lake unless given), or more than one.
pub async fn requests(
    session: &Session,
    first: &Request,
    second: &Request,
    within: &BTreeMap<String, String>,
    clock: &Clock,
) -> Result<SendableRecordBatchStream> {
    let (first, second) = (row(session, first, within, clock).await?, row(session, second, within, clock).await?);
    let mut rows: Vec<Line> = Vec::new();
    for (i, field) in first.schema().fields().iter().enumerate() {
        let (a, b) = (shown(first.column(i), 0), shown(second.column(i), 0));
        let difference = match (&a, &b) {
            (Some(a), Some(b)) if a == b => 3,
            (Some(_), Some(_)) => 0,
            (Some(_), None) => 1,
            (None, Some(_)) => 2,
            (None, None) => 4,
        };
        rows.push(Line { difference, column: field.name().clone(), first: a, second: b });
    }
    rows.sort_by_key(|row| row.difference);
    let column =
        |of: fn(&Line) -> Option<&str>| -> Arc<dyn Array> { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let columns = vec![
        column(|row| Some(&row.column)),
        column(|row| Some(DIFFERENCES[row.difference])),
        column(|row| row.first.as_deref()),
        column(|row| row.second.as_deref()),
    ];
    let fields = ["column", "difference", "first", "second"].map(|name| Field::new(name, DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let batch = RecordBatch::try_new(schema.clone(), columns).map_err(arrow_error)?;
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(batch)]))))
}

/// A column of two requests.
struct Line {
    /// Its place in [`DIFFERENCES`].
    difference: usize,
    column: String,
    first: Option<String>,
    second: Option<String>,
}

const DIFFERENCES: [&str; 5] = ["differs", "only first", "only second", "same", "neither"];

/// The answer with these of its columns only, in this order; those that it lacks are left out.
pub fn only(stream: SendableRecordBatchStream, columns: &[&str]) -> Result<SendableRecordBatchStream> {
    let schema = stream.schema();
    let kept: Vec<usize> = columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
    let schema = Arc::new(schema.project(&kept).map_err(arrow_error)?);
    let batches = stream.map(move |batch| Ok(batch?.project(&kept)?));
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
}

/// The one row of a request.
async fn row(
    session: &Session,
    request: &Request,
    within: &BTreeMap<String, String>,
    clock: &Clock,
) -> Result<RecordBatch> {
    let query = Query::parse("requests", include_str!("compare/requests.sql"))?;
    let mut given = within.clone();
    let name = match request {
        Request::Trace(trace) => {
            given.insert("trace".to_owned(), trace.clone());
            trace.clone()
        }
        Request::Line(file, line) => {
            given.extend([("file".to_owned(), file.clone()), ("line".to_owned(), line.to_string())]);
            format!("{file}:{line}")
        }
    };
    let rows = collect(session.query(&query, &given, clock).await?).await?;
    let problem = match rows.num_rows() {
        1 => return Ok(rows),
        0 => format!("there is no request `{name}` in this time"),
        n => {
            let (files, lines) = (column(&rows, "source_file")?, column(&rows, "line")?);
            let place = |i| format!("{}:{}", shown(files, i).unwrap_or_default(), shown(lines, i).unwrap_or_default());
            let more = if n > 5 { " ..." } else { "" };
            let places: Vec<String> = (0..n.min(5)).map(place).collect();
            format!("`{name}` is more than one request; give the file and line of one: {}{more}", places.join(", "))
        }
    };
    Err(Error::parameter("request", problem))
}

async fn collect(stream: SendableRecordBatchStream) -> Result<RecordBatch> {
    let schema = stream.schema();
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|error| Error::run(&error))?;
    concat_batches(&schema, &batches).map_err(arrow_error)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Arc<dyn Array>> {
    batch.column_by_name(name).ok_or_else(|| Error::Run(format!("the answer has no column `{name}`")))
}

fn arrow_error(error: arrow::error::ArrowError) -> Error {
    Error::run(&error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str) -> Range {
        let time = |text: &str| format!("2026-11-{text}:00Z").parse().unwrap();
        (time(from), time(to))
    }

    #[test]
    fn baselines() {
        let window = range("19T18:00", "19T18:30");
        for (against, baseline) in [
            (Against::Before, range("19T17:30", "19T18:00")),
            (Against::DayBefore, range("18T18:00", "18T18:30")),
            (Against::WeekBefore, range("12T18:00", "12T18:30")),
        ] {
            assert_eq!(against.baseline(window), baseline);
            assert!(parameters(window, baseline).is_ok());
        }
        let error = |window, baseline| parameters(window, baseline).unwrap_err().to_string();
        assert!(error(window, range("19T17:31", "19T18:01")).contains("overlap"));
        // A baseline may lie behind the window.
        assert!(parameters(window, range("19T18:30", "19T19:00")).is_ok());
        assert!(
            error(range("19T18:00", "19T18:00"), window)
                .starts_with("parameter `to`: `2026-11-19T18:00:00Z` is not after")
        );
        assert!(error(window, range("19T18:00", "19T17:00")).starts_with("parameter `baseline-to`"));
    }

    #[test]
    fn a_request_is_a_trace_or_a_line() {
        let read = |text: &str| text.parse::<Request>().unwrap();
        assert_eq!(read("1-673cd6f0-00"), Request::Trace("1-673cd6f0-00".to_owned()));
        assert_eq!(read("s3://b/a.log.gz:12"), Request::Line("s3://b/a.log.gz".to_owned(), 12));
        assert_eq!(read("s3://b/a.log.gz"), Request::Trace("s3://b/a.log.gz".to_owned()));
    }
}
