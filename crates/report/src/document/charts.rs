//! What people would rather look at than read.

use albatross_diagnose::count;

use crate::document::{Block, Chart, Part, Parts, Series, Unit};
use crate::model::{Report, Status};
use crate::words;

/// Requests, failures, CPU and latency, one below the other.
pub(super) fn over_time(report: &Report) -> Vec<Block> {
    let slots = &report.slots;
    let slot = words::slot(slots.seconds);
    let incidents = match report.diagnosis.incidents.len() {
        0 => "No incident is marked.".to_owned(),
        1 => "One incident is marked.".to_owned(),
        n => format!("{n} incidents are marked."),
    };
    let requests: Vec<_> = slots.requests.iter().map(|n| Some(*n as f64)).collect();
    let rates: Vec<_> = slots.requests.iter().zip(&slots.errors).map(|(n, e)| rate(*n, *e)).collect();
    let mut blocks = vec![
        Block::Chart(Chart {
            id: "requests",
            title: format!("Requests per {slot}"),
            description: format!("At most {}. {incidents}", said(&requests, |n| format!("{n:.0}"))),
            unit: Unit::Count,
            is_log: false,
            top: None,
            series: vec![series("requests", "s-blue", true, requests)],
        }),
        Block::Chart(Chart {
            id: "errors",
            title: format!("Failed (5xx and 460), % of the requests per {slot}"),
            description: format!("At most {}. {incidents}", said(&rates, |p| words::percent(p / 100.0))),
            unit: Unit::Percent,
            is_log: false,
            top: None,
            series: vec![series("failed", "s-red", true, rates)],
        }),
    ];
    if slots.cpu_average.iter().chain(&slots.cpu_maximum).any(Option::is_some) {
        let percent = |p: f64| format!("{p:.0} %");
        blocks.push(Block::Chart(Chart {
            id: "cpu",
            title: format!("CPU, % per {slot}: the hottest target's maximum, and the average of all"),
            description: format!(
                "The maximum reaches {}, the average {}. {incidents}",
                said(&slots.cpu_maximum, percent),
                said(&slots.cpu_average, percent)
            ),
            unit: Unit::Percent,
            is_log: false,
            top: Some(100.0),
            series: vec![
                series("maximum", "s-red", false, slots.cpu_maximum.clone()),
                series("average", "s-blue dashed", false, slots.cpu_average.clone()),
            ],
        }));
    } else {
        blocks.push(Block::Text(
            "CPU: the lake has none for this time. albatross ingest takes what aws cloudwatch get-metric-data answers; ask for average and maximum."
                .to_owned(),
        ));
    }
    blocks.push(Block::Chart(Chart {
        id: "latency",
        title: format!("Duration of requests per {slot}, logarithmic"),
        description: format!(
            "The median reaches {}, the 99th percentile {}. {incidents}",
            said(&slots.p50, words::seconds),
            said(&slots.p99, words::seconds)
        ),
        unit: Unit::Seconds,
        is_log: true,
        top: None,
        series: vec![
            series("99 %", "s-red", false, from_shortest(&slots.p99)),
            series("90 %", "s-purple dashed", false, from_shortest(&slots.p90)),
            series("half", "s-blue", false, from_shortest(&slots.p50)),
        ],
    }));
    blocks
}

fn series(name: &'static str, style: &'static str, is_area: bool, values: Vec<Option<f64>>) -> Series {
    Series { name, style, is_area, values }
}

/// A logarithm has no zero, and below a tenth of a millisecond the queries tell nothing apart.
fn from_shortest(seconds: &[Option<f64>]) -> Vec<Option<f64>> {
    seconds.iter().map(|seconds| seconds.map(|seconds| seconds.max(0.0001))).collect()
}

fn rate(requests: u64, errors: u64) -> Option<f64> {
    // To a thousandth: the page holds them as text.
    (requests > 0).then(|| (100_000.0 * errors as f64 / requests as f64).round() / 1000.0)
}

/// The highest value in words.
fn said(values: &[Option<f64>], words: impl Fn(f64) -> String) -> String {
    values.iter().flatten().copied().reduce(f64::max).map_or_else(|| "unknown".to_owned(), words)
}

/// Which kinds of statuses there were.
pub(super) fn statuses(statuses: &[Status]) -> Block {
    let class = |status: Option<u16>| status.map(|status| status / 100).filter(|class| (1..=5).contains(class));
    let all: u64 = statuses.iter().map(|row| row.requests).sum();
    let part = |(name, style, of)| {
        let requests: u64 = statuses.iter().filter(|row| class(row.status) == of).map(|row| row.requests).sum();
        let share = requests as f64 / (all as f64).max(1.0);
        Part { name, style, share, said: format!("{} ({})", count(requests), words::percent(share)) }
    };
    let parts = [
        ("2xx", "s-blue", Some(2)),
        ("3xx", "s-sky", Some(3)),
        ("4xx", "s-orange", Some(4)),
        ("5xx", "s-red", Some(5)),
        ("1xx, of WebSocket connections", "s-purple", Some(1)),
        ("none", "s-grey", None),
    ];
    Block::Parts(Parts { title: "Statuses that clients got".to_owned(), parts: parts.map(part).into() })
}
