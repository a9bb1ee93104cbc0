//! CPU and other metrics: CloudWatch's answers, its metric streams, and a plain CSV, as one table.
//!
//! | form | what it looks like |
//! |---|---|
//! | `cloudwatch_metric_data` | `aws cloudwatch get-metric-data`: `{"MetricDataResults": [...]}`, one or more pages |
//! | `cloudwatch_statistics` | `aws cloudwatch get-metric-statistics`: `{"Label": ..., "Datapoints": [...]}`, one or more |
//! | `cloudwatch_stream` | a CloudWatch metric stream in JSON, one object per data point, with or without newlines |
//! | `container_insights` | ECS performance events, one object per minute and service, task or container; also in the envelopes of CloudWatch Logs |
//! | `metrics_csv` | `time,resource,average,maximum`, a header, columns in any order |
//!
//! The forms are told apart by content ([`recognise`]), never by file name. CloudWatch's answers are documented at
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html> and
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html>.
//!
//! A row is one resource at one time: `Average` and `Maximum` arrive as separate results and leave as one row.
//! Decoding holds the whole input and about 150 bytes per data point in memory; the caller caps the input.
//! Not supported: the OpenTelemetry form of metric streams, and Container Insights of EKS.

mod csv;
mod data;
mod insights;
mod json;
mod names;
mod rows;
mod statistics;
mod stream;
mod time;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::reject::Reject;
use json::{Node, Value};
use rows::Collected;

/// The table `metrics`. All columns are nullable.
///
/// * `time`: start of the period. `period_s`: the most common distance between neighbours of the series, in seconds;
///   NULL for a single point.
/// * `namespace`, `unit`: only where the form carries them (streams; units also in `get-metric-statistics`).
/// * `metric`: `CPUUtilization`, ...; NULL where neither the data nor the file's name tells.
/// * `resource`: what tells series of one metric apart (instance, service, label); NULL for a stream's metric without dimensions. Of
///   Container Insights `cluster/service`, with `/task` and `/container` behind it where the row is of one.
/// * `average` ... `samples`: NULL where the statistic was not asked for. `average` is sum / samples where only these are given.
pub fn schema() -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::Float64, true);
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("time", time, true),
        Field::new("period_s", DataType::Int32, true),
        text("namespace"),
        text("metric"),
        text("resource"),
        number("average"),
        number("maximum"),
        number("minimum"),
        number("sum"),
        number("samples"),
        text("unit"),
        text("source_file"),
    ]))
}

/// What the columns hold, in order: name and description.
pub fn docs() -> &'static [(&'static str, &'static str)] {
    &[
        ("time", "Start of the period."),
        ("period_s", "Seconds between neighbours of the series; NULL for a single point."),
        ("namespace", "Where the form carries it."),
        ("metric", "`CPUUtilization`, ...; NULL where neither the data nor the file's name tells."),
        ("resource", "What tells series of one metric apart: instance, service, label."),
        ("average", "NULL where the statistic was not asked for, as in all of these."),
        ("maximum", ""),
        ("minimum", ""),
        ("sum", ""),
        ("samples", "Number of samples in the period."),
        ("unit", "Where the form carries it."),
        ("source_file", "Where the value stands."),
    ]
}

/// Whether a file that starts with `head` is one of the forms above. Some hundred bytes are enough; more do no harm.
pub fn recognise(head: &[u8]) -> bool {
    let (head, start) = as_utf8(head);
    let head = head[start..].trim_ascii_start();
    if insights::recognise(head) && (head.starts_with(b"{") || head.starts_with(b"[") || has_times(head)) {
        return true;
    }
    match head.first() {
        Some(b'{') => json_keys(head, &["MetricDataResults"]) || json_keys(head, &["Datapoints"]) || is_stream(head),
        Some(b'[') => {
            json_keys(head, &["MetricDataResults"])
                || json_keys(head, &["Datapoints"])
                || is_stream(head)
                || json_keys(head, &["Id", "Timestamps"])
                || (json_keys(head, &["Timestamp"])
                    && data::STATISTIC_KEYS.iter().any(|(key, _)| json_keys(head, &[key])))
        }
        Some(_) => csv::Header::parse(csv::first_line(head)).is_some(),
        None => false,
    }
}

/// What a file holds.
#[derive(Debug)]
pub struct Decoded {
    /// Which of the forms it was, by the names of the table above.
    pub format: &'static str,
    /// Rows sorted by (resource, time); a batch has at most 65,536 of them. No batch if there are no rows.
    pub batches: Vec<RecordBatch>,
    /// Data points read. Each became part of one row or one reject: CSV lines, stream objects, `Datapoints`, single `Values`.
    pub records: u64,
    /// What carries no data point: the header of a CSV (also a repeated one) and empty lines; performance events without CPU.
    pub skipped: u64,
    /// Data points, or whole results, that cannot be used, in the order of the file. Line and byte say where one begins (in a
    /// UTF-16 file: as if it were UTF-8); `raw` is the value, object or line itself. Reasons: `bad_time`, `not_a_number`,
    /// `no_statistic`, `unknown_statistic`, `unequal_lengths`, `forbidden`, `failed_result`, `unknown_object`, `broken_json`,
    /// and of CSV lines `missing_field`, `unclosed_quote`, `invalid_utf8`.
    pub rejects: Vec<Reject>,
    /// What the reader should know though nothing was refused: partial answers, statistics that could not be told, ...
    pub warnings: Vec<String>,
}

/// Why a file gave nothing at all, and where.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, byte {byte}: {kind}")]
pub struct MetricsError {
    line: u64,
    byte: u64,
    kind: MetricsErrorKind,
}

impl MetricsError {
    /// 1-based.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Offset from the start of the file.
    pub fn byte(&self) -> u64 {
        self.byte
    }

    pub fn kind(&self) -> &MetricsErrorKind {
        &self.kind
    }
}

/// The ways in which a whole file fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsErrorKind {
    #[error("no metrics: neither an answer of CloudWatch nor a CSV with a time and an average or maximum column")]
    NotMetrics,
    #[error("broken JSON: {0}")]
    BrokenJson(&'static str),
    #[error("the rows do not fit the table: {0}")]
    Table(String),
}

/// Decodes a whole file, already decompressed.
///
/// `source_file` fills the column of that name. `stem` is the file's name without its endings: it names the resource where
/// the data does not (`get-metric-statistics` never says which instance it is about), and a `cpu` in it names the metric
/// where nothing else does.
///
/// # Errors
///
/// [`MetricsErrorKind::NotMetrics`] if nothing in it is a metric, [`MetricsErrorKind::BrokenJson`] where a CloudWatch answer
/// breaks off. A broken object within a metric stream is a reject: the next one starts on a line of its own.
pub fn decode(bytes: &[u8], source_file: &str, stem: &str) -> Result<Decoded, MetricsError> {
    let (text, start) = as_utf8(bytes);
    let text: &[u8] = &text;
    let at = start + leading_spaces(&text[start..]);
    let mut found = Collected::default();
    let format = match text.get(at) {
        Some(b'{' | b'[') => decode_json(text, at, stem, &mut found)?,
        Some(_) if has_times(&text[at..]) => Some(decode_export(text, at, &mut found)),
        Some(_) => csv::decode(text, start, stem, &mut found).then_some("metrics_csv"),
        None => None,
    };
    let Some(format) = format else {
        return Err(error(text, at, MetricsErrorKind::NotMetrics));
    };
    let batches = rows::batches(&mut found, source_file)
        .map_err(|e| error(text, text.len(), MetricsErrorKind::Table(e.to_string())))?;
    Ok(Decoded {
        format,
        batches,
        records: found.records,
        skipped: found.skipped,
        rejects: with_places(found.rejects, text),
        warnings: found.warnings,
    })
}

/// Walks the JSON values of a file; they may follow each other with or without newlines or commas between them.
fn decode_json(
    text: &[u8],
    start: usize,
    stem: &str,
    found: &mut Collected,
) -> Result<Option<&'static str>, MetricsError> {
    let (mut answers, mut events) = (data::Answers::default(), insights::Events::default());
    let is_insights = insights::recognise(&text[..text.len().min(4096)]);
    let mut format = None;
    let mut at = start;
    loop {
        at += text[at..].iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
        if at == text.len() {
            break;
        }
        match json::parse(text, at) {
            Ok(value) => {
                at = value.end;
                walk(text, value, stem, (&mut answers, &mut events), found, &mut format);
            }
            Err(broken) if is_insights || format == Some(stream::FORMAT) => {
                let next = next_object(text, at);
                found.reject(text, at..next, "broken_json", format!("byte {}: {}", broken.at, broken.what));
                at = next;
            }
            Err(broken) => return Err(error(text, broken.at, MetricsErrorKind::BrokenJson(broken.what))),
        }
    }
    answers.resolve(text, stem, found);
    events.resolve(found);
    Ok(format)
}

/// Whether the first line is an object with a time before it, as CloudWatch Logs exports events.
fn has_times(text: &[u8]) -> bool {
    insights::behind_time(csv::first_line(text)).is_some()
}

/// Performance events with times before them, a line each.
fn decode_export(text: &[u8], start: usize, found: &mut Collected) -> &'static str {
    let mut events = insights::Events::default();
    let mut at = start;
    for line in text[start..].split_inclusive(|b| *b == b'\n') {
        let span = at..at + line.trim_ascii_end().len();
        at += line.len();
        if span.is_empty() {
            found.skipped += 1;
            continue;
        }
        let object = insights::behind_time(line).and_then(|begin| json::parse(line, begin).ok());
        match object.filter(insights::is_event) {
            Some(object) => events.event(text, &object, span, found),
            None => found.reject(text, span, "unknown_object", "no performance event behind a time".to_owned()),
        }
    }
    events.resolve(found);
    insights::FORMAT
}

/// One JSON value at the top level, or an element of an array there.
fn walk(
    text: &[u8],
    value: Value<'_>,
    stem: &str,
    (answers, events): (&mut data::Answers, &mut insights::Events),
    found: &mut Collected,
    format: &mut Option<&'static str>,
) {
    let form = match &value.node {
        Node::Array(_) => {
            let Node::Array(items) = value.node else { return };
            // The bare lists of `--query MetricDataResults` and `--query Datapoints` are one document each.
            match items.first() {
                Some(first) if first.get("Timestamps").is_some() => {
                    answers.results(text, &items, found);
                    format.get_or_insert(data::FORMAT);
                }
                Some(first) if first.get("Timestamp").is_some() && !insights::is_event(first) => {
                    statistics::datapoints(text, &items, None, stem, found);
                    format.get_or_insert(statistics::FORMAT);
                }
                _ => items.into_iter().for_each(|item| walk(text, item, stem, (answers, events), found, format)),
            }
            return;
        }
        Node::Object(_) if value.get("MetricDataResults").is_some() => {
            answers.page(text, &value, found);
            data::FORMAT
        }
        Node::Object(_) if value.get("Datapoints").is_some() => {
            statistics::answer(text, &value, stem, found);
            statistics::FORMAT
        }
        Node::Object(_) if value.get("metric_name").is_some() => {
            stream::point(text, &value, found);
            stream::FORMAT
        }
        Node::Object(_) if insights::is_event(&value) => {
            events.event(text, &value, value.start..value.end, found);
            insights::FORMAT
        }
        Node::Object(_) if events.envelope(text, &value, found) => insights::FORMAT,
        _ => {
            let detail =
                "neither an answer of CloudWatch nor an object of a metric stream, nor a performance event".to_owned();
            return found.reject(text, value.start..value.end, "unknown_object", detail);
        }
    };
    format.get_or_insert(form);
}

/// Where the next object starts that stands at the beginning of a line, after a broken one.
fn next_object(text: &[u8], at: usize) -> usize {
    memchr::memmem::find(&text[at..], b"\n{").map_or(text.len(), |found| at + found + 1)
}

fn is_stream(head: &[u8]) -> bool {
    json_keys(head, &["metric_stream_name"]) || json_keys(head, &["metric_name", "namespace"])
}

/// Whether each of `keys` stands in `head` as a JSON key.
fn json_keys(head: &[u8], keys: &[&str]) -> bool {
    keys.iter().all(|key| {
        let quoted = format!("\"{key}\"");
        memchr::memmem::find_iter(head, &quoted).any(|at| {
            let rest = head[at + quoted.len()..].trim_ascii_start();
            rest.first().is_none_or(|b| *b == b':')
        })
    })
}

/// The text as UTF-8, and where it starts behind a byte order mark. UTF-16, which PowerShell's `>` writes, is converted.
fn as_utf8(bytes: &[u8]) -> (Cow<'_, [u8]>, usize) {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xEF, 0xBB, 0xBF, ..] => return (Cow::Borrowed(bytes), 3),
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return (Cow::Borrowed(bytes), 0),
    };
    let units = bytes[2..].as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    (Cow::Owned(text.into_bytes()), 0)
}

fn leading_spaces(text: &[u8]) -> usize {
    text.len() - text.trim_ascii_start().len()
}

fn error(text: &[u8], at: usize, kind: MetricsErrorKind) -> MetricsError {
    let line = 1 + memchr::memchr_iter(b'\n', &text[..at]).count() as u64;
    MetricsError { line, byte: at as u64, kind }
}

/// Puts rejects in file order and fills in their lines, in one pass over the text.
fn with_places(mut rejects: Vec<Reject>, text: &[u8]) -> Vec<Reject> {
    rejects.sort_by_key(|reject| reject.byte);
    let (mut line, mut seen) = (1, 0);
    for reject in &mut rejects {
        let at = reject.byte as usize;
        line += memchr::memchr_iter(b'\n', &text[seen..at]).count() as u64;
        seen = at;
        reject.line = line;
    }
    rejects
}
