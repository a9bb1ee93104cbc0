//! Holds a file against a lake.

mod budgets;

use std::collections::BTreeMap;
use std::io::{self, Write};

use albatross_query::compare::{ERRORS, Range};
use albatross_query::{Clock, Format, Options, Query, Session, rows, visible, write};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;

use crate::durations::{Durations, Step};
use crate::file::{Check, Cpu, Defaults, File};
use crate::report::{Outcome, Report, Verdict};
use budgets::Seen;

/// A baseline, unless one is given: long enough to have seen every hour of every day of the week.
const BASELINE_S: f64 = 7.0 * 86_400.0;
const CHANCE: f64 = 0.01;
const CPU_MAXIMUM: &str = "cpu_maximum.max";
const NO_ROWS: &str = "no_rows";

/// A check that could not be done.
#[derive(Debug, thiserror::Error)]
#[error("check `{check}`")]
pub struct Error {
    /// Its title.
    pub check: String,
    pub source: albatross_query::Error,
}

/// Holds all checks of the file against the requests that arrived in `window`. The lake is scanned once for each check that is about
/// requests: arrival, status, duration, and the columns it is about.
///
/// A check that cannot be done keeps no other from being done: it has a verdict that says so ([`Outcome::Error`]), and its error is returned
/// beside the report: the lake cannot be read, or the SQL of a `no_rows` is wrong.
pub async fn run(session: &Session, file: &File, window: Range, clock: &Clock) -> (Report, Vec<Error>) {
    let (mut verdicts, mut errors) = (Vec::new(), Vec::new());
    for (i, check) in file.checks.iter().enumerate() {
        for part in one(session, &file.defaults, check, window, clock).await {
            let mut found = part.unwrap_or_else(|(budget, source)| {
                let verdict = Verdict { outcome: Outcome::Error, text: source.to_string(), ..Verdict::of(budget) };
                errors.push(Error { check: visible(&check.title()).into_owned(), source });
                vec![verdict]
            });
            for verdict in &mut found {
                verdict.check = check.title();
                verdict.number = i + 1;
            }
            verdicts.append(&mut found);
        }
    }
    (Report::new(window, verdicts), errors)
}

/// The verdicts of a part of a check, or the budget that could not be judged and why not.
type Part = Result<Vec<Verdict>, (&'static str, albatross_query::Error)>;

async fn one(session: &Session, defaults: &Defaults, check: &Check, window: Range, clock: &Clock) -> Vec<Part> {
    let chance = defaults.chance.map_or(CHANCE, |chance| chance.0.clamp(1e-9, 0.5));
    let mut parts = Vec::new();
    if check.is_about_requests() {
        let seen = seen(session, defaults, check, window, clock, chance).await;
        parts.push(seen.map(|seen| budgets::requests(check, &seen)).map_err(|error| ("", error)));
    }
    if let Some(cpu) = &check.cpu_maximum {
        let verdict = cpu_maximum(session, cpu, window, clock).await;
        parts.push(verdict.map(|verdict| vec![verdict]).map_err(|error| (CPU_MAXIMUM, error)));
    }
    if let Some(sql) = &check.no_rows {
        let verdict = no_rows(session, sql, window, clock).await;
        parts.push(verdict.map(|verdict| vec![verdict]).map_err(|error| (NO_ROWS, error)));
    }
    parts
}

/// The requests that the check is about, in the window and in its baseline.
async fn seen(
    session: &Session,
    defaults: &Defaults,
    check: &Check,
    window: Range,
    clock: &Clock,
    chance: f64,
) -> albatross_query::Result<Seen> {
    let length = check.baseline.or(defaults.baseline).map_or(BASELINE_S, |length| length.0);
    let before = match check.needs_baseline() {
        true => {
            TimeDelta::try_milliseconds((length * 1000.0) as i64).and_then(|length| window.0.checked_sub_signed(length))
        }
        false => None,
    };
    // What the lake does not reach back to is no time without requests.
    let before = before.unwrap_or(window.0).max(session.span().map_or(window.0, |span| span.0)).min(window.0);
    let statuses = check.errors.as_ref().or(defaults.errors.as_ref()).map_or(ERRORS, |statuses| statuses.as_str());
    let texts = [
        ("before", Some(rfc3339(before))),
        ("status", Some(statuses.to_owned())),
        ("method", check.route.as_ref().and_then(|route| route.method.clone())),
        ("route", check.route.as_ref().map(|route| route.template.clone())),
        ("load_balancer", check.load_balancer.clone()),
        ("target_ip", check.target.as_ref().map(|target| target.ip.clone())),
        ("target_port", check.target.as_ref().and_then(|target| target.port).map(|port| port.to_string())),
    ];
    let mut given = range(window);
    given.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))));
    let query = Query::parse("durations", include_str!("../sql/durations.sql"))?;
    let steps: Vec<Step> = rows(session.query(&query, &given, clock).await?).await?;
    let (inside, baseline) = steps.into_iter().partition(|step| step.is_in);
    Ok(Seen {
        window: Durations::new(inside),
        baseline: Durations::new(baseline),
        window_s: (window.1 - window.0).as_seconds_f64(),
        baseline_s: (window.0 - before).as_seconds_f64(),
        min_requests: check.min_requests.or(defaults.min_requests),
        chance,
    })
}

#[derive(Deserialize)]
struct CpuSeen {
    minutes: u64,
    above: u64,
    highest: Option<f64>,
    at: Option<String>,
}

async fn cpu_maximum(session: &Session, cpu: &Cpu, window: Range, clock: &Clock) -> albatross_query::Result<Verdict> {
    let mut given = range(window);
    given.insert("limit".to_owned(), cpu.max.to_string());
    given.extend(cpu.resource.iter().map(|resource| ("resource".to_owned(), resource.clone())));
    let query = Query::parse("cpu", include_str!("../sql/cpu.sql"))?;
    let seen: Vec<CpuSeen> = rows(session.query(&query, &given, clock).await?).await?;
    let mut verdict = Verdict::of(CPU_MAXIMUM);
    verdict.limit = Some(cpu.max);
    let (Some(CpuSeen { minutes, above, at: Some(at), .. }), Some(highest)) =
        (seen.first(), seen.first().and_then(|seen| seen.highest))
    else {
        verdict.text = "there is no maximum CPU for this time".to_owned();
        return Ok(verdict);
    };
    (verdict.observed, verdict.requests) = (Some(highest), Some(*minutes));
    verdict.outcome = if *above > cpu.minutes { Outcome::Failed } else { Outcome::Ok };
    verdict.text = format!(
        "maximum CPU was above {} % in {above} of {minutes} minutes, {} allowed; highest {highest:.1} % at {at}",
        cpu.max, cpu.minutes
    );
    Ok(verdict)
}

async fn no_rows(session: &Session, sql: &str, window: Range, clock: &Clock) -> albatross_query::Result<Verdict> {
    let query = Query::parse("no_rows", &format!("-- no_rows: which rows must not be?\n{sql}"))?;
    // An end of the window that the SQL has no use for would be refused.
    let given = range(window).into_iter().filter(|(name, _)| sql.contains(&format!("${name}"))).collect();
    let answer = session.query(&query, &given, clock).await?;
    let mut first = FirstLine::default();
    let rows = write(Format::Ndjson, answer, &mut first, &Options::default()).await?.rows;
    let mut verdict = Verdict::of(NO_ROWS);
    (verdict.observed, verdict.limit) = (Some(rows as f64), Some(0.0));
    (verdict.outcome, verdict.text) = match rows {
        0 => (Outcome::Ok, "no row".to_owned()),
        n => (Outcome::Failed, format!("{n} row{}; the first: {}", if n == 1 { "" } else { "s" }, first.text())),
    };
    Ok(verdict)
}

fn range((from, to): Range) -> BTreeMap<String, String> {
    BTreeMap::from([("from".to_owned(), rfc3339(from)), ("to".to_owned(), rfc3339(to))])
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Keeps the first line of what is written, up to a length that a report can show.
#[derive(Default)]
struct FirstLine {
    bytes: Vec<u8>,
    ended: bool,
}

const LONGEST_LINE: usize = 500;

impl Write for FirstLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if !self.ended {
            self.bytes.extend(&line[..line.len().min(LONGEST_LINE.saturating_sub(self.bytes.len()))]);
            self.ended = line.len() < bytes.len();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl FirstLine {
    fn text(&self) -> String {
        let more = if self.bytes.len() >= LONGEST_LINE { " ..." } else { "" };
        format!("{}{more}", String::from_utf8_lossy(&self.bytes))
    }
}
