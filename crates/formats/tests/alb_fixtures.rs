//! Every quirk of real ALB logs is a file under `fixtures/alb`, with what must become of it written beside it by hand.

use std::path::{Path, PathBuf};

use albatross_formats::alb::{Decoder, Outcome, Rows};
use albatross_formats::{Format, Routes, Skip};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/alb");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "log"));
    files.sort();
    assert!(files.len() >= 30, "fixtures are missing");
    files
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (RecordBatch, Outcome) {
    let mut rows = Rows::new(Routes::default());
    rows.begin("test.log");
    let mut decoder = Decoder::default();
    for piece in pieces {
        decoder.push(piece, &mut rows);
    }
    let outcome = decoder.finish(&mut rows);
    (rows.to_batch(), outcome)
}

/// A cell as the expectation files write it.
fn cell(batch: &RecordBatch, column: &str, row: usize) -> Value {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("no column {column}"));
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            json!(DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339_opts(SecondsFormat::Micros, true))
        }
        DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row)),
        DataType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        _ => json!(cast(array, &DataType::Utf8).unwrap().as_string::<i32>().value(row)),
    }
}

fn same(got: &Value, want: &Value) -> bool {
    match (got.as_f64(), want.as_f64()) {
        (Some(got), Some(want)) => (got - want).abs() < 1e-9,
        _ => got == want,
    }
}

#[test]
fn every_fixture_gives_what_its_expectation_says() {
    let mut wrong = Vec::new();
    for path in fixtures() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let expected: Value =
            serde_json::from_slice(&std::fs::read(path.with_extension("expected.json")).expect(&name)).expect(&name);
        let (batch, outcome) = decode([bytes.as_slice()]);
        let counts = outcome.counts;
        assert_eq!(counts.rows + counts.rejects + counts.skipped(), counts.lines, "{name}");
        for (what, got) in
            [("lines", counts.lines), ("rows", counts.rows), ("rejects", counts.rejects), ("skipped", counts.skipped())]
        {
            if expected[what] != json!(got) {
                wrong.push(format!("{name}: {what} is {got}, not {} {:?}", expected[what], outcome.rejects));
            }
        }
        for (key, cells) in expected.as_object().unwrap() {
            let row = match key.strip_prefix("row_") {
                Some(number) => number.parse::<usize>().expect(&name) - 1,
                None if key == "first_row" => 0,
                None => continue,
            };
            for (column, want) in cells.as_object().expect(&name) {
                if row >= batch.num_rows() {
                    wrong.push(format!("{name}: there is no {key}"));
                    break;
                }
                let got = cell(&batch, column, row);
                if !same(&got, want) {
                    wrong.push(format!("{name}: {key}.{column} is {got}, not {want}"));
                }
            }
        }
        if let Some(reasons) = expected["reject_reasons"].as_array() {
            let got: Vec<Value> = outcome.rejects.iter().map(|r| json!(r.reason)).collect();
            if got != *reasons {
                wrong.push(format!("{name}: rejected for {got:?}, not {reasons:?}"));
            }
        }
        for reject in &outcome.rejects {
            let at = usize::try_from(reject.byte).unwrap();
            assert!(at == 0 || bytes[at - 1] == b'\n', "{name}: byte {at} does not begin a line");
            let lines_before = bytes[..at].iter().filter(|b| **b == b'\n').count() as u64;
            assert_eq!(lines_before + 1, reject.line, "{name}");
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn logs_that_are_no_access_logs_are_told_apart() {
    let skips = |text: &str| decode([text.as_bytes()]).1.counts;
    let control = skips("Enable AccessLog for ELB: app/shop at 2026-11-19T18:00:00Z\n\n");
    assert_eq!((control.skipped_as(Skip::Control), control.skipped_as(Skip::Empty)), (1, 1));
    let classic = "2015-05-13T23:39:43.945958Z my-lb 192.168.131.39:2817 10.0.0.1:80 0.000086 0.001048 0.001337 200 200 0 57 \
                   \"GET https://www.example.com:443/ HTTP/1.1\" \"curl/7.38.0\" DHE-RSA-AES128-SHA TLSv1.2\n";
    assert_eq!(skips(classic).skipped_as(Skip::ClassicLog), 1);
    let network = "tls 2.0 2018-12-20T02:59:40 net/lb/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 \
                   98 246 - arn:aws:acm:us-east-2:1:certificate/2 - ECDHE-RSA-AES128-SHA tlsv12 - my.example.com - - - 2018-12-20T02:59:30\n";
    assert_eq!(skips(network).skipped_as(Skip::NetworkLog), 1);
}

#[test]
fn formats_are_recognised_by_name_and_by_content() {
    let aws =
        "123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20261119T1805Z_10.0.0.1_1a2b3c4d.log.gz";
    assert_eq!(Format::recognise(aws, b"torn"), Some(Format::Alb));
    for path in fixtures() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let expected: Value =
            serde_json::from_slice(&std::fs::read(path.with_extension("expected.json")).unwrap()).unwrap();
        if expected["rows"].as_u64() > Some(0) {
            assert_eq!(Format::recognise("some.log", &std::fs::read(&path).unwrap()), Some(Format::Alb), "{name}");
        }
    }
    assert_eq!(Format::recognise("x", b"\x7fELF\x02\x01\x01\x00\x00"), None);
    assert_eq!(Format::recognise("x", b"{\"some\": \"json\"}"), None);
    assert_eq!(Format::recognise("cpu.csv", b"time,resource,average,maximum\n"), Some(Format::Metrics));
}

#[test]
fn rows_of_a_broken_file_can_be_taken_back() {
    let good = std::fs::read(&fixtures()[0]).unwrap();
    let mut rows = Rows::new(Routes::default());
    let run = |text: &[u8], rows: &mut Rows| {
        let mut decoder = Decoder::default();
        decoder.push(text, rows);
        decoder.finish(rows);
    };
    let all: Vec<u8> = fixtures().iter().flat_map(|path| std::fs::read(path).unwrap()).collect();
    rows.begin("good.log");
    run(&good, &mut rows);
    let before = rows.len();
    rows.begin("broken.log");
    run(&all, &mut rows);
    assert!(rows.len() > before + 30);
    rows.truncate(before);
    rows.begin("good.log");
    run(&good, &mut rows);
    let mut twice = Rows::new(Routes::default());
    twice.begin("good.log");
    run(&good, &mut twice);
    run(&good, &mut twice);
    let (got, want) = (rows.to_batch(), twice.to_batch());
    for field in want.schema().fields() {
        for row in 0..want.num_rows() {
            assert_eq!(cell(&got, field.name(), row), cell(&want, field.name(), row), "{}", field.name());
        }
    }
    assert_eq!(got.num_rows(), want.num_rows());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However the bytes are cut, the rows, rejects and counts are the same.
    #[test]
    fn any_chunking_gives_the_same_rows(seed in any::<u64>(), sizes in prop::collection::vec(1usize..2000, 1..40)) {
        let mut files = fixtures();
        let rotate = (seed % files.len() as u64) as usize;
        files.rotate_left(rotate);
        let text: Vec<u8> = files.iter().take(12).flat_map(|path| std::fs::read(path).unwrap()).collect();
        let whole = decode([text.as_slice()]);
        let mut pieces = Vec::new();
        let (mut rest, mut i) = (text.as_slice(), 0);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(sizes[i % sizes.len()].min(rest.len()));
            pieces.push(piece);
            (rest, i) = (after, i + 1);
        }
        let cut = decode(pieces);
        prop_assert_eq!(&whole.0, &cut.0);
        prop_assert_eq!(whole.1.counts, cut.1.counts);
        prop_assert_eq!(whole.1.rejects, cut.1.rejects);
    }

    /// Arbitrary bytes never panic, and every line is accounted for.
    #[test]
    fn any_bytes_are_accounted_for(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let counts = decode([bytes.as_slice()]).1.counts;
        prop_assert_eq!(counts.rows + counts.rejects + counts.skipped(), counts.lines);
        let ends = bytes.iter().filter(|b| **b == b'\n').count() as u64;
        let last = u64::from(bytes.last().is_some_and(|b| *b != b'\n'));
        prop_assert_eq!(counts.lines, ends + last);
    }
}
