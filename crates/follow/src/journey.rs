//! Which lines belong to one request.

use std::collections::HashMap;

use serde::Serialize;

use crate::events::{Event, Layer, SLACK};
use crate::verdict;

/// By what a line belongs to the others of its journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// It is what was searched for.
    Subject,
    Trace,
    RequestId,
    Connection,
    /// Client, method, path and time are the same.
    Client,
    /// Method, path and time are.
    PathAndTime,
}

impl Link {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Link::Subject => "",
            Link::Trace => "same trace id",
            Link::RequestId => "same request id",
            Link::Connection => "same connection",
            Link::Client => "same client, path and time",
            Link::PathAndTime => "same path and time",
        }
    }
}

/// A line of a journey.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    #[serde(flatten)]
    pub event: Event,
    pub by: Link,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Journey {
    /// From the outermost layer to the innermost, in each in the order in which they began. Some logs tell whole seconds only, so that their
    /// times alone would put nginx before what it stands behind.
    pub steps: Vec<Step>,
    /// The layer where the trail ends.
    pub ends_at: Layer,
    /// How it ended, in a sentence.
    pub verdict: String,
}

impl Journey {
    pub(crate) fn new(mut steps: Vec<Step>, layers: &[Layer]) -> Journey {
        steps.sort_by(|a, b| {
            let key =
                |step: &Step| (step.event.layer.depth(), step.event.time, !step.event.is_request(), step.event.line);
            key(a).cmp(&key(b))
        });
        let (ends_at, verdict) = verdict::of(&steps, layers);
        Journey { steps, ends_at, verdict }
    }
}

/// Puts the requests that were searched for, and the other lines, together.
pub(crate) fn assemble(seeds: Vec<Event>, others: Vec<Event>) -> Vec<Vec<Step>> {
    let mut journeys: Vec<Vec<Step>> = Vec::new();
    // The outermost first: what comes behind belongs to it.
    let mut seeds = seeds;
    seeds.sort_by_key(|event| (event.layer.depth(), event.time));
    for event in seeds {
        match home(&journeys, &event) {
            Some((at, _)) => journeys[at].push(Step { event, by: Link::Subject }),
            None => journeys.push(vec![Step { event, by: Link::Subject }]),
        }
    }
    let mut others: Vec<Event> =
        others.into_iter().filter(|event| !journeys.iter().flatten().any(|step| step.event == *event)).collect();
    // A line may know another one by an id that the searched one does not have: until nothing more is found.
    loop {
        let mut found: HashMap<usize, (usize, Link)> = HashMap::new();
        for (i, event) in others.iter().enumerate() {
            if let Some(home) = home(&journeys, event) {
                found.insert(i, home);
            }
        }
        // Ids before guesses, and requests before what is said about them.
        let best = found.iter().min_by_key(|(i, (_, link))| {
            let event = &others[**i];
            (*link, !event.is_request(), event.layer.depth(), event.time)
        });
        let Some((&i, &(at, by))) = best else { break };
        journeys[at].push(Step { event: others.remove(i), by });
    }
    journeys.sort_by_key(|steps| steps.iter().map(|step| step.event.time).min());
    journeys
}

/// The journey to which a line belongs, and by what.
fn home(journeys: &[Vec<Step>], event: &Event) -> Option<(usize, Link)> {
    let links = journeys.iter().enumerate().filter_map(|(at, steps)| {
        // One request has one line in a layer, unless the same id says so.
        let is_double =
            event.is_request() && steps.iter().any(|s| s.event.layer == event.layer && s.event.is_request());
        let link = steps.iter().filter_map(|step| link(&step.event, event)).min()?;
        if is_double && link > Link::RequestId {
            return None;
        }
        let distance = steps.iter().map(|step| (step.event.time - event.time).abs()).min()?;
        Some((link, distance, at))
    });
    links.min().map(|(link, _, at)| (at, link))
}

fn link(known: &Event, event: &Event) -> Option<Link> {
    let same = |of: fn(&Event) -> Option<&str>| of(known).is_some() && of(known) == of(event);
    if same(Event::trace) {
        return Some(Link::Trace);
    }
    if same(|e| e.request_id.as_deref()) {
        return Some(Link::RequestId);
    }
    let meets = known.time - SLACK <= event.end() && event.time - SLACK <= known.end();
    // Many requests share a connection; only its own line is told by it.
    let is_connection = |e: &Event| e.layer == Layer::AlbConnections;
    if same(|e| e.connection_id.as_deref()) && (is_connection(known) != is_connection(event)) {
        return Some(Link::Connection);
    }
    let ids_differ = |of: fn(&Event) -> Option<&str>| of(known).is_some() && of(event).is_some() && !same(of);
    if ids_differ(Event::trace) || known.layer == event.layer && known.is_request() && event.is_request() {
        return None;
    }
    if !meets || !same(|e| e.path.as_deref()) || ids_differ(|e| e.method.as_deref()) {
        return None;
    }
    let status_differs =
        known.is_request() && event.is_request() && known.status.zip(event.status).is_some_and(|(a, b)| a != b);
    let clients = |e: &Event| {
        let forwarded = e.forwarded_for.iter().flat_map(|list| list.split(','));
        forwarded.map(str::trim).chain(e.client.as_deref()).map(str::to_owned).collect::<Vec<_>>()
    };
    let of_known = clients(known);
    if clients(event).iter().any(|client| of_known.contains(client)) {
        return Some(Link::Client);
    }
    // Behind a proxy every client is the proxy; in front of one layer only neighbours can be meant.
    (known.layer.depth() != event.layer.depth() && !status_differs).then_some(Link::PathAndTime)
}
