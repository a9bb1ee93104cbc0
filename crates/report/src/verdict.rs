//! The whole report in a sentence, for who is woken by it.

use albatross_diagnose::{Cause, Diagnosis, Incident, Kind, Span, count};

use crate::model::{State, Totals, Verdict};
use crate::words;

/// Incidents whose times are listed.
const MOST_TIMES: usize = 4;
/// Other causes that are told.
const MOST_OTHERS: usize = 3;

pub(crate) fn verdict(diagnosis: &Diagnosis, totals: &Totals, lake: Option<Span>) -> Verdict {
    if totals.requests == 0 {
        let text = "There are no requests of a load balancer in this time.".to_owned();
        let also = match lake {
            Some(lake) => format!("The lake has logs from {} UTC.", words::span(lake)),
            None => "The lake is empty.".to_owned(),
        };
        return Verdict { state: State::Empty, text, also: vec![also] };
    }
    let mut verdict = match diagnosis.incidents.as_slice() {
        [] => quiet(totals),
        incidents => with_incidents(incidents),
    };
    verdict.also.extend(cpu(diagnosis));
    verdict
}

fn quiet(totals: &Totals) -> Verdict {
    let latency = match (totals.p50, totals.p99) {
        (Some(p50), Some(p99)) => {
            format!("; half were answered within {}, 99 % within {}", words::seconds(p50), words::seconds(p99))
        }
        _ => String::new(),
    };
    let text = format!(
        "No incident: of {} {} failed ({}){latency}.",
        words::plural(totals.requests, "request"),
        count(totals.errors),
        words::percent(totals.error_rate().unwrap_or(0.0)),
    );
    Verdict { state: State::Quiet, text, also: Vec::new() }
}

fn with_incidents(incidents: &[Incident]) -> Verdict {
    let harm = |incident: &Incident| (incident.errors, incident.slow);
    let mut by_harm: Vec<&Incident> = incidents.iter().collect();
    by_harm.sort_by_key(|incident| std::cmp::Reverse(harm(incident)));
    let worst = by_harm[0];
    let same = |a: Option<&Cause>, b: Option<&Cause>| match (a, b) {
        (Some(a), Some(b)) => a.is_like(b),
        _ => false,
    };
    let cause = worst.causes.first();
    let all_alike = incidents.iter().all(|incident| same(incident.causes.first(), cause));
    let what = match cause {
        Some(cause) if cause.cause != Kind::Unknown => cause.summary.clone(),
        _ => "what caused it is not known.".to_owned(),
    };
    let n = incidents.len();
    let text = match n {
        1 => format!("1 incident, {} UTC: {what}", times(incidents)),
        _ if all_alike => format!("{n} incidents with the same cause ({} UTC): {what}", times(incidents)),
        _ => format!("{n} incidents ({} UTC). The worst, {}: {what}", times(incidents), time_of(worst)),
    };
    let (mut requests, mut errors, mut expected, mut slow) = (0, 0, 0.0, 0);
    for incident in incidents {
        requests += incident.requests;
        errors += incident.errors;
        expected += incident.expected_errors;
        slow += incident.slow;
    }
    let slow = if slow > 0 { format!("; {} took much longer than usual", count(slow)) } else { String::new() };
    let harm = format!(
        "{} of {} failed {}, where {expected:.0} are usual{slow}.",
        count(errors),
        words::plural(requests, "request"),
        if n == 1 { "in it" } else { "in them" },
    );
    let others = by_harm.iter().skip(1).filter(|incident| !same(incident.causes.first(), cause));
    let others = others.take(MOST_OTHERS).filter_map(|incident| {
        let cause = incident.causes.first()?;
        Some(format!("{}: {}", time_of(incident), cause.summary))
    });
    let also = std::iter::once(harm).chain(others).collect();
    Verdict { state: State::Incidents, text, also }
}

fn times(incidents: &[Incident]) -> String {
    let mut times: Vec<String> = Vec::new();
    let mut day = None;
    for incident in incidents.iter().take(MOST_TIMES) {
        // The day once, for those that follow on it.
        let said = day == Some(incident.start.date_naive()) && day == Some(incident.end.date_naive());
        times.push(if said { hours(incident) } else { time_of(incident) });
        day = Some(incident.end.date_naive());
    }
    let more = incidents.len().saturating_sub(MOST_TIMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    times.join(", ") + &more
}

fn hours(incident: &Incident) -> String {
    format!("{} to {}", incident.start.format("%H:%M"), incident.end.format("%H:%M"))
}

fn time_of(incident: &Incident) -> String {
    words::span(Span { start: incident.start, end: incident.end })
}

/// What an alarm would not have told.
fn cpu(diagnosis: &Diagnosis) -> Option<String> {
    let Some(cpu) = &diagnosis.cpu else {
        return Some("There is no CPU data for this time: whether targets were busy could not be judged.".to_owned());
    };
    let (average, maximum) = (cpu.highest_average?, cpu.highest_maximum?);
    (cpu.maximum_alarm.slots > 0 && cpu.average_alarm.slots == 0).then(|| {
        format!(
            "Maximum CPU reached {maximum:.0} % while the average never passed {average:.0} %: an alarm on the average sees nothing of it."
        )
    })
}
