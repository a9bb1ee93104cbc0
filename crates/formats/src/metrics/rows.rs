//! From data points to sorted rows: points of one series and time become one row.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, Int32Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::error::ArrowError;

use super::names::Statistic;
use super::schema;
use crate::reject::{Reject, raw};

const ROWS_PER_BATCH: usize = 65_536;
const MICROS: i64 = 1_000_000;

/// What tells two series apart. Rows are sorted by resource first.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Series {
    pub(super) resource: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) metric: Option<String>,
    pub(super) unit: Option<String>,
}

/// One value for each [`Statistic`] that has a column.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Statistics([Option<f64>; Statistic::KEPT]);

impl Statistics {
    pub(super) fn one(statistic: Statistic, value: f64) -> Self {
        let mut all = Self::default();
        all.set(statistic, value);
        all
    }

    pub(super) fn set(&mut self, statistic: Statistic, value: f64) {
        if let Some(slot) = self.0.get_mut(statistic as usize) {
            *slot = Some(value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn get(&self, statistic: Statistic) -> Option<f64> {
        self.0.get(statistic as usize).copied().flatten()
    }

    fn contradicts(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a.zip(b).is_some_and(|(a, b)| a != b))
    }

    /// Fills what is missing from `other`.
    fn coalesce(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine = mine.or(theirs));
    }

    fn average(&self) -> Option<f64> {
        let derived = || self.get(Statistic::Sum).zip(self.get(Statistic::Samples).filter(|n| *n > 0.0));
        self.get(Statistic::Average).or_else(|| derived().map(|(sum, samples)| sum / samples))
    }
}

#[derive(Debug, Clone)]
struct Point {
    series: u32,
    /// The answer it came with, counted from 1; 0 where a file is one stream of points.
    document: u32,
    time: i64,
    statistics: Statistics,
}

/// Everything the decoders of the four forms find.
#[derive(Debug, Default)]
pub(super) struct Collected {
    series: Vec<Series>,
    numbers: HashMap<Series, u32>,
    points: Vec<Point>,
    documents: u32,
    pub(super) records: u64,
    pub(super) skipped: u64,
    pub(super) rejects: Vec<Reject>,
    pub(super) warnings: Vec<String>,
}

impl Collected {
    /// The number of a series, new or known.
    pub(super) fn series(&mut self, series: Series) -> u32 {
        if let Some(number) = self.numbers.get(&series) {
            return *number;
        }
        let number = self.series.len() as u32;
        self.series.push(series.clone());
        self.numbers.insert(series, number);
        number
    }

    /// Begins an answer; its points carry the number returned.
    pub(super) fn next_document(&mut self) -> u32 {
        self.documents += 1;
        self.documents
    }

    pub(super) fn point(&mut self, series: u32, document: u32, time: i64, statistics: Statistics) {
        self.points.push(Point { series, document, time, statistics });
    }

    /// Refuses the one record that `span` of the text holds. Lines are filled in at the end.
    pub(super) fn reject(&mut self, text: &[u8], span: Range<usize>, reason: &'static str, detail: String) {
        self.records += 1;
        self.rejects.push(Reject { line: 0, byte: span.start as u64, reason, detail, raw: raw(&text[span]) });
    }

    /// Two answers of one file that disagree about the same series are two series which nothing else tells apart
    /// (`for i in ...; do aws cloudwatch get-metric-statistics ...; done > cpu.json`): they get numbers.
    fn split_disagreeing(&mut self) {
        self.points.sort_by_key(|p| (p.series, p.time));
        let mut split: Vec<u32> = Vec::new();
        for same in self.points.chunk_by(|a, b| (a.series, a.time) == (b.series, b.time)) {
            let first = &same[0];
            if split.last() == Some(&first.series) || same.iter().all(|p| p.document == first.document) {
                continue;
            }
            let mut all = first.statistics;
            let disagree = |p: &Point| {
                let contradicts = p.statistics.contradicts(&all);
                all.coalesce(&p.statistics);
                contradicts
            };
            if same.iter().any(disagree) {
                split.push(first.series);
            }
        }
        for number in split {
            let series = self.series[number as usize].clone();
            let name = series.resource.as_deref().unwrap_or_default();
            self.warnings.push(format!(
                "several answers about `{name}` disagree: kept apart as `{name} #1`, `{name} #2`, ... in the order of the file"
            ));
            let mut documents: Vec<u32> =
                self.points.iter().filter(|p| p.series == number).map(|p| p.document).collect();
            documents.sort_unstable();
            documents.dedup();
            let renamed: Vec<u32> = (1..=documents.len())
                .map(|n| self.series(Series { resource: Some(format!("{name} #{n}")), ..series.clone() }))
                .collect();
            for point in self.points.iter_mut().filter(|p| p.series == number) {
                if let Ok(at) = documents.binary_search(&point.document) {
                    point.series = renamed[at];
                }
            }
        }
    }

    /// Sorts by (resource, time) and merges what belongs to one row.
    fn merge(&mut self) {
        let mut order: Vec<u32> = (0..self.series.len() as u32).collect();
        order.sort_by_key(|number| &self.series[*number as usize]);
        let mut rank = vec![(0_u32, 0_u32); order.len()];
        let mut resource = 0;
        for (at, number) in order.iter().enumerate() {
            let name = |n: u32| &self.series[n as usize].resource;
            if at > 0 && name(order[at - 1]) != name(*number) {
                resource += 1;
            }
            rank[*number as usize] = (resource, at as u32);
        }
        self.points.sort_by_key(|p| {
            let (resource, series) = rank[p.series as usize];
            (resource, p.time, series)
        });
        let mut contradictions = 0_u64;
        self.points.dedup_by(|later, kept| {
            let same = (later.series, later.time) == (kept.series, kept.time);
            if same {
                contradictions += u64::from(kept.statistics.contradicts(&later.statistics));
                kept.statistics.coalesce(&later.statistics);
            }
            same
        });
        if contradictions > 0 {
            self.warnings.push(format!("{contradictions} points given again with other values: the first is kept"));
        }
    }

    /// For each series the most common distance of neighbours in whole seconds; the shorter one of two equally common.
    fn periods(&self) -> Vec<Option<i32>> {
        let mut last: Vec<Option<i64>> = vec![None; self.series.len()];
        let mut counts: Vec<HashMap<i32, u32>> = vec![HashMap::new(); self.series.len()];
        for point in &self.points {
            let at = point.series as usize;
            let step = last[at].replace(point.time).map(|before| (point.time - before) / MICROS);
            if let Some(step) = step.and_then(|s| i32::try_from(s).ok()).filter(|s| *s > 0) {
                *counts[at].entry(step).or_default() += 1;
            }
        }
        let most =
            |counts: &HashMap<i32, u32>| counts.iter().max_by_key(|(step, n)| (**n, -**step)).map(|(step, _)| *step);
        counts.iter().map(most).collect()
    }
}

/// The rows of the table, sorted.
pub(super) fn batches(found: &mut Collected, source_file: &str) -> Result<Vec<RecordBatch>, ArrowError> {
    found.split_disagreeing();
    found.merge();
    let periods = found.periods();
    let series = &found.series;
    found.points.chunks(ROWS_PER_BATCH).map(|points| batch(points, series, &periods, source_file)).collect()
}

fn batch(
    points: &[Point],
    series: &[Series],
    periods: &[Option<i32>],
    source_file: &str,
) -> Result<RecordBatch, ArrowError> {
    let text = |of: fn(&Series) -> &Option<String>| -> ArrayRef {
        let mut column = StringBuilder::new();
        points.iter().for_each(|p| column.append_option(of(&series[p.series as usize]).as_deref()));
        Arc::new(column.finish())
    };
    let number = |of: &dyn Fn(&Statistics) -> Option<f64>| -> ArrayRef {
        let mut column = Float64Builder::with_capacity(points.len());
        points.iter().for_each(|p| column.append_option(of(&p.statistics)));
        Arc::new(column.finish())
    };
    let mut time = TimestampMicrosecondBuilder::with_capacity(points.len()).with_timezone("UTC");
    let mut period = Int32Builder::with_capacity(points.len());
    let mut source = StringBuilder::new();
    for point in points {
        time.append_value(point.time);
        period.append_option(periods[point.series as usize]);
        source.append_value(source_file);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(time.finish()),
        Arc::new(period.finish()),
        text(|s| &s.namespace),
        text(|s| &s.metric),
        text(|s| &s.resource),
        number(&Statistics::average),
        number(&|s| s.get(Statistic::Maximum)),
        number(&|s| s.get(Statistic::Minimum)),
        number(&|s| s.get(Statistic::Sum)),
        number(&|s| s.get(Statistic::Samples)),
        text(|s| &s.unit),
        Arc::new(source.finish()),
    ];
    RecordBatch::try_new(schema(), columns)
}
