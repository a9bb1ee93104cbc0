//! `incidents`: writes one run with one known incident into a folder.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use albatross_incidents::{KINDS, Options, generate};
use clap::Parser;

/// Generate access logs and CPU of a service in which one known thing goes wrong.
///
/// Writes DIR/data/AWSLogs/ and DIR/data/cpu.json to be ingested, and DIR/truth.json. The same arguments give the same bytes.
#[derive(Parser)]
#[command(name = "incidents")]
struct Arguments {
    /// What goes wrong; quiet, surge and scanner are no incidents
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(KINDS))]
    kind: String,

    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    #[arg(long, default_value_t = 3.0, value_parser = |text: &str| between(text, 0.5, 24.0))]
    hours: f64,

    /// Requests per second, on average
    #[arg(long, default_value_t = 40.0, value_parser = |text: &str| between(text, 1.0, 10_000.0))]
    rate: f64,

    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(2..=200))]
    targets: u16,

    /// Write no CPU metrics
    #[arg(long)]
    no_cpu: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        kind: arguments.kind,
        seed: arguments.seed,
        hours: arguments.hours,
        rate: arguments.rate,
        targets: arguments.targets.into(),
        cpu: !arguments.no_cpu,
    };
    match generate(&options, &arguments.out) {
        // A reader that has gone away needs no truth.
        Ok(truth) => {
            let _ = writeln!(io::stdout(), "{truth:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "incidents: {}: {error}", arguments.out.display());
            ExitCode::FAILURE
        }
    }
}

fn between(text: &str, low: f64, high: f64) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (low..=high).contains(&value) { Ok(value) } else { Err(format!("must be between {low} and {high}")) }
}
