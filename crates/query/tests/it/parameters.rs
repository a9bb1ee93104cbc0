//! Values of parameters in a query: their types, their defaults, and that they never become SQL.

use std::fs;

use albatross_query::{Catalogue, Error, Format, Options, Result, write};

use crate::fixture::{TestLake, clock};

/// The answer of a user's query, as CSV without its header.
async fn run(lake: &TestLake, text: &str, given: &[(&str, &str)]) -> Result<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("q.sql"), text).unwrap();
    let catalogue = Catalogue::load(Some(folder.path())).unwrap();
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let stream = lake.session().await.query(catalogue.get("q")?, &given, &clock()).await?;
    let mut out = Vec::new();
    write(Format::Csv, stream, &mut out, &Options::default()).await?;
    let out = String::from_utf8(out).unwrap();
    Ok(out.split_once('\n').unwrap().1.to_owned())
}

#[tokio::test]
async fn every_kind_arrives_with_its_type() {
    let lake = TestLake::empty().await;
    let text = "\
-- q: what arrived?
-- param t: timestamp
-- param d: duration
-- param i: integer
-- param f: float
-- param s: text
-- param b: boolean
-- param c: status
-- param l: list
SELECT $t AS t, $t + $d AS td, extract(epoch FROM $d) AS d, $i AS i, $i / 2 AS half, $f AS f, $s AS s, $b AS b,
       arrow_typeof($t), arrow_typeof($d), arrow_typeof($i), arrow_typeof($f), arrow_typeof($b),
       503 IN ($c), 302 IN ($c), 302 NOT IN ($c), 'b' IN ($l), 'c' NOT IN ($l)
";
    let given = [
        ("t", "2026-11-19 18:00"),
        ("d", "1h30m"),
        ("i", "-7"),
        ("f", "1e-3"),
        ("s", "text"),
        ("b", "yes"),
        ("c", "5xx,404"),
        ("l", "a,b"),
    ];
    assert_eq!(
        run(&lake, text, &given).await.unwrap(),
        "2026-11-19T18:00:00Z,2026-11-19T19:30:00Z,5400.0,'-7,-3,0.001,text,true,".replace("'-7", "-7")
            + "\"Timestamp(µs, \"\"UTC\"\")\",Interval(MonthDayNano),Int64,Float64,Boolean,true,false,true,true,true\n"
    );
}

#[tokio::test]
async fn what_is_optional_and_not_given_is_null_or_no_restriction() {
    let lake = TestLake::empty().await;
    let text = "\
-- q: what arrived?
-- param t: timestamp?
-- param d: duration?
-- param i: integer?
-- param f: float?
-- param s: text?
-- param b: boolean?
-- param c: status?
-- param l: list?
SELECT $t IS NULL AS t, $d IS NULL AS d, $i IS NULL AS i, $f IS NULL AS f, $s IS NULL AS s, $b IS NULL AS b, arrow_typeof($i),
       503 IN ($c) AS u, 302 NOT IN ($c) AS v, 'b' IN ($l) AS w, 'c' NOT IN ($l) AS x
";
    let all = "true,true,true,true,true,true,Int64,true,true,true,true\n";
    assert_eq!(run(&lake, text, &[]).await.unwrap(), all);
}

#[tokio::test]
async fn a_value_is_never_sql() {
    let lake = TestLake::evening().await;
    let text = "\
-- q: what arrived?
-- param s: text
-- param l: list = x
-- param n: integer = 1
SELECT $s AS s, count(*) FILTER (WHERE path = $s) AS n, count(*) FILTER (WHERE path IN ($l)) AS l, '$s' AS quoted
FROM alb LIMIT $n
";
    for hostile in [
        "' OR '1'='1",
        "'; DROP TABLE alb; --",
        "\\'; DROP TABLE alb; --",
        "$n",
        "$from",
        "/*",
        "x' UNION SELECT 'y",
        "\"; --",
        "${s}",
        "');--",
        "a\nb\0c",
    ] {
        let csv = run(&lake, text, &[("s", hostile), ("l", hostile)]).await.unwrap();
        let (echo, counts) = csv.rsplit_once(",0,0,").unwrap_or_else(|| panic!("{hostile}: {csv}"));
        let echo = echo.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or(echo).replace("\"\"", "\"");
        assert_eq!((echo.as_str(), counts), (hostile, "$s\n"));
    }
    let error = run(&lake, text, &[("s", "x"), ("n", "1; DROP TABLE alb")]).await.unwrap_err();
    assert_eq!(error.to_string(), "parameter `n`: `1; DROP TABLE alb` is not an integer: give a whole number");
}

#[tokio::test]
async fn from_and_to_are_half_open_and_default_to_the_whole_lake() {
    let lake = TestLake::evening().await;
    let text = "-- q: how many?\nSELECT count(*) FROM alb WHERE started_at >= $from AND started_at < $to";
    for (given, rows) in [
        (&[][..], 279),
        (&[("from", "2026-11-20")], 11),
        (&[("to", "2026-11-20")], 268),
        (&[("from", "2026-11-19 18:00"), ("to", "2026-11-19 18:00:15")], 2),
        (&[("from", "2026-11-19T19:00:00+01:00"), ("to", "2026-11-19 18:00:01")], 2),
        (&[("from", "yesterday"), ("to", "today")], 268),
        (&[("from", "-25m")], 10),
        // With one end given, a lake on its other side is simply empty.
        (&[("from", "2027-01-01")], 0),
        (&[("to", "2020-01-01")], 0),
    ] {
        assert_eq!(run(&lake, text, given).await.unwrap(), format!("{rows}\n"), "{given:?}");
    }
    assert_eq!(run(&TestLake::empty().await, text, &[]).await.unwrap(), "0\n");
    let error = run(&lake, text, &[("from", "2026-11-20"), ("to", "2026-11-19")]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter `to`: `2026-11-19T00:00:00Z` is not after `from`, which is `2026-11-20T00:00:00Z`"
    );
}

#[tokio::test]
async fn a_wrong_parameter_is_a_clear_error() {
    let lake = TestLake::empty().await;
    let text = "\
-- q: how many?
-- param bucket: duration 1s..1d = 5m
-- param limit: integer 1..10
SELECT $bucket, $limit, $from
";
    for (given, message) in [
        (
            &[("limit", "1"), ("buckets", "1m")][..],
            "parameter `buckets`: query `q` has none of this name, only from, to, bucket, limit",
        ),
        (&[], "parameter `limit`: a value is needed: 1..10"),
        (&[("limit", "many")], "parameter `limit`: `many` is not an integer: give a whole number"),
        (&[("limit", "11")], "parameter `limit`: `11` is out of range: give 1..10"),
        (&[("limit", "1"), ("bucket", "2d")], "parameter `bucket`: `2d` is out of range: give 1s..1d"),
        (
            &[("limit", "1"), ("from", "soon")],
            "parameter `from`: `soon` is not a timestamp: give 2026-11-19, 2026-11-19 18:00, 2026-11-19T18:00:00Z, -2h, \
             now, today or yesterday",
        ),
        (&[("limit", "1"), ("to", "today")], "parameter `to`: query `q` takes no account of it"),
    ] {
        match run(&lake, text, given).await {
            Err(error @ Error::Parameter { .. }) => assert_eq!(error.to_string(), message),
            other => panic!("{given:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_faulty_query_is_said_to_be_one() {
    let lake = TestLake::empty().await;
    for (body, message) in [
        ("SELECT $x", "`$x` is not declared: add `-- param x: ...`"),
        ("-- param x: integer = 1\nSELECT 1", "parameter `x` is declared but not used"),
        ("-- param x: list = a\nSELECT $x", "`$x` is a list: use it as `column IN ($x)`"),
        ("-- param x: status = 502\nSELECT 502 = $x", "`$x` is a list: use it as `column IN ($x)`"),
        ("SELECT * FROM nothing", "there is no table `nothing` (line 2, column 15)"),
        ("SELEKT 1", "Expected: an SQL statement, found: SELEKT (line 2, column 1)"),
        ("SELECT 1; SELECT 2", "give one statement at a time"),
        ("", "there is no statement"),
        ("DROP TABLE alb", "DROP is refused: SQL can only read a lake (SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW)"),
    ] {
        let error = run(&lake, &format!("-- q: why?\n{body}"), &[]).await.unwrap_err();
        assert!(matches!(error, Error::QueryFile { .. }), "{body}: {error:?}");
        let error = error.to_string();
        let (_, problem) = error.split_once("q.sql: ").unwrap();
        assert_eq!(problem, message, "{body}");
    }
}
