//! Everything that can go wrong with the service, each with what the diagnosis must say.

use albatross_diagnose::{Diagnosis, Kind};

use crate::service::{Dice, FUNCTION, Got, Request, Service, TARGETS, moment, route_name};

/// What was done to the service.
#[derive(Debug)]
pub(crate) struct Truth {
    pub(crate) kind: Kind,
    /// Seconds.
    pub(crate) window: (f64, f64),
    pub(crate) route: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) limit: Option<f64>,
}

pub(crate) const KINDS: [Kind; 11] = [
    Kind::CpuBoundEndpoint,
    Kind::KeepaliveRace,
    Kind::BadTarget,
    Kind::Deploy,
    Kind::TimeoutLimit,
    Kind::SlowDependency,
    Kind::ClientGaveUp,
    Kind::BodyTooLarge,
    Kind::LambdaError,
    Kind::ApplicationError,
    Kind::NoTargets,
];

fn day(minute: f64) -> f64 {
    1.0 + 0.3 * (minute / 40.0).sin()
}

fn calm(minute: f64) -> (f64, f64) {
    (22.0 + 5.0 * (minute / 9.0).sin(), 45.0 + 12.0 * (minute / 5.0).cos())
}

/// Runs the service with a fault of this kind; the dice choose where, when, how bad and in which shape.
pub(crate) fn run(service: &Service, kind: Kind) -> (Truth, Diagnosis) {
    let mut plan = Dice::new(1000 * service.seed + 17 + kind as u64);
    let length = 60.0 * plan.between(9.0, service.minutes as f64 * 0.4);
    let from = plan.between(300.0, 60.0 * service.minutes as f64 - length - 300.0);
    let window = (from, from + length);
    let within = move |request: &Request| request.at >= window.0 && request.at < window.1;
    let mut truth = Truth { kind, window, route: None, target: None, limit: None };
    let severity = plan.roll();
    let shape = plan.below(3);
    // A route of the application that is asked often enough.
    let route = [1, 2, 3, 4, 5, 8, 9][plan.below(7)];
    let target = plan.below(TARGETS);
    let mut one_route = || truth.route = Some(route_name(route));
    let run = |fault: &mut dyn FnMut(&mut Request, &mut Dice)| {
        service.run(
            day,
            |request, dice| {
                if within(request) {
                    fault(request, dice)
                }
            },
            calm,
            Vec::new(),
        )
    };
    let diagnosis = match kind {
        Kind::CpuBoundEndpoint => {
            one_route();
            let work = plan.between(1.5, 6.0);
            let (stretch, fails) = ([1.0, 1.8, 2.6][shape], 0.006 + 0.05 * severity);
            service.run(
                day,
                |request, dice| {
                    if within(request) {
                        request.duration =
                            if request.route == route { work * dice.spread(0.15) } else { request.duration * stretch };
                        // Workers are killed for some seconds at a time, with everything they work on.
                        let moment = Dice::new((request.at / 8.0) as u64 * 31 + request.target as u64).roll();
                        if moment < 4.0 * fails && dice.roll() < 0.4 {
                            request.got = if dice.roll() < 0.8 { Got::Cut(502) } else { Got::Refused(502) };
                            request.duration = dice.between(0.2, 5.0);
                        }
                    }
                },
                |minute| if (window.0..window.1).contains(&(60.0 * minute)) { (46.0, 100.0) } else { calm(minute) },
                Vec::new(),
            )
        }
        Kind::KeepaliveRace => {
            let fails = 0.0015 + 0.02 * severity;
            run(&mut |request, dice| {
                if dice.roll() < fails / day(request.at / 60.0).powi(2) {
                    request.got = [Got::Cut(502), Got::Refused(502), Got::Cut(502)][shape];
                    request.duration = dice.between(0.0, 0.004);
                }
            })
        }
        Kind::BadTarget => {
            truth.target = Some(format!("10.0.{}.{}:8080", target % 3, 10 + target));
            let fails = 0.08 + 0.9 * severity;
            run(&mut |request, dice| {
                if request.target == target && request.route != FUNCTION {
                    match shape {
                        0 if dice.roll() < fails => (request.got, request.duration) = (Got::Refused(502), 0.001),
                        1 if dice.roll() < fails => request.got = Got::Answer(500),
                        2 => request.duration *= 4.0 + 8.0 * severity,
                        _ => {}
                    }
                }
            })
        }
        Kind::Deploy => {
            let step = length / TARGETS as f64;
            let burst = 15.0 + 25.0 * severity;
            truth.window = (from, from + step * (TARGETS - 1) as f64 + burst);
            run(&mut |request, dice| {
                let begun = from + step * request.target as f64;
                if request.at >= begun && request.at < begun + burst && dice.roll() < 0.5 && request.route != FUNCTION {
                    (request.got, request.duration) =
                        if shape == 0 { (Got::Cut(502), request.duration) } else { (Got::Refused(502), 0.002) };
                }
            })
        }
        Kind::TimeoutLimit => {
            one_route();
            let limit = [8.0, 10.0, 12.5, 15.0, 29.0, 30.0][plan.below(6)];
            truth.limit = Some(limit);
            let slow = limit * plan.between(0.4, 1.1);
            run(&mut |request, dice| {
                if request.route == route {
                    request.duration = slow * dice.spread(0.6);
                    if request.duration > limit {
                        request.duration = limit + dice.between(0.0, 0.04);
                        request.got = [Got::Cut(504), Got::Answer(500), Got::Cut(502)][shape];
                    }
                }
            })
        }
        Kind::SlowDependency => {
            let factor = 6.0 + 40.0 * severity;
            run(&mut |request, dice| {
                if request.route % 3 == shape && request.route != FUNCTION {
                    request.duration *= factor * dice.spread(0.7);
                    if dice.roll() < 0.02 {
                        request.duration = 90.0;
                    } else if dice.roll() < 0.03 {
                        (request.got, request.duration) = (Got::Answer(500), 5.0 * dice.spread(0.1));
                    }
                }
            })
        }
        Kind::ClientGaveUp => {
            one_route();
            let limit = [3.0, 5.0, 10.0][shape];
            truth.limit = Some(limit);
            run(&mut |request, dice| {
                if request.route == route {
                    request.duration = limit * 0.8 * dice.spread(0.5);
                    if request.duration > limit && request.client % 3 != 0 {
                        (request.got, request.duration) = (Got::Cut(460), limit + dice.between(0.0, 0.02));
                    }
                }
            })
        }
        Kind::BodyTooLarge => {
            let route = 7;
            truth.route = Some(route_name(route));
            run(&mut |request, _| {
                if request.route == route && request.received > 1_000_000.0 * (0.6 + 0.4 * severity) {
                    (request.got, request.duration) =
                        (if shape == 0 { Got::Refused(413) } else { Got::Answer(413) }, 0.02);
                }
            })
        }
        Kind::LambdaError => {
            truth.route = Some(route_name(FUNCTION));
            let fails = 0.05 + 0.9 * severity;
            run(&mut |request, dice| {
                if request.route == FUNCTION && dice.roll() < fails {
                    request.got = Got::Refused(502);
                    request.reason = Some(["LambdaUnhandled", "LambdaThrottling", "LambdaInvalidResponse"][shape]);
                }
            })
        }
        Kind::ApplicationError => {
            one_route();
            let fails = 0.02 + 0.7 * severity;
            run(&mut |request, dice| {
                if request.route == route && dice.roll() < fails {
                    request.got = Got::Answer([500, 500, 503][shape]);
                }
            })
        }
        Kind::NoTargets => run(&mut |request, _| {
            if request.route != FUNCTION {
                (request.got, request.duration) = (Got::NoTarget(503), 0.0);
            }
        }),
        Kind::Unknown => unreachable!("nobody makes it"),
    };
    (truth, diagnosis)
}

/// What the diagnosis has wrong; empty if nothing.
pub(crate) fn faults(truth: &Truth, diagnosis: &Diagnosis) -> Vec<String> {
    let (from, to) = (moment(truth.window.0), moment(truth.window.1));
    let overlap = |incident: &albatross_diagnose::Incident| {
        let shared = (incident.end.min(to) - incident.start.max(from)).as_seconds_f64().max(0.0);
        shared / (incident.end.max(to) - incident.start.min(from)).as_seconds_f64()
    };
    let best = diagnosis.incidents.iter().max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
    let Some(incident) = best else {
        return vec!["no incident".to_owned()];
    };
    let mut faults = Vec::new();
    if overlap(incident) < 0.7 {
        faults.push(format!("{from} to {to} is said to be {} to {}", incident.start, incident.end));
    }
    let said: Vec<_> = incident.causes.iter().map(|cause| (cause.cause, cause.confidence)).collect();
    let cause = &incident.causes[0];
    if cause.cause != truth.kind {
        faults.push(format!("{:?} is said to be {said:?}", truth.kind));
    }
    if truth.route.is_some() && cause.route != truth.route {
        faults.push(format!("route {:?} is said to be {:?}", truth.route, cause.route));
    }
    if truth.target.is_some() && cause.target != truth.target {
        faults.push(format!("target {:?} is said to be {:?}", truth.target, cause.target));
    }
    if truth.limit.is_some_and(|limit| !cause.limit_s.is_some_and(|said| (said / limit - 1.0).abs() < 0.05)) {
        faults.push(format!("limit {:?} is said to be {:?}", truth.limit, cause.limit_s));
    }
    faults
}
