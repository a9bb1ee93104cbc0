//! What must hold whatever the bytes are. The first byte says which format, the second how the rest is cut into pieces.
//!
//! Shared by the fuzz target and by the test that runs its corpus (`crates/formats/tests/corpus.rs`).

use albatross_formats::{Format, Outcome, Settings, metrics};
use arrow::array::RecordBatch;

/// Panics if a decoder loses a line, or if what it makes depends on how the bytes come.
pub(crate) fn check(data: &[u8]) {
    let [which, cut, text @ ..] = data else { return };
    let format = Format::ALL[usize::from(*which) % Format::ALL.len()];
    let settings = Settings::default();
    Format::recognise("", text, &settings);
    let (whole, outcome) = match read(format, &settings, text, text.len().max(1)) {
        Some(read) => read,
        None => {
            // Metrics are decoded as a whole.
            let _ = metrics::decode(text, "fuzz", "fuzz");
            return;
        }
    };
    let counts = outcome.counts;
    assert_eq!(counts.rows + counts.rejects + counts.skipped(), counts.lines, "{}", format.name());
    assert_eq!(counts.rows, whole.num_rows() as u64, "{}", format.name());
    let (cut, again) = read(format, &settings, text, usize::from(*cut) + 1).expect("the same format");
    assert_eq!(counts, again.counts, "{}", format.name());
    assert_eq!(outcome.rejects, again.rejects, "{}", format.name());
    assert_eq!(whole, cut, "{}", format.name());
}

fn read(format: Format, settings: &Settings, text: &[u8], piece: usize) -> Option<(RecordBatch, Outcome)> {
    let mut reader = format.reader(settings)?;
    reader.begin("fuzz");
    text.chunks(piece).for_each(|piece| reader.push(piece));
    let outcome = reader.finish();
    Some((reader.rows().to_batch(), outcome))
}
