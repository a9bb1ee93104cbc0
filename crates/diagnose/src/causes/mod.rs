//! How well each kind of cause fits an episode.
//!
//! A kind is judged by what must be there if it is the cause and by what speaks against it; its confidence is the product of how far each of
//! these holds. Rules of thumb, each with its threshold and reason beside it; what a row says and what a crowd says is in `docs/diagnose.md`.

mod view;
mod rolling;
mod answered;
mod connection;
mod slow;

use crate::diagnose::rounded;
use crate::features::Features;
use crate::model::{Cause, Kind};
pub(crate) use view::View;

/// What fits worse is not told.
const LEAST: f64 = 0.1;
/// If nothing fits better, the cause is unknown.
const KNOWN: f64 = 0.3;
const MOST_CAUSES: usize = 4;

/// The likeliest first; never empty.
pub(crate) fn causes(features: &Features<'_>) -> Vec<Cause> {
    let view = View::of(features);
    let kinds = [
        slow::cpu_bound_endpoint,
        slow::slow_dependency,
        slow::timeout_limit,
        slow::client_gave_up,
        connection::keepalive_race,
        connection::bad_target,
        connection::deploy,
        connection::no_targets,
        answered::body_too_large,
        answered::lambda_error,
        answered::application_error,
    ];
    let mut causes: Vec<Cause> =
        kinds.iter().filter_map(|kind| kind(&view)).filter(|c| c.confidence >= LEAST).collect();
    causes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    if causes.first().is_none_or(|cause| cause.confidence < KNOWN) {
        causes.insert(0, unknown(&view));
    }
    causes.truncate(MOST_CAUSES);
    for cause in &mut causes {
        cause.confidence = rounded(cause.confidence.clamp(0.0, 0.99), 100.0);
    }
    causes
}

/// A cause that nothing is known of yet.
fn cause(kind: Kind, confidence: f64, summary: String) -> Cause {
    Cause {
        cause: kind,
        confidence,
        route: None,
        target: None,
        limit_s: None,
        client: None,
        summary,
        evidence: Vec::new(),
        against: Vec::new(),
        check: Vec::new(),
    }
}

fn unknown(view: &View<'_>) -> Cause {
    Cause {
        route: view.focused_route(0.6),
        target: view.focused_target(0.6),
        evidence: vec![view.failures_sentence()],
        check: vec!["the requests themselves: albatross query errors_by_cause, errors_by_route and errors_by_target for this time".to_owned()],
        ..cause(Kind::Unknown, KNOWN, "No known cause fits.".to_owned())
    }
}
