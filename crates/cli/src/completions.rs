//! `albatross completions` and `albatross man`: what packagers install beside the binary.

use std::io::Write;
use std::path::PathBuf;

use albatross_query::Catalogue;
use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use crate::exit::Exit;
use crate::show::safe;

/// Print what completes commands in a shell: albatross completions bash > /etc/bash_completion.d/albatross
#[derive(Args)]
pub(crate) struct Completions {
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Write the man pages, one for each command: albatross man --out /usr/local/share/man/man1
#[derive(Args)]
pub(crate) struct Man {
    /// Folder; made if it is missing.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

pub(crate) fn run(args: &Completions) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut with_query_names(crate::args::Args::command())?, "albatross", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Fine)
}

pub(crate) fn man(args: &Man) -> Result<Exit> {
    let context = || format!("cannot write to {}", safe(&args.out.to_string_lossy()));
    std::fs::create_dir_all(&args.out).with_context(context)?;
    clap_mangen::generate_to(crate::args::Args::command(), &args.out).with_context(context)?;
    Ok(Exit::Fine)
}

/// So that bash and zsh complete the names of the built-in queries.
fn with_query_names(command: Command) -> Result<Command> {
    let names: Vec<String> = Catalogue::load(None)?.iter().map(|query| query.name.clone()).collect();
    let known = |command: Command| {
        // Not `mut_arg`, which would put it behind the other positional argument.
        command.mut_args(|arg| match arg.get_id() == "name" {
            true => arg.value_parser(PossibleValuesParser::new(names.clone())),
            false => arg,
        })
    };
    Ok(command.mut_subcommand("query", known).mut_subcommand("queries", known))
}
