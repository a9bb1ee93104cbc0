//! Each scenario tells its story, and the story follows from the load.

mod common;

use albatross_simulate::{Run, Scenario, Simulation, generate};
use common::fields;
use std::collections::BTreeMap;

fn evening(scenario: &Scenario, seed: u64) -> Simulation {
    generate(scenario, &Run::new(seed, "2026-11-19T18:00:00Z".parse().expect("a time"), 180))
}

/// Target processing times in seconds by route, numbers and identifiers in the path replaced.
fn target_times(simulation: &Simulation) -> BTreeMap<String, Vec<f64>> {
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for file in &simulation.files {
        for line in std::str::from_utf8(&file.text).expect("ASCII").lines() {
            let fields = fields(line);
            let Some((method, url)) = fields[12].split_once(' ') else {
                continue;
            };
            if fields[0] == "wss" || fields[9] == "-" || fields[4] == "-" {
                continue;
            }
            let path = url.splitn(4, '/').nth(3).unwrap_or_default().split(['?', ' ']).next().unwrap_or_default();
            let segments = path.split('/').map(|segment| match segment.bytes().any(|byte| byte.is_ascii_digit()) {
                true => ":id",
                false => segment,
            });
            let route = format!("{method} /{}", segments.collect::<Vec<_>>().join("/"));
            times.entry(route).or_default().push(fields[6].parse().expect("a number"));
        }
    }
    times.values_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
}

#[test]
fn home_one_route_takes_five_to_six_seconds_and_most_of_the_time() {
    let home = evening(&Scenario::home(), 3);
    let times = target_times(&home);
    let guilty = &times[home.outcome.truth.guilty_route.expect("a guilty route")];
    assert!(guilty.len() > 400);
    assert!((4.8..5.6).contains(&quantile(guilty, 0.5)), "p50 {}", quantile(guilty, 0.5));
    assert!((5.0..7.0).contains(&quantile(guilty, 0.99)), "p99 {}", quantile(guilty, 0.99));
    let total = |times: &Vec<f64>| times.iter().sum::<f64>();
    assert!(times.values().all(|others| total(others) <= total(guilty)));
}

#[test]
fn home_the_maximum_is_at_100_while_the_average_stays_low() {
    for seed in [3, 19] {
        let truth = evening(&Scenario::home(), seed).outcome.truth;
        assert!(truth.cpu.iter().all(|cpu| cpu.0 < 50.0));
        assert!(truth.cpu.iter().filter(|cpu| cpu.1 >= 100.0).count() > 80);
    }
}

#[test]
fn home_errors_come_and_go_with_the_traffic() {
    let truth = evening(&Scenario::home(), 3).outcome.truth;
    let at = |time: &str| time.parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
    let lost = |from: &str, to: &str| -> u64 {
        let window = at(from)..at(to);
        truth.crashes.iter().filter(|crash| window.contains(&crash.time)).map(|crash| crash.lost).sum()
    };
    let waves =
        [lost("2026-11-19T19:00:00Z", "2026-11-19T19:25:00Z"), lost("2026-11-19T20:12:00Z", "2026-11-19T20:37:00Z")];
    let calm =
        [lost("2026-11-19T18:05:00Z", "2026-11-19T18:30:00Z"), lost("2026-11-19T19:36:00Z", "2026-11-19T20:00:00Z")];
    assert!(waves.iter().min() > calm.iter().max().map(|most| most * 5).as_ref(), "{waves:?} {calm:?}");
}

#[test]
fn home_scales_with_the_rate() {
    let mut run = Run::new(3, "2026-11-19T19:00:00Z".parse().expect("a time"), 30);
    run.rate = Some(40.0);
    let truth = generate(&Scenario::home(), &run).outcome.truth;
    assert!(truth.lines > 40 * 30 * 60 * 8 / 10);
    assert!(truth.cpu.iter().all(|cpu| cpu.0 < 50.0));
    assert!(truth.by_cause["target_died"] > 100);
}

#[test]
fn quiet_has_a_few_errors_in_a_hundred_thousand() {
    let truth = evening(&Scenario::quiet(), 3).outcome.truth;
    assert!(truth.crashes.is_empty() && truth.incidents.is_empty());
    assert!(truth.lines > 80_000);
    assert!((1..25).contains(&truth.errors), "{}", truth.errors);
    assert!(truth.cpu.iter().all(|cpu| cpu.1 < 100.0));
}

#[test]
fn surge_has_more_errors_at_the_same_share() {
    let surge = evening(&Scenario::surge(), 3);
    let mut thirds = [(0_u32, 0_u32); 3];
    for (index, file) in surge.files.iter().enumerate() {
        let third = &mut thirds[index * 3 / surge.files.len()];
        for line in std::str::from_utf8(&file.text).expect("ASCII").lines() {
            third.0 += 1;
            third.1 += u32::from(fields(line)[8].starts_with('5'));
        }
    }
    let share = |third: (u32, u32)| f64::from(third.1) / f64::from(third.0);
    assert!(thirds[1].0 > 3 * thirds[0].0 && thirds[1].1 > 2 * thirds[0].1, "{thirds:?}");
    assert!(thirds.iter().all(|third| (0.0025..0.0055).contains(&share(*third))), "{thirds:?}");
    assert!(surge.outcome.truth.crashes.is_empty());
}
