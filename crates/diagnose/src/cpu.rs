//! CPU beside errors and latency.

use crate::detect::Episode;
use crate::diagnose::rounded;
use crate::facts::Facts;
use crate::latency::Summary;
use crate::model::{Alarm, Correlation, Cpu, iso};
use crate::stats::correlation;

/// Where people put an alarm on the average, percent.
pub(crate) const AVERAGE_ALARM: f64 = 80.0;
/// Where a maximum is at its limit, percent. Sampling seldom catches a whole minute of a full CPU.
pub(crate) const MAXIMUM_ALARM: f64 = 95.0;
/// Slots by which CPU may move earlier or later than the errors.
const LAGS: std::ops::RangeInclusive<i64> = -5..=5;
/// With fewer pairs a correlation is chance.
const LEAST_PAIRS: usize = 10;

pub(crate) fn whole(facts: &Facts) -> Option<Cpu> {
    of(facts, 0..facts.slots, "In the whole time")
}

pub(crate) fn during(facts: &Facts, episode: &Episode) -> Option<Cpu> {
    of(facts, episode.start..episode.end, "During the incident")
}

fn of(facts: &Facts, slots: std::ops::Range<usize>, when: &str) -> Option<Cpu> {
    let known: Vec<(usize, crate::facts::Cpu)> =
        slots.clone().filter_map(|slot| Some((slot, facts.cpu[slot]?))).collect();
    if known.is_empty() {
        return None;
    }
    let highest = |value: &dyn Fn(&crate::facts::Cpu) -> Option<f64>| {
        known.iter().filter_map(|(_, cpu)| value(cpu)).reduce(f64::max).map(|x| rounded(x, 100.0))
    };
    let alarm = |above: f64, value: &dyn Fn(&crate::facts::Cpu) -> Option<f64>| {
        let over: Vec<usize> =
            known.iter().filter(|(_, cpu)| value(cpu).is_some_and(|x| x >= above)).map(|(slot, _)| *slot).collect();
        Alarm {
            above,
            slots: over.len() as u64,
            from: over.first().map(|slot| iso(facts.time(*slot))),
            to: over.last().map(|slot| iso(facts.time(*slot + 1))),
        }
    };
    let (average_alarm, maximum_alarm) =
        (alarm(AVERAGE_ALARM, &|cpu| cpu.average), alarm(MAXIMUM_ALARM, &|cpu| cpu.maximum));
    let (highest_average, highest_maximum) = (highest(&|cpu| cpu.average), highest(&|cpu| cpu.maximum));
    let n = known.len() as u64;
    let unit = if facts.seconds == 60 { "minutes".to_owned() } else { format!("slots of {} s", facts.seconds) };
    // Within a longer slot the average of a minute is higher.
    let over = if facts.seconds == 60 { String::new() } else { format!(" of {} s", facts.seconds) };
    let fired = |alarm: &Alarm| match (&alarm.from, &alarm.to) {
        (Some(from), Some(to)) => {
            let short = |time: &str| time[..16].replace('T', " ");
            format!("would have fired ({} of {n} {unit}, from {} to {})", alarm.slots, short(from), &short(to)[11..])
        }
        _ => "would not have fired".to_owned(),
    };
    let text = match (highest_maximum, highest_average) {
        (Some(maximum), Some(average)) => format!(
            "{when} maximum CPU reached {maximum:.0} % and the average{over} never passed {average:.0} %: an alarm on the average above \
             {AVERAGE_ALARM:.0} % {}, one on the maximum above {MAXIMUM_ALARM:.0} % {}.",
            fired(&average_alarm),
            fired(&maximum_alarm),
        ),
        (Some(maximum), None) => format!("{when} maximum CPU was at most {maximum:.0} %; there is no average."),
        (None, Some(average)) => format!(
            "{when} average CPU{over} was at most {average:.0} %; there is no maximum, which shows what an average hides."
        ),
        (None, None) => return None,
    };
    Some(Cpu {
        slots: n,
        highest_average,
        highest_maximum,
        average_alarm,
        maximum_alarm,
        correlations: correlations(facts, slots),
        text,
    })
}

fn correlations(facts: &Facts, slots: std::ops::Range<usize>) -> Vec<Correlation> {
    let mut failed = vec![0.0; facts.slots];
    for errors in &facts.errors {
        failed[errors.slot] += errors.requests;
    }
    let mut latencies = vec![Summary::default(); slots.len()];
    for route in 0..facts.routes.keys() {
        for entry in facts.routes.of(route).iter().filter(|entry| slots.contains(&(entry.slot as usize))) {
            latencies[entry.slot as usize - slots.start].count_entry(entry);
        }
    }
    let latency: Vec<Option<f64>> = latencies.iter().map(|summary| summary.quantile(0.95)).collect();
    LAGS.map(|lag| {
        let pairs = |moves: &dyn Fn(usize) -> Option<f64>, value: &dyn Fn(&crate::facts::Cpu) -> Option<f64>| {
            let pairs: Vec<(f64, f64)> = slots
                .clone()
                .filter_map(|slot| {
                    let cpu = facts.cpu.get(usize::try_from(slot as i64 - lag).ok()?)?.as_ref()?;
                    Some((moves(slot)?, value(cpu)?))
                })
                .collect();
            correlation(&pairs, LEAST_PAIRS).map(|r| rounded(r, 1000.0))
        };
        let rate = |slot: usize| (facts.requests[slot] > 0.0).then(|| failed[slot] / facts.requests[slot]);
        let p95 = |slot: usize| latency[slot - slots.start];
        Correlation {
            lag_slots: lag,
            errors_vs_average: pairs(&rate, &|cpu| cpu.average),
            errors_vs_maximum: pairs(&rate, &|cpu| cpu.maximum),
            latency_vs_average: pairs(&p95, &|cpu| cpu.average),
            latency_vs_maximum: pairs(&p95, &|cpu| cpu.maximum),
        }
    })
    .collect()
}
