//! A diagnosis for people: plain text, and the same as Markdown.
//!
//! What comes from a log is made harmless: no control characters, in Markdown no markup.

use std::fmt::Write;

use albatross_query::{escaped, visible};
use chrono::{DateTime, Utc};

use crate::model::{Cause, Diagnosis, Incident, Kind};

/// Walls and growing routes that are listed.
const MOST_LISTED: usize = 5;
/// Causes after the first that are listed, and how likely they must be.
const MOST_OTHERS: usize = 2;
const LEAST_CONFIDENCE: f64 = 0.25;

impl Kind {
    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Kind::CpuBoundEndpoint => "an endpoint that eats the CPU",
            Kind::KeepaliveRace => "keep-alive race",
            Kind::BadTarget => "one bad target",
            Kind::Deploy => "deploy",
            Kind::TimeoutLimit => "a time limit",
            Kind::SlowDependency => "slow dependency",
            Kind::ClientGaveUp => "clients gave up",
            Kind::BodyTooLarge => "body too large",
            Kind::LambdaError => "Lambda error",
            Kind::ApplicationError => "application error",
            Kind::NoTargets => "no targets",
            Kind::Unknown => "unknown",
        }
    }
}

/// For a terminal.
pub fn text(diagnosis: &Diagnosis) -> String {
    render(diagnosis, &Style { heading: "", item: "  ", safe: |text| visible(text).into_owned() })
}

/// For an incident's ticket.
pub fn markdown(diagnosis: &Diagnosis) -> String {
    render(diagnosis, &Style { heading: "## ", item: "- ", safe: escaped })
}

struct Style {
    heading: &'static str,
    item: &'static str,
    safe: fn(&str) -> String,
}

fn render(diagnosis: &Diagnosis, style: &Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_all(diagnosis, style, &mut out);
    out
}

fn write_all(diagnosis: &Diagnosis, style: &Style, out: &mut String) -> std::fmt::Result {
    let coverage = &diagnosis.coverage;
    let window = format!("{} to {} UTC", minute(diagnosis.window.start), minute(diagnosis.window.end));
    if coverage.requests == 0 {
        return writeln!(out, "There are no requests of a load balancer from {window}: nothing to judge.");
    }
    let what = match diagnosis.incidents.len() {
        0 => "No incident".to_owned(),
        1 => "1 incident".to_owned(),
        n => format!("{n} incidents"),
    };
    writeln!(out, "{what} in {} requests, {window}.", count(coverage.requests))?;
    let mut gaps = Vec::new();
    if coverage.empty_slots > 0 {
        gaps.push(format!("{} without any request", slots(coverage.empty_slots, coverage.slot_s)));
    }
    if coverage.cpu_slots == 0 {
        gaps.push("no CPU data: whether targets were busy could not be judged".to_owned());
    }
    if coverage.rejects > 0 {
        gaps.push(format!("{} unreadable lines", count(coverage.rejects)));
    }
    if !gaps.is_empty() {
        writeln!(out, "Coverage: {}.", gaps.join("; "))?;
    }
    for (number, incident) in diagnosis.incidents.iter().enumerate() {
        writeln!(out)?;
        write_incident(number + 1, incident, style, out)?;
    }
    section("Notes", diagnosis.notes.iter().map(|note| (style.safe)(&note.text)), style, out)?;
    section("CPU", diagnosis.cpu.iter().map(|cpu| cpu.text.clone()), style, out)?;
    let walls = diagnosis.walls.iter().take(MOST_LISTED).map(|wall| {
        let mut text = format!(
            "{:.1} s on {}: {} requests end just there ({:.1} % of the route's), {} of them failed",
            wall.limit_s,
            (style.safe)(&wall.route),
            count(wall.requests),
            100.0 * wall.share,
            count(wall.failed)
        );
        if wall.may_have_succeeded > 0 {
            let _ =
                write!(text, ", {} of which a target may have finished all the same", count(wall.may_have_succeeded));
        }
        if wall.clients > 0 {
            let _ =
                write!(text, "; {} of {} clients tried again", count(wall.clients_tried_again), count(wall.clients));
        }
        text + "."
    });
    section("Time limits that were hit", walls, style, out)?;
    section("Growth", diagnosis.growth.iter().take(MOST_LISTED).map(|growth| (style.safe)(&growth.text)), style, out)
}

fn section(title: &str, lines: impl Iterator<Item = String>, style: &Style, out: &mut String) -> std::fmt::Result {
    for (i, line) in lines.enumerate() {
        if i == 0 {
            writeln!(out, "\n{}{title}", style.heading)?;
            if !style.heading.is_empty() {
                writeln!(out)?;
            }
        }
        writeln!(out, "{}{line}", style.item)?;
    }
    Ok(())
}

fn write_incident(number: usize, incident: &Incident, style: &Style, out: &mut String) -> std::fmt::Result {
    let minutes = (incident.end - incident.start).num_minutes();
    writeln!(
        out,
        "{}{number}. {} to {} UTC ({minutes} min)",
        style.heading,
        minute(incident.start),
        incident.end.format("%H:%M")
    )?;
    if !style.heading.is_empty() {
        writeln!(out)?;
    }
    let statuses: Vec<String> =
        incident.statuses.iter().map(|(status, n)| format!("{} x {status}", count(*n))).collect();
    let usual = incident.usual_errors().map_or(String::new(), |usual| format!(", where {usual:.1} are usual"));
    let slow = if incident.slow > 0 { format!("; {} were slow", count(incident.slow)) } else { String::new() };
    writeln!(
        out,
        "{}{} of {} requests failed ({:.1} %){usual}{}{slow}.",
        style.item,
        count(incident.errors),
        count(incident.requests),
        100.0 * incident.errors as f64 / (incident.requests as f64).max(1.0),
        if statuses.is_empty() { String::new() } else { format!(": {}", statuses.join(", ")) },
    )?;
    for (i, cause) in incident.causes.iter().enumerate() {
        if i == 0 {
            write_cause(cause, style, out)?;
        } else if i <= MOST_OTHERS && cause.confidence >= LEAST_CONFIDENCE {
            let summary = (style.safe)(&cause.summary);
            writeln!(out, "{}Or: {} ({:.0} %): {summary}", style.item, cause.cause.words(), 100.0 * cause.confidence)?;
        }
    }
    if let Some(cpu) = &incident.cpu {
        writeln!(out, "{}CPU: {}", style.item, cpu.text)?;
    }
    Ok(())
}

fn write_cause(cause: &Cause, style: &Style, out: &mut String) -> std::fmt::Result {
    let safe = style.safe;
    let likely = match cause.cause {
        Kind::Unknown => String::new(),
        kind => format!("Most likely: {} ({:.0} %). ", kind.words(), 100.0 * cause.confidence),
    };
    writeln!(out, "{}{likely}{}", style.item, safe(&cause.summary))?;
    for (label, lines) in [("for", &cause.evidence), ("against", &cause.against), ("check", &cause.check)] {
        for line in lines {
            writeln!(out, "{}  {label}: {}", style.item, safe(line))?;
        }
    }
    Ok(())
}

fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

fn slots(n: u64, seconds: i64) -> String {
    if seconds == 60 { format!("{n} minutes") } else { format!("{n} slots of {seconds} s") }
}

/// `1,234,567`
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let cause = Cause {
            cause: Kind::Unknown,
            confidence: 0.3,
            route: None,
            target: None,
            limit_s: None,
            client: None,
            summary: "No known cause fits.".to_owned(),
            evidence: vec!["40 requests failed: 40 x 413; on 1 route (GET /a) and 0 targets".to_owned()],
            against: Vec::new(),
            check: Vec::new(),
        };
        let incident = Incident {
            start: "2026-11-19T18:00:00Z".parse().unwrap(),
            end: "2026-11-19T18:10:00Z".parse().unwrap(),
            requests: 100,
            errors: 40,
            expected_errors: f64::NAN,
            statuses: BTreeMap::from([("413".to_owned(), 40)]),
            answered_by: BTreeMap::new(),
            slow: 0,
            causes: vec![cause],
            cpu: None,
        };
        assert!(serde_json::to_value(&incident).unwrap()["expected_errors"].is_null());
        let mut text = String::new();
        let style = Style { heading: "", item: "  ", safe: |text| visible(text).into_owned() };
        write_incident(1, &incident, &style, &mut text).unwrap();
        assert_eq!(
            text,
            "1. 2026-11-19 18:00 to 18:10 UTC (10 min)\n  40 of 100 requests failed (40.0 %): 40 x 413.\n  No known cause fits.\n    \
             for: 40 requests failed: 40 x 413; on 1 route (GET /a) and 0 targets\n"
        );
    }
}
