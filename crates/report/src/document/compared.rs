//! Beside earlier times.

use albatross_diagnose::count;

use super::sections::{duration, section, table};
use super::{Block, Cell, Section};
use crate::model::{Against, Comparison, Report, RouteChange, Totals};
use crate::words::{endpoint, percent, seconds, size, span, time};

pub(super) fn name(against: Against) -> &'static str {
    match against {
        Against::DayBefore => "the day before",
        Against::WeekBefore => "the same day last week",
        Against::Before => "the time before",
    }
}

pub(super) fn compared(report: &Report) -> Section {
    let blocks = vec![totals_beside(report)];
    let mut all = section("compared", "Compared with earlier", blocks);
    let known = report.comparisons.iter().filter(|comparison| comparison.totals.is_some());
    all.parts = known.map(routes_beside).collect();
    all
}

fn totals_beside(report: &Report) -> Block {
    let row = |name: String, totals: &Totals| {
        vec![
            Cell::Text(name),
            Cell::Number(count(totals.requests)),
            Cell::Number(percent(totals.error_rate().unwrap_or(0.0))),
            duration(totals.p50),
            duration(totals.p90),
            duration(totals.p99),
            Cell::Number(size(totals.sent_bytes)),
        ]
    };
    let earlier = report.comparisons.iter().map(|comparison| {
        let name = format!("{}, {}", name(comparison.against), span(comparison.window));
        match &comparison.totals {
            Some(totals) => row(name, totals),
            None => std::iter::once(Cell::Text(format!("{name}: not in the lake")))
                .chain((0..6).map(|_| Cell::Nothing))
                .collect(),
        }
    });
    let now = std::iter::once(row(format!("this report, {}", span(report.window)), &report.totals));
    table(
        "The same hours",
        &[
            ("time", false),
            ("requests", true),
            ("failed", true),
            ("median", true),
            ("90 %", true),
            ("99 %", true),
            ("sent", true),
        ],
        now.chain(earlier),
    )
}

fn routes_beside(comparison: &Comparison) -> Section {
    let (id, title) = match comparison.against {
        Against::DayBefore => ("day-before", "Against the day before"),
        Against::WeekBefore => ("week-before", "Against the same day last week"),
        Against::Before => ("before", "Against the time before"),
    };
    let mut blocks = Vec::new();
    if let Some(from) = &comparison.only_from {
        blocks.push(Block::Text(format!("The lake begins only at {} UTC: requests are not comparable.", time(from))));
    }
    if comparison.routes.is_empty() {
        blocks.push(Block::Text(
            "No endpoint took much more or less time, or failed much more or less often.".to_owned(),
        ));
    } else {
        blocks.push(table(
            &format!("Endpoints that changed most against {}", name(comparison.against)),
            &[("endpoint", false), ("requests", true), ("failed", true), ("median", true), ("99 %", true)],
            comparison.routes.iter().map(route_change),
        ));
    }
    section(id, title, blocks)
}

fn route_change(row: &RouteChange) -> Vec<Cell> {
    let counts = |now: u64, before: u64| Cell::Number(format!("{} → {}", count(before), count(now)));
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), seconds);
    let durations = |now: Option<f64>, before: Option<f64>| Cell::Number(format!("{} → {}", shown(before), shown(now)));
    vec![
        Cell::Text(endpoint(row.method.as_deref(), row.route.as_deref())),
        counts(row.requests, row.requests_before),
        counts(row.errors, row.errors_before),
        durations(row.p50, row.p50_before),
        durations(row.p99, row.p99_before),
    ]
}
