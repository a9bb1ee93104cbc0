//! `aws cloudwatch get-metric-statistics`: data points in no order, one key per statistic asked for.
//!
//! The answer names the metric (`Label`) but never the instance, so the file's stem is the resource.

use super::data::STATISTIC_KEYS;
use super::json::{Node, Value};
use super::names;
use super::rows::{Collected, Series, Statistics};
use super::time;

pub(super) const FORMAT: &str = "cloudwatch_statistics";

/// One answer of the command.
pub(super) fn answer(text: &[u8], object: &Value<'_>, stem: &str, found: &mut Collected) {
    let label = object.get("Label").and_then(Value::text);
    let points = object.get("Datapoints").map(Value::items).unwrap_or_default();
    datapoints(text, points, label, stem, found);
}

/// The list under `Datapoints`, or what `--query Datapoints` leaves of an answer.
pub(super) fn datapoints(text: &[u8], points: &[Value<'_>], label: Option<&str>, stem: &str, found: &mut Collected) {
    let document = found.next_document();
    let (metric, resource) = metric_and_resource(label, stem);
    let mut percentiles_only = 0_u64;
    for point in points {
        match read(point) {
            Ok((time, statistics, unit)) if !statistics.is_empty() => {
                let unit = unit.map(str::to_owned);
                let series = Series { resource: Some(resource.clone()), namespace: None, metric: metric.clone(), unit };
                let series = found.series(series);
                found.records += 1;
                found.point(series, document, time, statistics);
            }
            Ok(_) if point.get("ExtendedStatistics").is_some() => percentiles_only += 1,
            Ok(_) => {
                let detail = "no statistic in the data point".to_owned();
                found.reject(text, point.start..point.end, "no_statistic", detail);
            }
            Err((reason, detail)) => found.reject(text, point.start..point.end, reason, detail),
        }
    }
    if percentiles_only > 0 {
        found.warnings.push(format!("{percentiles_only} points with nothing but percentiles, which have no column"));
    }
}

type Point<'a> = (i64, Statistics, Option<&'a str>);

fn read<'a>(point: &'a Value<'_>) -> Result<Point<'a>, (&'static str, String)> {
    let Some(time) = point.get("Timestamp").and_then(time::from_json) else {
        return Err(("bad_time", "`Timestamp` is missing or not a time".to_owned()));
    };
    let mut statistics = Statistics::default();
    for (key, statistic) in STATISTIC_KEYS {
        match point.members().iter().find(|(name, _)| name == key).map(|(_, value)| value) {
            None | Some(Value { node: Node::Null, .. }) => {}
            Some(value) => match value.number() {
                Some(number) => statistics.set(statistic, number),
                None => return Err(("not_a_number", format!("`{key}` is not a number"))),
            },
        }
    }
    Ok((time, statistics, point.get("Unit").and_then(Value::text)))
}

/// `Label` is the metric's name; only a label of several words, written by somebody's script, can name a resource too.
fn metric_and_resource(label: Option<&str>, stem: &str) -> (Option<String>, String) {
    match label {
        None => (names::metric_of_stem(stem), stem.to_owned()),
        Some(label) if !label.contains(char::is_whitespace) => (Some(label.to_owned()), stem.to_owned()),
        Some(label) => {
            let parts = names::of_label(label, true);
            let resource = if parts.rest.is_empty() { stem.to_owned() } else { parts.rest };
            (parts.metric, resource)
        }
    }
}
