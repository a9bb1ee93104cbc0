//! What goes wrong on the side of clients: they lose patience, or send more than is taken.

use serde_json::json;

use super::{Fault, Planned, Stage, Truth, fewest};
use crate::clients::Class;
use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::time::Span;

/// A slow route, and clients that wait no longer than so many seconds.
struct GaveUp {
    span: Span,
    route: usize,
    median_s: f64,
    patience_s: f64,
    /// By client.
    impatient: Vec<bool>,
    longest_s: f64,
}

impl Fault for GaveUp {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        if !request.calls(self.route) || !self.span.contains(request.at) {
            return;
        }
        let seconds = dice.lognormal(self.median_s, 0.5).min(self.longest_s);
        if self.impatient[request.client] && seconds > self.patience_s {
            let after = self.patience_s + dice.exponential(0.02);
            answer.given_up(dice, after);
            answer.retry(dice, request, 0.3);
        } else {
            answer.take(seconds);
        }
    }
}

pub(super) fn gave_up(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 70.0));
    let (dice, service) = (&mut *stage.dice, &*stage.service);
    let (shape, share) = match dice.index(3) {
        0 => ("every_client", 1.0),
        1 if service.class_share(Class::Server) > 0.04 => ("services", service.class_share(Class::Server)),
        _ => ("application", service.class_share(Class::App)),
    };
    let impatient = service.clients.iter().map(|client| match shape {
        "every_client" => true,
        "services" => client.class == Class::Server,
        _ => client.class == Class::App,
    });
    let impatient: Vec<bool> = impatient.collect();
    let patience_s = dice.pick(&[3.0, 5.0, 5.0, 10.0, 10.0, 15.0, 30.0]);
    // Half as long: one in twelve has no patience for it; more than twice: nearly all.
    let median_s = patience_s * dice.log_float(0.55, 2.2);
    let gone = if median_s < patience_s { 0.1 } else { 0.5 };
    let route = stage.guilty(span, |route| !route.is_upload());
    let enough = 1.2 * fewest(span) / (stage.requests(span) * share * gone);
    stage.service.make_busy(route, enough.min(0.3));
    let service = stage.service;
    service.idle_timeout_s = service.idle_timeout_s.max(if patience_s > 20.0 { 120.0 } else { 60.0 });
    let longest_s = 0.9 * service.idle_timeout_s;
    let truth = Truth {
        span: Some(span),
        shape,
        route: Some(service.routes[route].name()),
        limit_s: Some(patience_s),
        detail: json!({ "median_s": median_s, "impatient": share }),
        ..Truth::default()
    };
    (Box::new(GaveUp { span, route, median_s, patience_s, impatient, longest_s }), truth)
}

/// Uploads above a limit on bodies.
struct TooLarge {
    span: Span,
    route: usize,
    limit_bytes: f64,
    /// The load balancer refuses, since the route's target is a function; else the target does.
    function: bool,
    /// How much larger bodies are than usual; 1 where it is the limit that is new.
    larger: f64,
}

impl Fault for TooLarge {
    fn body(&self, route: usize, at: i64, body: f64) -> f64 {
        if route == self.route {
            // Outside the incident everything fits.
            if self.span.contains(at) {
                body * self.larger
            } else if self.larger > 1.0 {
                body.min(0.95 * self.limit_bytes)
            } else {
                body
            }
        } else {
            body
        }
    }

    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        let large = request.received as f64 > self.limit_bytes;
        if !request.calls(self.route) || !large || !self.span.contains(request.at) {
            return;
        }
        if self.function {
            answer.too_large(dice);
        } else {
            let seconds = dice.log_float(0.001, 0.2);
            answer.application(dice, 413, seconds);
        }
        answer.retry(dice, request, 0.3);
    }
}

pub(super) fn body_too_large(mut stage: Stage<'_>) -> Planned {
    const MEGABYTE: f64 = 1_048_576.0;
    let span = stage.window((8.0, 70.0));
    let route = stage.service.busiest(|route| route.is_upload());
    let shape = stage.dice.pick(&["new_limit", "new_limit", "larger_bodies", "function"]);
    let function = shape == "function";
    let group = match function {
        true => stage.service.add_lambda(stage.dice, 0.08),
        false => 0,
    };
    let limit_bytes = if function { MEGABYTE } else { MEGABYTE * stage.dice.pick(&[0.5, 1.0, 1.0, 2.0, 5.0, 10.0]) };
    // A limit in the middle of the bodies refuses half of them; twice the median, one in seven or so.
    let ratio = stage.dice.log_float(0.6, 2.0);
    let larger = if shape == "new_limit" { 1.0 } else { stage.dice.float(4.0, 12.0) };
    let refused = if ratio < 1.0 { 0.5 } else { 0.12 };
    let enough = 1.2 * fewest(span) / (stage.requests(span) * refused);
    let usual = stage.dice.float(0.01, 0.05);
    stage.service.make_busy(route, usual.max(enough).min(0.3));
    let upload = &mut stage.service.routes[route];
    upload.group = group;
    upload.body = limit_bytes / ratio / larger;
    let truth = Truth {
        span: Some(span),
        shape,
        route: Some(upload.name()),
        detail: json!({ "limit_bytes": limit_bytes, "larger": larger }),
        ..Truth::default()
    };
    (Box::new(TooLarge { span, route, limit_bytes, function, larger }), truth)
}
