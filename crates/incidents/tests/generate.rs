//! Runs as the product's own parser reads them, held against their truth.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use albatross_formats::{Format, Settings};
use albatross_incidents::{KINDS, Options, generate};
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use libdeflater::Decompressor;
use serde_json::Value;

fn options(kind: &str, seed: u64) -> Options {
    Options { kind: kind.to_owned(), seed, hours: 1.0, rate: 8.0, targets: 6, cpu: true }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn unpack(path: &Path) -> Vec<u8> {
    let packed = fs::read(path).unwrap();
    let length = u32::from_le_bytes(packed[packed.len() - 4..].try_into().unwrap());
    let mut text = vec![0; length as usize];
    Decompressor::new().gzip_decompress(&packed, &mut text).unwrap();
    text
}

struct Run {
    truth: Value,
    rows: RecordBatch,
    rejects: u64,
}

fn run(kind: &str, seed: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let truth = generate(&options(kind, seed), folder.path()).unwrap();
    let mut batches = Vec::new();
    let mut rejects = 0;
    for file in files(&folder.path().join("data/AWSLogs")) {
        let mut reader = Format::Alb.reader(&Settings::default()).unwrap();
        reader.begin("log");
        reader.push(&unpack(&file));
        let counts = reader.finish().counts;
        assert_eq!(counts.rows + counts.rejects, counts.lines);
        rejects += counts.rejects;
        batches.push(reader.rows().to_batch());
    }
    let rows = concat_batches(&batches[0].schema(), &batches).unwrap();
    Run { truth, rows, rejects }
}

impl Run {
    fn texts(&self, column: &str) -> Vec<Option<String>> {
        let texts = cast(self.rows.column_by_name(column).unwrap(), &DataType::Utf8).unwrap();
        texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }

    fn integers(&self, column: &str) -> Vec<Option<i64>> {
        let integers = cast(self.rows.column_by_name(column).unwrap(), &DataType::Int64).unwrap();
        integers.as_primitive::<Int64Type>().iter().collect()
    }

    fn floats(&self, column: &str) -> Vec<Option<f64>> {
        self.rows.column_by_name(column).unwrap().as_primitive::<Float64Type>().iter().collect()
    }

    /// Rows that failed: 5xx, 460 or 413.
    fn failed(&self) -> Vec<bool> {
        self.integers("elb_status_code")
            .iter()
            .map(|status| status.is_some_and(|s| s >= 500 || s == 460 || s == 413))
            .collect()
    }

    /// Rows that arrived while the fault acted.
    fn inside(&self) -> Vec<bool> {
        let micros = |name: &str| {
            let text = self.truth[name].as_str()?;
            Some(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros())
        };
        // The truth tells milliseconds.
        let (start, end) = (micros("start").unwrap_or(i64::MAX), micros("end").unwrap_or(0) + 1000);
        self.integers("started_at").iter().map(|at| (start..end).contains(&at.unwrap())).collect()
    }

    fn failures(&self) -> usize {
        self.truth["failures"].as_u64().unwrap() as usize
    }
}

#[test]
fn every_whole_line_is_a_row_and_every_failure_is_where_the_truth_says() {
    for kind in KINDS {
        let run = run(kind, 3);
        let (truth, what) = (&run.truth, format!("{kind}: {:#}", run.truth));
        assert_eq!(run.rejects, truth["torn"].as_u64().unwrap(), "{what}");
        assert_eq!(run.rows.num_rows() as u64 + run.rejects, truth["lines"].as_u64().unwrap(), "{what}");
        assert!(run.floats("duration").iter().all(|duration| duration.is_some_and(|d| d >= 0.0)), "{what}");

        let (failed, inside) = (run.failed(), run.inside());
        let total = failed.iter().filter(|failed| **failed).count();
        let within = failed.iter().zip(&inside).filter(|(failed, inside)| **failed && **inside).count();
        // Bad luck and the chronic illness make a few more.
        let others = run.rows.num_rows() / 1000 + 10;
        assert!(total >= run.failures() && total - run.failures() <= others, "{total} {what}");
        assert!(within >= run.failures(), "{within} {what}");
        match truth["cause"].as_str() {
            Some(cause) => {
                assert_eq!(cause, *kind);
                assert!(run.failures() >= 30, "{what}");
            }
            None => assert_eq!(run.failures(), 0, "{what}"),
        }

        if let Some(route) = truth["route"].as_str()
            && *kind != "cpu_bound_endpoint"
        {
            let names = run.texts("request_verb").into_iter().zip(run.texts("route"));
            let there = names.map(|(verb, route)| format!("{} {}", verb.unwrap(), route.unwrap()));
            let on_route = there.zip(&failed).filter(|(name, failed)| **failed && name == route).count();
            assert!(on_route >= run.failures(), "{on_route} {what}");
        }
        if let Some(target) = truth["target"].as_str() {
            let names = run.texts("target_ip").into_iter().zip(run.integers("target_port"));
            let there = names.map(|(ip, port)| format!("{}:{}", ip.unwrap_or_default(), port.unwrap_or_default()));
            let on_target = there.zip(&failed).filter(|(name, failed)| **failed && name == target).count();
            assert!(on_target >= run.failures(), "{on_target} {what}");
        }
        if let Some(limit) = truth["limit_s"].as_f64() {
            let at_limit = |duration: f64| (limit..limit * 1.05 + 0.1).contains(&duration);
            let durations = run.floats("duration");
            let walled = durations.iter().zip(&failed).filter(|(d, failed)| **failed && at_limit(d.unwrap())).count();
            assert!(walled as f64 >= 0.95 * run.failures() as f64, "{walled} {what}");
        }
    }
}

#[test]
fn the_rows_of_an_incident_say_what_its_kind_is() {
    for (kind, cause) in [
        ("no_targets", "no_target"),
        ("lambda_error", "lambda_error"),
        ("client_gave_up", "client_gave_up"),
        ("application_error", "application_error"),
    ] {
        let run = run(kind, 5);
        let (failed, inside) = (run.failed(), run.inside());
        let mut causes: BTreeMap<String, usize> = BTreeMap::new();
        for ((found, failed), inside) in run.texts("cause").into_iter().zip(failed).zip(inside) {
            if failed && inside {
                *causes.entry(found.unwrap()).or_default() += 1;
            }
        }
        assert!(causes[cause] >= run.failures(), "{kind}: {causes:?} {:#}", run.truth);
    }
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_one_does_not() {
    let made = |seed| {
        let folder = tempfile::tempdir().unwrap();
        generate(&Options { hours: 0.5, ..options("deploy", seed) }, folder.path()).unwrap();
        let all = files(folder.path());
        assert!(all.len() >= 2 + 2 * 6, "a file per node and five minutes, CPU, truth: {all:?}");
        let inside = |file: &PathBuf| file.strip_prefix(folder.path()).unwrap().to_owned();
        all.iter().map(|file| (inside(file), fs::read(file).unwrap())).collect::<Vec<_>>()
    };
    let first = made(11);
    assert!(first == made(11));
    assert!(first != made(12));
}

#[test]
fn cpu_is_read_as_average_and_maximum_of_each_resource() {
    for seed in 1..=4 {
        let folder = tempfile::tempdir().unwrap();
        generate(&options("cpu_bound_endpoint", seed), folder.path()).unwrap();
        let cpu: Value = serde_json::from_slice(&fs::read(folder.path().join("data/cpu.json")).unwrap()).unwrap();
        let results = cpu["MetricDataResults"].as_array().unwrap();
        let values = |at: usize| results[at]["Values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
        for pair in (0..results.len()).step_by(2) {
            assert!(results[pair]["Label"].as_str().unwrap().ends_with("CPUUtilization Average"));
            assert!(results[pair + 1]["Label"].as_str().unwrap().ends_with("CPUUtilization Maximum"));
            assert_eq!(values(pair).len(), 60);
            assert!(
                values(pair).zip(values(pair + 1)).all(|(average, maximum)| average <= maximum && maximum <= 100.0)
            );
        }
        assert!((0..results.len()).any(|at| values(at).any(|value| value > 99.0)), "seed {seed}");
    }
}
