//! CPU utilisation as CloudWatch keeps it, and the answer of `aws cloudwatch get-metric-data`.

use chrono::{DateTime, SecondsFormat};
use std::fmt::Write;

const MINUTE_US: i64 = 60_000_000;

/// Samples in percent, gathered into statistics per target and minute.
pub(crate) struct CpuSeries {
    from: i64,
    /// By target, then by minute.
    targets: Vec<Vec<Statistics>>,
}

#[derive(Clone, Copy, Default)]
struct Statistics {
    sum: f64,
    maximum: f64,
    samples: u32,
}

impl CpuSeries {
    pub(crate) fn new(from: i64, minutes: usize, targets: usize) -> CpuSeries {
        CpuSeries { from, targets: vec![vec![Statistics::default(); minutes]; targets] }
    }

    /// A sample outside the run's minutes is dropped.
    pub(crate) fn add(&mut self, target: usize, time: i64, percent: f64) {
        let minute = usize::try_from((time - self.from).div_euclid(MINUTE_US));
        if let Some(statistics) = minute.ok().and_then(|minute| self.targets[target].get_mut(minute)) {
            statistics.sum += percent;
            statistics.maximum = statistics.maximum.max(percent);
            statistics.samples += 1;
        }
    }

    /// (average, maximum) of the whole service per minute, oldest first.
    pub(crate) fn service(&self) -> Vec<(f64, f64)> {
        let minutes = self.targets.first().map_or(0, Vec::len);
        (0..minutes)
            .map(|minute| {
                let all = self.targets.iter().map(|target| target[minute]);
                let total = all.fold(Statistics::default(), |a, b| Statistics {
                    sum: a.sum + b.sum,
                    maximum: a.maximum.max(b.maximum),
                    samples: a.samples + b.samples,
                });
                (total.average(), total.maximum)
            })
            .collect()
    }

    /// The JSON answer: `Average` and `Maximum` of the service, then of each host; newest first.
    pub(crate) fn to_json(&self, service: &str, hosts: &[String]) -> String {
        let mut json = String::from("{\n    \"MetricDataResults\": [\n");
        self.results(&mut json, "service", service, &self.service());
        for (index, (host, series)) in hosts.iter().zip(&self.targets).enumerate() {
            json.push_str(",\n");
            let points: Vec<_> = series.iter().map(|s| (s.average(), s.maximum)).collect();
            self.results(&mut json, &format!("host{}", index + 1), host, &points);
        }
        json.push_str("\n    ],\n    \"Messages\": []\n}\n");
        json
    }

    fn results(&self, json: &mut String, id: &str, label: &str, points: &[(f64, f64)]) {
        let averages: Vec<f64> = points.iter().map(|p| p.0).collect();
        let maxima: Vec<f64> = points.iter().map(|p| p.1).collect();
        self.result(json, &format!("{id}_average"), &format!("{label} CPUUtilization Average"), &averages);
        json.push_str(",\n");
        self.result(json, &format!("{id}_maximum"), &format!("{label} CPUUtilization Maximum"), &maxima);
    }

    fn result(&self, json: &mut String, id: &str, label: &str, values: &[f64]) {
        let times = (0..values.len() as i64).rev().map(|minute| {
            let time = DateTime::from_timestamp_micros(self.from + minute * MINUTE_US).unwrap_or_default();
            format!("\"{}\"", time.to_rfc3339_opts(SecondsFormat::Secs, false))
        });
        let values = values.iter().rev().map(|value| format!("{value:?}"));
        // Writing to a String cannot fail.
        let _ = write!(
            json,
            "        {{\n            \"Id\": \"{id}\",\n            \"Label\": \"{label}\",\n            \"Timestamps\": [\n{}\n            ],\n            \"Values\": [\n{}\n            ],\n            \"StatusCode\": \"Complete\"\n        }}",
            list(times),
            list(values)
        );
    }
}

impl Statistics {
    fn average(self) -> f64 {
        if self.samples == 0 { 0.0 } else { self.sum / f64::from(self.samples) }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = items.map(|item| format!("                {item}")).collect();
    lines.join(",\n")
}
