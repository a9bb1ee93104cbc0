//! One request through every layer it passed: which logs have a line of it, in what order, where the trail ends, and why.
//!
//! The view `events` has all layers in one shape. Of the lines that match the [`Subject`] the requests are taken; lines of other layers belong
//! to them by what they share, in this order: trace id, request id, connection id; then client, method, path and time; then, where a layer
//! cannot know the client (it sees the proxy before it), method, path and time alone. [`Step::by`] says which it was.
//!
//! A journey has the lines of one request, in the order in which they began; its verdict says how the deepest layer ended it.

mod events;
mod journey;
mod verdict;

use albatross_query::Session;
use chrono::{DateTime, Utc};
use serde::Serialize;

pub use events::{Event, Layer};
pub use journey::{Journey, Link, Step};

/// What is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// X-Amzn-Trace-Id, whole or only its root (`1-67891233-abcdef012345678912345678`).
    Trace(String),
    /// `x-edge-request-id` of CloudFront, `$request_id` of nginx, a request id of Lambda.
    Request(String),
    /// Address of a client, as the first layer or an X-Forwarded-For saw it.
    Client(String),
    /// Path without query; ending in `*`: all paths that begin so.
    Path(String),
    /// Whatever there was in the window.
    Everything,
}

impl Subject {
    /// What a person most likely means: something with a slash in front is a path, what parses as an address a client, what looks like
    /// a trace id one; anything else is a request id.
    pub fn guess(text: &str) -> Subject {
        if text.starts_with('/') {
            Subject::Path(text.to_owned())
        } else if text.parse::<std::net::IpAddr>().is_ok() {
            Subject::Client(text.to_owned())
        } else if events::trace_root(text).is_some() {
            Subject::Trace(text.to_owned())
        } else {
            Subject::Request(text.to_owned())
        }
    }
}

/// What to look for, and where.
#[derive(Clone, Debug)]
pub struct Search {
    pub subject: Subject,
    pub from: Option<DateTime<Utc>>,
    /// Excluded.
    pub to: Option<DateTime<Utc>>,
    /// At most so many requests are followed, the first ones.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Trail {
    /// In the order in which they began.
    pub journeys: Vec<Journey>,
    /// Whether more requests match than were followed.
    pub more: bool,
    /// Layers that have any line around that time: only of these it means something that they have none of a request.
    pub layers: Vec<Layer>,
}

/// Why nothing could be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Query(#[from] albatross_query::Error),
    #[error("an answer of the lake could not be read")]
    Answer(#[from] serde_json::Error),
}

/// Follows what matches.
pub async fn follow(session: &Session, search: &Search) -> Result<Trail, Error> {
    let mut seeds = events::matching(session, search).await?;
    let more = seeds.len() > search.limit;
    seeds.truncate(search.limit);
    let others = events::around(session, &seeds).await?;
    let layers = events::layers_around(session, &seeds).await?;
    let journeys = journey::assemble(seeds, others);
    let journeys = journeys.into_iter().map(|steps| Journey::new(steps, &layers)).collect();
    Ok(Trail { journeys, more, layers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses() {
        assert_eq!(Subject::guess("/api/orders"), Subject::Path("/api/orders".into()));
        assert_eq!(Subject::guess("2001:db8::1"), Subject::Client("2001:db8::1".into()));
        let trace = "Self=1-67891234-12456789abcdef012345678f;Root=1-67891233-abcdef012345678912345678";
        assert_eq!(Subject::guess(trace), Subject::Trace(trace.into()));
        assert_eq!(Subject::guess("8f7a2c"), Subject::Request("8f7a2c".into()));
    }
}
