//! A route whose work fills a processor, so that whatever else its target does must wait.

use serde_json::json;

use super::{Extra, Fault, Planned, Stage, Truth};
use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::time::{Span, within};

struct CpuBound {
    span: Span,
    /// When it is so bad that requests fail: with the traffic, it comes and goes.
    crowded: Vec<Span>,
    route: usize,
    group: usize,
    /// Median seconds of the guilty route while nothing else is in its way.
    cost_s: f64,
    /// Up to how many times longer all others take.
    drag: f64,
    /// Share of requests that fail while it is crowded; the guilty route's own share is some times that.
    failing: f64,
    guilty_times: f64,
    /// Additional calls of the guilty route, as a multiple of all traffic.
    more_calls: f64,
    died: f64,
    timed_out: f64,
    idle_timeout_s: f64,
    average: f64,
    /// Of each target: its maximum while it is not crowded, percent.
    maxima: Vec<(usize, f64)>,
}

impl Fault for CpuBound {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        if request.group != self.group || answer.target.is_none() || !self.span.contains(request.at) {
            return;
        }
        let crowded = within(&self.crowded, request.at);
        let guilty = request.calls(self.route);
        if guilty {
            answer.take(
                (dice.lognormal(self.cost_s, 0.3) * if crowded { 1.5 } else { 1.0 }).min(0.9 * self.idle_timeout_s),
            );
        } else if crowded {
            answer.slow(dice.float(1.0, self.drag));
        } else {
            answer.slow(dice.float(1.0, 1.0 + 0.15 * self.drag));
        }
        let failing = self.failing * if guilty { self.guilty_times } else { 1.0 };
        if crowded && request.route().is_some() && dice.chance(failing.min(0.7)) {
            match dice.unit() {
                draw if draw < self.died => {
                    let after = dice.log_float(0.05, 15.0);
                    answer.died(dice, after);
                }
                draw if draw < self.died + self.timed_out => answer.timed_out(dice, self.idle_timeout_s),
                _ => answer.connection_refused(dice),
            }
            answer.retry(dice, request, 0.2);
        }
    }

    fn strain(&self, target: usize, at: i64) -> Option<(f64, f64)> {
        let (_, between) = self.span.contains(at).then(|| self.maxima.iter().find(|(known, _)| *known == target))??;
        // Between the crowds a processor is still filled now and then.
        let crowded = within(&self.crowded, at);
        Some(if crowded { (self.average, 100.0) } else { (0.85 * self.average, *between) })
    }

    fn extra(&self, at: i64) -> f64 {
        if self.span.contains(at) { self.more_calls } else { 0.0 }
    }

    fn extra_call(&self, _dice: &mut Dice) -> Extra {
        Extra::Route(self.route)
    }
}

pub(super) fn plan(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((10.0, 70.0));
    let route = stage.guilty(span, |route| !route.is_upload() && route.median_s < 1.0);
    let group = stage.service.routes[route].group;
    // A function has no processor that others wait for.
    let group = if stage.service.groups[group].lambda { 0 } else { group };
    stage.service.routes[route].group = group;
    let crowded = span.pulses(stage.dice, (40.0, 150.0), (20.0, 100.0));
    let at_risk = stage.service.group_share(group) * crowded.iter().map(|crowd| stage.requests(*crowd)).sum::<f64>();
    let shape = stage.dice.pick(&["one_core", "one_core", "saturated", "more_calls"]);
    let failing = stage.share(0.004, 0.25, at_risk, span);
    let dice = stage.dice;
    let known_s = stage.service.routes[route].median_s;
    let cost_s = match shape {
        "more_calls" => known_s.max(dice.float(0.8, 1.5)) * dice.float(1.5, 3.0),
        _ => (known_s * dice.float(15.0, 60.0)).clamp(1.2, 8.0),
    };
    if shape == "more_calls" {
        stage.service.routes[route].median_s = known_s.max(0.3);
    }
    let service = stage.service;
    let timed_out = dice.float(0.05, 0.4);
    let fault = CpuBound {
        span,
        crowded,
        route,
        group,
        cost_s,
        drag: dice.float(3.0, 10.0),
        failing,
        guilty_times: dice.float(2.0, 5.0),
        more_calls: if shape == "more_calls" { service.routes[route].weight * dice.float(3.0, 8.0) } else { 0.0 },
        died: 0.9 - timed_out,
        timed_out,
        idle_timeout_s: service.idle_timeout_s,
        average: if shape == "saturated" { dice.float(80.0, 97.0) } else { dice.float(38.0, 65.0) },
        maxima: service.groups[group].targets.iter().map(|target| (*target, dice.float(75.0, 100.0))).collect(),
    };
    let truth = Truth {
        span: Some(span),
        shape,
        route: Some(service.routes[route].name()),
        detail: json!({ "cost_s": cost_s, "failing_while_crowded": failing }),
        ..Truth::default()
    };
    (Box::new(fault), truth)
}
