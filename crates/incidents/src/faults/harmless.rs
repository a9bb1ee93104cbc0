//! Runs without an incident: nothing at all, more traffic, a scanner.

use serde_json::json;

use super::{Extra, Fault, Planned, Stage, Truth};
use crate::clients::address;
use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::time::Span;

struct Quiet;

impl Fault for Quiet {}

pub(super) fn quiet(_stage: Stage<'_>) -> Planned {
    (Box::new(Quiet), Truth { harmless: true, shape: "quiet", ..Truth::default() })
}

/// Rises over the first tenth of the span and falls over the last.
fn trapezium(span: Span, at: i64) -> f64 {
    let along = span.progress(at);
    (10.0 * along).min(10.0 * (1.0 - along)).clamp(0.0, 1.0)
}

/// More requests, and as few of them fail as ever.
struct Surge {
    span: Span,
    more: f64,
    route: Option<usize>,
    client: Option<usize>,
    slower: f64,
    average: f64,
}

impl Fault for Surge {
    fn act(&self, request: &Request, answer: &mut Answer, _dice: &mut Dice) {
        answer.slow(1.0 + (self.slower - 1.0) * trapezium(self.span, request.at));
    }

    fn strain(&self, _target: usize, at: i64) -> Option<(f64, f64)> {
        let height = trapezium(self.span, at);
        (height > 0.5).then_some((self.average * height, (self.average * 1.3).min(94.0)))
    }

    fn extra(&self, at: i64) -> f64 {
        self.more * trapezium(self.span, at)
    }

    fn extra_call(&self, _dice: &mut Dice) -> Extra {
        match (self.route, self.client) {
            (Some(route), _) => Extra::Route(route),
            (_, Some(client)) => Extra::Client(client),
            _ => Extra::Usual,
        }
    }
}

pub(super) fn surge(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((10.0, 70.0));
    let (dice, service) = (stage.dice, stage.service);
    let shape = dice.pick(&["everybody", "everybody", "one_route", "one_client"]);
    let fault = Surge {
        span,
        more: dice.log_float(0.8, 4.0) / if shape == "one_client" { 2.0 } else { 1.0 },
        // The chronic illness must not grow with it.
        route: (shape == "one_route")
            .then(|| service.a_route(dice, |route| route.method == "GET" && route.chronic == 0.0)),
        client: (shape == "one_client").then(|| dice.index(service.clients.len())),
        slower: dice.float(1.0, 1.4),
        average: dice.float(45.0, 75.0),
    };
    let truth = Truth {
        harmless: true,
        span: Some(span),
        shape,
        route: fault.route.map(|route| service.routes[route].name()),
        client: fault.client.map(|client| service.clients[client].address.clone()),
        detail: json!({ "more": fault.more }),
        ..Truth::default()
    };
    (Box::new(fault), truth)
}

/// A storm of requests for what is not there.
struct Scanner {
    span: Span,
    more: f64,
    addresses: Vec<String>,
    blocked: f64,
}

impl Fault for Scanner {
    fn extra(&self, at: i64) -> f64 {
        if self.span.contains(at) { self.more } else { 0.0 }
    }

    fn extra_call(&self, dice: &mut Dice) -> Extra {
        let address = self.addresses[dice.index(self.addresses.len())].clone();
        Extra::Scan(address, dice.chance(self.blocked))
    }
}

pub(super) fn scanner(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 70.0));
    let dice = stage.dice;
    let count = dice.pick(&[1, 1, 2, 5]);
    let fault = Scanner {
        span,
        more: dice.log_float(0.03, 1.5),
        addresses: (0..count).map(|_| address(dice)).collect(),
        blocked: dice.pick(&[0.0, 0.0, 0.4, 0.95]),
    };
    let truth = Truth {
        harmless: true,
        span: Some(span),
        shape: if fault.blocked > 0.5 { "blocked" } else { "answered" },
        client: (count == 1).then(|| fault.addresses[0].clone()),
        detail: json!({ "more": fault.more, "addresses": fault.addresses }),
        ..Truth::default()
    };
    (Box::new(fault), truth)
}
