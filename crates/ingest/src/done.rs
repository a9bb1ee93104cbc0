//! What reading a source comes to: its format, and that its rows are waiting, or why there are none.

use std::ops::RangeInclusive;

use albatross_formats::{Counts, Format, Outcome, Reject};
use albatross_lake::TxnId;

use crate::raw::HEAD;
use crate::source::Source;
use crate::{Error, Options, tell};

/// A source that was read to its end.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) source: Source,
    pub(crate) txn: TxnId,
    pub(crate) format: Format,
    pub(crate) counts: Counts,
    pub(crate) rejects: Vec<Reject>,
    /// Stored bytes and their hash.
    pub(crate) bytes: u64,
    pub(crate) content_hash: u128,
    /// First and last arrival, microseconds since the epoch.
    pub(crate) times: Option<RangeInclusive<i64>>,
}

impl Done {
    /// Checks the share of bad lines.
    pub(crate) fn new(
        options: &Options,
        source: &Source,
        format: Format,
        bytes: u64,
        content_hash: u128,
        outcome: Outcome,
        times: Option<RangeInclusive<i64>>,
    ) -> Result<Done, String> {
        let Outcome { counts, rejects } = outcome;
        tell::read(source, format, bytes, &counts, &rejects);
        let judged = counts.rows + counts.rejects;
        let share = counts.rejects as f64 / judged.max(1) as f64;
        if share > options.max_rejects {
            let first = rejects
                .first()
                .map_or(String::new(), |r| format!("; the first is line {}, byte {}: {}", r.line, r.byte, r.detail));
            let (bad, limit) = (counts.rejects, options.max_rejects * 100.0);
            return Err(format!(
                "{bad} of {judged} lines are bad ({:.1} %), over the limit of {limit} %{first}",
                share * 100.0
            ));
        }
        // Standard input has no name that tells one run from another: its content is its identity.
        let txn = source.txn().unwrap_or_else(|| TxnId::of_source(&source.uri, &format!("{content_hash:032x}"), bytes));
        Ok(Done { source: source.clone(), txn, format, counts, rejects, bytes, content_hash, times })
    }
}

/// Why a source is not ingested.
pub(crate) enum Trouble {
    /// The source's own fault, for a person.
    Source(String),
    /// The lake's: the run ends.
    Lake(Error),
    /// The run was stopped before it was read.
    Stopped,
}

impl From<String> for Trouble {
    fn from(reason: String) -> Trouble {
        Trouble::Source(reason)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Lake(error)
    }
}

/// The format of a source, as the user says, by its name or by the beginning of its text.
pub(crate) fn recognise(source: &Source, text: &[u8], options: &Options) -> Result<Format, Trouble> {
    let head = &text[..text.len().min(HEAD)];
    let format = options.format.or_else(|| Format::recognise(&source.uri, head, &options.settings));
    // Nobody knows of what an empty file is, and it does not matter.
    format.or_else(|| text.is_empty().then_some(Format::Alb)).ok_or_else(|| unrecognised(text))
}

pub(crate) fn unrecognised(text: &[u8]) -> Trouble {
    let first = text[..text.len().min(40)].escape_ascii();
    let tried: Vec<&str> = Format::ALL.into_iter().map(Format::describe).collect();
    Trouble::Source(format!(
        "not recognised: it begins with \"{first}\", which is none of: {}. If it is one of them, say which with --format",
        tried.join(", ")
    ))
}

pub(crate) fn range(arrivals: &[i64]) -> Option<RangeInclusive<i64>> {
    Some(*arrivals.iter().min()?..=*arrivals.iter().max()?)
}
