//! `albatross.toml`: what every command takes as a default, and what `albatross nightly` does. docs/ops.md describes it.
//!
//! An option is taken from the command line, else from the environment, else from the file, else it is as built in: the values of the file
//! become the defaults of clap's options, so no command knows of the file.

mod read;
mod schema;

use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono_tz::Tz;
use clap::{Arg, Command};

use crate::exit::UsageError;
use crate::show::safe;
#[cfg(test)]
pub(crate) use read::parse;
pub(crate) use schema::{CloudWatch, Config, Webhook};

/// Taken if it is there and `--config` is not given.
pub(crate) const FILE: &str = "albatross.toml";
const VARIABLE: &str = "ALBATROSS_CONFIG";

/// Reads the file that `--config` or ALBATROSS_CONFIG names, else [`FILE`] if it is there; without one nothing is set.
///
/// # Errors
/// It cannot be read, or something in it is wrong; then line and column are said.
pub(crate) fn load(args: &[String]) -> Result<Config> {
    let path = match given(args).or_else(|| std::env::var(VARIABLE).ok().filter(|path| !path.is_empty())) {
        Some(path) => PathBuf::from(path),
        None if Path::new(FILE).exists() => PathBuf::from(FILE),
        None => return Ok(Config::default()),
    };
    let name = safe(&path.to_string_lossy());
    let text = std::fs::read_to_string(&path).map_err(|error| UsageError(format!("cannot read {name}: {error}")))?;
    let mut config = read::parse(&text).map_err(|fault| UsageError(safe(&format!("{name}, {fault}"))))?;
    config.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(config)
}

/// The value of `--config`, which is needed before the options are known.
fn given(args: &[String]) -> Option<String> {
    let mut args = args.iter().skip(1).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if arg == "--config" {
            return args.next().cloned();
        }
        if let Some(path) = arg.strip_prefix("--config=") {
            return Some(path.to_owned());
        }
    }
    None
}

impl Config {
    /// A path of the file: what is relative there is so to the file's folder. Addresses in S3 and `-` are left as they are.
    pub(crate) fn place(&self, path: &str) -> String {
        if path.starts_with("s3://") || path == "-" || self.folder.as_os_str().is_empty() {
            return path.to_owned();
        }
        self.folder.join(path).to_string_lossy().into_owned()
    }

    pub(crate) fn queries(&self) -> Option<PathBuf> {
        self.queries.as_deref().map(|folder| self.place(folder).into())
    }

    pub(crate) fn zone(&self) -> Tz {
        self.tz.unwrap_or(Tz::UTC)
    }

    /// The command and all below it, with the file's values as defaults of their options.
    pub(crate) fn defaults(&self, command: Command) -> Command {
        let own = command.mut_args(|arg| self.with_default(arg));
        own.mut_subcommands(|command| {
            let command = if command.get_name() == "maintain" { self.of_maintain(command) } else { command };
            self.defaults(command)
        })
    }

    fn with_default(&self, arg: Arg) -> Arg {
        // What AWS's variables say goes before the file, as any variable does.
        let said = |variables: &[&str]| variables.iter().any(|name| std::env::var_os(name).is_some());
        let s3 = &self.s3;
        let path = |path: &Option<String>| path.as_deref().map(|path| self.place(path));
        let value = match arg.get_id().as_str() {
            "lake" => path(&self.lake),
            "queries" => path(&self.queries),
            "cluster" => self.cluster.clone(),
            "tz" => self.tz.map(|zone| zone.name().to_owned()),
            "routes" => path(&self.ingest.routes),
            "year" => self.ingest.year.map(|year| year.to_string()),
            "nginx_log_format" => self.ingest.nginx_log_format.clone(),
            "apache_log_format" => self.ingest.apache_log_format.clone(),
            "s3_endpoint" if !said(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]) => s3.endpoint.clone(),
            "s3_region" if !said(&["AWS_REGION", "AWS_DEFAULT_REGION"]) => s3.region.clone(),
            "s3_path_style" => s3.path_style.map(|is| is.to_string()),
            "request_payer" => s3.request_payer.map(|is| is.to_string()),
            "profile" if !said(&["AWS_PROFILE"]) => s3.profile.clone(),
            _ => None,
        };
        set(arg, value)
    }

    fn of_maintain(&self, command: Command) -> Command {
        let maintain = &self.maintain;
        command.mut_args(|arg| {
            let value = match arg.get_id().as_str() {
                "small" => &maintain.small,
                "target" => &maintain.target,
                "retain" => &maintain.retain,
                "grace" => &maintain.grace,
                _ => &None,
            };
            set(arg, value.clone())
        })
    }
}

fn set(arg: Arg, value: Option<String>) -> Arg {
    match value {
        Some(value) => arg.default_value(value),
        None => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command as Cli};
    use clap::{CommandFactory, FromArgMatches};

    fn args(file: &str, line: &[&str]) -> Args {
        let mut config = read::parse(file).unwrap();
        config.folder = "/srv/albatross".into();
        let matches = config.defaults(Args::command()).get_matches_from(line);
        Args::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn the_file_gives_defaults_and_the_command_line_goes_before() {
        let file = "lake = \"lake\"\ntz = \"Europe/Berlin\"\n[ingest]\nroutes = \"routes.txt\"\n[s3]\nrequest_payer = true\n\
                    [maintain]\nretain = \"400d\"\n";
        let given = args(file, &["albatross", "ingest", "x"]);
        assert_eq!(given.lake, "/srv/albatross/lake");
        let Cli::Ingest(ingest) = &given.command else { panic!() };
        assert_eq!(
            (ingest.tz, ingest.routes.as_deref()),
            (Tz::Europe__Berlin, Some(Path::new("/srv/albatross/routes.txt")))
        );
        assert!(format!("{:?}", given.s3.s3()).contains("request_payer: true"));

        let given = args(file, &["albatross", "ingest", "x", "--tz", "UTC", "--lake", "other"]);
        let Cli::Ingest(ingest) = &given.command else { panic!() };
        assert_eq!((given.lake.as_str(), ingest.tz), ("other", Tz::UTC));

        let Cli::Maintain(maintain) = args(file, &["albatross", "maintain"]).command else { panic!() };
        assert_eq!(maintain.retain, Some(400));
        let given = args("", &["albatross", "status"]);
        assert_eq!(given.lake, "./lake");
    }

    #[test]
    fn the_file_is_found_wherever_its_option_stands() {
        let found = |args: &[&str]| given(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert_eq!(found(&["albatross", "status"]), None);
        assert_eq!(found(&["albatross", "--config", "a.toml", "status"]).as_deref(), Some("a.toml"));
        assert_eq!(found(&["albatross", "query", "story", "--config=b.toml"]).as_deref(), Some("b.toml"));
        assert_eq!(found(&["albatross", "ingest", "--", "--config", "c"]), None);
    }
}
