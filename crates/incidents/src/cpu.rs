//! CPU as CloudWatch's `get-metric-data` answers it: average and maximum of each minute, per service, per instance, or both.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::faults::Fault;
use crate::service::Service;
use crate::time::{MINUTE, SECOND, Span};

/// How many requests each target was sent in each minute.
pub(crate) struct Work {
    start: i64,
    minutes: usize,
    counts: Vec<Vec<f64>>,
}

impl Work {
    pub(crate) fn new(run: Span, targets: usize) -> Work {
        let minutes = ((run.end - run.start) / MINUTE) as usize;
        Work { start: run.start, minutes, counts: vec![vec![0.0; minutes]; targets] }
    }

    pub(crate) fn add(&mut self, target: usize, at: i64) {
        if let Some(count) = self.counts[target].get_mut(((at - self.start) / MINUTE) as usize) {
            *count += 1.0;
        }
    }
}

/// Average and maximum, percent; `None` where there was no such target.
type Minute = Option<(f64, f64)>;

pub(crate) fn series(dice: &mut Dice, service: &Service, fault: &dyn Fault, work: &Work) -> Value {
    let mut results = Vec::new();
    let (services, instances) = [(true, false), (false, true), (true, true)][dice.index(3)];
    for (group, of_group) in service.groups.iter().enumerate().filter(|(_, group)| !group.lambda) {
        let members: Vec<usize> =
            (0..service.targets.len()).filter(|target| service.targets[*target].group == group).collect();
        let mean = members.iter().map(|target| work.counts[*target].iter().sum::<f64>()).sum::<f64>()
            / (work.minutes * of_group.targets.len()) as f64;
        // At the mean of the run; the idle part is there without any request.
        let (idle, at_mean) = (dice.float(3.0, 10.0), dice.float(18.0, 45.0));
        let of_members: Vec<Vec<Minute>> =
            members.iter().map(|target| member(dice, fault, *target, work, mean, idle, at_mean)).collect();
        if services {
            let whole: Vec<Minute> = (0..work.minutes).map(|minute| of_service(&of_members, minute)).collect();
            let (id, label) = (format!("g{group}"), format!("{} CPUUtilization", of_group.name));
            results.extend(answers(&id, &label, &whole, work.start));
        }
        if instances {
            for (target, minutes) in members.iter().zip(&of_members) {
                let (id, label) =
                    (format!("t{target}"), format!("{} CPUUtilization", service.targets[*target].instance));
                results.extend(answers(&id, &label, minutes, work.start));
            }
        }
    }
    json!({ "MetricDataResults": results, "Messages": [] })
}

fn member(
    dice: &mut Dice,
    fault: &dyn Fault,
    target: usize,
    work: &Work,
    mean: f64,
    idle: f64,
    at_mean: f64,
) -> Vec<Minute> {
    let peak = dice.float(1.25, 1.7);
    let nightly = dice.chance(0.3).then(|| dice.index(work.minutes));
    (0..work.minutes)
        .map(|minute| {
            let at = work.start + minute as i64 * MINUTE;
            if !fault.alive(target, at) {
                return None;
            }
            let mut average = idle + (at_mean - idle) * work.counts[target][minute] / mean + dice.normal();
            let mut maximum = average * peak + 4.0 * dice.unit();
            // Something periodic, which disturbs nobody.
            if nightly == Some(minute) {
                maximum = maximum.max(dice.float(80.0, 100.0));
            }
            // Seen at several moments, since an incident may begin or pause within the minute.
            let seen: Vec<_> = (0..6).filter_map(|part| fault.strain(target, at + (part * 10 + 5) * SECOND)).collect();
            if !seen.is_empty() {
                let share = seen.len() as f64 / 6.0;
                let strained = seen.iter().map(|strain| strain.0).sum::<f64>() / seen.len() as f64;
                average = average * (1.0 - share) + strained * share + dice.normal();
                maximum = seen.iter().map(|strain| strain.1).fold(0.0, f64::max) - dice.exponential(0.3);
            }
            average = average.clamp(0.3, 99.8);
            Some((average, maximum.clamp(average, 100.0)))
        })
        .collect()
}

fn of_service(members: &[Vec<Minute>], minute: usize) -> Minute {
    let there: Vec<(f64, f64)> = members.iter().filter_map(|member| member[minute]).collect();
    let average = there.iter().map(|m| m.0).sum::<f64>() / there.len() as f64;
    (!there.is_empty()).then(|| (average, there.iter().map(|m| m.1).fold(0.0, f64::max)))
}

/// Newest first, as the command line's version 2 writes it.
fn answers(id: &str, label: &str, minutes: &[Minute], start: i64) -> [Value; 2] {
    let there = || minutes.iter().enumerate().rev().filter_map(|(at, minute)| minute.map(|minute| (at, minute)));
    let times: Vec<String> = there()
        .map(|(at, _)| {
            let time =
                chrono::DateTime::from_timestamp_micros(start + at as i64 * MINUTE).expect("years of four digits");
            time.format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
        })
        .collect();
    let result = |statistic: &str, value: &dyn Fn((f64, f64)) -> f64| {
        let values: Vec<f64> = there().map(|(_, minute)| libm::round(value(minute) * 1000.0) / 1000.0).collect();
        let id = format!("{id}_{}", statistic.to_lowercase());
        json!({ "Id": id, "Label": format!("{label} {statistic}"), "Timestamps": times, "Values": values, "StatusCode": "Complete" })
    };
    [result("Average", &|minute| minute.0), result("Maximum", &|minute| minute.1)]
}
