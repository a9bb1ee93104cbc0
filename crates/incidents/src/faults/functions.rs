//! Lambda functions that fail.

use serde_json::json;

use super::{Fault, Planned, Stage, Truth};
use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::time::{Span, within};

struct LambdaError {
    /// When it happens: all the time, or with the load.
    acting: Vec<Span>,
    group: usize,
    /// `None`: all that the function serves.
    route: Option<usize>,
    share: f64,
    reason: &'static str,
    seconds: f64,
}

impl Fault for LambdaError {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        let hit = request.group == self.group
            && request.route().is_some()
            && self.route.is_none_or(|route| request.calls(route));
        if hit && within(&self.acting, request.at) && dice.chance(self.share) {
            let seconds = dice.lognormal(self.seconds, 0.4);
            answer.lambda(dice, self.reason, seconds);
            answer.retry(dice, request, 0.2);
        }
    }
}

pub(super) fn lambda_error(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 70.0));
    let wanted = stage.dice.float(0.06, 0.2);
    let group = stage.service.add_lambda(stage.dice, wanted);
    let shape = stage.dice.pick(&["unhandled", "unhandled", "throttled", "misconfigured", "bad_response"]);
    let (reason, seconds) = match shape {
        "unhandled" => ("LambdaUnhandled", stage.dice.log_float(0.02, 2.0)),
        "throttled" => ("LambdaThrottling", 0.01),
        "bad_response" => {
            (stage.dice.pick(&["LambdaInvalidResponse", "LambdaResponseTooLarge"]), stage.dice.log_float(0.02, 0.5))
        }
        _ => (stage.dice.pick(&["LambdaAccessDenied", "LambdaResourceNotFound", "LambdaConnectionError"]), 0.01),
    };
    let acting = match shape {
        "throttled" => span.pulses(stage.dice, (30.0, 120.0), (15.0, 60.0)),
        _ => vec![span],
    };
    let of_one_route = matches!(shape, "unhandled" | "bad_response") && stage.dice.chance(0.5);
    let route = of_one_route.then(|| stage.guilty(span, |route| route.group == group));
    let part = route.map_or_else(|| stage.service.group_share(group), |route| stage.service.routes[route].weight);
    let at_risk = part * acting.iter().map(|span| stage.requests(*span)).sum::<f64>();
    // Whoever may not be called at all fails always, or nearly so.
    let share = stage.share(if shape == "misconfigured" { 0.5 } else { 0.03 }, 1.0, at_risk, span);
    let truth = Truth {
        span: Some(span),
        shape,
        route: route.map(|route| stage.service.routes[route].name()),
        detail: json!({ "reason": reason, "share": share }),
        ..Truth::default()
    };
    (Box::new(LambdaError { acting, group, route, share, reason, seconds }), truth)
}
