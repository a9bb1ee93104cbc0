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
            Some(lake) if lake.end <= diagnosis.window.start => {
                format!("This time is after all that the lake has: its logs are from {} UTC.", words::span(lake))
            }
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
    let requests = words::plural(totals.requests, "request");
    let failed = match totals.errors {
        0 => format!("none of {requests} failed"),
        errors => {
            format!("of {requests} {} failed ({})", count(errors), words::percent(totals.error_rate().unwrap_or(0.0)))
        }
    };
    let text = format!("No incident: {failed}{latency}.");
    Verdict { state: State::Quiet, text, also: Vec::new() }
}

fn with_incidents(incidents: &[Incident]) -> Verdict {
    let harm = |incident: &Incident| (incident.errors, incident.slow);
    let mut by_harm: Vec<&Incident> = incidents.iter().collect();
    by_harm.sort_by_key(|incident| std::cmp::Reverse(harm(incident)));
    let worst = by_harm[0];
    let cause = worst.causes.first();
    let is_alike = |incident: &Incident| incident.causes.first().zip(cause).is_some_and(|(a, b)| a.is_like(b));
    let all_alike = incidents.iter().all(is_alike);
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
    let (mut requests, mut errors, mut slow) = (0, 0, 0);
    for incident in incidents {
        requests += incident.requests;
        errors += incident.errors;
        slow += incident.slow;
    }
    let usual: Option<f64> = incidents.iter().map(Incident::usual_errors).sum();
    let usual = usual.map_or(String::new(), |usual| format!(", where {usual:.0} are usual"));
    let slow = if slow > 0 { format!("; {} took much longer than usual", count(slow)) } else { String::new() };
    let harm = format!(
        "{} of {} failed {}{usual}{slow}.",
        count(errors),
        words::plural(requests, "request"),
        if n == 1 { "in it" } else { "in them" },
    );
    // Every other cause once, where it did most harm.
    let mut told: Vec<&Cause> = cause.into_iter().collect();
    let mut others = Vec::new();
    for incident in by_harm.into_iter().skip(1) {
        let Some(other) = incident.causes.first() else { continue };
        if others.len() < MOST_OTHERS && !told.iter().any(|known| known.is_like(other)) {
            told.push(other);
            others.push(format!("{}: {}", time_of(incident), other.summary));
        }
    }
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
    let slot = diagnosis.coverage.slot_s;
    let over = if slot == 60 { String::new() } else { format!(" of {slot} s") };
    (cpu.maximum_alarm.slots > 0 && cpu.average_alarm.slots == 0).then(|| {
        format!(
            "Maximum CPU reached {maximum:.0} % while the average{over} never passed {average:.0} %: an alarm on the average sees nothing of it."
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn incident(start: &str, end: &str, errors: u64, cause: Kind, route: &str) -> Incident {
        let cause = Cause {
            cause,
            confidence: 0.9,
            route: Some(route.to_owned()),
            target: None,
            limit_s: None,
            client: None,
            summary: format!("{route} did it."),
            evidence: Vec::new(),
            against: Vec::new(),
            check: Vec::new(),
        };
        Incident {
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
            requests: 1000,
            errors,
            expected_errors: 1.2,
            statuses: BTreeMap::new(),
            answered_by: BTreeMap::new(),
            slow: 0,
            causes: vec![cause],
            cpu: None,
        }
    }

    fn said(incidents: &[Incident]) -> String {
        let verdict = with_incidents(incidents);
        [&[verdict.text], verdict.also.as_slice()].concat().join("\n")
    }

    #[test]
    fn incidents_in_a_sentence() {
        let first = || incident("2026-11-19T18:53:00Z", "2026-11-19T19:25:00Z", 20, Kind::BadTarget, "GET /a");
        let again = || incident("2026-11-19T20:04:00Z", "2026-11-19T20:47:00Z", 30, Kind::BadTarget, "GET /a");
        let other = || incident("2026-11-20T23:50:00Z", "2026-11-21T00:10:00Z", 99, Kind::NoTargets, "GET /b");
        assert_eq!(
            said(&[first()]),
            "1 incident, 2026-11-19 18:53 to 19:25 UTC: GET /a did it.\n20 of 1,000 requests failed in it, where 1 are usual."
        );
        assert_eq!(
            said(&[first(), again()]),
            "2 incidents with the same cause (2026-11-19 18:53 to 19:25, 20:04 to 20:47 UTC): GET /a did it.\n\
             50 of 2,000 requests failed in them, where 2 are usual."
        );
        assert_eq!(
            said(&[first(), again(), other()]),
            "3 incidents (2026-11-19 18:53 to 19:25, 20:04 to 20:47, 2026-11-20 23:50 to 2026-11-21 00:10 UTC). \
             The worst, 2026-11-20 23:50 to 2026-11-21 00:10: GET /b did it.\n\
             149 of 3,000 requests failed in them, where 4 are usual.\n\
             2026-11-19 20:04 to 20:47: GET /a did it."
        );
        let unknown = incident("2026-11-19T18:53:00Z", "2026-11-19T19:25:00Z", 20, Kind::Unknown, "GET /a");
        assert!(
            said(&[unknown]).starts_with("1 incident, 2026-11-19 18:53 to 19:25 UTC: what caused it is not known.\n")
        );
    }
}
