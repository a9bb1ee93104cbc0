//! What the logs of load balancers share: names of files, forms with named fields, lines of each other.

use std::path::Path;

use albatross_formats::{Format, MAX_LINE_BYTES, Outcome, Settings, Skip};
use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use proptest::prelude::*;

const LOGS: [Format; 5] = [Format::Alb, Format::AlbConnections, Format::AlbHealthChecks, Format::Clb, Format::Nlb];

fn fixture(format: Format, name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format.name());
    std::fs::read(folder.join(name).with_extension("log")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn decode(format: Format, text: &[u8]) -> (RecordBatch, Outcome) {
    let mut reader = format.reader(&Settings::default()).unwrap();
    reader.begin("test.log");
    reader.push(text);
    let outcome = reader.finish();
    (reader.rows().to_batch(), outcome)
}

/// A line of each with all of its fields.
fn full_line(format: Format) -> Vec<u8> {
    let name = match format {
        Format::Alb => "thirty-six-fields",
        Format::AlbConnections => "fifteen-fields-of-2026",
        Format::AlbHealthChecks => "ten-fields-of-2026",
        Format::Clb => "https-request",
        _ => "twenty-two-fields",
    };
    fixture(format, name)
}

#[test]
fn files_are_told_apart_by_the_names_that_aws_gives_them() {
    let region = "123456789012_elasticloadbalancing_us-east-1";
    let by_name = |name: &str| Format::recognise(name, b"", &Settings::default());
    for (name, format) in [
        (format!("{region}_app.shop.50dc6c495c0c9188_20261119T1805Z_10.0.0.1_1a2b3c4d.log.gz"), Format::Alb),
        (
            format!("conn_log_{region}_app.shop.50dc6c495c0c9188_20261119T1805Z_10.0.0.1_1a2b.log.gz"),
            Format::AlbConnections,
        ),
        (format!("health_check_log_{region}_app.shop.50dc_20261119T1805Z_10.0.0.1_1a.log.gz"), Format::AlbHealthChecks),
        (format!("{region}_net.shop.c6e77e28c25b2234_20261119T1805Z_2soosksi.log.gz"), Format::Nlb),
        (format!("{region}_shop-classic_20261119T1805Z_172.160.001.192_20sg8hgm.log"), Format::Clb),
        // A Classic load balancer may be called anything.
        (format!("{region}_app_20261119T1805Z_172.160.001.192_20sg8hgm.log"), Format::Clb),
        ("ELBAccessLogTestFile".to_string(), Format::Alb),
        ("ELBConnectionLogTestFile".to_string(), Format::AlbConnections),
        ("ELBHealthCheckLogTestFile".to_string(), Format::AlbHealthChecks),
    ] {
        assert_eq!(by_name(&name), Some(format), "{name}");
        assert_eq!(by_name(&format!("AWSLogs/123456789012/2026/11/19/{name}")), Some(format), "{name}");
    }
    assert_eq!(by_name("123456789012_vpcflowlogs_us-east-1_fl-1.log.gz"), None);
}

#[test]
fn every_reader_skips_the_lines_of_the_others() {
    let kinds = [Skip::RequestLog, Skip::ConnectionLog, Skip::HealthCheckLog, Skip::ClassicLog, Skip::NetworkLog];
    for own in LOGS {
        for (other, kind) in LOGS.into_iter().zip(kinds) {
            let counts = decode(own, &full_line(other)).1.counts;
            let want = if own == other { (1, 0) } else { (0, 1) };
            assert_eq!((counts.rows, counts.skipped_as(kind)), want, "{} in {}", other.name(), own.name());
        }
        let control = decode(own, b"Enable AccessLog for ELB: app/shop at 2026-11-19T18:00:00Z\n").1.counts;
        assert_eq!(control.skipped_as(Skip::Control), 1, "{}", own.name());
    }
    let control = b"Enable AccessLog for ELB: app/shop at 2026-11-19T18:00:00Z\n";
    assert_eq!(Format::recognise("x", control, &Settings::default()), Some(Format::Alb));
}

#[test]
fn json_and_w3c_become_the_same_rows_as_plain_lines() {
    for (format, forms) in [
        (Format::Alb, ["json-all-fields", "w3c-all-fields-tabs", "w3c-all-fields-spaces"].as_slice()),
        (Format::AlbConnections, &["json-all-fields"]),
        (Format::AlbHealthChecks, &["json-all-fields"]),
        (Format::Nlb, &["json-all-fields"]),
    ] {
        let plain = decode(format, &full_line(format)).0;
        for form in forms {
            let named = decode(format, &fixture(format, form)).0;
            for (i, field) in plain.schema().fields().iter().enumerate().filter(|(_, field)| field.name() != "line") {
                let to = match plain.column(i).data_type() {
                    DataType::Timestamp(..) => DataType::Int64,
                    DataType::Dictionary(..) => DataType::Utf8,
                    other => other.clone(),
                };
                let first = |batch: &RecordBatch| cast(&batch.column(i).slice(0, 1), &to).unwrap();
                assert_eq!(&first(&named), &first(&plain), "{} {form}: {}", format.name(), field.name());
            }
        }
    }
}

#[test]
fn a_broken_line_says_nothing_about_the_next_one() {
    let text = br#"{"time":"2026-11-20T18:00:10Z","elb":"app/x/1"}
{"target_addr":"10.0.1.5:80","latency":"0.1"
{"target_addr":"10.0.1.5:80","latency":"0.1"}
{"time":"2026-11-20T18:00:10Z","elb":"app/x/1"}
"#;
    let counts = decode(Format::Alb, text).1.counts;
    // The broken one is a health check's all the same.
    assert_eq!((counts.rows, counts.skipped_as(Skip::HealthCheckLog)), (2, 2));
}

#[test]
fn what_begins_with_names_is_read_from_its_beginning() {
    for format in LOGS {
        assert!(!format.is_sequential(&full_line(format)), "{}", format.name());
        assert!(format.is_sequential(b"\xEF\xBB\xBF#Version: 1.0\r\n#Fields: time elb\r\n"), "{}", format.name());
    }
    assert!(!Format::Alb.is_sequential(&fixture(Format::Alb, "json-all-fields")));
    // Fields of one source are not those of the next one.
    let mut reader = Format::Alb.reader(&Settings::default()).unwrap();
    for (source, text) in [("a", fixture(Format::Alb, "w3c-few-fields")), ("b", full_line(Format::Alb))] {
        reader.begin(source);
        reader.push(&text);
        let counts = reader.finish().counts;
        assert!(counts.rows > 0, "{source}: {counts:?}");
    }
    assert_eq!(reader.rows().len(), 5);
}

#[test]
fn a_line_over_the_limit_costs_itself_only() {
    for format in LOGS {
        let line = full_line(format);
        for first in [b'x', b'{', b'"'] {
            let long = vec![first; MAX_LINE_BYTES + 1];
            let text = [&line, long.as_slice(), b"\n", &line].concat();
            let (batch, outcome) = decode(format, &text);
            assert_eq!(batch.num_rows(), 2, "{}", format.name());
            let reasons: Vec<_> = outcome.rejects.iter().map(|reject| (reject.reason, reject.line)).collect();
            assert_eq!(reasons, [("line_too_long", 2)], "{}", format.name());
        }
    }
}

#[test]
fn rejects_name_the_field_and_its_place_in_the_line() {
    let detail = |format, text: &[u8]| {
        let outcome = decode(format, text).1;
        assert_eq!(outcome.rejects.len(), 1, "{text:?}");
        outcome.rejects[0].detail.clone()
    };
    let json = br#"{"elb":"net/x/1","connection_time":"long","time":"2026-11-20T18:00:10"}"#;
    let want = r#"field 8 (connection_time) is "long": not an integer, at byte 36 of the line"#;
    assert_eq!(detail(Format::Nlb, json), want);
    let w3c = b"#Fields: time latency target_addr\n2026-11-20T18:00:10.5Z\tfast\t10.0.1.5:80\n";
    let want = r#"field 3 (latency) is "fast": not a number of seconds, at byte 23 of the line"#;
    assert_eq!(detail(Format::AlbHealthChecks, w3c), want);
    let plain = String::from_utf8(full_line(Format::AlbConnections)).unwrap().replace("36280", "3628O");
    let want = r#"field 3 (client_port) is "3628O": not an integer, at byte 40 of the line"#;
    assert_eq!(detail(Format::AlbConnections, plain.as_bytes()), want);
    let want = r#"field 2 (time) is "-": a time is needed here"#;
    assert_eq!(detail(Format::Alb, br#"{"elb":"app/x/1","elb_status_code":200}"#), want);
    let want = "a colon is missing at byte 8 of the line";
    assert_eq!(detail(Format::Alb, br#"{"time" "2026-11-20T18:00:10Z"}"#), want);
}

#[test]
fn logs_of_others_are_not_taken_for_these() {
    for text in [
        r#"{"time":"2026-11-20T18:00:05Z","status":200,"user_agent":"curl","ssl_protocol":"TLSv1.3","request":"GET / HTTP/1.1"}"#,
        r#"{"time":"2026-11-20T18:00:05Z","type":"platform.report","record":{"requestId":"x"}}"#,
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method ssl-protocol ssl-cipher sc-status\n",
        "2026-11-20T18:00:05.000Z START RequestId: 3364d63a-0000-0000-0000-000000000000 Version: $LATEST",
        "2026-11-20T18:00:05.000Z worker 12 80 requests were handled by it in a second or two",
        "203.0.113.7 - - [20/Nov/2026:18:00:00 +0000] \"GET / HTTP/1.1\" 200 612 \"-\" \"curl/8.5.0\"",
        "2026/11/20 18:00:05 [error] 12#12: *4 connect() failed (111: Connection refused) while connecting to upstream",
        "http 2026-11-20T18:00:05.000Z 0.5",
    ] {
        let found = Format::recognise("some.log", text.as_bytes(), &Settings::default());
        let ours = [Format::Alb, Format::AlbConnections, Format::AlbHealthChecks, Format::Clb, Format::Nlb];
        assert!(found.is_none_or(|found| !ours.contains(&found)), "{text}: {found:?}");
    }
}

/// What lines with names are made of, and what breaks them.
const FRAGMENTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u00",
    "\\n",
    "-",
    "null",
    "200",
    "1e999",
    "0.5",
    " ",
    "\t",
    "|",
    "\n",
    "\r\n",
    "\u{feff}",
    "é",
    "\0",
    "#Fields: time elb_status_code request_line\n",
    "#Fields: time\tlatency\ttarget_addr\n",
    "#Fields:\n",
    "#",
    "\"time\":",
    "\"elb\":",
    "\"request_creation_time\":",
    "\"connection_time\":",
    "\"app/x/1\"",
    "\"net/x/1\"",
    "2026-11-20T18:00:10.000000Z",
    "\"2026-11-20T18:00:10Z\"",
    "203.0.113.7:49120",
    "\"h2\",\"http/1.1\"",
    "http",
    "tls 2.0 ",
    "arn:aws:x",
    "\"user_agent\":\"",
    "Enable ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// However broken, lines are accounted for, and how they are cut changes nothing.
    #[test]
    fn broken_names_and_values_are_accounted_for(parts in prop::collection::vec(0..FRAGMENTS.len(), 0..120), cut in 1usize..50) {
        let text: String = parts.into_iter().map(|i| FRAGMENTS[i]).collect();
        for format in LOGS {
            let (batch, outcome) = decode(format, text.as_bytes());
            let counts = outcome.counts;
            prop_assert_eq!(counts.rows + counts.rejects + counts.skipped(), counts.lines);
            prop_assert_eq!(counts.rows, batch.num_rows() as u64);
            let mut reader = format.reader(&Settings::default()).unwrap();
            reader.begin("test.log");
            text.as_bytes().chunks(cut).for_each(|piece| reader.push(piece));
            prop_assert_eq!(reader.finish().counts, counts);
            prop_assert_eq!(reader.rows().to_batch(), batch);
        }
    }

    /// A fixture that breaks off anywhere, or has any byte changed, costs no more than the line where it happens.
    #[test]
    fn a_changed_byte_costs_one_line(format in prop::sample::select(LOGS.to_vec()), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let line = full_line(format);
        let mut changed = line.clone();
        changed[at.index(line.len() - 1)] = byte;
        let text = [&line[..], &changed, &line, &line[..at.index(line.len())]].concat();
        let counts = decode(format, &text).1.counts;
        prop_assert_eq!(counts.rows + counts.rejects + counts.skipped(), counts.lines);
        prop_assert!(counts.rows >= 2, "{:?}", counts);
    }
}
