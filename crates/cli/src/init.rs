//! `albatross init`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::config::FILE;
use crate::exit::{Exit, UsageError};
use crate::show::safe;

const TEMPLATE: &str = include_str!("init/albatross.toml");

/// Write an albatross.toml to begin with: every key, what it is for, and what it is unless given.
#[derive(Args)]
pub(crate) struct Init {
    /// The file.
    #[arg(value_name = "FILE", default_value = FILE)]
    file: PathBuf,
    /// Write over it if it is there.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Init) -> Result<Exit> {
    let name = safe(&args.file.to_string_lossy());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(args.force).truncate(args.force).create_new(!args.force);
    let mut file = match options.open(&args.file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(UsageError(format!("{name} is there already; --force writes over it")).into());
        }
        file => file.with_context(|| format!("cannot make {name}"))?,
    };
    file.write_all(TEMPLATE.as_bytes()).with_context(|| format!("cannot write {name}"))?;
    eprintln!("wrote {name}: say in it where the logs are, then: albatross nightly --dry-run");
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    #[test]
    fn the_template_is_a_file_as_it_stands() {
        let config = parse(TEMPLATE).unwrap();
        assert_eq!(config.ingest.inputs, ["logs"]);
    }

    /// What stands behind a `#` without a space is a key that somebody may switch on.
    #[test]
    fn the_template_is_a_file_with_everything_switched_on() {
        let all: Vec<&str> = TEMPLATE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(key) if !key.starts_with(' ') => key,
                _ => line,
            })
            .collect();
        let config = parse(&all.join("\n")).unwrap();
        assert!(config.webhook.is_some() && config.s3.region.is_some() && config.ingest.from.is_some());
        assert_eq!(config.cloudwatch.len(), 2);
        let debug = format!("{config:?}");
        assert!(!debug.contains("None"), "a key is not in the template, or not switched on: {debug}");
    }
}
