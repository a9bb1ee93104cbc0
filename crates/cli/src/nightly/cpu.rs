//! CPU from CloudWatch, each minute once.
//!
//! A source is one hour of one metric, named `cloudwatch://REGION/NAMESPACE/METRIC/DIMENSIONS/HOUR`. The name is its identity in the lake, so an
//! hour is there once, whoever fetches it, and a night that was killed goes on where it stopped. An hour is taken when it is over
//! and settled, and only if it has data: one that has none yet is asked for again the next night.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use albatross_ingest::Given;
use albatross_lake::{Lake, Table, TxnId};
use albatross_query::Session;
use albatross_s3::{KEPT, METRICS_PER_CALL, Measured, Metric, S3};
use anyhow::Result;
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};

use crate::config::CloudWatch;

/// Data may come this much after their minute.
const SETTLED: TimeDelta = TimeDelta::minutes(15);
/// Metrics that are CPU utilisation in percent under another name; stored under the usual one, so that all questions find them.
const CPU: [&str; 6] = [
    "CPUUtilization",
    "TaskCpuUtilization",
    "ContainerCpuUtilization",
    "node_cpu_utilization",
    "pod_cpu_utilization",
    "cpu_usage_active",
];

impl CloudWatch {
    /// `metrics.metric`
    pub(crate) fn stored_as(&self) -> &str {
        if CPU.contains(&self.metric.as_str()) { CPU[0] } else { &self.metric }
    }

    /// `metrics.resource`: the label, else the instance or `cluster/service`, else all dimensions.
    pub(crate) fn resource(&self) -> String {
        if let Some(label) = &self.label {
            return label.clone();
        }
        let dimension = |name: &str| self.dimensions.get(name).map(String::as_str);
        match (dimension("InstanceId"), dimension("ClusterName"), dimension("ServiceName")) {
            (Some(instance), ..) => instance.to_owned(),
            (None, Some(cluster), Some(service)) => format!("{cluster}/{service}"),
            _ => self.pairs(),
        }
    }

    /// `ClusterName=prod,ServiceName=shop`
    fn pairs(&self) -> String {
        self.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
    }

    fn source(&self, region: &str, hour: DateTime<Utc>) -> String {
        let CloudWatch { namespace, metric, .. } = self;
        format!("cloudwatch://{region}/{namespace}/{metric}/{}/{}", self.pairs(), hour.format("%Y-%m-%dT%HZ"))
    }
}

/// What is to be asked for.
pub(super) struct Wanted<'a> {
    /// Of one region each; the first is that of S3.
    pub(super) asks: Vec<Ask<'a>>,
}

/// The metrics of a region that lack hours.
pub(super) struct Ask<'a> {
    client: albatross_s3::CloudWatch,
    /// Each with its missing hours.
    metrics: Vec<(&'a CloudWatch, Vec<DateTime<Utc>>)>,
}

impl Wanted<'_> {
    /// Metrics, the hours they lack in all, and the calls that this takes at least.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        let metrics = || self.asks.iter().flat_map(|ask| &ask.metrics);
        let calls = self.asks.iter().map(|ask| ask.metrics.len().div_ceil(METRICS_PER_CALL)).sum();
        (metrics().count(), metrics().map(|(_, hours)| hours.len()).sum(), calls)
    }
}

/// The hours that the lake lacks, from its first request on: CPU of times without requests answers nothing.
pub(super) async fn wanted<'a>(
    s3: &S3,
    lake: &Lake,
    metrics: &'a [CloudWatch],
    now: DateTime<Utc>,
) -> Result<Wanted<'a>> {
    let there = lake.txns(Table::METRICS).await?;
    let hours = match Session::open(lake).await?.span() {
        Some((first, _)) => hours(first, now),
        None => Vec::new(),
    };
    let mut by_region: BTreeMap<Option<&str>, Vec<&CloudWatch>> = BTreeMap::new();
    for metric in metrics {
        by_region.entry(metric.region.as_deref()).or_default().push(metric);
    }
    let mut asks = Vec::new();
    for (region, metrics) in by_region {
        let client = s3.cloudwatch(region).await?;
        let missing = metrics.into_iter().map(|metric| (metric, missing(&there, metric, client.region(), &hours)));
        let metrics: Vec<_> = missing.filter(|(_, hours)| !hours.is_empty()).collect();
        if !metrics.is_empty() {
            asks.push(Ask { client, metrics });
        }
    }
    Ok(Wanted { asks })
}

fn missing(there: &HashSet<TxnId>, metric: &CloudWatch, region: &str, hours: &[DateTime<Utc>]) -> Vec<DateTime<Utc>> {
    hours.iter().copied().filter(|hour| !there.contains(&Given::id(&metric.source(region, *hour)))).collect()
}

/// All hours that are over and settled, from that of the first request, as long as CloudWatch keeps minutes.
fn hours(first: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let hour = TimeDelta::hours(1);
    // The hour in which CloudWatch begins to forget would be taken in part, for good.
    let from = first.max(now - KEPT + hour).duration_trunc(hour).unwrap_or(first);
    let all = std::iter::successors(Some(from), |at| Some(*at + hour));
    all.take_while(|at| *at + hour + SETTLED <= now).collect()
}

/// What was fetched.
#[derive(Default)]
pub(super) struct Fetched {
    pub(super) sources: Vec<Given>,
    pub(super) points: u64,
    /// Metrics that CloudWatch does not give, and why.
    pub(super) failures: Vec<(String, String)>,
    /// Metrics of which there is nothing at all: most likely their dimensions are wrong.
    pub(super) empty: Vec<String>,
}

/// Asks for all that is wanted: from the first missing hour of a region to the last, and keeps the missing ones.
pub(super) async fn fetch(wanted: &Wanted<'_>) -> Result<Fetched> {
    let mut fetched = Fetched::default();
    for ask in &wanted.asks {
        let hours = || ask.metrics.iter().flat_map(|(_, hours)| hours);
        let (Some(first), Some(last)) = (hours().min(), hours().max()) else { continue };
        let metrics: Vec<Metric> = ask
            .metrics
            .iter()
            .map(|(metric, _)| Metric {
                namespace: metric.namespace.clone(),
                name: metric.metric.clone(),
                dimensions: metric.dimensions.clone(),
            })
            .collect();
        let answers = ask.client.minutes(&metrics, *first, *last + TimeDelta::hours(1)).await?;
        for ((metric, hours), answer) in ask.metrics.iter().zip(answers) {
            let minutes = match answer {
                Ok(minutes) => minutes,
                Err(reason) => {
                    fetched.failures.push((metric.resource(), reason));
                    continue;
                }
            };
            if minutes.is_empty() {
                fetched.empty.push(metric.resource());
            }
            for hour in hours {
                let of_hour = minutes.range(*hour..*hour + TimeDelta::hours(1));
                let (text, points) = csv(metric, of_hour);
                if points > 0 {
                    let uri = metric.source(ask.client.region(), *hour);
                    fetched.sources.push(Given { uri, bytes: text.into_bytes() });
                    fetched.points += points;
                }
            }
        }
    }
    Ok(fetched)
}

/// The form of a metrics file in which nothing has to be guessed.
fn csv<'a>(metric: &CloudWatch, minutes: impl Iterator<Item = (&'a DateTime<Utc>, &'a Measured)>) -> (String, u64) {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let series = [&metric.namespace, metric.stored_as(), &metric.resource()].map(quoted).join(",");
    let mut text = "time,namespace,metric,resource,average,maximum\n".to_owned();
    let mut points = 0;
    for (at, measured) in minutes {
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let (average, maximum) = (number(measured.average), number(measured.maximum));
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let _ = writeln!(text, "{at},{series},{average},{maximum}");
        points += 1;
    }
    (text, points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(dimensions: &[(&str, &str)]) -> CloudWatch {
        let dimensions = dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        CloudWatch {
            namespace: "AWS/ECS".into(),
            metric: "CPUUtilization".into(),
            dimensions,
            label: None,
            region: None,
        }
    }

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn only_hours_that_are_over_and_kept() {
        let now = time("2026-11-20T00:20:00Z");
        let list = |first: &str, now| {
            hours(time(first), now).iter().map(|at| at.format("%dT%H").to_string()).collect::<Vec<_>>()
        };
        assert_eq!(list("2026-11-19T21:59:59Z", now), ["19T21", "19T22", "19T23"]);
        assert_eq!(list("2026-11-19T22:00:00Z", now - TimeDelta::minutes(6)), ["19T22"], "not settled");
        assert!(list("2026-11-20T01:00:00Z", now).is_empty());
        let all = hours(time("2020-01-01T00:00:00Z"), now);
        assert_eq!((all.len(), all[0]), (359, time("2026-11-05T01:00:00Z")));
    }

    #[test]
    fn names_of_series() {
        assert_eq!(metric(&[("ServiceName", "shop"), ("ClusterName", "prod")]).resource(), "prod/shop");
        assert_eq!(metric(&[("InstanceId", "i-1"), ("ClusterName", "prod")]).resource(), "i-1");
        assert_eq!(metric(&[("ClusterName", "prod"), ("Az", "a")]).resource(), "Az=a,ClusterName=prod");
        let node = CloudWatch { metric: "node_cpu_utilization".into(), ..metric(&[("ClusterName", "prod")]) };
        assert_eq!((node.stored_as(), node.resource().as_str()), ("CPUUtilization", "ClusterName=prod"));
        assert_eq!(
            node.source("eu-central-1", time("2026-11-19T18:00:00Z")),
            "cloudwatch://eu-central-1/AWS/ECS/node_cpu_utilization/ClusterName=prod/2026-11-19T18Z"
        );
    }

    #[test]
    fn the_text_is_read_as_it_was_meant() {
        let label = Some("the \"max\", of Average 99".to_owned());
        let metric = CloudWatch { label, ..metric(&[("ServiceName", "shop")]) };
        let minutes = BTreeMap::from([
            (time("2026-11-19T18:00:00Z"), Measured { average: Some(30.25), maximum: Some(100.0) }),
            (time("2026-11-19T18:01:00Z"), Measured { average: Some(31.0), maximum: None }),
        ]);
        let (text, points) = csv(&metric, minutes.iter());
        let decoded = albatross_formats::metrics::decode(text.as_bytes(), "s", "s").unwrap();
        assert_eq!((points, decoded.records, decoded.rejects.len(), decoded.warnings.len()), (2, 2, 0, 0));
        let shown = format!("{:?}", decoded.batches);
        for part in ["the \\\"max\\\", of Average 99", "AWS/ECS", "CPUUtilization", "30.25", "100.0"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }
}
