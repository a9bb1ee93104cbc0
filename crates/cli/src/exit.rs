//! Exit codes, and errors as one line.

use std::fmt;
use std::io::ErrorKind;
use std::process::ExitCode;

use crate::show::safe;

/// What the exit code says. Documented in README.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done; nothing was found that had been asked to be reported.
    Fine = 0,
    /// Done, and there is a finding (`--fail-on-rows`).
    Finding = 1,
    /// The command line, a parameter or the SQL is wrong. clap exits with 2 too.
    Usage = 2,
    /// Some sources failed or were left; the others are in the lake.
    Partial = 3,
    /// Nothing could be done, or the lake failed.
    Failed = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A fault of the command line that clap cannot see.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

pub(crate) fn of(error: &anyhow::Error) -> Exit {
    use albatross_cluster::Error as Cluster;
    use albatross_query::Error as Query;
    let usage = error.chain().any(|cause| {
        cause.is::<UsageError>()
            || matches!(cause.downcast_ref(), Some(Cluster::Address { .. }))
            || matches!(
                cause.downcast_ref(),
                Some(
                    Query::NoSuchQuery { .. }
                        | Query::QueryFile { .. }
                        | Query::Parameter { .. }
                        | Query::ReadOnly { .. }
                        | Query::Sql(_)
                        | Query::Cluster(Cluster::Address { .. })
                )
            )
    });
    if usage { Exit::Usage } else { Exit::Failed }
}

/// The reader of our output went away: no reason to complain.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe))
}

/// The error and its causes in one line, without saying the same twice. Values from logs may be part of it: it is safe to be shown.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text.lines().map(safe).collect::<Vec<_>>().join("\n")
}
