//! The report in words, tables and charts. Renderers only know these.

mod sections;
mod incidents;
mod compared;
mod charts;

use chrono::DateTime;

use crate::model::{Report, State};

/// A page from top to bottom.
pub(crate) struct Document {
    pub(crate) title: String,
    /// Which time, and until when the log goes.
    pub(crate) subtitle: String,
    pub(crate) state: State,
    pub(crate) verdict: String,
    pub(crate) also: Vec<String>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) sections: Vec<Section>,
    pub(crate) made_at: String,
    /// What charts have in common.
    pub(crate) axis: Axis,
}

/// One number that is read first.
pub(crate) struct Figure {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// Beside it, smaller.
    pub(crate) note: String,
}

pub(crate) struct Section {
    /// Anchor.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
    /// Sections below this one, one level deep.
    pub(crate) parts: Vec<Section>,
}

pub(crate) enum Block {
    Text(String),
    /// What matters, and what it means.
    Finding {
        title: String,
        text: String,
    },
    List {
        label: &'static str,
        items: Vec<String>,
    },
    Table(Table),
    Chart(Chart),
    /// One bar of parts.
    Parts(Parts),
    /// What may be read, not must.
    Folded {
        title: String,
        blocks: Vec<Block>,
    },
}

pub(crate) struct Table {
    pub(crate) caption: String,
    /// The first one names the row.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// Numbers are aligned to the right.
    pub(crate) is_number: bool,
}

pub(crate) enum Cell {
    Nothing,
    /// From a log, of any length.
    Text(String),
    /// Ours.
    Number(String),
    /// 0 to 1 of the column's width, with what it says.
    Bar(f64, String),
    /// Median, 90th and 99th percentile, 0 to 1 of the column's width; numbers beside it say them.
    Spread([f64; 3]),
}

/// Values over time.
pub(crate) struct Chart {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// What is to be seen in it, for who cannot see it.
    pub(crate) description: String,
    pub(crate) unit: Unit,
    pub(crate) is_log: bool,
    /// Of a linear axis; else the highest value.
    pub(crate) top: Option<f64>,
    pub(crate) series: Vec<Series>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Requests.
    Count,
    /// 0 to 100.
    Percent,
    Seconds,
}

pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// Style: a class of the page.
    pub(crate) style: &'static str,
    pub(crate) is_area: bool,
    pub(crate) values: Vec<Option<f64>>,
}

/// Slots of all charts, and what is shaded in them.
pub(crate) struct Axis {
    pub(crate) start: i64,
    pub(crate) seconds: i64,
    pub(crate) slots: usize,
    /// Unix seconds from and to, in the order of the incidents.
    pub(crate) incidents: Vec<(i64, i64)>,
}

impl Axis {
    pub(crate) fn time(&self, slot: usize) -> String {
        let time = DateTime::from_timestamp(self.start + slot as i64 * self.seconds, 0).unwrap_or_default();
        time.format("%Y-%m-%d %H:%M").to_string()
    }
}

/// What a whole consists of.
pub(crate) struct Parts {
    pub(crate) title: String,
    pub(crate) parts: Vec<Part>,
}

pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) style: &'static str,
    /// 0 to 1.
    pub(crate) share: f64,
    /// How many, and their share.
    pub(crate) said: String,
}

impl Parts {
    /// Without those that there are none of.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.share > 0.0)
    }
}

pub(crate) fn document(report: &Report) -> Document {
    let slots = &report.slots;
    Document {
        title: sections::title(report),
        subtitle: sections::subtitle(report),
        state: report.verdict.state,
        verdict: report.verdict.text.clone(),
        also: report.verdict.also.clone(),
        figures: sections::figures(report),
        sections: sections::sections(report),
        made_at: report.made_at.clone(),
        axis: Axis {
            start: slots.start,
            seconds: slots.seconds,
            slots: slots.requests.len(),
            incidents: report.diagnosis.incidents.iter().map(|i| (i.start.timestamp(), i.end.timestamp())).collect(),
        },
    }
}
