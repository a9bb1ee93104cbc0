//! `simulate`: writes a simulated service's access logs and CPU metrics into a folder.

use albatross_simulate::{FIELD_COUNTS, Outcome, Run, Scenario, generate_to};
use chrono::{DateTime, Utc};
use clap::Parser;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

/// Simulate a service behind an Application Load Balancer: access logs in AWS's layout, cpu.json, and the truth beside.
///
/// The same arguments give the same bytes. With --lines: benchmark input of any size instead of a scenario.
#[derive(Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// Folder for AWSLogs/ and cpu.json; must not exist or be empty unless --force
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// What happens
    #[arg(long, default_value = "home", value_parser = Scenario::NAMES)]
    scenario: String,

    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// First instant, RFC 3339; best a whole 5 minutes
    #[arg(long, default_value = "2026-11-19T18:00:00Z")]
    start: DateTime<Utc>,

    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..))]
    minutes: u32,

    /// Requests per second at the height of the scenario's day (its own rate by default)
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    rate: Option<f64>,

    /// Number of targets (by default as many as the rate needs)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..10_000))]
    targets: Option<u64>,

    /// Fields per line: 36 (newest), 34, 33, 30, 29, 27, 25, 20 or 18
    #[arg(long, default_value_t = FIELD_COUNTS[0], value_parser = field_count)]
    fields: usize,

    /// Put a few damaged lines into a file of their own
    #[arg(long)]
    damage: bool,

    /// Where to write the truth [default: DIR with .truth.json appended, beside DIR and not in it]
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,

    /// Bytes of text per gzip member; busy load balancers write several into one file
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES")]
    member_bytes: usize,

    /// Benchmark input: this many lines, spread evenly over --files files
    #[arg(long, conflicts_with_all = ["scenario", "minutes", "rate", "damage"], value_parser = clap::value_parser!(u64).range(1..))]
    lines: Option<u64>,

    /// Number of files, even, for --lines
    #[arg(long, requires = "lines", default_value_t = 26, value_parser = even)]
    files: u32,

    /// Replace what is in DIR
    #[arg(long)]
    force: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if stderr is gone.
            let _ = writeln!(io::stderr(), "simulate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    prepare(&arguments.out, arguments.force)?;
    let (scenario, run, member_bytes) = plan(arguments);
    let outcome = generate_to(&arguments.out, &scenario, &run, member_bytes)?;
    let path = arguments.truth.clone().unwrap_or_else(|| beside(&arguments.out));
    fs::write(&path, format!("{:#}\n", outcome.truth.to_json()))?;
    writeln!(io::stderr(), "{}", summary(&outcome, &arguments.out, &path))
}

/// Scenario, run and the size of gzip members.
fn plan(arguments: &Arguments) -> (Scenario, Run, usize) {
    let mut run = Run::new(arguments.seed, arguments.start, arguments.minutes);
    run.targets = arguments.targets.map(|n| n as usize);
    run.fields = arguments.fields;
    let Some(lines) = arguments.lines else {
        run.rate = arguments.rate;
        run.damage = arguments.damage;
        let scenario = Scenario::named(&arguments.scenario).unwrap_or_else(Scenario::home);
        return (scenario, run, arguments.member_bytes);
    };
    // Two balancer nodes. A little too much traffic, cut off at the wanted number.
    run.minutes = arguments.files / 2 * 5;
    run.rate = Some(1.002 * lines as f64 / f64::from(run.minutes * 60) + 0.1);
    run.stop_after = Some(lines);
    (Scenario::bench(), run, usize::MAX)
}

fn prepare(folder: &Path, force: bool) -> io::Result<()> {
    let used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if used && !force {
        let message = format!(
            "{} is not empty; choose another folder, or --force to replace what the simulator wrote there",
            folder.display()
        );
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let logs = folder.join("AWSLogs");
    if logs.exists() { fs::remove_dir_all(logs) } else { Ok(()) }
}

fn beside(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".truth.json");
    folder.with_file_name(name)
}

fn summary(outcome: &Outcome, folder: &Path, truth_path: &Path) -> String {
    let truth = &outcome.truth;
    let highest = truth.cpu.iter().map(|c| c.0).fold(0.0, f64::max);
    let full = truth.cpu.iter().filter(|c| c.1 >= 100.0).count();
    format!(
        "{} lines, {} of them 5xx, {} crashes, CPU average at most {highest:.1} %, maximum 100 % in {full} of {} minutes -> {}; truth -> {}",
        truth.lines,
        truth.errors,
        truth.crashes.len(),
        truth.cpu.len(),
        folder.display(),
        truth_path.display()
    )
}

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err("must be above 0".to_owned()) }
}

fn even(text: &str) -> Result<u32, String> {
    let value: u32 = text.parse().map_err(|error| format!("{error}"))?;
    if value > 0 && value.is_multiple_of(2) {
        Ok(value)
    } else {
        Err("must be even: one file per node and 5 minutes, two nodes".to_owned())
    }
}

fn field_count(text: &str) -> Result<usize, String> {
    let value: usize = text.parse().map_err(|error| format!("{error}"))?;
    if FIELD_COUNTS.contains(&value) { Ok(value) } else { Err(format!("AWS has written {FIELD_COUNTS:?}")) }
}
