//! What goes wrong: one kind of incident each, in the shapes that it has in life. The seed draws shape, severity, time and place.

mod clients;
mod cpu;
mod deploy;
mod functions;
mod harmless;
mod routes;
mod targets;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::routes::Route;
use crate::service::Service;
use crate::time::{Span, rfc3339};
use crate::traffic::Traffic;

/// Fewer failures in a span than these are no incident that anybody could tell from bad luck, or whose ends anybody could tell.
fn fewest(span: Span) -> f64 {
    (1.5 * span.seconds() / 60.0).max(50.0)
}

/// Changes what a healthy service would do. All moments are microseconds; each method minds the time itself.
pub(crate) trait Fault {
    /// Makes an answer slower or worse.
    fn act(&self, _request: &Request, _answer: &mut Answer, _dice: &mut Dice) {}

    /// The target that takes the place of this one.
    fn place(&self, target: usize, _at: i64, _dice: &mut Dice) -> usize {
        target
    }

    /// Whether there is such a target at this moment.
    fn alive(&self, _target: usize, _at: i64) -> bool {
        true
    }

    /// CPU of a target, average and maximum in percent, where its requests do not explain it.
    fn strain(&self, _target: usize, _at: i64) -> Option<(f64, f64)> {
        None
    }

    /// Bytes of a call's body, instead of these.
    fn body(&self, _route: usize, _at: i64, body: f64) -> f64 {
        body
    }

    /// More requests, as a multiple of the usual ones.
    fn extra(&self, _at: i64) -> f64 {
        0.0
    }

    fn extra_call(&self, _dice: &mut Dice) -> Extra {
        Extra::Usual
    }
}

/// Whose an additional request is.
pub(crate) enum Extra {
    /// As all others.
    Usual,
    Route(usize),
    Client(usize),
    /// A scanner's, from this address; `true`: the firewall stops it.
    Scan(String, bool),
}

/// What an incident is drawn from and for.
pub(crate) struct Stage<'a> {
    pub(crate) dice: &'a mut Dice,
    pub(crate) service: &'a mut Service,
    pub(crate) traffic: &'a Traffic,
    pub(crate) run: Span,
}

impl Stage<'_> {
    fn window(&mut self, minutes: (f64, f64)) -> Span {
        self.run.part(self.dice, minutes)
    }

    /// How many of the usual requests arrive in a span.
    fn requests(&self, span: Span) -> f64 {
        let samples = 50;
        let at = |i: i64| span.start + (span.end - span.start) / samples * i;
        let sum: f64 = (0..samples).map(|i| self.traffic.factor(at(i))).sum();
        self.traffic.mean * span.seconds() * sum / samples as f64
    }

    /// A share between these (small ones as likely as large ones) of so many requests that are at risk; more, if it
    /// takes more to be an incident at all.
    fn share(&mut self, low: f64, high: f64, at_risk: f64, span: Span) -> f64 {
        self.dice.log_float(low, high).max(fewest(span) / at_risk).min(1.0)
    }

    /// A route that fits and is used enough for its failures to be seen in the span, or is made so.
    fn guilty(&mut self, span: Span, fits: impl Fn(&Route) -> bool) -> usize {
        let enough = 3.0 * fewest(span) / self.requests(span);
        let busy = |route: &Route| route.weight >= enough.max(0.008) && route.weight < 0.3;
        let route = self.service.a_route(self.dice, |route| fits(route) && busy(route));
        let route = if fits(&self.service.routes[route]) { route } else { self.service.busiest(&fits) };
        self.service.make_busy(route, enough.min(0.3));
        route
    }
}

/// What there is to find out.
#[derive(Default)]
pub(crate) struct Truth {
    /// Nothing that anybody should be woken for.
    pub(crate) harmless: bool,
    /// When the fault acts on arriving requests.
    pub(crate) span: Option<Span>,
    /// Which of its shapes the incident has.
    pub(crate) shape: &'static str,
    pub(crate) route: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) limit_s: Option<f64>,
    pub(crate) client: Option<String>,
    /// Whatever else helps to understand a run.
    pub(crate) detail: Value,
}

type Planned = (Box<dyn Fault>, Truth);

macro_rules! kinds {
    ($($name:literal => $plan:path,)*) => {
        /// The names of all kinds.
        pub const KINDS: &[&str] = &[$($name),*];

        pub(crate) fn plan(kind: &str, stage: Stage<'_>) -> Option<Planned> {
            match kind {
                $($name => Some($plan(stage)),)*
                _ => None,
            }
        }
    };
}

kinds! {
    "cpu_bound_endpoint" => cpu::plan,
    "keepalive_race" => targets::keepalive_race,
    "bad_target" => targets::bad_target,
    "deploy" => deploy::plan,
    "timeout_limit" => routes::timeout_limit,
    "slow_dependency" => routes::slow_dependency,
    "client_gave_up" => clients::gave_up,
    "body_too_large" => clients::body_too_large,
    "lambda_error" => functions::lambda_error,
    "application_error" => routes::application_error,
    "no_targets" => targets::no_targets,
    "quiet" => harmless::quiet,
    "surge" => harmless::surge,
    "scanner" => harmless::scanner,
}

impl Truth {
    /// As it is written to `truth.json`, without what only the run can count.
    pub(crate) fn to_json(&self, kind: &str) -> Value {
        json!({
            "kind": kind,
            "cause": (!self.harmless).then_some(kind),
            "shape": self.shape,
            "start": self.span.map(|span| rfc3339(span.start)),
            "end": self.span.map(|span| rfc3339(span.end)),
            "route": self.route,
            "target": self.target,
            "limit_s": self.limit_s,
            "client": self.client,
            "detail": self.detail,
        })
    }
}
