//! What goes wrong between the load balancer and its targets: keep-alive races, a bad target, none at all.

use serde_json::json;

use super::{Fault, Planned, Stage, Truth};
use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::time::{Span, within};

/// Targets that close idle connections just when the load balancer uses them: the rarer requests are, the more often.
struct KeepaliveRace {
    span: Span,
    share: f64,
    /// How much more often it happens where there is less traffic; by minute of the run.
    by_minute: Vec<f64>,
    run: Span,
    /// Where the request was already on its way.
    sent: f64,
}

impl Fault for KeepaliveRace {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        if answer.target.is_none() || request.route().is_none() || !self.span.contains(request.at) {
            return;
        }
        let minute = (self.run.progress(request.at) * self.by_minute.len() as f64) as usize;
        if dice.chance(self.share * self.by_minute[minute.min(self.by_minute.len() - 1)]) {
            if dice.chance(self.sent) {
                answer.died(dice, 0.0);
            } else {
                answer.connection_refused(dice);
            }
            answer.retry(dice, request, 0.2);
        }
    }
}

pub(super) fn keepalive_race(mut stage: Stage<'_>) -> Planned {
    let shape = stage.dice.pick(&["window", "window", "until_end", "whole_run"]);
    let window = stage.window((20.0, 70.0));
    let span = match shape {
        "whole_run" => stage.run,
        "until_end" => Span { start: window.start, end: stage.run.end },
        _ => window,
    };
    let at_risk = stage.requests(span);
    let share = stage.share(0.0015, 0.04, at_risk, span);
    let minutes = (stage.run.seconds() / 60.0) as usize;
    let at = |minute: usize| stage.run.start + (stage.run.end - stage.run.start) / minutes as i64 * minute as i64;
    let by_minute = (0..minutes).map(|minute| 1.0 / stage.traffic.factor(at(minute)).max(0.2)).collect();
    let fault = KeepaliveRace { span, share, by_minute, run: stage.run, sent: stage.dice.pick(&[0.0, 0.3, 0.7, 1.0]) };
    let detail = json!({ "share": share, "after_sending": fault.sent });
    (Box::new(fault), Truth { span: Some(span), shape, detail, ..Truth::default() })
}

/// One target that does not do its work.
struct BadTarget {
    span: Span,
    target: usize,
    group: usize,
    shape: &'static str,
    share: f64,
    slower: f64,
    idle_timeout_s: f64,
}

impl Fault for BadTarget {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        if request.group != self.group || answer.target != Some(self.target) || !self.span.contains(request.at) {
            return;
        }
        let failing = dice.chance(self.share);
        match self.shape {
            "slow" => {
                let factor = self.slower * dice.lognormal(1.0, 0.5);
                if failing || answer.times[1] * factor > self.idle_timeout_s {
                    answer.timed_out(dice, self.idle_timeout_s);
                } else {
                    answer.slow(factor);
                }
            }
            _ if !failing => {}
            "refuses" => answer.connection_refused(dice),
            "errors" => {
                let seconds = dice.log_float(0.002, 0.05);
                answer.application(dice, 500, seconds);
            }
            "hangs" => answer.timed_out(dice, self.idle_timeout_s),
            "unreachable" => answer.unreachable(dice),
            _ => {
                let after = dice.log_float(0.02, 3.0);
                answer.died(dice, after);
            }
        }
        if answer.blamed {
            answer.retry(dice, request, 0.2);
        }
    }
}

pub(super) fn bad_target(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 70.0));
    let group = stage.service.a_group(stage.dice);
    let target = stage.dice.pick(&stage.service.groups[group].targets);
    let at_risk =
        stage.requests(span) * stage.service.group_share(group) / stage.service.groups[group].targets.len() as f64;
    let shape = stage.dice.pick(&["refuses", "refuses", "errors", "hangs", "slow", "unreachable", "crashes"]);
    let share = match shape {
        "slow" => stage.share(0.02, 0.3, at_risk, span),
        _ => stage.share(0.03, 1.0, at_risk, span),
    };
    let slower = stage.dice.log_float(8.0, 40.0);
    let idle_timeout_s = stage.service.idle_timeout_s;
    let truth = Truth {
        span: Some(span),
        shape,
        target: Some(stage.service.targets[target].address.clone()),
        detail: json!({ "failing": share }),
        ..Truth::default()
    };
    (Box::new(BadTarget { span, target, group, shape, share, slower, idle_timeout_s }), truth)
}

/// No target of a group is healthy, all the time or again and again.
struct NoTargets {
    gone: Vec<Span>,
    group: usize,
}

impl Fault for NoTargets {
    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        if request.group == self.group && answer.target.is_some() && within(&self.gone, request.at) {
            answer.no_target(dice);
            answer.retry(dice, request, 0.3);
        }
    }
}

pub(super) fn no_targets(mut stage: Stage<'_>) -> Planned {
    let span = stage.window((8.0, 40.0));
    let group = stage.service.a_group(stage.dice);
    let shape = stage.dice.pick(&["gone", "flapping", "flickering"]);
    let gone = match shape {
        "gone" => vec![span],
        "flapping" => span.pulses(stage.dice, (20.0, 90.0), (20.0, 90.0)),
        _ => span.pulses(stage.dice, (2.0, 8.0), (20.0, 60.0)),
    };
    let detail = json!({ "group": stage.service.groups[group].name });
    (Box::new(NoTargets { gone, group }), Truth { span: Some(span), shape, detail, ..Truth::default() })
}
