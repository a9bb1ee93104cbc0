//! Log formats: bytes in, Arrow out.
//!
//! This crate is pure: it opens no file, starts no thread and prints nothing. A caller pushes bytes of one source file in
//! whatever pieces it has; lines become rows of a columnar batch, and what cannot be a row becomes a counted
//! [`Reject`] or a counted skip. For every source, `rows + rejects + skipped = lines`.

pub mod alb;
pub mod metrics;

mod cause;
mod columns;
mod fields;
mod lines;
mod reject;
mod route;
mod url;
mod value;

pub use cause::{AnsweredBy, Cause};
pub use columns::{Keys, NULL_INT, NULL_KEY, NULL_LONG, Strings, Text, Values};
pub use lines::MAX_LINE_BYTES;
pub use reject::{Counts, Reject, Skip};
pub use route::{RULES_VERSION, Routes, RoutesError};

use std::path::Path;

/// The log formats that can be read, one table family each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Application Load Balancer access log.
    Alb,
    /// CloudWatch metrics: answers of the CLI and API, metric streams, CSV.
    Metrics,
}

impl Format {
    /// The name used in messages and in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Format::Alb => "alb",
            Format::Metrics => "metrics",
        }
    }

    /// Recognises a source by AWS's file name, else by its first bytes (uncompressed; a few KiB suffice). `None`: neither the
    /// name nor the content is that of a known format.
    pub fn recognise(file_name: &str, head: &[u8]) -> Option<Format> {
        let name = Path::new(file_name).file_name().and_then(|n| n.to_str()).unwrap_or(file_name);
        if name == "ELBAccessLogTestFile" || (name.contains("_elasticloadbalancing_") && name.contains("_app.")) {
            return Some(Format::Alb);
        }
        if metrics::recognise(head) {
            Some(Format::Metrics)
        } else if alb::recognise(head) {
            Some(Format::Alb)
        } else {
            None
        }
    }
}
