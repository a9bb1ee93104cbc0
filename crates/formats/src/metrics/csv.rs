//! A plain CSV of metrics: a header, then one resource at one time per line.
//!
//! `time` and one of `average` and `maximum` are required; `resource`, `minimum`, `sum`, `samples`, `metric`, `namespace` and
//! `unit` are taken if there; other columns are ignored. Columns come in any order, case does not matter, `avg`, `max`,
//! `cpu_max`, `timestamp`, `instance` and the like are understood. Commas only; `"` quotes, `""` is a quote; no line breaks
//! inside quotes. An empty number is NULL.

use std::borrow::Cow;

use super::names::{self, Statistic};
use super::rows::{Collected, Series, Statistics};
use super::time;

/// Where the columns are.
#[derive(Debug)]
pub(super) struct Header {
    time: usize,
    statistics: Vec<(usize, Statistic)>,
    resource: Option<usize>,
    metric: Option<usize>,
    namespace: Option<usize>,
    unit: Option<usize>,
    /// A column `cpu_max` says what is measured.
    is_cpu: bool,
}

impl Header {
    /// `None` if the line is not the header of such a file.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let fields = fields(std::str::from_utf8(line).ok()?)?;
        let names: Vec<String> = fields.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        let column = |known: &[&str]| known.iter().find_map(|known| names.iter().position(|name| name == known));
        let mut statistics: Vec<(usize, Statistic)> = Vec::new();
        let mut is_cpu = false;
        for (at, name) in names.iter().enumerate() {
            let parts = names::of_label(name, true);
            let known = parts.rest.is_empty() && parts.metric.as_deref().is_none_or(|metric| metric == names::CPU);
            let kept = parts.statistic.filter(|s| *s != Statistic::Unkept && known);
            if let Some(statistic) = kept
                && statistics.iter().all(|(_, other)| *other != statistic)
            {
                statistics.push((at, statistic));
                is_cpu |= parts.metric.is_some();
            }
        }
        statistics.iter().any(|(_, s)| matches!(s, Statistic::Average | Statistic::Maximum)).then_some(())?;
        Some(Self {
            time: column(&["time", "timestamp", "datetime", "date"])?,
            statistics,
            resource: column(&["resource", "instance", "instance_id", "instanceid", "service", "host", "label"]),
            metric: column(&["metric", "metric_name"]),
            namespace: column(&["namespace"]),
            unit: column(&["unit"]),
            is_cpu,
        })
    }
}

/// The first line that is not empty, without its line end.
pub(super) fn first_line(text: &[u8]) -> &[u8] {
    text.split(|b| *b == b'\n').map(|line| line.trim_ascii()).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Reads the lines from `start` on; `false` if the first one is no header.
pub(super) fn decode(text: &[u8], start: usize, stem: &str, found: &mut Collected) -> bool {
    let head = first_line(&text[start..]);
    let Some(header) = Header::parse(head) else { return false };
    let metric = if header.is_cpu { Some(names::CPU.to_owned()) } else { names::metric_of_stem(stem) };
    let mut at = start;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |found| at + found);
        let line = &text[at..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() || line.trim_ascii() == head {
            found.skipped += 1;
        } else {
            match read(line, &header) {
                Ok((time, statistics, mut series)) => {
                    series.resource = series.resource.or_else(|| Some(stem.to_owned()));
                    series.metric = series.metric.or_else(|| metric.clone());
                    let series = found.series(series);
                    found.records += 1;
                    found.point(series, 0, time, statistics);
                }
                Err((reason, detail)) => found.reject(text, at..at + line.len(), reason, detail),
            }
        }
        at = end + 1;
    }
    true
}

fn read(line: &[u8], header: &Header) -> Result<(i64, Statistics, Series), (&'static str, String)> {
    let line = std::str::from_utf8(line).map_err(|e| ("invalid_utf8", e.to_string()))?;
    let fields = fields(line).ok_or_else(|| ("unclosed_quote", "a quote is not closed on its line".to_owned()))?;
    let field = |at: usize| {
        let missing = || ("missing_field", format!("{} fields, column {} is needed", fields.len(), at + 1));
        fields.get(at).map(|field| field.trim()).ok_or_else(missing)
    };
    let written = field(header.time)?;
    let time = time::from_text(written).ok_or_else(|| ("bad_time", format!("`{written}` is not a time")))?;
    let mut statistics = Statistics::default();
    for (at, statistic) in &header.statistics {
        let written = field(*at)?;
        if written.is_empty() {
            continue;
        }
        match written.parse::<f64>() {
            Ok(number) if number.is_finite() => statistics.set(*statistic, number),
            _ => return Err(("not_a_number", format!("`{written}` is not a number"))),
        }
    }
    if statistics.is_empty() {
        return Err(("no_statistic", "neither average nor maximum".to_owned()));
    }
    let text = |at: Option<usize>| {
        at.and_then(|at| fields.get(at)).map(|field| field.trim()).filter(|field| !field.is_empty()).map(str::to_owned)
    };
    let series = Series {
        resource: text(header.resource),
        namespace: text(header.namespace),
        metric: text(header.metric),
        unit: text(header.unit),
    };
    Ok((time, statistics, series))
}

/// The fields of a line; `None` if a quote is not closed.
fn fields(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => match rest.find(',') {
                Some(comma) => (Cow::Borrowed(&rest[..comma]), &rest[comma..]),
                None => (Cow::Borrowed(rest), ""),
            },
        };
        fields.push(field);
        match after.find(',') {
            Some(comma) => rest = &after[comma + 1..],
            None => return Some(fields),
        }
    }
}

/// Splits behind the closing quote.
fn quoted_field(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut from = 0;
    loop {
        let end = from + quoted[from..].find('"')?;
        let after = &quoted[end + 1..];
        if after.starts_with('"') {
            from = end + 2;
            continue;
        }
        let field = &quoted[..end];
        let field = if field.contains('"') { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) };
        return Some((field, after));
    }
}
