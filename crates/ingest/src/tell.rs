//! What the log says of a source.

use std::collections::BTreeMap;
use std::time::Instant;

use albatross_formats::{Counts, Format, Reject};

use crate::source::Source;

/// What was found in a source. Not on the path of each line: only those that cannot be read are told one by one.
pub(crate) fn read(source: &Source, format: Format, bytes: u64, counts: &Counts, rejects: &[Reject]) {
    let uri = source.uri.as_str();
    for Reject { line, byte, reason, detail, .. } in rejects {
        tracing::debug!(source = uri, line, byte, code = reason, detail, "line rejected");
    }
    if counts.rejects > 0 {
        let mut by_reason = BTreeMap::<&str, u64>::new();
        rejects.iter().for_each(|reject| *by_reason.entry(reject.reason).or_default() += 1);
        let codes: Vec<String> = by_reason.iter().map(|(reason, lines)| format!("{reason}:{lines}")).collect();
        tracing::info!(source = uri, lines = counts.rejects, codes = codes.join(","), "lines rejected");
    }
    let &Counts { lines, rows, rejects, .. } = counts;
    tracing::info!(
        source = uri,
        format = format.name(),
        bytes,
        lines,
        rows,
        rejects,
        skipped = counts.skipped(),
        "source read"
    );
}

/// Milliseconds since then.
pub(crate) fn ms(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
