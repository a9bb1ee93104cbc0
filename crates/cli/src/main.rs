//! `albatross`: access logs in, answers out. The only crate that prints.
//!
//! stdout carries data; everything else goes to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is the crate that prints

mod args;
mod check;
mod compare;
mod completions;
mod cluster;
mod config;
mod ddl;
mod diagnose;
mod exit;
mod follow;
mod ingest;
mod init;
mod logs;
mod maintain;
mod nightly;
mod query;
mod report;
mod s3;
mod show;
mod sql;
mod status;
mod summaries;
mod verify;
mod whole;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};

use args::{Args, Command};
use config::Config;
use exit::{Exit, UsageError};
use logs::LogArgs;

fn main() -> ExitCode {
    let given = arguments();
    let line: Vec<String> = given.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let config = config::load(&line);
    let command = match &config {
        Ok(config) => config.defaults(Args::command()),
        Err(_) => Args::command(),
    };
    let matches = command.get_matches_from(given);
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let cluster_is_meant = matches.value_source("cluster") == Some(ValueSource::CommandLine);
    let done = match &args.command {
        Command::Ingest(_) | Command::Maintain(_) | Command::Verify(_) | Command::Status(_) | Command::Ddl(_)
            if cluster_is_meant =>
        {
            let how =
                "only queries run on a cluster; leave --cluster away (docs/scale.md tells how many machines ingest)";
            Err(UsageError(how.into()).into())
        }
        _ => run(&args, config),
    };
    match done {
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

/// The command line, in which SQL may begin with a comment: what looks like one is no option.
fn arguments() -> Vec<OsString> {
    let is_comment = |text: &str| text.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_whitespace));
    let sql = |arg: OsString| match arg.to_str() {
        Some(text) if is_comment(text) => format!(" {text}").into(),
        _ => arg,
    };
    std::env::args_os().map(sql).collect()
}

fn run(args: &Args, config: Result<Config>) -> Result<Exit> {
    // What needs no file must not fail with it: one of these may be how it is mended.
    match &args.command {
        Command::Init(command) => return init::run(command),
        Command::Completions(command) => return completions::run(command),
        Command::Man(command) => return completions::man(command),
        _ => {}
    }
    let config = &config?;
    let (lake, s3, cluster, log) = (args.lake.as_str(), &args.s3, &args.cluster, &args.log);
    let quiet = match &args.command {
        Command::Ingest(command) => command.quiet,
        Command::Maintain(command) => command.quiet,
        Command::Nightly(command) => command.quiet,
        Command::Report(command) => command.quiet,
        _ => false,
    };
    match &args.command {
        // Options may stand behind the query's name, and the query says which there are.
        Command::Query(_) => {}
        _ => logs::start(log, quiet)?,
    }
    match &args.command {
        Command::Ingest(command) => ingest::run(lake, s3, command),
        Command::Query(command) => query::named(lake, s3, cluster, log, config, command),
        Command::Compare(command) => compare::run(lake, s3, cluster, command),
        Command::Check(command) => check::run(lake, s3, cluster, command),
        Command::Diagnose(command) => diagnose::run(lake, s3, cluster, command),
        Command::Report(command) => report::run(lake, s3, cluster, command),
        Command::Queries(command) => query::list(command),
        Command::Sql(command) => sql::run(lake, s3, cluster, command),
        Command::Follow(command) => follow::run(lake, s3, cluster, command),
        Command::Status(command) => status::run(lake, s3, command),
        Command::Maintain(command) => maintain::run(lake, s3, command),
        Command::Verify(command) => verify::run(lake, s3, command),
        Command::Ddl(command) => ddl::run(lake, s3, command),
        Command::Nightly(command) => nightly::run(lake, s3, cluster, config, command),
        Command::Init(_) | Command::Completions(_) | Command::Man(_) => Ok(Exit::Fine), // done above
    }
}
