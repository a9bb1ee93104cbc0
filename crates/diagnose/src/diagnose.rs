//! The whole diagnosis.

use std::collections::BTreeMap;

use albatross_query::Session;

use crate::detect::{Episode, episodes, slow_steps};
use crate::facts::Facts;
use crate::features::Features;
use crate::model::{Coverage, Diagnosis, Incident, Span, VERSION, iso};
use crate::rows::{Window, ask, int};
use crate::{Result, causes, cpu, growth, notes, walls};
use crate::facts::sql;
use crate::rows::Sql;

/// Says what happened in a window of a lake.
///
/// # Errors
/// The lake cannot be read.
pub async fn diagnose(session: &Session, window: Window) -> Result<Diagnosis> {
    let rejects = ask(session, &sql!("rejects"), window, &[]).await?;
    let rejects = rejects.iter().filter(|rows| rows.len() > 0).map(|rows| Ok(int(&rows.ints("rejects")?, 0))).collect::<Result<Vec<_>>>()?;
    let rejects = rejects.into_iter().flatten().sum::<i64>() as u64;
    let span = Span { start: window.from, end: window.to };
    let Some(facts) = Facts::of(session, window).await? else {
        return Ok(nothing(span, rejects));
    };
    let episodes = episodes(&facts);
    let quiet: Vec<bool> = (0..facts.slots)
        .map(|slot| facts.requests[slot] > 0.0 && !episodes.iter().any(|episode| episode.has(slot)))
        .collect();
    let steps = slow_steps(&facts);
    let mut incidents = Vec::new();
    for episode in &episodes {
        let features = Features::of(session, &facts, episode, &quiet, &steps).await?;
        incidents.push(incident(&facts, episode, &features));
    }
    Ok(Diagnosis {
        version: VERSION,
        window: span,
        coverage: coverage(&facts, rejects),
        notes: notes::notes(session, &facts, &quiet).await?,
        cpu: cpu::whole(&facts),
        walls: walls::walls(session, &facts).await?,
        growth: growth::growth(session, window).await?,
        incidents,
    })
}

fn incident(facts: &Facts, episode: &Episode, features: &Features<'_>) -> Incident {
    let mut statuses = BTreeMap::new();
    let mut answered_by = BTreeMap::new();
    for errors in &features.errors {
        *statuses.entry(format!("{:03}", errors.status)).or_default() += errors.requests as u64;
        *answered_by.entry(facts.answered_by_names.get(errors.answered_by).to_owned()).or_default() +=
            errors.requests as u64;
    }
    Incident {
        start: facts.time(episode.start).max(facts.window.from),
        end: facts.time(episode.end).min(facts.window.to),
        requests: features.requests as u64,
        errors: features.count as u64,
        expected_errors: rounded(features.expected, 100.0),
        statuses,
        answered_by,
        slow: features.slow as u64,
        causes: causes::causes(features),
        cpu: cpu::during(facts, episode),
    }
}

fn coverage(facts: &Facts, rejects: u64) -> Coverage {
    let first = facts.requests.iter().position(|n| *n > 0.0).unwrap_or(0);
    let last = facts.requests.iter().rposition(|n| *n > 0.0).unwrap_or(0);
    Coverage {
        requests: facts.requests.iter().sum::<f64>() as u64,
        requests_from: Some(iso(facts.time(first))),
        requests_to: Some(iso(facts.time(last + 1))),
        slot_s: facts.seconds,
        empty_slots: facts.requests[first..=last].iter().filter(|n| **n == 0.0).count() as u64,
        cpu_slots: facts.cpu.iter().flatten().count() as u64,
        rejects,
    }
}

fn nothing(window: Span, rejects: u64) -> Diagnosis {
    Diagnosis {
        version: VERSION,
        window,
        coverage: Coverage {
            requests: 0,
            requests_from: None,
            requests_to: None,
            slot_s: 60,
            empty_slots: 0,
            cpu_slots: 0,
            rejects,
        },
        incidents: Vec::new(),
        notes: Vec::new(),
        cpu: None,
        walls: Vec::new(),
        growth: Vec::new(),
    }
}

/// To this part of one, so that the last digits do not depend on the order of additions.
pub(crate) fn rounded(x: f64, parts: f64) -> f64 {
    (x * parts).round() / parts
}
