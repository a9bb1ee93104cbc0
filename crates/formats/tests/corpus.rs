//! The corpus of `make fuzz`, without a fuzzer.

#[path = "../../../fuzz/check.rs"]
mod check;

#[test]
fn the_fuzzers_corpus_holds() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/decode");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let data = std::fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| check::check(&data)).is_err() {
            panic!("{} does not hold", path.display());
        }
        files += 1;
    }
    assert!(files > 100, "the corpus is missing");
}
