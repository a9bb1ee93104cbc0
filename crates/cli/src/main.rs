//! `albatross`: access logs in, answers out. The only crate that prints.
//!
//! stdout carries data; everything else goes to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is the crate that prints

mod args;
mod check;
mod compare;
mod diagnose;
mod exit;
mod follow;
mod ingest;
mod logs;
mod maintain;
mod query;
mod s3;
mod show;
mod sql;
mod status;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::{Args, Command};
use exit::Exit;
use logs::LogArgs;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(exit) => exit.into(),
        Err(error) if exit::is_broken_pipe(&error) => Exit::Fine.into(),
        Err(error) => {
            let text = exit::chain(&error);
            // Does nothing if logging has begun; if it cannot, that is the error.
            match logs::start(&LogArgs::default(), false) {
                Ok(()) => tracing::error!("{text}"),
                Err(_) => eprintln!("albatross: {text}"),
            }
            exit::of(&error).into()
        }
    }
}

fn run(args: &Args) -> Result<Exit> {
    let (lake, s3, log) = (args.lake.as_str(), &args.s3, &args.log);
    let quiet = match &args.command {
        Command::Ingest(command) => command.quiet,
        Command::Maintain(command) => command.quiet,
        _ => false,
    };
    match &args.command {
        // Options may stand behind the query's name, and the query says which there are.
        Command::Query(_) => {}
        _ => logs::start(log, quiet)?,
    }
    match &args.command {
        Command::Ingest(command) => ingest::run(lake, s3, command),
        Command::Query(command) => query::named(lake, s3, log, command),
        Command::Compare(command) => compare::run(lake, s3, command),
        Command::Check(command) => check::run(lake, s3, command),
        Command::Diagnose(command) => diagnose::run(lake, s3, command),
        Command::Queries(command) => query::list(command),
        Command::Sql(command) => sql::run(lake, s3, command),
        Command::Follow(command) => follow::run(lake, s3, command),
        Command::Status(command) => status::run(lake, s3, command),
        Command::Maintain(command) => maintain::run(lake, s3, command),
        Command::Verify(command) => verify::run(lake, s3, command),
    }
}
