//! Runs of the simulator: into memory, into a folder, or file by file.

use crate::Run;
use crate::damage;
use crate::engine::{Engine, Target};
use crate::journal::LogFile;
use crate::scenario::Scenario;
use crate::truth::{Truth, incidents};
use chrono::{SecondsFormat, TimeDelta};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::{fs, io, thread};

/// What there is besides the log files.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Answer of `aws cloudwatch get-metric-data`.
    pub cpu_json: String,
    /// Key and text of the object that AWS writes when access logs are switched on.
    pub control_file: (String, String),
    pub truth: Truth,
}

/// A whole run in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// In the order in which they ended.
    pub files: Vec<LogFile>,
    pub outcome: Outcome,
}

/// Runs in memory: about 750 bytes per request.
pub fn generate(scenario: &Scenario, run: &Run) -> Simulation {
    let mut files = Vec::new();
    let outcome = generate_into(scenario, run, &mut |file| {
        files.push(file);
        Ok(())
    });
    // The sink above never fails.
    let outcome = outcome.unwrap_or_else(|error| unreachable!("{error}"));
    Simulation { files, outcome }
}

/// Runs and gives each file to `sink` as it ends.
///
/// # Errors
///
/// The first error of `sink`; the run ends there.
pub fn generate_into(
    scenario: &Scenario,
    run: &Run,
    sink: &mut dyn FnMut(LogFile) -> io::Result<()>,
) -> io::Result<Outcome> {
    let mut engine = Engine::new(scenario, run);
    let mut damaged_lines = None;
    let mut last: Option<LogFile> = None;
    // The last file is held back, as it may be damaged.
    engine.run(&mut |file| match last.replace(file) {
        Some(file) => sink(file),
        None => Ok(()),
    })?;
    if let Some(mut file) = last {
        if run.damage {
            let (damaged, lines) = damage::split_off(&mut file);
            sink(file)?;
            damaged_lines = Some((damaged.key.clone(), lines));
            sink(damaged)?;
        } else {
            sink(file)?;
        }
    }
    let hosts: Vec<String> = engine.targets.iter().map(Target::host).collect();
    let journal = engine.journal;
    let truth = Truth {
        scenario: scenario.name(),
        seed: run.seed,
        start: run.start,
        end: run.start + TimeDelta::minutes(i64::from(run.minutes)),
        lines: journal.lines,
        errors: journal.by_status.range(500..).map(|(_, n)| n).sum(),
        by_status: journal.by_status,
        by_cause: journal.by_cause,
        guilty_route: scenario.guilty_route,
        incidents: incidents(&engine.crashes),
        crashes: engine.crashes,
        cpu: engine.cpu.service(),
        damaged_lines,
    };
    Ok(Outcome {
        cpu_json: engine.cpu.to_json(scenario.site.service, &hosts),
        control_file: control_file(scenario, run),
        truth,
    })
}

/// Runs and writes AWS's layout, compressed, and `cpu.json` under `folder`. The truth is only returned.
/// Compresses on as many threads as the machine has, four at most.
///
/// # Errors
///
/// Those of the file system.
pub fn generate_to(folder: &Path, scenario: &Scenario, run: &Run, member_bytes: usize) -> io::Result<Outcome> {
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(4));
    let (sender, receiver) = mpsc::sync_channel::<LogFile>(1);
    let receiver = Mutex::new(receiver);
    let failed = AtomicBool::new(false);
    // After an error the rest is taken and dropped: the sender must never wait for nobody.
    let work = || -> io::Result<()> {
        let mut result = Ok(());
        loop {
            let Ok(file) = receiver.lock().map_err(|_| io::ErrorKind::Other)?.recv() else {
                return result;
            };
            if result.is_ok() {
                result = write(folder, &file.key, &file.gzip(member_bytes));
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
            }
        }
    };
    let outcome = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let outcome = generate_into(scenario, run, &mut |file| match failed.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => sender.send(file).map_err(|_| io::ErrorKind::BrokenPipe.into()),
        });
        drop(sender);
        // A worker's error says more than the broken pipe that follows from it.
        for worker in workers {
            worker.join().map_err(|_| io::ErrorKind::Other)??;
        }
        outcome
    })?;
    write(folder, &outcome.control_file.0, outcome.control_file.1.as_bytes())?;
    write(folder, "cpu.json", outcome.cpu_json.as_bytes())?;
    Ok(outcome)
}

fn write(folder: &Path, key: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(key);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)
}

fn control_file(scenario: &Scenario, run: &Run) -> (String, String) {
    let site = &scenario.site;
    let time = (run.start - TimeDelta::minutes(97)).to_rfc3339_opts(SecondsFormat::Millis, true);
    (
        format!("AWSLogs/{}/ELBAccessLogTestFile", site.account),
        format!("Enable AccessLog for ELB: app/{}/{} at {time}", site.balancer, site.balancer_id),
    )
}
