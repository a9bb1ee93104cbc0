//! `albatross`: access logs in, answers out. The only crate that prints.
//!
//! stdout carries data; everything else goes to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is the crate that prints

mod args;
mod exit;
mod ingest;
mod query;
mod show;
mod status;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use exit::Exit;

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.command {
        Command::Ingest(command) => ingest::run(&args.lake, &command),
        Command::Query(command) => query::named(&args.lake, &command),
        Command::Queries(command) => query::list(&command),
        Command::Sql(command) => query::sql(&args.lake, &command),
        Command::Status(command) => status::run(&args.lake, &command),
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
