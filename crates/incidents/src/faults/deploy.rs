//! A rollout: target after target is restarted or replaced, and each time some requests are lost.

use serde_json::json;

use super::{Fault, Planned, Stage, Truth};
use crate::dice::Dice;
use crate::exchange::{Answer, Request};
use crate::time::{SECOND, Span, from_seconds};

struct Step {
    old: usize,
    /// The same where the address stays.
    new: usize,
    /// While requests that are sent there are lost.
    burst: Span,
    /// From the end of the burst until then it gets no requests.
    back: i64,
}

struct Deploy {
    steps: Vec<Step>,
    /// The targets that take requests, before any is replaced.
    slots: Vec<usize>,
    losing: f64,
    /// Shares of the losses: refused, died; the rest is told 503 by a target that is not ready.
    refused: f64,
    died: f64,
    /// While the new version warms up.
    cold: f64,
    hot_start: bool,
}

impl Deploy {
    fn step_of(&self, target: usize) -> Option<&Step> {
        self.steps.iter().find(|step| step.old == target)
    }
}

impl Fault for Deploy {
    fn place(&self, target: usize, at: i64, dice: &mut Dice) -> usize {
        let Some(step) = self.step_of(target) else { return target };
        if at < step.burst.end {
            return target;
        }
        if at >= step.back {
            return step.new;
        }
        let other = dice.pick(&self.slots);
        match self.step_of(other) {
            _ if other == target => {
                self.slots.iter().copied().find(|slot| *slot != target).map_or(step.new, |slot| self.now(slot, at))
            }
            Some(_) => self.now(other, at),
            None => other,
        }
    }

    fn alive(&self, target: usize, at: i64) -> bool {
        self.steps.iter().all(|step| {
            step.old == step.new
                || !(target == step.old && at >= step.burst.end || target == step.new && at < step.burst.start)
        })
    }

    fn act(&self, request: &Request, answer: &mut Answer, dice: &mut Dice) {
        let Some(target) = answer.target else { return };
        for step in &self.steps {
            if target == step.old && step.burst.contains(request.at) && dice.chance(self.losing) {
                match dice.unit() {
                    draw if draw < self.refused => answer.connection_refused(dice),
                    draw if draw < self.refused + self.died => {
                        let after = dice.log_float(0.01, 3.0);
                        answer.died(dice, after);
                    }
                    _ => {
                        let seconds = dice.float(0.001, 0.01);
                        answer.application(dice, 503, seconds);
                    }
                }
                answer.retry(dice, request, 0.3);
                return;
            }
            if target == step.new && (step.back..step.back + 60 * SECOND).contains(&request.at) {
                answer.slow(self.cold);
            }
        }
    }

    fn strain(&self, target: usize, at: i64) -> Option<(f64, f64)> {
        let starts = |step: &Step| step.new == target && (step.burst.end..step.back).contains(&at);
        (self.hot_start && self.steps.iter().any(starts)).then_some((55.0, 99.0))
    }
}

impl Deploy {
    /// Who stands in a slot, other than one that is just restarted (its load is small enough not to matter).
    fn now(&self, slot: usize, at: i64) -> usize {
        self.step_of(slot).map_or(slot, |step| if at >= step.burst.end { step.new } else { step.old })
    }
}

pub(super) fn plan(mut stage: Stage<'_>) -> Planned {
    let group = 0;
    let slots = stage.service.groups[group].targets.clone();
    // Nobody waits longer than three minutes before the next target.
    let longest = (3.0 * slots.len() as f64).clamp(8.0, 30.0);
    let window = stage.window((8.0, longest));
    let replaced = stage.dice.chance(0.5);
    let new = if replaced { stage.service.add_targets(stage.dice, group, slots.len()) } else { slots.clone() };
    stage.service.groups[group].targets.clone_from(&slots);
    let mut order: Vec<usize> = (0..slots.len()).collect();
    stage.dice.shuffle(&mut order);
    let step_s = window.seconds() / slots.len() as f64;
    let burst_s = stage.dice.log_float(6.0, 45.0).min(0.5 * step_s);
    let steps: Vec<Step> = order
        .iter()
        .enumerate()
        .map(|(number, slot)| {
            // They follow each other roughly evenly.
            let start = window.start + from_seconds(step_s * (number as f64 + stage.dice.float(0.0, 0.2)));
            let end = start + from_seconds(burst_s * stage.dice.float(0.7, 1.3));
            let back = end + from_seconds(0.3 * step_s * stage.dice.unit());
            Step { old: slots[*slot], new: new[*slot], burst: Span { start, end }, back }
        })
        .collect();
    let span = Span { start: steps[0].burst.start, end: steps[steps.len() - 1].burst.end };
    let lost_at_most = stage.requests(span) / span.seconds() * burst_s * stage.service.group_share(group);
    let losing = stage.share(0.05, 1.0, lost_at_most, span);
    let shape = stage.dice.pick(&["killed", "drained", "not_ready"]);
    let (refused, died) = match shape {
        "killed" => (0.6, 0.4),
        "drained" => (0.1, 0.9),
        _ => (0.2, 0.2),
    };
    let (cold, hot_start) = (stage.dice.float(1.0, 3.0), stage.dice.chance(0.4));
    let detail = json!({ "replaced": replaced, "targets": slots.len(), "burst_s": burst_s, "losing": losing });
    (
        Box::new(Deploy { steps, slots, losing, refused, died, cold, hot_start }),
        Truth { span: Some(span), shape, detail, ..Truth::default() },
    )
}
