//! What is no incident but should be known.

use albatross_query::Session;

use crate::Result;
use crate::facts::{Facts, sql};
use crate::model::{Note, NoteKind, iso};
use crate::rows::{Sql, Window, ask, int, text};
use crate::segments::{Run, Series, price, runs};
use crate::stats::{median, share};

/// Client errors beyond the expected that make a scan worth a line.
const LEAST_REFUSED: f64 = 50.0;
/// Traffic of a surge, as a multiple of the median of all slots, and the shortest surge, slots.
const SURGE: f64 = 2.0;
const LEAST_SURGE_SLOTS: usize = 5;

pub(crate) async fn notes(session: &Session, facts: &Facts, quiet: &[bool]) -> Result<Vec<Note>> {
    let mut notes = scanner(session, facts).await?;
    notes.extend(surge(facts));
    notes.extend(background(facts, quiet));
    Ok(notes)
}

async fn scanner(session: &Session, facts: &Facts) -> Result<Vec<Note>> {
    let series = Series { events: facts.client_errors.clone(), trials: facts.requests.clone() };
    let (_, found) = runs(&series, price(facts.slots, 1), 1.0);
    let Some(worst) = found
        .iter()
        .filter(|run| run.events - run.expected >= LEAST_REFUSED)
        .max_by(|a, b| a.surprise.total_cmp(&b.surprise))
    else {
        return Ok(Vec::new());
    };
    let window = Window { from: facts.time(worst.start), to: facts.time(worst.end) };
    let Run { events, expected, .. } = worst;
    let mut said = format!(
        "{events:.0} requests were refused with 4xx from {} to {}, where {expected:.0} are usual: somebody asks for what is not there or \
         not allowed.",
        iso(window.from),
        iso(window.to),
    );
    let mut client = None;
    for rows in ask(session, &sql!("refused"), window, &[]).await? {
        let (address, agent) = (rows.texts("client")?, rows.texts("an_agent")?);
        let (status, requests, paths) = (rows.ints("status")?, rows.ints("requests")?, rows.ints("paths")?);
        if rows.len() > 0 {
            let address = text(&address, 0).unwrap_or("-");
            let requests = int(&requests, 0).unwrap_or(0);
            said += &format!(
                " Most from {address}: {requests} x {} on {} paths, as \"{}\".",
                int(&status, 0).unwrap_or(0),
                int(&paths, 0).unwrap_or(0),
                text(&agent, 0).unwrap_or("-")
            );
            client = (requests as f64 >= 0.5 * events).then(|| address.to_owned());
        }
    }
    Ok(vec![Note {
        kind: NoteKind::Scanner,
        text: said,
        start: Some(iso(window.from)),
        end: Some(iso(window.to)),
        client,
    }])
}

fn surge(facts: &Facts) -> Option<Note> {
    let mut busy: Vec<f64> = facts.requests.iter().copied().filter(|n| *n > 0.0).collect();
    let usual = median(&mut busy)?;
    // Of five slots together, so that one busy minute ends nothing.
    let level = |slot: usize| {
        let around = slot.saturating_sub(2)..(slot + 3).min(facts.slots);
        share(facts.requests[around.clone()].iter().sum(), around.len() as f64)
    };
    let high: Vec<usize> = (0..facts.slots).filter(|slot| level(*slot) >= SURGE * usual).collect();
    let longest = high.chunk_by(|a, b| a + 1 == *b).max_by_key(|run| run.len())?;
    let (first, last) = (*longest.first()?, *longest.last()?);
    if longest.len() < LEAST_SURGE_SLOTS {
        return None;
    }
    let requests: f64 = facts.requests[first..=last].iter().sum();
    let errors = |wanted: &dyn Fn(usize) -> bool| -> f64 {
        facts.errors.iter().filter(|errors| wanted(errors.slot)).map(|errors| errors.requests).sum()
    };
    let during = errors(&|slot| (first..=last).contains(&slot));
    let rest: f64 = facts.requests.iter().sum::<f64>() - requests;
    let (rate, other) = (100.0 * share(during, requests), 100.0 * share(errors(&|_| true) - during, rest));
    let (start, end) = (iso(facts.time(first)), iso(facts.time(last + 1)));
    Some(Note {
        kind: NoteKind::TrafficSurge,
        text: format!(
            "Traffic was {:.1} times the usual from {start} to {end}; {rate:.2} % of it failed, {other:.2} % of the rest.",
            share(requests, longest.len() as f64) / usual,
        ),
        start: Some(start),
        end: Some(end),
        client: None,
    })
}

fn background(facts: &Facts, quiet: &[bool]) -> Option<Note> {
    let requests: f64 = (0..facts.slots).filter(|slot| quiet[*slot]).map(|slot| facts.requests[slot]).sum();
    let errors = facts.errors.iter().filter(|errors| quiet[errors.slot]);
    let count: f64 = errors.clone().map(|errors| errors.requests).sum();
    if count == 0.0 {
        return None;
    }
    let mut routes = vec![0.0; facts.route_names.len()];
    errors.for_each(|errors| routes[errors.route] += errors.requests);
    let (worst, most) = routes.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    // A route that fails all the time is worth its name.
    let where_most = if *most >= 10.0 && *most >= 0.3 * count {
        format!(", {most:.0} of them on {}", facts.route_names.get(worst))
    } else {
        String::new()
    };
    Some(Note {
        kind: NoteKind::BackgroundErrors,
        text: format!(
            "Outside of incidents {count:.0} of {requests:.0} requests failed (1 in {:.0}){where_most}.",
            requests / count
        ),
        start: None,
        end: None,
        client: None,
    })
}
