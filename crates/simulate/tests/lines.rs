//! Every line and file is what an Application Load Balancer would have written.

mod common;

use albatross_simulate::{FIELD_COUNTS, LogFile, Run, Scenario, Simulation, generate};
use common::{cause, count, fields, gunzip, micros};
use std::collections::{BTreeMap, HashSet};

fn run(minutes: u32) -> Run {
    Run::new(5, "2026-11-19T19:00:00Z".parse().expect("a time"), minutes)
}

fn home() -> Simulation {
    generate(&Scenario::home(), &run(60))
}

fn lines(file: &LogFile) -> Vec<&str> {
    std::str::from_utf8(&file.text).expect("ASCII").lines().collect()
}

#[test]
fn the_same_run_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(home(), home());
    let other = Run { seed: 6, ..run(60) };
    assert_ne!(home().files, generate(&Scenario::home(), &other).files);
}

#[test]
fn every_line_has_the_wanted_number_of_fields() {
    for wanted in FIELD_COUNTS {
        let simulation = generate(&Scenario::home(), &Run { fields: wanted, ..run(10) });
        for line in simulation.files.iter().flat_map(lines) {
            assert_eq!(fields(line).len(), wanted, "{line}");
        }
    }
}

#[test]
fn fewer_fields_are_the_first_ones_of_the_same_lines() {
    let newest = generate(&Scenario::home(), &run(10));
    let older = generate(&Scenario::home(), &Run { fields: 30, ..run(10) });
    for (new, old) in newest.files.iter().zip(&older.files) {
        assert_eq!(new.key, old.key);
        for (new, old) in lines(new).iter().zip(lines(old)) {
            assert!(new.starts_with(old));
        }
    }
}

#[test]
fn the_newest_fields_are_quoted_as_in_production_files() {
    for file in home().files {
        let node = file.key.rsplit('_').nth(1).expect("a node");
        for line in lines(&file) {
            assert!(line.ends_with(&format!(" \"-\" \"-\" \"-\" {node} \"-\" \"-\"")), "{line}");
        }
    }
}

#[test]
fn lines_stand_in_order_of_completion_within_their_five_minutes() {
    for file in home().files {
        let end = file.key.rsplit('_').nth(2).expect("an end");
        let end = chrono::NaiveDateTime::parse_from_str(end, "%Y%m%dT%H%MZ").expect("a time").and_utc();
        let end = end.timestamp_micros();
        let times: Vec<i64> = lines(&file).iter().map(|line| micros(fields(line)[1])).collect();
        assert!(times.is_sorted(), "{}", file.key);
        assert!(times.iter().all(|time| (end - 300_000_000..end).contains(time)), "{}", file.key);
        assert_eq!(times.len() as u64, file.lines);
        assert_eq!(file.text.last(), Some(&b'\n'));
    }
}

#[test]
fn keys_have_the_layout_of_the_bucket() {
    let files = home().files;
    assert_eq!(files.len(), 24, "two nodes, twelve times five minutes");
    let keys: HashSet<&str> = files.iter().map(|file| file.key.as_str()).collect();
    assert_eq!(keys.len(), files.len());
    for key in keys {
        let prefix = "AWSLogs/123456789012/elasticloadbalancing/eu-central-1/2026/11/19/123456789012_elasticloadbalancing_eu-central-1_app.featherly-prod.8d1f2c6b0a9e4735_20261119T";
        assert!(key.starts_with(prefix) && key.ends_with(".log.gz"), "{key}");
    }
}

#[test]
fn the_folder_has_the_day_of_delivery() {
    let late = Run::new(5, "2026-11-19T23:50:00Z".parse().expect("a time"), 10);
    let keys: Vec<String> = generate(&Scenario::home(), &late).files.into_iter().map(|file| file.key).collect();
    assert!(keys.iter().any(|key| key.contains("/2026/11/19/") && key.contains("_20261119T2355Z_")));
    assert!(keys.iter().any(|key| key.contains("/2026/11/20/") && key.contains("_20261120T0000Z_")));
}

#[test]
fn the_three_times_add_up_to_the_duration() {
    for line in home().files.iter().flat_map(lines) {
        let fields = fields(line);
        let created = micros(fields[21]);
        assert_eq!(created % 1_000, 0, "milliseconds only: {line}");
        let seconds = (micros(fields[1]) - created) as f64 / 1e6;
        assert!(seconds >= 0.0, "{line}");
        let times: Vec<f64> = fields[5..8].iter().map(|time| time.parse().expect("a number")).collect();
        if fields[0] == "wss" || times.contains(&-1.0) {
            continue;
        }
        // Created is cut to milliseconds, and so is each of the three.
        assert!((seconds - times.iter().sum::<f64>()).abs() < 0.004_001, "{line}");
    }
}

#[test]
fn what_the_balancer_answered_has_no_target_status() {
    for line in home().files.iter().flat_map(lines) {
        let fields = fields(line);
        assert_eq!(fields[4], fields[25], "{line}");
        assert_eq!(fields[9], fields[26], "{line}");
        match fields[8] {
            "502" if fields[24] != "-" => assert!(fields[4] == "-" && fields[9] == "-", "{line}"),
            "502" if fields[5] == "-1" => assert_eq!(&fields[5..8], ["-1", "-1", "-1"], "{line}"),
            "502" | "504" | "460" => assert_eq!((&fields[6..8], fields[9]), (&["-1", "-1"][..], "-"), "{line}"),
            "301" => assert_eq!((fields[4], fields[9], fields[22]), ("-", "-", "redirect"), "{line}"),
            "101" => assert_eq!((fields[0], fields[9]), ("wss", "101"), "{line}"),
            status if fields[9] != "-" => assert_eq!(status, fields[9], "{line}"),
            _ => {}
        }
    }
}

#[test]
fn the_truth_agrees_with_the_lines() {
    for scenario in [Scenario::home(), Scenario::quiet(), Scenario::surge()] {
        let simulation = generate(&scenario, &run(90));
        let (mut by_status, mut by_cause, mut lines_seen) = (BTreeMap::new(), BTreeMap::new(), 0);
        for line in simulation.files.iter().flat_map(lines) {
            let fields = fields(line);
            lines_seen += 1;
            count(&mut by_status, fields[8].parse().expect("a status"));
            if let Some(cause) = cause(&fields) {
                count(&mut by_cause, cause);
            }
        }
        let truth = simulation.outcome.truth;
        assert_eq!(truth.lines, lines_seen);
        assert_eq!(truth.by_status, by_status);
        assert_eq!(truth.by_cause, by_cause);
        assert_eq!(truth.errors, by_status.range(500..).map(|(_, n)| n).sum::<u64>());
        let lost: u64 = truth.crashes.iter().map(|crash| crash.lost).sum();
        assert_eq!(lost, by_cause.get("target_died").copied().unwrap_or(0));
        assert_eq!(lost, truth.incidents.iter().map(|incident| incident.lost).sum::<u64>());
    }
}

#[test]
fn files_of_several_gzip_members_hold_the_same_text() {
    let file = home().files.remove(0);
    for member_bytes in [1_000, 100_000, usize::MAX] {
        assert_eq!(gunzip(&file.gzip(member_bytes)), file.text);
    }
    assert!(file.gzip(100_000).len() > file.gzip(usize::MAX).len());
}

#[test]
fn damaged_lines_are_in_a_file_of_their_own() {
    let whole = home();
    let damaged = generate(&Scenario::home(), &Run { damage: true, ..run(60) });
    let (key, numbers) = damaged.outcome.truth.damaged_lines.clone().expect("damage");
    assert_eq!(numbers, [4, 9, 13, 17, 20]);
    assert_eq!(damaged.files.len(), whole.files.len() + 1);
    let file = damaged.files.last().expect("a file");
    assert_eq!((&file.key, file.lines), (&key, 20));
    let good: HashSet<&str> = whole.files.iter().flat_map(lines).collect();
    let text = String::from_utf8(file.text.clone()).expect("ASCII");
    for (number, line) in (1..).zip(text.lines()) {
        assert_eq!(good.contains(line), !numbers.contains(&number), "line {number}");
    }
    assert_eq!(damaged.files.iter().map(|file| file.lines).sum::<u64>(), whole.outcome.truth.lines);
}
