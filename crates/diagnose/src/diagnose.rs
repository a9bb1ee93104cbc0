//! The whole diagnosis.

use std::collections::BTreeMap;

use albatross_query::Session;
use chrono::TimeDelta;

use crate::detect::{Episode, episodes, slow_steps};
use crate::facts::{Facts, SHORTEST_SLOT, sql};
use crate::features::Features;
use crate::model::{Coverage, Diagnosis, Incident, Span, VERSION, iso};
use crate::rows::{Sql, Window, ask, int};
use crate::{Result, causes, cpu, growth, notes, walls};

/// In a long window, where slots are longer than a minute, an incident is looked at again minute by minute, with so much time around it.
const AROUND: TimeDelta = TimeDelta::hours(3);

/// Says what happened in a window of a lake.
///
/// # Errors
/// The lake cannot be read.
pub async fn diagnose(session: &Session, window: Window) -> Result<Diagnosis> {
    let rejects = rejects(session, window).await?;
    let span = Span { start: window.from, end: window.to };
    let Some(facts) = Facts::of(session, window).await? else {
        return Ok(nothing(span, rejects));
    };
    let episodes = episodes(&facts);
    let quiet = quiet(&facts, &episodes);
    let mut incidents = Vec::new();
    if facts.seconds == SHORTEST_SLOT {
        incidents = all_incidents(session, &facts, &episodes, &quiet).await?;
    } else {
        for episode in &episodes {
            incidents.extend(closer(session, &facts, episode, &quiet).await?);
        }
        incidents.sort_by_key(|incident| (incident.start, incident.end));
        incidents.dedup_by_key(|incident| (incident.start, incident.end, incident.errors));
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

/// The incidents that an episode of long slots turns out to be.
async fn closer(session: &Session, facts: &Facts, episode: &Episode, quiet: &[bool]) -> Result<Vec<Incident>> {
    let (start, end) = (facts.time(episode.start), facts.time(episode.end));
    let window = Window { from: facts.window.from.max(start - AROUND), to: facts.window.to.min(end + AROUND) };
    if let Some(near) = Facts::of(session, window).await?
        && near.seconds < facts.seconds
    {
        let episodes = episodes(&near);
        let quiet = self::quiet(&near, &episodes);
        let mine: Vec<Episode> =
            episodes.into_iter().filter(|e| near.time(e.start) < end && near.time(e.end) > start).collect();
        if !mine.is_empty() {
            return all_incidents(session, &near, &mine, &quiet).await;
        }
    }
    // It lasts for days, or is seen only from afar.
    all_incidents(session, facts, std::slice::from_ref(episode), quiet).await
}

async fn all_incidents(
    session: &Session,
    facts: &Facts,
    episodes: &[Episode],
    quiet: &[bool],
) -> Result<Vec<Incident>> {
    let steps = slow_steps(facts);
    let mut incidents = Vec::new();
    for episode in episodes {
        let features = Features::of(session, facts, episode, quiet, &steps).await?;
        incidents.push(incident(facts, episode, &features));
    }
    Ok(incidents)
}

/// Slots with requests that are in no episode.
fn quiet(facts: &Facts, episodes: &[Episode]) -> Vec<bool> {
    (0..facts.slots)
        .map(|slot| facts.requests[slot] > 0.0 && !episodes.iter().any(|episode| episode.has(slot)))
        .collect()
}

async fn rejects(session: &Session, window: Window) -> Result<u64> {
    let mut count = 0;
    for rows in ask(session, &sql!("rejects"), window, &[]).await? {
        if rows.len() > 0 {
            count += int(&rows.ints("rejects")?, 0).unwrap_or(0) as u64;
        }
    }
    Ok(count)
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
        expected_errors: features.expected.map_or(f64::NAN, |expected| rounded(expected, 100.0)),
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
        requests: facts.all_requests as u64,
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
    // Without a sign before zero.
    (x * parts).round() / parts + 0.0
}
