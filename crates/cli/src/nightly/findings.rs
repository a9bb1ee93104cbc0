//! What a night has to say to people who are not looking, as messages.
//!
//! A message's id is a hash of what makes the finding the same one when it is found again: so it is sent once, however often a day is looked at.

use albatross_check::{Outcome, Report};
use albatross_diagnose::{Diagnosis, Incident};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::show::{count, plural, safe};

/// Longer ones are cut; Slack takes 40,000 characters and shows few of them.
const MAX_CHARS: usize = 3000;
/// Lines of evidence in a message.
const EVIDENCE: usize = 3;

/// The file of a day's messages.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Messages {
    pub(super) version: u32,
    pub(super) created: DateTime<Utc>,
    pub(super) messages: Vec<Message>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    /// 32 hex digits; also the name of its marker.
    pub(super) id: String,
    /// In Slack's markup.
    pub(super) text: String,
}

/// A message for each incident, and for each budget that failed. `lake` is where it is; files of checks are called as the config has them.
pub(super) fn messages(
    lake: &str,
    day: NaiveDate,
    zone: Tz,
    diagnosis: Option<&Diagnosis>,
    checks: &[(String, Report)],
) -> Vec<Message> {
    let incidents = diagnosis.iter().flat_map(|diagnosis| &diagnosis.incidents);
    let mut messages: Vec<Message> = incidents.map(|incident| of_incident(lake, zone, incident)).collect();
    for (file, report) in checks {
        for verdict in report.verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Failed) {
            let day = day.to_string();
            messages.push(Message {
                // Checks may have the same name, or none.
                id: id(&[lake, "check", file, &verdict.number.to_string(), &verdict.check, verdict.budget, &day]),
                text: cut(format!(
                    "*Check failed on {day}: {}*\n{}: {}",
                    shown(&verdict.check),
                    verdict.budget,
                    shown(&verdict.text)
                )),
            });
        }
    }
    messages
}

fn of_incident(lake: &str, zone: Tz, incident: &Incident) -> Message {
    let cause = incident.causes.first();
    let kind = cause.and_then(|cause| serde_json::to_value(cause.cause).ok());
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default();
    let of_cause =
        |part: fn(&albatross_diagnose::Cause) -> Option<&String>| cause.and_then(part).map_or("", String::as_str);
    let (route, target) = (of_cause(|cause| cause.route.as_ref()), of_cause(|cause| cause.target.as_ref()));
    let (start, end) = (incident.start.with_timezone(&zone), incident.end.with_timezone(&zone));
    let statuses: Vec<String> =
        incident.statuses.iter().map(|(status, n)| format!("{status}: {}", count(*n))).collect();
    let mut text = format!(
        "*Incident {} to {}*: {} of {} failed",
        start.format("%Y-%m-%d %H:%M"),
        end.format("%H:%M %Z"),
        count(incident.errors),
        plural(incident.requests, "request"),
    );
    if !statuses.is_empty() {
        text += &format!(" ({})", shown(&statuses.join(", ")));
    }
    if incident.slow > 0 {
        text += &format!(", {} were slow", count(incident.slow));
    }
    if let Some(cause) = cause {
        text += &format!("\n{} (confidence {:.0} %)", shown(&cause.summary), cause.confidence * 100.0);
        for line in cause.evidence.iter().take(EVIDENCE) {
            text += &format!("\n• {}", shown(line));
        }
        for line in &cause.check {
            text += &format!("\n→ {}", shown(line));
        }
    }
    Message { id: id(&[lake, "incident", kind, route, target, &incident.start.to_rfc3339()]), text: cut(text) }
}

/// The same parts give the same id in every version: what was sent stays known.
fn id(parts: &[&str]) -> String {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes()); // so that ("ab", "c") is not ("a", "bc")
        hash.update(part.as_bytes());
    }
    format!("{:032x}", hash.digest128())
}

/// A text from a log: Slack takes `<!channel>` and links between angle brackets, and nothing else, for more than text.
fn shown(text: &str) -> String {
    safe(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_changes_and_every_part_counts() {
        assert_eq!(id(&["file:///lake/", "incident"]), "fc46fe87e385681852591d8f241c4304");
        assert_ne!(id(&["ab", "c"]), id(&["a", "bc"]));
    }

    #[test]
    fn what_a_log_says_stays_text() {
        assert_eq!(shown("<!channel> a&b\u{202e}\n"), "&lt;!channel&gt; a&amp;b\\u{202e}\\u{a}");
        assert_eq!(cut("é".repeat(MAX_CHARS + 5)).chars().count(), MAX_CHARS + 1);
    }
}
