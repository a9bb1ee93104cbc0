//! Each function by its documented examples: Trino's pages on functions, and what its own tests hold where a page is silent.

use albatross_athena::{add_functions, replace_functions, rewrite};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;

/// The value of the only column in the only row, or the error.
async fn value(expression: &str) -> Result<String, String> {
    let text = |error: datafusion::error::DataFusionError| error.strip_backtrace();
    let mut state = SessionContext::new_with_config(SessionConfig::new()).state();
    add_functions(&mut state).map_err(text)?;
    replace_functions(&mut state).map_err(text)?;
    let dialect = state.config_options().sql_parser.dialect;
    let mut statement = state.sql_to_statement(&format!("SELECT {expression}"), &dialect).map_err(text)?;
    let Statement::Statement(sql) = &mut statement else { return Err("no query".to_owned()) };
    rewrite(sql, true)?;
    let context = SessionContext::new_with_state(state);
    let plan = context.state().statement_to_plan(statement).await.map_err(text)?;
    let batches = context.execute_logical_plan(plan).await.map_err(text)?.collect().await.map_err(text)?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).ok_or("no row")?;
    let options = FormatOptions::default().with_null("NULL");
    let formatter = ArrayFormatter::try_new(batch.column(0), &options).map_err(|e| e.to_string())?;
    Ok(formatter.value(0).to_string())
}

async fn check(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(value(expression).await.as_deref(), Ok(*expected), "{expression}");
    }
}

/// Each fails with a message that holds the text, and gives NULL in `try(...)`.
async fn check_failures(cases: &[(&str, &str)]) {
    for (expression, message) in cases {
        let error = value(expression).await.expect_err(expression);
        assert!(error.contains(message), "{expression}: {error}");
        assert_eq!(value(&format!("try({expression})")).await.as_deref(), Ok("NULL"), "{expression}");
    }
}

#[tokio::test]
async fn reading_times() {
    check(&[
        ("parse_datetime('2022/10/20/05', 'yyyy/MM/dd/HH')", "2022-10-20T05:00:00Z"),
        ("parse_datetime('1960/01/22 03:04 +0500', 'YYYY/MM/DD HH:mm Z')", "1960-01-21T22:04:00Z"),
        (
            "parse_datetime('2026-11-19T19:42:07.163941Z', 'yyyy-MM-dd''T''HH:mm:ss.SSSSSS''Z')",
            "2026-11-19T19:42:07.163Z",
        ),
        ("parse_datetime(NULL, 'yyyy')", "NULL"),
        ("date_parse('2022/10/20/05', '%Y/%m/%d/%H')", "2022-10-20T05:00:00"),
        ("date_parse('2013-05-17 23:35:10', '%Y-%m-%d %H:%i:%s')", "2013-05-17T23:35:10"),
        ("date_parse('2013-05-17 12:35:10 AM', '%Y-%m-%d %h:%i:%s %p')", "2013-05-17T00:35:10"),
        ("from_iso8601_timestamp('2020-05-11')", "2020-05-11T00:00:00Z"),
        ("from_iso8601_timestamp('2020-05-11T11:15:05')", "2020-05-11T11:15:05Z"),
        ("from_iso8601_timestamp('2020-05-11T11:15:05.055+01:00')", "2020-05-11T10:15:05.055Z"),
        ("from_iso8601_timestamp('2020-W20-1T11')", "2020-05-11T11:00:00Z"),
        ("from_iso8601_timestamp('2020-132')", "2020-05-11T00:00:00Z"),
        ("from_iso8601_timestamp_nanos('2020-05-11T11:15:05.123456789')", "2020-05-11T11:15:05.123456789Z"),
        ("from_iso8601_timestamp_nanos('2020-05-11T11:15:05.123456789+01:00')", "2020-05-11T10:15:05.123456789Z"),
        ("from_iso8601_date('2020-05-11')", "2020-05-11"),
        ("from_iso8601_date('2020-W10')", "2020-03-02"),
        ("from_iso8601_date('2020-123')", "2020-05-02"),
        ("from_unixtime(1704067200)", "2024-01-01T00:00:00Z"),
        ("from_unixtime(980172245.1239)", "2001-01-22T14:04:05.124Z"),
        ("from_unixtime(0, 'Europe/Berlin')", "1970-01-01T00:00:00Z"),
        ("parse_duration('42.8ms')", "0.043000000 secs"),
        ("parse_duration('5m')", "5 mins"),
    ])
    .await;
    check_failures(&[
        ("parse_datetime('-', 'yyyy')", "parse_datetime: \"-\" is malformed at \"-\""),
        ("date_parse('2022/10/40', '%Y/%m/%d')", "date_parse: \"2022/10/40\" is malformed at \"40\""),
        ("date_parse('2022', '%X')", "`%X` is not supported"),
        (
            "from_iso8601_timestamp('2020-05-11 11:15')",
            "from_iso8601_timestamp: \"2020-05-11 11:15\" is no ISO 8601 timestamp",
        ),
        ("from_iso8601_timestamp('2020-05-11T25:15')", "is no ISO 8601 timestamp"),
        ("from_iso8601_date('-')", "\"-\" is no ISO 8601 date"),
        ("from_unixtime(0, 'Mars/Base')", "there is no time zone `Mars/Base`"),
        ("parse_duration('5')", "is no duration"),
    ])
    .await;
}

#[tokio::test]
async fn writing_times() {
    check(&[
        ("date_format(TIMESTAMP '2022-10-20 05:10:00', '%m-%d-%Y %H')", "10-20-2022 05"),
        ("date_format(DATE '2022-10-20', '%Y/%m/%d')", "2022/10/20"),
        (
            "date_format(from_iso8601_timestamp('2022-10-20T20:10:00Z') AT TIME ZONE 'Asia/Tokyo', '%d %H:%i')",
            "21 05:10",
        ),
        ("format_datetime(TIMESTAMP '2022-10-20 05:10:00', 'yyyy-MM-dd HH')", "2022-10-20 05"),
        (
            "format_datetime(from_iso8601_timestamp('2022-10-20T20:10:00Z'), 'yyyy-MM-dd''T''HH:mm:ssZZ')",
            "2022-10-20T20:10:00+00:00",
        ),
        ("to_iso8601(from_iso8601_timestamp('2020-05-11T11:15:05.055+01:00'))", "2020-05-11T10:15:05.055Z"),
        ("to_iso8601(TIMESTAMP '2020-05-11 11:15:05')", "2020-05-11T11:15:05.000"),
        ("to_iso8601(DATE '2020-05-11')", "2020-05-11"),
        ("to_unixtime(TIMESTAMP '2024-01-01 00:00:00.5')", "1704067200.5"),
    ])
    .await;
}

#[tokio::test]
async fn counting_time() {
    check(&[
        ("date_add('second', 86, TIMESTAMP '2020-03-01 00:00:00')", "2020-03-01T00:01:26"),
        ("date_add('hour', 9, TIMESTAMP '2020-03-01 00:00:00')", "2020-03-01T09:00:00"),
        ("date_add('day', -1, TIMESTAMP '2020-03-01 00:00:00 UTC')", "2020-02-29T00:00:00"),
        ("date_add('month', 1, DATE '2020-01-31')", "2020-02-29"),
        ("date_add('day', -1, DATE '1970-01-01')", "1969-12-31"),
        ("date_add('minute', -10, from_iso8601_timestamp('2020-03-01T00:00:00Z'))", "2020-02-29T23:50:00Z"),
        ("date_diff('second', TIMESTAMP '2020-03-01 00:00:00', TIMESTAMP '2020-03-02 00:00:00')", "86400"),
        ("date_diff('hour', from_iso8601_timestamp('2020-03-01T00:00:00Z'), from_iso8601_timestamp('2020-03-02T00:00:00Z'))", "24"),
        ("date_diff('day', DATE '2020-03-01', DATE '2020-03-02')", "1"),
        ("date_diff('second', TIMESTAMP '2020-06-01 12:30:45.000000000', TIMESTAMP '2020-06-02 12:30:45.123456789')", "86400"),
        ("date_diff('millisecond', TIMESTAMP '2020-06-01 12:30:45.000000000', TIMESTAMP '2020-06-02 12:30:45.123456789')", "86400123"),
        ("date_diff('month', DATE '2020-01-31', DATE '2020-02-29')", "1"),
        ("date_diff('month', DATE '2020-01-15', DATE '2020-02-14')", "0"),
        ("date_diff('year', TIMESTAMP '2020-01-15 12:00:00', TIMESTAMP '2018-01-15 12:00:01')", "-1"),
        ("date_diff('week', DATE '2020-03-01', DATE '2020-03-20')", "2"),
        ("last_day_of_month(DATE '2020-02-03')", "2020-02-29"),
        ("year(DATE '2026-11-19')", "2026"),
        ("quarter(DATE '2026-11-19')", "4"),
        ("month(DATE '2026-11-19')", "11"),
        ("week(DATE '2026-11-19')", "47"),
        ("day_of_week(DATE '2026-11-22')", "7"),
        ("day_of_year(DATE '2026-11-19')", "323"),
        ("year_of_week(DATE '2027-01-01')", "2026"),
        ("hour(TIMESTAMP '2026-11-19 19:42:07')", "19"),
        ("hour(at_timezone(from_iso8601_timestamp('2026-11-19T19:42:07Z'), 'Europe/Berlin'))", "20"),
        ("hour(date_parse('2026-11-19 18:00:00', '%Y-%m-%d %H:%i:%s') AT TIME ZONE 'Asia/Tokyo')", "3"),
        ("hour(at_timezone(TIMESTAMP '2026-11-19 18:00:00', 'Asia/Tokyo'))", "3"),
        (
            "TIMESTAMP '2026-11-19 18:00:00' AT TIME ZONE 'Asia/Tokyo' = from_iso8601_timestamp('2026-11-19T18:00:00Z')",
            "true",
        ),
        ("hour(TIMESTAMP '2026-11-19 18:00:00' AT TIME ZONE 'Asia/Tokyo' AT TIME ZONE 'Europe/Berlin')", "19"),
        ("millisecond(TIMESTAMP '2026-11-19 19:42:07.163')", "163"),
        ("date('2026-11-19')", "2026-11-19"),
        ("date_trunc('hour', from_iso8601_timestamp('2026-11-19T19:42:07Z'))", "2026-11-19T19:00:00Z"),
        ("date '2026-11-19' - interval '1' day", "2026-11-18"),
    ])
    .await;
    check_failures(&[
        ("date_add('fortnight', 1, DATE '2020-01-31')", "\"fortnight\" is no unit of time"),
        ("date_add('hour', 1, DATE '2020-01-31')", "a date has no \"hour\""),
        ("date_diff('days', DATE '2020-01-31', DATE '2020-01-31')", "\"days\" is no unit of time"),
        ("date_add('year', 9223372036854775807, DATE '2020-01-31')", "lead out of what can be counted"),
    ])
    .await;
}

#[tokio::test]
async fn texts() {
    check(&[
        (r"regexp_extract('1a 2b 14m', '\d+')", "1"),
        (r"regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2)", "a"),
        (r"regexp_extract('abc', '\d+')", "NULL"),
        (r"regexp_extract('b', '(a)?b', 1)", "NULL"),
        (r"regexp_extract_all('1a 2b 14m', '\d+')", "[1, 2, 14]"),
        (r"regexp_extract_all('1a 2b 14m', '(\d+)([a-z]+)', 2)", "[a, b, m]"),
        (r"regexp_like('1a 2b 14m', '\d+b')", "true"),
        (r"regexp_replace('1a 2b 14m', '\d+[ab] ')", "14m"),
        (r"regexp_replace('1a 2b 14m', '(\d+)([ab]) ', '3c$2 ')", "3ca 3cb 14m"),
        (r"regexp_replace('xx x', 'x', '\$1')", "$1$1 $1"),
        (r"regexp_replace('new york', '(\w)(\w*)', '${2}')", "ew ork"),
        (r"regexp_replace('ab', '(a)', '$12')", "a2b"),
        (r"regexp_split('1a 2b 14m', '\s*[a-z]+\s*')", "[1, 2, 14, ]"),
        ("split('a.b.c', '.')", "[a, b, c]"),
        ("split('a.b.c', '.', 2)", "[a, b.c]"),
        ("split('a/b/c', '/')[2]", "b"),
        ("element_at(split('a/b/c', '/'), -1)", "c"),
        ("element_at(split('a/b/c', '/'), 9)", "NULL"),
        ("cardinality(split('a/b/c', '/'))", "3"),
        ("contains(split('a/b/c', '/'), 'b')", "true"),
        ("split_part('a-b-c', '-', 2)", "b"),
        ("codepoint('a')", "97"),
        ("strpos('high', 'ig')", "2"),
        ("strpos('abc/xyz/foo/bar', '/', 3)", "12"),
        ("strpos('abc/xyz/foo/bar', '/', -1)", "12"),
        ("strpos('high', 'x')", "0"),
        ("substr('Quadratically', 5, 6)", "ratica"),
        ("substr('Quadratically', -2)", "ly"),
        ("substr('Quadratically', 0)", ""),
        ("substring('Quadratically' FROM 5)", "ratically"),
        ("concat('a', 1, 'b')", "a1b"),
        ("concat('a', NULL)", "NULL"),
        ("'a' || 'b'", "ab"),
        ("replace('abc', 'b')", "ac"),
        ("levenshtein_distance('kitten', 'sitting')", "3"),
        ("cast('abcdef' as varchar(20))", "abcdef"),
    ])
    .await;
    check_failures(&[
        (r"regexp_extract('a', '(?<=a)b')", "look-around"),
        (r"regexp_extract('a', '(a', 1)", "pattern \"(a\": unclosed group"),
        (r"regexp_extract('a', 'a', 1)", "pattern \"a\" has 0 groups, none is number 1"),
        (r"regexp_replace('a', 'a', '$1')", "names no group"),
        ("split('a', '')", "the delimiter is empty"),
        ("codepoint('ab')", "\"ab\" is not one character"),
    ])
    .await;
}

#[tokio::test]
async fn urls() {
    let url = "https://user@shop.example.com:8443/a%20b/c.php?k1=v1&k2=v%202+3&k3&k1=no#Ref1";
    for (function, expected) in [
        ("protocol", "https"),
        ("host", "shop.example.com"),
        ("port", "8443"),
        ("path", "/a b/c.php"),
        ("query", "k1=v1&k2=v 2+3&k3&k1=no"),
        ("fragment", "Ref1"),
    ] {
        check(&[(&format!("url_extract_{function}('{url}')"), expected)]).await;
        // What is no URL has no parts.
        for wrong in ["http://not uri/cannot contain whitespace", "http://a/{id}", "http://a/%zz", "1:2", "-:80/"] {
            let call = format!("url_extract_{function}('{wrong}')");
            assert_eq!(value(&call).await.as_deref(), Ok("NULL"), "{call}");
        }
    }
    for (name, expected) in [("k1", "v1"), ("k2", "v 2 3"), ("k3", ""), ("k4", "NULL")] {
        check(&[(&format!("url_extract_parameter('{url}', '{name}')"), expected)]).await;
    }
    check(&[
        ("url_extract_path('foo')", "foo"),
        ("url_extract_host('foo')", ""),
        ("url_extract_port('https://example.com/')", "NULL"),
        ("url_extract_host('https:/auth/login.html')", ""),
        ("url_extract_path('https:/auth/login.html')", "/auth/login.html"),
        ("url_extract_host('http://[2001:db8::1]:80/')", "[2001:db8::1]"),
        ("url_extract_port('http://[2001:db8::1]:80/')", "80"),
        ("url_extract_path('https://shop.example.com:443')", ""),
        ("url_extract_query('http://example.com/a?')", ""),
        ("url_encode('http://test/a b?c=ü*')", "http%3A%2F%2Ftest%2Fa+b%3Fc%3D%C3%BC*"),
        ("url_decode('http%3A%2F%2Ftest%2Fa+b%3Fc%3D%C3%BC')", "http://test/a b?c=ü"),
    ])
    .await;
    check_failures(&[("url_decode('100%')", "\"100%\" has a `%` without two hexadecimal digits")]).await;
}

#[tokio::test]
async fn json() {
    let store = r#"{"store": {"book": [{"title": "A", "price": 22.5, "sold": true}], "open": null}}"#;
    for (path, scalar, json) in [
        ("$.store.book[0].title", "A", "\"A\""),
        ("$.store.book[0].price", "22.5", "22.5"),
        ("$[\"store\"].book[0][\"sold\"]", "true", "true"),
        ("$.store.book[0]", "NULL", r#"{"price":22.5,"sold":true,"title":"A"}"#),
        ("$.store.book[1]", "NULL", "NULL"),
        ("$.store.open", "NULL", "null"),
    ] {
        check(&[
            (&format!("json_extract_scalar('{store}', '{path}')"), scalar),
            (&format!("json_extract('{store}', '{path}')"), json),
        ])
        .await;
    }
    check(&[
        ("json_extract_scalar('no json', '$.a')", "NULL"),
        ("json_array_length('[1, 2, 3]')", "3"),
        ("json_array_length('{}')", "NULL"),
        ("json_format(json_parse('[1, 2]'))", "[1,2]"),
    ])
    .await;
    check_failures(&[
        ("json_extract('{}', 'a')", "\"a\" is no JSON path"),
        ("json_parse('not json')", "json_parse: \"not json\" is no JSON"),
    ])
    .await;
}

#[tokio::test]
async fn conditions_and_aggregates() {
    let rows = "FROM (VALUES ('a', 1), ('b', 3), ('c', 2), (NULL, NULL)) AS t (name, n)";
    check(&[
        ("if(1 > 0, 'yes', 'no')", "yes"),
        ("if(1 < 0, 'yes')", "NULL"),
        ("try(1 / 0)", "NULL"),
        ("try(cast('x' as integer))", "NULL"),
        ("try_cast('x' as integer)", "NULL"),
        ("coalesce(try(url_decode('%')), 'as it is')", "as it is"),
        ("greatest(1, 3, 2)", "3"),
        ("greatest(1, NULL)", "NULL"),
        ("least('b', 'a')", "a"),
        ("mod(7, 4)", "3"),
        ("truncate(2.7)", "2.0"),
        (&format!("count() {rows}"), "4"),
        (&format!("count_if(n > 1) {rows}"), "2"),
        (&format!("count_if(n > 1) FILTER (WHERE name <> 'b') {rows}"), "1"),
        (&format!("max_by(name, n) {rows}"), "b"),
        (&format!("min_by(name, n) {rows}"), "a"),
        (&format!("max_by(name, n, 2) {rows}"), "[b, c]"),
        (&format!("min_by(name, n, 2) {rows}"), "[a, c]"),
        (&format!("arbitrary(name) {rows} WHERE n = 3"), "b"),
        (&format!("approx_percentile(n, 0.5) {rows}"), "2.0"),
        (&format!("approx_percentile(n, ARRAY[0, 0.5, 1]) {rows}"), "[1.0, 2.0, 3.0]"),
        (&format!("approx_percentile(n, n, 0.9) {rows}"), "3.0"),
        (&format!("approx_distinct(name, 0.01) {rows}"), "3"),
        (&format!("listagg(name, ',') WITHIN GROUP (ORDER BY n) {rows}"), "a,c,b"),
        (&format!("every(n > 0) {rows}"), "true"),
    ])
    .await;
    for (expression, message) in [
        ("contains('10.0.0.0/8', CAST('10.1.2.3' AS IPADDRESS))", "there is no type IPADDRESS"),
        ("CAST('{}' AS JSON)", "there is no type JSON"),
        ("x FROM information_schema.tables TABLESAMPLE BERNOULLI (10)", "there is no TABLESAMPLE"),
        (
            "p FROM (VALUES ('a/b')) AS t (x) CROSS JOIN UNNEST(split(x, '/')) AS u (p)",
            "UNNEST of a column cannot be joined",
        ),
        ("if(true)", "if takes a condition and one or two values, not 1"),
        ("split('a')", "split takes 2 or 3 arguments, not 1"),
    ] {
        let error = value(expression).await.expect_err(expression);
        assert!(error.contains(message), "{expression}: {error}");
    }
}
