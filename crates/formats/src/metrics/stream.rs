//! CloudWatch metric streams in JSON: one object is one data point with `max`, `min`, `sum` and `count`.
//!
//! There is no average in it; it is `sum / count`. The same metric comes once per set of dimensions, and each set is a
//! resource of its own. Percentiles (`"p99"`, `"TM(25%:75%)"`) have no column.

use super::json::{Node, Value};
use super::names::Statistic;
use super::rows::{Collected, Series, Statistics};
use super::time;

pub(super) const FORMAT: &str = "cloudwatch_stream";

const KEYS: [(&str, Statistic); 4] =
    [("max", Statistic::Maximum), ("min", Statistic::Minimum), ("sum", Statistic::Sum), ("count", Statistic::Samples)];

/// Reads one object of a stream.
pub(super) fn point(text: &[u8], object: &Value<'_>, found: &mut Collected) {
    let span = object.start..object.end;
    let Some(time) = object.get("timestamp").and_then(time::from_json) else {
        return found.reject(text, span, "bad_time", "`timestamp` is not a time in milliseconds".to_owned());
    };
    let mut statistics = Statistics::default();
    let values = object.get("value").map(Value::members).unwrap_or_default();
    for (key, statistic) in KEYS {
        match values.iter().find(|(name, _)| name == key).map(|(_, value)| value) {
            None | Some(Value { node: Node::Null, .. }) => {}
            Some(value) => match value.number() {
                Some(number) => statistics.set(statistic, number),
                None => return found.reject(text, span, "not_a_number", format!("`{key}` is not a number")),
            },
        }
    }
    if statistics.is_empty() {
        let detail = "`value` has none of max, min, sum and count".to_owned();
        return found.reject(text, span, "no_statistic", detail);
    }
    let string = |key| object.get(key).and_then(Value::text).map(str::to_owned);
    let series = Series {
        resource: object.get("dimensions").and_then(resource),
        namespace: string("namespace"),
        metric: string("metric_name"),
        unit: string("unit"),
    };
    let series = found.series(series);
    found.records += 1;
    found.point(series, 0, time, statistics);
}

/// The instance, else `cluster/service`, then any further dimensions as sorted `key=value`; `None` without dimensions.
fn resource(dimensions: &Value<'_>) -> Option<String> {
    let mut dimensions: Vec<(&str, &str)> =
        dimensions.members().iter().map(|(key, value)| (key.as_ref(), value.text().unwrap_or_default())).collect();
    dimensions.sort_unstable();
    let mut take = |key| {
        let at = dimensions.iter().position(|(name, _)| *name == key)?;
        Some(dimensions.remove(at).1.to_owned())
    };
    let mut parts = Vec::new();
    if let Some(instance) = take("InstanceId") {
        parts.push(instance);
    } else if let Some(service) = take("ServiceName") {
        parts.push(match take("ClusterName") {
            Some(cluster) => format!("{cluster}/{service}"),
            None => service,
        });
    }
    parts.extend(dimensions.iter().map(|(key, value)| format!("{key}={value}")));
    (!parts.is_empty()).then(|| parts.join(","))
}
