//! Every quirk of real logs is a file under `fixtures/FORMAT`, with what must become of it written beside it by hand
//! (`NAME.log`, `NAME.expected.json`).
//!
//! An expectation has `lines`, `rows`, `rejects`, `skipped`; cells as `first_row` or `row_N` (from 1); `reject_reasons`; and `settings`
//! where the user has to say something about such logs.

use std::path::{Path, PathBuf};

use albatross_formats::{Format, Outcome, Settings, Skip};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Formats that are made of lines, or of what takes their place.
fn formats() -> impl Iterator<Item = Format> {
    Format::ALL.into_iter().filter(|format| format.reader(&Settings::default()).is_some())
}

fn fixtures(format: Format) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format.name());
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "log"));
    files.sort();
    assert!(files.len() >= 5, "fixtures of {} are missing", format.name());
    files
}

/// Whether lines are what is counted in a source of this format: in Lambda's JSON it is events.
fn is_lines(format: Format, text: &[u8]) -> bool {
    let first = text.iter().find(|b| !b.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(b));
    format != Format::Lambda || !matches!(first, Some(b'{' | b'['))
}

fn name(path: &Path) -> String {
    format!("{}/{}", path.parent().unwrap().file_name().unwrap().display(), path.file_name().unwrap().display())
}

fn expectation(path: &Path) -> Value {
    let text = std::fs::read(path.with_extension("expected.json")).unwrap_or_else(|e| panic!("{}: {e}", name(path)));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", name(path)))
}

/// What the user says about the logs of a fixture.
fn settings(expected: &Value) -> Settings {
    let said = |key: &str| expected["settings"][key].as_str();
    Settings {
        zone: said("zone").map_or(chrono_tz::UTC, |zone| zone.parse().unwrap()),
        year: expected["settings"]["year"].as_i64().map(|year| year as i32),
        nginx_log_format: said("nginx_log_format").map(|format| format.parse().unwrap()),
        apache_log_format: said("apache_log_format").map(|format| format.parse().unwrap()),
        ..Settings::default()
    }
}

fn decode<'a>(
    format: Format,
    settings: &Settings,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (RecordBatch, Outcome) {
    let mut reader = format.reader(settings).unwrap();
    reader.begin("test.log");
    pieces.into_iter().for_each(|piece| reader.push(piece));
    let outcome = reader.finish();
    (reader.rows().to_batch(), outcome)
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
    for (format, path) in formats().flat_map(|format| fixtures(format).into_iter().map(move |path| (format, path))) {
        let name = name(&path);
        let bytes = std::fs::read(&path).unwrap();
        let expected = expectation(&path);
        let (batch, outcome) = decode(format, &settings(&expected), [bytes.as_slice()]);
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
        for reject in outcome.rejects.iter().filter(|_| is_lines(format, &bytes)) {
            let at = usize::try_from(reject.byte).unwrap();
            let lines_before = bytes[..at].iter().filter(|b| **b == b'\n').count() as u64;
            assert_eq!(lines_before + 1, reject.line, "{name}");
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn logs_that_are_no_access_logs_are_told_apart() {
    let skips = |text: &str| decode(Format::Alb, &Settings::default(), [text.as_bytes()]).1.counts;
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
    let recognise = |name: &str, head: &[u8]| Format::recognise(name, head, &Settings::default());
    let aws =
        "123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20261119T1805Z_10.0.0.1_1a2b3c4d.log.gz";
    assert_eq!(recognise(aws, b"torn"), Some(Format::Alb));
    for (format, path) in formats().flat_map(|format| fixtures(format).into_iter().map(move |path| (format, path))) {
        let expected = expectation(&path);
        if expected["rows"].as_u64() > Some(0) {
            let found = Format::recognise("some.log", &std::fs::read(&path).unwrap(), &settings(&expected));
            assert_eq!(found, Some(format), "{}", name(&path));
        }
    }
    assert_eq!(recognise("x", b"\x7fELF\x02\x01\x01\x00\x00"), None);
    assert_eq!(recognise("x", b"{\"some\": \"json\"}"), None);
    assert_eq!(recognise("cpu.csv", b"time,resource,average,maximum\n"), Some(Format::Metrics));
}

#[test]
fn a_line_over_the_limit_costs_itself_only() {
    let long = vec![b'x'; 1_100_000];
    for format in formats() {
        let is_good = |path: &PathBuf| {
            let expected = expectation(path);
            expected["rows"].as_u64() > Some(0) && expected["rejects"] == 0 && expected["settings"].is_null()
        };
        let read = |path: PathBuf| std::fs::read(path).unwrap();
        let mut good =
            fixtures(format).into_iter().filter(is_good).map(read).find(|text| is_lines(format, text)).unwrap();
        // A mark in the middle is no mark.
        let mark = usize::from(good.starts_with(b"\xEF\xBB\xBF")) * 3;
        good.drain(..mark);
        if !good.ends_with(b"\n") {
            good.push(b'\n');
        }
        let (alone, all) = (good.as_slice(), [&good, &long, b"\n".as_slice(), &good].concat());
        let (_, once) = decode(format, &Settings::default(), [alone]);
        let (_, both) = decode(format, &Settings::default(), all.chunks(64 << 10));
        let reasons: Vec<&str> = both.rejects.iter().map(|reject| reject.reason).collect();
        assert_eq!(reasons, ["line_too_long"], "{}", format.name());
        assert_eq!(both.rejects[0].byte, good.len() as u64);
        assert_eq!(both.counts.rows, 2 * once.counts.rows, "{}", format.name());
        assert_eq!(both.counts.lines, 2 * once.counts.lines + 1, "{}", format.name());
    }
}

#[test]
fn rows_of_a_broken_file_can_be_taken_back() {
    for format in formats() {
        let read = |path: &PathBuf| std::fs::read(path).unwrap();
        let all: Vec<u8> = fixtures(format).iter().flat_map(read).collect();
        let good = read(fixtures(format).iter().find(|path| expectation(path)["rows"].as_u64() > Some(0)).unwrap());
        let new = || format.reader(&Settings::default()).unwrap();
        let (mut reader, mut twice) = (new(), new());
        let run = |reader: &mut dyn albatross_formats::Reader, source: &str, text: &[u8]| {
            reader.begin(source);
            reader.push(text);
            reader.finish();
        };
        run(&mut *reader, "good.log", &good);
        let before = reader.rows().len();
        run(&mut *reader, "broken.log", &all);
        assert!(reader.rows().len() > before);
        reader.rows_mut().truncate(before);
        run(&mut *reader, "good.log", &good);
        run(&mut *twice, "good.log", &good);
        run(&mut *twice, "good.log", &good);
        let (got, want) = (reader.rows().to_batch(), twice.rows().to_batch());
        assert_eq!(got.num_rows(), want.num_rows());
        for field in want.schema().fields() {
            for row in 0..want.num_rows() {
                let (got, want) = (cell(&got, field.name(), row), cell(&want, field.name(), row));
                assert_eq!(got, want, "{} {}", format.name(), field.name());
            }
        }
        // Memory is used again, values are not.
        reader.rows_mut().clear();
        run(&mut *reader, "good.log", &good);
        assert_eq!(reader.rows().to_batch().num_rows(), before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However the bytes are cut, the rows, rejects and counts are the same.
    #[test]
    fn any_chunking_gives_the_same_rows(seed in any::<u64>(), sizes in prop::collection::vec(1usize..2000, 1..40)) {
        for format in formats() {
            let mut files = fixtures(format);
            let rotate = (seed % files.len() as u64) as usize;
            files.rotate_left(rotate);
            let text: Vec<u8> = files.iter().take(12).flat_map(|path| std::fs::read(path).unwrap()).collect();
            let whole = decode(format, &Settings::default(), [text.as_slice()]);
            let mut pieces = Vec::new();
            let (mut rest, mut i) = (text.as_slice(), 0);
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(sizes[i % sizes.len()].min(rest.len()));
                pieces.push(piece);
                (rest, i) = (after, i + 1);
            }
            let cut = decode(format, &Settings::default(), pieces);
            prop_assert_eq!(&whole.0, &cut.0);
            prop_assert_eq!(whole.1.counts, cut.1.counts);
            prop_assert_eq!(whole.1.rejects, cut.1.rejects);
        }
    }

    /// Arbitrary bytes never panic, and every line is accounted for.
    #[test]
    fn any_bytes_are_accounted_for(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        for format in formats() {
            let counts = decode(format, &Settings::default(), [bytes.as_slice()]).1.counts;
            prop_assert_eq!(counts.rows + counts.rejects + counts.skipped(), counts.lines);
            let ends = bytes.iter().filter(|b| **b == b'\n').count() as u64;
            let last = u64::from(bytes.last().is_some_and(|b| *b != b'\n'));
            prop_assert!(counts.lines == ends + last || !is_lines(format, &bytes));
        }
    }

    /// Neither do real lines with bytes changed, dropped or doubled, read as the user says.
    #[test]
    fn damaged_fixtures_are_accounted_for(
        seed in any::<usize>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..4), 1..20),
    ) {
        for format in formats() {
            let files = fixtures(format);
            let path = &files[seed % files.len()];
            let mut bytes = std::fs::read(path).unwrap();
            bytes.truncate(20_000);
            for (at, byte, kind) in &damages {
                let at = at.index(bytes.len() + 1);
                match kind {
                    _ if at == bytes.len() => bytes.push(*byte),
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, b"\"[\\,- {"[usize::from(*byte) % 7]),
                    2 => drop(bytes.drain(at..(at + usize::from(*byte)).min(bytes.len()))),
                    _ => bytes.extend_from_within(at..(at + usize::from(*byte)).min(bytes.len())),
                }
            }
            let (batch, outcome) = decode(format, &settings(&expectation(path)), [bytes.as_slice()]);
            let counts = outcome.counts;
            prop_assert_eq!(counts.rows + counts.rejects + counts.skipped(), counts.lines, "{}", name(path));
            prop_assert_eq!(batch.num_rows() as u64, counts.rows, "{}", name(path));
        }
    }
}
