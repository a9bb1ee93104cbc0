//! Answers in every format, with values that would like to do harm.

use std::io::{self, Write};

use albatross_query::{Error, Format, Options, SendableRecordBatchStream, write};
use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::fixture::TestLake;

/// The answer of a statement over an empty lake.
async fn shown(sql: &str, format: Format, options: &Options) -> String {
    let mut out = Vec::new();
    write(format, stream(sql).await, &mut out, options).await.unwrap();
    String::from_utf8(out).unwrap()
}

async fn stream(sql: &str) -> SendableRecordBatchStream {
    TestLake::empty().await.session().await.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn plain(sql: &str, format: Format) -> String {
    shown(sql, format, &Options::default()).await
}

/// One value of each common type, and a row of NULLs.
const TYPES: &str = "
    SELECT * FROM (VALUES
      (1, -3, 0.5, 'text', true, to_timestamp('2026-11-19T18:05:00Z'), DATE '2026-11-19',
       to_timestamp_micros(1795111200123456), arrow_cast('dict', 'Dictionary(Int32, Utf8)'), CAST(1.50 AS DECIMAL(10, 2)),
       arrow_cast(1.5, 'Float32'), make_array(1, 2), INTERVAL '90 minutes'),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    ) AS t (id, i, f, s, b, ts, d, us, dict, dec, f32, l, iv) ORDER BY id";

#[tokio::test]
async fn every_type_in_every_text_format() {
    assert_eq!(
        plain(TYPES, Format::Csv).await,
        "id,i,f,s,b,ts,d,us,dict,dec,f32,l,iv\n\
         1,-3,0.5,text,true,2026-11-19T18:05:00Z,2026-11-19,2026-11-19T18:00:00.123456Z,dict,1.50,1.5,\"[1, 2]\",1 hours 30 mins\n\
         2,,,,,,,,,,,,\n"
    );
    assert_eq!(
        plain(TYPES, Format::Tsv).await,
        "id\ti\tf\ts\tb\tts\td\tus\tdict\tdec\tf32\tl\tiv\n\
         1\t-3\t0.5\ttext\ttrue\t2026-11-19T18:05:00Z\t2026-11-19\t2026-11-19T18:00:00.123456Z\tdict\t1.50\t1.5\t[1, 2]\t1 hours 30 mins\n\
         2\t\t\t\t\t\t\t\t\t\t\t\t\n"
    );
    assert_eq!(
        plain(TYPES, Format::Ndjson).await,
        "{\"id\":1,\"i\":-3,\"f\":0.5,\"s\":\"text\",\"b\":true,\"ts\":\"2026-11-19T18:05:00Z\",\"d\":\"2026-11-19\",\
         \"us\":\"2026-11-19T18:00:00.123456Z\",\"dict\":\"dict\",\"dec\":1.50,\"f32\":1.5,\"l\":[1,2],\"iv\":\"1 hours 30 mins\"}\n\
         {\"id\":2,\"i\":null,\"f\":null,\"s\":null,\"b\":null,\"ts\":null,\"d\":null,\"us\":null,\"dict\":null,\"dec\":null,\
         \"f32\":null,\"l\":null,\"iv\":null}\n"
    );
    assert_eq!(
        plain(TYPES, Format::Markdown).await,
        "| id | i | f | s | b | ts | d | us | dict | dec | f32 | l | iv |\n\
         | ---: | ---: | ---: | --- | --- | --- | --- | --- | --- | ---: | ---: | --- | --- |\n\
         | 1 | -3 | 0.5 | text | true | 2026-11-19 18:05:00Z | 2026-11-19 | 2026-11-19 18:00:00.123456Z | dict | 1.50 | 1.5 \
         | \\[1, 2\\] | 1 hours 30 mins |\n\
         | 2 | - | - | - | - | - | - | - | - | - | - | - | - |\n"
    );
    assert_eq!(
        plain(
            "SELECT 1 AS id, 0.5 AS f, 'text' AS s, to_timestamp('2026-11-19T18:05:00Z') AS ts, NULL AS n",
            Format::Table
        )
        .await,
        "id    f  s     ts                 n\n\
         --  ---  ----  -----------------  -\n \
          1  0.5  text  2026-11-19 18:05Z  -\n"
    );
    let json: serde_json::Value = serde_json::from_str(&plain(TYPES, Format::Json).await).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(json[0]["us"], "2026-11-19T18:00:00.123456Z");
    assert_eq!(json[0]["l"], serde_json::json!([1, 2]));
}

#[tokio::test]
async fn an_empty_answer_is_whole_in_every_format() {
    let sql = "SELECT 1 AS a, 'x' AS b WHERE false";
    assert_eq!(plain(sql, Format::Csv).await, "a,b\n");
    assert_eq!(plain(sql, Format::Tsv).await, "a\tb\n");
    assert_eq!(plain(sql, Format::Json).await, "[]\n");
    assert_eq!(plain(sql, Format::Ndjson).await, "");
    assert_eq!(plain(sql, Format::Markdown).await, "| a | b |\n| ---: | --- |\n");
    assert_eq!(plain(sql, Format::Table).await, "a  b\n-  -\n");
    let mut out = Vec::new();
    assert_eq!(write(Format::Parquet, stream(sql).await, &mut out, &Options::default()).await.unwrap().rows, 0);
    assert!(out.starts_with(b"PAR1") && out.ends_with(b"PAR1"));
}

#[tokio::test]
async fn csv_is_quoted_as_rfc_4180_says_and_computes_nothing() {
    for (value, field) in [
        ("plain", "plain"),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("cr\rhere", "\"cr\rhere\""),
        ("", "\"\""),
        (" space ", " space "),
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""),
        ("＝1+1", "'＝1+1"),
        ("=cmd|'/c calc'!A1,\"x\"", "\"'=cmd|'/c calc'!A1,\"\"x\"\"\""),
        ("a=1", "a=1"),
    ] {
        let sql = format!("SELECT '{}' AS v", value.replace('\'', "''"));
        assert_eq!(plain(&sql, Format::Csv).await, format!("v\n{field}\n"), "{value:?}");
    }
    // Numbers are numbers, also negative ones; the names of columns are texts like others.
    assert_eq!(plain("SELECT -1 AS a, -0.5 AS \"=b\"", Format::Csv).await, "a,'=b\n-1,-0.5\n");
}

#[tokio::test]
async fn tsv_has_one_line_per_row() {
    let sql = "SELECT 'a\tb\nc\rd\\e' AS v, '=1' AS w";
    assert_eq!(plain(sql, Format::Tsv).await, "v\tw\na\\tb\\nc\\rd\\\\e\t'=1\n");
}

/// What an attacker may put into a user agent.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31m\u{202e}gpj.exe\u{200b}<img src=x onerror=alert(1)>|`x`[l](javascript:1)\r\nGET /";

#[tokio::test]
async fn nothing_that_acts_reaches_a_terminal() {
    let sql = format!("SELECT '{HOSTILE}' AS \"{HOSTILE}\"");
    let terminal = Options { terminal: true, ..Options::default() };
    for format in [Format::Table, Format::Csv, Format::Tsv, Format::Json, Format::Ndjson, Format::Markdown] {
        let shown = shown(&sql, format, &terminal).await;
        let acts = |c: char| (c.is_control() && c != '\n' && c != '\t') || ('\u{200b}'..='\u{202e}').contains(&c);
        assert!(!shown.contains(acts), "{format:?}: {shown:?}");
        assert!(shown.contains("gpj.exe"), "{format:?}");
    }
    // Table, JSON and Markdown are safe wherever they go; CSV that goes to a file keeps the data.
    let safe = plain(&sql, Format::Table).await;
    assert!(safe.contains("\\x1b[2J\\x1b]0;pwned\\x07\\x9b31m\\u{202e}gpj.exe\\u{200b}<img"), "{safe}");
    assert!(plain(&sql, Format::Csv).await.contains(HOSTILE));
    let json = plain(&sql, Format::Json).await;
    assert!(json.contains("\\u001b[2J") && json.contains("\\u202e"), "{json}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0][HOSTILE], HOSTILE);
}

#[tokio::test]
async fn markdown_shows_markup_as_text() {
    let markdown = plain(&format!("SELECT '{HOSTILE}' AS v"), Format::Markdown).await;
    assert_eq!(markdown.lines().count(), 3);
    let row = markdown.lines().nth(2).unwrap();
    assert!(row.contains("&lt;img src=x onerror=alert(1)&gt;\\|\\`x\\`\\[l\\](javascript:1)\\\\r\\\\nGET /"), "{row}");
}

#[tokio::test]
async fn json_has_no_nan() {
    let sql = "SELECT CAST('NaN' AS DOUBLE) AS a, CAST('inf' AS DOUBLE) AS b, 1e300 AS c, 0.1 + 0.2 AS d, 5.0 AS e";
    assert_eq!(
        plain(sql, Format::Ndjson).await,
        "{\"a\":null,\"b\":null,\"c\":1e300,\"d\":0.30000000000000004,\"e\":5.0}\n"
    );
    assert_eq!(plain(sql, Format::Csv).await, "a,b,c,d,e\nNaN,inf,1e300,0.30000000000000004,5.0\n");
}

#[tokio::test]
async fn a_table_fits_the_terminal() {
    let width = |width| Options { width: Some(width), ..Options::default() };
    let sql = "SELECT 'GET' AS method, '/api/users/:id/badges' AS route, 1234 AS requests_per_hour, \
               'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)' AS agent";
    assert_eq!(
        shown(sql, Format::Table, &width(200)).await,
        "method  route                  requests_per_hour  agent\n\
         ------  ---------------------  -----------------  ----------------------------------------------------------------------\n\
         GET     /api/users/:id/badges               1234  Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\n"
    );
    // First the names are broken, then the widest text is wrapped.
    assert_eq!(
        shown(sql, Format::Table, &width(80)).await,
        "                               requests_\n\
         method  route                   per_hour  agent\n\
         ------  ---------------------  ---------  --------------------------------------\n\
         GET     /api/users/:id/badges       1234  Mozilla/5.0 (X11; Linux x86_64)\n                                          \
                                                    AppleWebKit/537.36 (KHTML, like Gecko)\n"
    );
    // If that is not enough, every row becomes a block.
    assert_eq!(
        shown(sql, Format::Table, &width(40)).await,
        "-- row 1\n\
         method             GET\n\
         route              /api/users/:id/badges\n\
         requests_per_hour  1234\n\
         agent              Mozilla/5.0 (X11;\n                   \
                            Linux x86_64)\n                   \
                            AppleWebKit/537.36\n                   \
                            (KHTML, like Gecko)\n"
    );
    for limit in 30..120 {
        let table = shown(sql, Format::Table, &width(limit)).await;
        if !table.starts_with("-- row") {
            assert!(table.lines().all(|line| line.chars().count() <= limit), "{limit}\n{table}");
        }
    }
}

#[tokio::test]
async fn a_table_has_short_times_and_sensible_digits() {
    let sql = "SELECT * FROM (VALUES
          (to_timestamp('2026-11-19T18:05:00Z'), to_timestamp('2026-11-19T18:05:00Z'), 5.873412, 0.5, 1e-7, 100.0),
          (to_timestamp('2026-11-19T18:05:30Z'), to_timestamp('2026-11-19T18:10:00Z'), 0.043, 0.25, 3e-6, 20.0)
        ) AS t (seconds, minutes, p99, half, tiny, whole) ORDER BY minutes";
    assert_eq!(
        plain(sql, Format::Table).await,
        "seconds               minutes              p99  half     tiny  whole\n\
         --------------------  -----------------  -----  ----  -------  -----\n\
         2026-11-19 18:05:00Z  2026-11-19 18:05Z  5.873  0.50  1.00e-7    100\n\
         2026-11-19 18:05:30Z  2026-11-19 18:10Z  0.043  0.25  3.00e-6     20\n"
    );
}

#[tokio::test]
async fn wide_characters_keep_columns_straight() {
    let table = plain("SELECT '漢字' AS a, 'x' AS b UNION ALL SELECT 'e\u{301}', 'y' ORDER BY b", Format::Table).await;
    assert_eq!(table, "a     b\n----  -\n漢字  x\ne\u{301}     y\n");
}

#[tokio::test]
async fn rows_after_the_first_ones_are_shown_too() {
    let options = Options { look_ahead: 10, width: Some(40), ..Options::default() };
    let sql = "SELECT value AS n, CASE WHEN value > 50 THEN repeat('long ', 20) ELSE 'short' END AS t \
               FROM range(0, 20000) ORDER BY value";
    let mut out = Vec::new();
    let written = write(Format::Table, stream(sql).await, &mut out, &options).await.unwrap();
    assert_eq!(written.rows, 20_000);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("short").count(), 51);
    assert_eq!(text.matches("long").count(), 19_949 * 20);
}

#[tokio::test]
async fn a_plan_is_shown_as_it_is() {
    let table = plain("EXPLAIN SELECT count(*) FROM alb", Format::Table).await;
    assert!(table.starts_with("logical_plan\nProjection: "), "{table}");
    assert!(table.contains("\nphysical_plan\n"), "{table}");
}

#[tokio::test]
async fn parquet_is_a_file_that_reads_back() {
    let mut out = Vec::new();
    // Parquet has no type for intervals.
    let sql = format!("SELECT * EXCEPT (iv) FROM ({TYPES})");
    let written = write(Format::Parquet, stream(&sql).await, &mut out, &Options::default()).await.unwrap();
    assert_eq!(written.rows, 2);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes(out)).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(batches[0].num_columns(), 12);
}

#[tokio::test]
async fn columns_of_one_name_are_told_apart_where_names_are_all_there_is() {
    let sql = "SELECT * FROM (VALUES (1, 2)) AS a(n, n_2) JOIN (VALUES (1, 5)) AS b(n, m) ON a.n = b.n \
               JOIN (VALUES (1)) AS c(n) ON a.n = c.n";
    assert_eq!(plain(sql, Format::Ndjson).await, "{\"n\":1,\"n_2\":2,\"n_3\":1,\"m\":5,\"n_4\":1}\n");
    assert_eq!(plain(sql, Format::Csv).await, "n,n_2,n,m,n\n1,2,1,5,1\n");
    let mut out = Vec::new();
    write(Format::Parquet, stream(sql).await, &mut out, &Options::default()).await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes(out)).unwrap();
    let names: Vec<_> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["n", "n_2", "n_3", "m", "n_4"]);
}

fn bytes(out: Vec<u8>) -> impl parquet::file::reader::ChunkReader + 'static {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&out).unwrap();
    file
}

/// A pipe whose reader leaves after some bytes.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_broken_pipe_is_seen_to_be_one() {
    let sql = "SELECT value AS n, repeat('x', 100) AS t FROM range(0, 50000)";
    for format in Format::ALL {
        match write(format, stream(sql).await, &mut Pipe(2), &Options::default()).await {
            Err(Error::Write(error)) => assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{format:?}"),
            other => panic!("{format:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_fails_midway_is_an_error_of_the_query() {
    let stream = stream("SELECT 1 / (value - 30000) FROM range(0, 40000)").await;
    let error = write(Format::Csv, stream, &mut io::sink(), &Options::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "the query failed: Divide by zero error");
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert_eq!("MD".parse(), Ok(Format::Markdown));
    assert_eq!("jsonl".parse(), Ok(Format::Ndjson));
    assert_eq!(
        "xlsx".parse::<Format>().unwrap_err(),
        "there is no format `xlsx`: take table, csv, tsv, json, ndjson, markdown, parquet"
    );
}
