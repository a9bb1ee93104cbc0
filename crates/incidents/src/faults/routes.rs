//! What goes wrong in the application: a limit on time, something slow behind it, an error in one route.

use serde_json::json;

use super::{Fault, Planned, Stage, Truth};
use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::time::Span;

/// A route that meets a limit on time.
struct TimeoutLimit {
    span: Span,
    route: usize,
    share: f64,
    limit_s: f64,
    /// Status of the application where it is the one who stops; `None`: its worker is killed.
    stopped: Option<u16>,
    by_load_balancer: bool,
    retries: f64,
}

impl Fault for TimeoutLimit {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        if !request.calls(self.route) || !self.span.contains(request.at) {
            return;
        }
        if !dice.chance(self.share) {
            answer.take(self.limit_s * dice.float(0.15, 0.97));
            return;
        }
        let reached = self.limit_s + dice.exponential(0.015);
        match self.stopped {
            _ if self.by_load_balancer => answer.timed_out(dice, self.limit_s),
            Some(status) => answer.application(dice, status, reached),
            None => answer.died(dice, reached),
        }
        answer.retry(dice, request, self.retries);
    }
}

pub(super) fn timeout_limit(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 70.0));
    let route = stage.guilty(span, |route| !route.is_upload());
    let at_risk = stage.requests(span) * stage.service.routes[route].weight;
    let share = stage.share(0.12, 1.0, at_risk, span);
    let (dice, service) = (stage.dice, stage.service);
    let shape = dice.pick(&["idle_timeout", "application", "application", "worker"]);
    let limit_s = dice.pick(&[10.0, 15.0, 15.0, 29.0, 30.0, 30.0, 60.0, 60.0, 8.0, 12.5, 20.0, 45.0]);
    let whole = libm::ceil(limit_s);
    match shape {
        // Idle timeouts are whole seconds.
        "idle_timeout" => service.idle_timeout_s = whole,
        _ => service.idle_timeout_s = service.idle_timeout_s.max(2.0 * limit_s),
    }
    let limit_s = if shape == "idle_timeout" { whole } else { limit_s };
    let fault = TimeoutLimit {
        span,
        route,
        share,
        limit_s,
        stopped: (shape == "application").then(|| dice.pick(&[500, 500, 502, 503, 504])),
        by_load_balancer: shape == "idle_timeout",
        retries: dice.float(0.1, 0.8),
    };
    let truth = Truth {
        span: Some(span),
        shape,
        route: Some(service.routes[route].name()),
        limit_s: Some(limit_s),
        detail: json!({ "share": share, "status": fault.stopped }),
        ..Truth::default()
    };
    (Box::new(fault), truth)
}

/// A database, or another service, on which several routes wait.
struct SlowDependency {
    span: Span,
    routes: Vec<usize>,
    slower: f64,
    share: f64,
    /// Of the failures, how many are told by the application, after whatever time.
    told: f64,
    idle_timeout_s: f64,
}

impl Fault for SlowDependency {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        let waits = request.route().is_some_and(|route| self.routes.contains(&route));
        if !waits || !self.span.contains(request.at) {
            return;
        }
        let factor = self.slower * dice.lognormal(1.0, 0.6);
        let failing = dice.chance(self.share);
        if failing && dice.chance(self.told) {
            let seconds = (answer.times[1] * factor * dice.lognormal(1.5, 0.7)).min(0.9 * self.idle_timeout_s);
            let status = dice.pick(&[500, 500, 500, 503]);
            answer.application(dice, status, seconds);
        } else if failing || answer.times[1] * factor >= self.idle_timeout_s {
            answer.timed_out(dice, self.idle_timeout_s);
        } else {
            answer.slow(factor);
            return;
        }
        answer.retry(dice, request, 0.2);
    }
}

pub(super) fn slow_dependency(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 70.0));
    let (dice, service) = (&mut *stage.dice, &*stage.service);
    let shape = dice.pick(&["some_routes", "some_routes", "most_routes"]);
    let mut routes: Vec<usize> =
        (0..service.routes.len()).filter(|route| !service.groups[service.routes[*route].group].lambda).collect();
    dice.shuffle(&mut routes);
    let share_of = |routes: &[usize]| routes.iter().map(|route| service.routes[*route].weight).sum::<f64>();
    let (fewest, least) =
        if shape == "most_routes" { (routes.len() * 2 / 3, 0.5) } else { (dice.int(3..=8) as usize, 0.1) };
    let enough = (fewest..routes.len()).find(|count| share_of(&routes[..*count]) >= least).unwrap_or(routes.len());
    routes.truncate(enough);
    let at_risk = share_of(&routes) * stage.requests(span);
    let share = stage.share(0.006, 0.25, at_risk, span);
    let (dice, service) = (stage.dice, stage.service);
    let fault = SlowDependency {
        span,
        slower: dice.log_float(5.0, 50.0),
        share,
        told: dice.pick(&[0.0, 0.3, 0.8]),
        idle_timeout_s: service.idle_timeout_s,
        routes,
    };
    let names: Vec<String> = fault.routes.iter().map(|route| service.routes[*route].name()).collect();
    let detail = json!({ "routes": names, "slower": fault.slower, "failing": share, "told": fault.told });
    (Box::new(fault), Truth { span: Some(span), shape, detail, ..Truth::default() })
}

/// A route that fails at once, on every target.
struct ApplicationError {
    span: Span,
    route: usize,
    share: f64,
    /// It may begin small.
    at_first: f64,
    status: u16,
    seconds: f64,
}

impl Fault for ApplicationError {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        if !request.calls(self.route) || !self.span.contains(request.at) {
            return;
        }
        let grown = (3.0 * self.span.progress(request.at)).min(1.0);
        if dice.chance(self.share * (self.at_first + (1.0 - self.at_first) * grown)) {
            let seconds = dice.lognormal(self.seconds, 0.5);
            answer.application(dice, self.status, seconds);
            answer.retry(dice, request, 0.2);
        }
    }
}

pub(super) fn application_error(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 70.0));
    let in_function = |stage: &Stage<'_>, route: usize| stage.service.groups[stage.service.routes[route].group].lambda;
    let route = stage.guilty(span, |_| true);
    // A function's own errors are another kind.
    if in_function(&stage, route) {
        stage.service.routes[route].group = 0;
    }
    let at_risk = stage.requests(span) * stage.service.routes[route].weight;
    let share = stage.share(0.05, 1.0, at_risk, span);
    let (dice, service) = (stage.dice, stage.service);
    let shape = dice.pick(&["sudden", "sudden", "growing"]);
    let fault = ApplicationError {
        span,
        route,
        share,
        at_first: if shape == "growing" { 0.35 } else { 1.0 },
        status: dice.pick(&[500, 500, 500, 500, 503, 502]),
        // Before it has done anything, or after all of its work.
        seconds: if dice.chance(0.6) { dice.log_float(0.002, 0.02) } else { service.routes[route].median_s },
    };
    let truth = Truth {
        span: Some(span),
        shape,
        route: Some(service.routes[route].name()),
        detail: json!({ "share": share, "status": fault.status }),
        ..Truth::default()
    };
    (Box::new(fault), truth)
}
