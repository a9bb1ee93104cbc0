//! What `make fuzz` checks, without a fuzzer: on its corpus, and on every fixture read as every format.

use std::path::{Path, PathBuf};

use albatross_formats::Format;

#[path = "../../../fuzz/check.rs"]
mod check;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn holds(path: &Path, data: &[u8]) {
    if std::panic::catch_unwind(|| check::check(data)).is_err() {
        panic!("{} does not hold as format {}", path.display(), data[0]);
    }
}

#[test]
fn what_the_fuzzer_found_holds() {
    let corpus = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/decode"));
    assert!(!corpus.is_empty(), "the corpus is missing");
    for path in corpus {
        let data = std::fs::read(&path).unwrap();
        if data.len() >= 2 {
            holds(&path, &data);
        }
    }
}

#[test]
fn every_fixture_holds_as_every_format() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for path in files(&fixtures).iter().filter(|path| path.is_dir()).flat_map(|folder| files(folder)) {
        // Lines over the limit are long to read, and a test of their own.
        let text = std::fs::read(&path).unwrap();
        for format in (0..Format::ALL.len()).filter(|_| text.len() < 100_000) {
            holds(&path, &[&[format as u8, 6], text.as_slice()].concat());
        }
    }
}
