//! `loopback-s3`: a folder as an S3 bucket on this machine, for benchmarks and torture.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use albatross_testbed::{Fault, Faults, Loopback, Proxy};
use clap::Parser;

/// Serve a folder as an S3 bucket on 127.0.0.1.
///
/// Prints the endpoint and serves until standard input ends, so that it does not outlive who started it. Nobody's signature is checked.
/// With --fault: at the end one more line, the number of requests, of those that write, and of faults made, separated by spaces.
#[derive(Parser)]
#[command(name = "loopback-s3")]
struct Arguments {
    /// Folder whose files are the objects
    #[arg(long, value_name = "FOLDER")]
    root: PathBuf,

    /// Name of the bucket
    #[arg(long, value_name = "NAME")]
    bucket: String,

    /// Let this share of requests fail in this way, such as slow-down=0.1: slow-down, internal-error, reset, stall, short-body,
    /// stall-in-body, lost-answer, false-error
    #[arg(long, value_name = "WAY=SHARE", value_parser = fault)]
    fault: Vec<(Fault, f64)>,

    /// Other requests fail with another seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if stderr is gone.
            let _ = writeln!(io::stderr(), "loopback-s3: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let server = Loopback::start(&arguments.root, &arguments.bucket).await?;
    if arguments.fault.is_empty() {
        say(&server.endpoint())?;
        return end_of_input().await;
    }
    let proxy = Proxy::start(server.port()).await;
    proxy.set(Faults { seed: arguments.seed, faults: arguments.fault });
    say(&proxy.endpoint())?;
    end_of_input().await?;
    let requests = proxy.take_requests();
    let writes = requests.iter().filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD")).count();
    say(&format!("{} {writes} {}", requests.len(), proxy.done().values().sum::<u64>()))
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}

async fn end_of_input() -> io::Result<()> {
    let read = || io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?.map(drop)
}

fn fault(text: &str) -> Result<(Fault, f64), String> {
    let (name, share) = text.split_once('=').ok_or("WAY=SHARE is expected")?;
    let fault = Fault::ALL.into_iter().find(|fault| fault.name() == name).ok_or("there is no such way to fail")?;
    let share: f64 = share.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=1.0).contains(&share) { Ok((fault, share)) } else { Err("a share is between 0 and 1".to_owned()) }
}
