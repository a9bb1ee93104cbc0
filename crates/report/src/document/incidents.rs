//! What went wrong, and why.

use albatross_diagnose::{Cause, Incident, Kind, Span, count};

use super::sections::section;
use super::{Block, Section};
use crate::model::Report;
use crate::words::{percent, plural, span};

/// Causes after the first that are told, and how likely they must be.
const MOST_OTHERS: usize = 2;
const LEAST_CONFIDENCE: f64 = 0.25;

pub(super) fn incidents(report: &Report) -> Section {
    let diagnosis = &report.diagnosis;
    let mut blocks = Vec::new();
    if diagnosis.incidents.is_empty() {
        blocks.push(Block::Text(
            "Requests failed or were slow no more often than this traffic explains; what failed is below.".to_owned(),
        ));
    }
    let mut all = section("incidents", "What happened, and why", blocks);
    for (i, found) in diagnosis.incidents.iter().enumerate() {
        let alike = |earlier: &Incident| match (earlier.causes.first(), found.causes.first()) {
            (Some(a), Some(b)) => a.is_like(b),
            _ => false,
        };
        let earlier = diagnosis.incidents[..i].iter().position(alike);
        all.parts.push(incident(i + 1, found, earlier.map(|i| i + 1)));
    }
    let notes: Vec<String> = diagnosis.notes.iter().map(|note| note.text.clone()).collect();
    let cpu: Vec<String> = diagnosis.cpu.iter().map(|cpu| cpu.text.clone()).collect();
    for (id, title, items) in [("notes", "Worth knowing", notes), ("cpu-over-all", "CPU over the whole time", cpu)] {
        if !items.is_empty() {
            all.parts.push(section(id, title, vec![Block::List { label: "", items }]));
        }
    }
    all
}

/// `earlier` had the same cause: what speaks for that need not be read again.
fn incident(number: usize, incident: &Incident, earlier: Option<usize>) -> Section {
    let minutes = (incident.end - incident.start).num_minutes();
    let statuses: Vec<String> =
        incident.statuses.iter().map(|(status, n)| format!("{} x {status}", count(*n))).collect();
    let slow = if incident.slow > 0 {
        format!("; {} took much longer than is usual for their route", count(incident.slow))
    } else {
        String::new()
    };
    let usual = incident.usual_errors().map_or(String::new(), |usual| format!(", where {usual:.0} are usual"));
    let mut blocks = vec![Block::Text(format!(
        "{} of {} failed ({}){usual}{}{slow}.",
        count(incident.errors),
        plural(incident.requests, "request"),
        percent(incident.errors as f64 / (incident.requests as f64).max(1.0)),
        if statuses.is_empty() { String::new() } else { format!(": {}", statuses.join(", ")) },
    ))];
    let mut causes = incident.causes.iter();
    if let Some(first) = causes.next() {
        let again = earlier.map_or(String::new(), |earlier| format!(", as in {earlier}"));
        let title = match first.cause {
            Kind::Unknown => "What caused it is not known.".to_owned(),
            _ => format!("Most likely {}{again}.", likely(first)),
        };
        blocks.push(Block::Finding { title, text: first.summary.clone() });
        match earlier {
            None => blocks.extend(reasons(first)),
            Some(_) => blocks.push(Block::Folded { title: "Details of this time".to_owned(), blocks: reasons(first) }),
        }
    }
    for other in causes.filter(|cause| cause.confidence >= LEAST_CONFIDENCE).take(MOST_OTHERS) {
        let mut inner = vec![Block::Text(other.summary.clone())];
        inner.extend(reasons(other));
        blocks.push(Block::Folded { title: format!("Or {}", likely(other)), blocks: inner });
    }
    if let Some(cpu) = &incident.cpu {
        blocks.push(Block::List { label: "CPU", items: vec![cpu.text.clone()] });
    }
    let title = format!("{number}. {} ({minutes} min)", span(Span { start: incident.start, end: incident.end }));
    Section { id: format!("incident-{number}"), title, blocks, parts: Vec::new() }
}

/// `keep-alive race (fits by 80 %)`
fn likely(cause: &Cause) -> String {
    format!("{} (fits by {:.0} %)", cause.cause.words(), 100.0 * cause.confidence)
}

fn reasons(cause: &Cause) -> Vec<Block> {
    [
        ("What speaks for it", &cause.evidence),
        ("What speaks against it", &cause.against),
        ("What to check", &cause.check),
    ]
    .into_iter()
    .filter(|(_, items)| !items.is_empty())
    .map(|(label, items)| Block::List { label, items: items.clone() })
    .collect()
}
