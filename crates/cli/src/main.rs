//! `albatross`: access logs in, answers out. The only crate that prints.
//!
//! stdout carries data; everything else goes to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is the crate that prints

mod args;
mod exit;
mod ingest;
mod maintain;
mod query;
mod s3;
mod show;
mod status;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use exit::Exit;

fn main() -> ExitCode {
    let args = Args::parse();
    let (lake, s3) = (args.lake.as_str(), &args.s3);
    let result = match args.command {
        Command::Ingest(command) => ingest::run(lake, s3, &command),
        Command::Query(command) => query::named(lake, s3, &command),
        Command::Queries(command) => query::list(&command),
        Command::Sql(command) => query::sql(lake, s3, &command),
        Command::Status(command) => status::run(lake, s3, &command),
        Command::Maintain(command) => maintain::run(lake, s3, &command),
        Command::Verify(command) => verify::run(lake, s3, &command),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) if exit::is_broken_pipe(&error) => Exit::Fine.into(),
        Err(error) => {
            eprintln!("albatross: {}", exit::chain(&error));
            exit::of(&error).into()
        }
    }
}
