//! The header of a query's file. `queries/README.md` describes it for those who write queries.

use chrono::DateTime;
use chrono_tz::Tz;

use crate::Error;
use crate::params::{Kind, Param};
use crate::time::Clock;

/// A question with its SQL.
#[derive(Debug, Clone)]
pub struct Query {
    /// The file's name without `.sql`.
    pub name: String,
    /// The question in one line.
    pub title: String,
    /// More about it, paragraphs separated by empty lines; may be empty.
    pub description: String,
    /// Its own parameters; `from` and `to` are understood by every query.
    pub params: Vec<Param>,
    /// The columns of the answer, in order.
    pub columns: Vec<Column>,
    pub examples: Vec<String>,
    /// The whole file.
    pub sql: String,
    /// Built in, or one of the user's own.
    pub built_in: bool,
    /// How the file is named in messages.
    pub(crate) file: String,
}

impl Query {
    /// Reads a query that is not in the catalogue: a header with its parameters, then SQL, as `queries/README.md` describes it.
    ///
    /// # Errors
    /// [`Error::QueryFile`] says what is wrong with the header.
    pub fn parse(name: &str, sql: &str) -> crate::Result<Query> {
        parse(name, sql).map_err(|(line, problem)| Error::QueryFile { file: format!("{name}.sql"), line, problem })
    }
}

/// A column of a query's answer.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// `timestamp`, `date`, `integer`, `float`, `text` or `boolean`.
    pub data_type: String,
    /// `seconds`, `ratio 0..1`, `bytes` ...; may be empty.
    pub unit: String,
    pub help: String,
}

const COLUMN_TYPES: [&str; 6] = ["timestamp", "date", "integer", "float", "text", "boolean"];

/// A fault of a header: line, counted from 1, and what is wrong there.
pub(crate) type Fault = (usize, String);

/// Reads the header of the query `name`.
pub(crate) fn parse(name: &str, sql: &str) -> Result<Query, Fault> {
    let mut query = Query {
        name: name.to_owned(),
        title: String::new(),
        description: String::new(),
        params: Vec::new(),
        columns: Vec::new(),
        examples: Vec::new(),
        sql: sql.to_owned(),
        built_in: false,
        file: format!("{name}.sql"),
    };
    let comments = sql.trim_start_matches('\u{feff}').lines().map_while(|line| line.trim().strip_prefix("--"));
    for (number, comment) in (1..).zip(comments) {
        let fault = |problem: String| (number, problem);
        let comment = comment.trim();
        if number == 1 {
            query.title = match comment.split_once(':') {
                Some((n, title)) if n.trim() == name && !title.trim().is_empty() => title.trim().to_owned(),
                _ => return Err(fault(format!("the first line must be `-- {name}: the question in one line`"))),
            };
        } else if let Some(rest) = comment.strip_prefix("param ") {
            let param = param(rest).map_err(fault)?;
            if ["from", "to"].contains(&param.name.as_str()) {
                return Err(fault(format!("`{}` is a parameter of every query already", param.name)));
            }
            if query.params.iter().any(|other| other.name == param.name) {
                return Err(fault(format!("parameter `{}` is declared twice", param.name)));
            }
            query.params.push(param);
        } else if let Some(rest) = comment.strip_prefix("column ") {
            query.columns.push(column(rest).map_err(fault)?);
        } else if let Some(rest) = comment.strip_prefix("example:") {
            query.examples.push(rest.trim().to_owned());
        } else {
            describe(&mut query.description, comment);
        }
    }
    query.description.truncate(query.description.trim_end().len());
    if query.title.is_empty() {
        return Err((1, format!("the first line must be `-- {name}: the question in one line`")));
    }
    Ok(query)
}

/// Adds a line; an empty one ends a paragraph.
fn describe(description: &mut String, line: &str) {
    if line.is_empty() {
        if !description.is_empty() && !description.ends_with("\n\n") {
            description.push_str("\n\n");
        }
        return;
    }
    if !description.is_empty() && !description.ends_with('\n') {
        description.push(' ');
    }
    description.push_str(line);
}

/// `bucket: duration 1s..1d = 5m | width of a bucket`
fn param(text: &str) -> Result<Param, String> {
    let form = "a parameter is `name: kind`, then `?` or `low..high` or `= default` if wanted, then `| what it means`";
    // `one/other` behind `text` are the only texts it takes.
    let (declaration, help) = text.split_once('|').unwrap_or((text, ""));
    let (name, rest) = declaration.split_once(':').ok_or(form)?;
    let (rest, default) = match rest.split_once('=') {
        Some((rest, default)) => (rest, Some(default.trim())),
        None => (rest, None),
    };
    let mut words = rest.split_whitespace();
    let kind = words.next().ok_or(form)?;
    let (kind, optional) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
    let kind = Kind::from_name(kind).ok_or_else(|| format!("there is no kind `{kind}` of parameters"))?;
    let range = words.next();
    if words.next().is_some() {
        return Err(form.to_owned());
    }
    // Any clock: the default is read again when the query runs.
    let clock = Clock { now: DateTime::UNIX_EPOCH, zone: Tz::UTC };
    let (mut min, mut max, mut choices) = (None, None, Vec::new());
    if let (Kind::Text, Some(texts)) = (kind, range) {
        choices = texts.split('/').map(str::to_owned).collect();
    } else if let Some(range) = range {
        let (low, high) = range.split_once("..").ok_or(form)?;
        let end = |text: &str| (!text.is_empty()).then(|| kind.parse(text, &clock)).transpose();
        (min, max) = (end(low)?, end(high)?);
    }
    let mut param = Param {
        name: identifier(name)?,
        kind,
        optional,
        help: help.trim().to_owned(),
        default: None,
        min,
        max,
        choices,
    };
    if let Some(default) = default {
        param.parse(default, &clock).map_err(|problem| format!("the default: {problem}"))?;
        param.default = Some(default.to_owned());
    }
    Ok(param)
}

/// `rate: float ratio 0..1 | errors / requests`
fn column(text: &str) -> Result<Column, String> {
    let (declaration, help) = text.split_once('|').unwrap_or((text, ""));
    let (name, rest) = declaration
        .split_once(':')
        .ok_or("a column is `name: type`, then its unit if it has one, then `| what it means`")?;
    let mut words = rest.split_whitespace();
    let data_type = words.next().unwrap_or_default();
    if !COLUMN_TYPES.contains(&data_type) {
        return Err(format!("a column is one of {}, not `{data_type}`", COLUMN_TYPES.join(", ")));
    }
    Ok(Column {
        name: identifier(name)?,
        data_type: data_type.to_owned(),
        unit: words.collect::<Vec<_>>().join(" "),
        help: help.trim().to_owned(),
    })
}

fn identifier(name: &str) -> Result<String, String> {
    let name = name.trim();
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    good.then(|| name.to_owned()).ok_or_else(|| format!("`{name}` is no name: take lower-case letters, digits and `_`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "\
-- errors: how many errors were there?
-- Counts answers of the given status
-- per bucket.
--
-- Second paragraph.
-- param bucket: duration 1s..1d = 5m   | width of a bucket
-- param status: status = 5xx,499       | which answers count
-- param route: text?                   | only this route
-- param share: float 0..  = 0.5
-- column start: timestamp              | start of the bucket, UTC
-- column rate: float ratio 0..1        | errors / requests
-- example: albatross query errors --bucket 1m
SELECT 1
-- param not_a: param
";

    #[test]
    fn a_header_is_read_up_to_the_sql() {
        let query = parse("errors", HEADER).unwrap();
        assert_eq!(query.title, "how many errors were there?");
        assert_eq!(query.description, "Counts answers of the given status per bucket.\n\nSecond paragraph.");
        let params: Vec<_> = query
            .params
            .iter()
            .map(|p| (p.name.as_str(), p.kind, p.optional, p.default.clone(), p.allowed(), p.help.as_str()))
            .collect();
        assert_eq!(
            params,
            [
                ("bucket", Kind::Duration, false, Some("5m".to_owned()), "1s..1d".to_owned(), "width of a bucket"),
                (
                    "status",
                    Kind::Status,
                    false,
                    Some("5xx,499".to_owned()),
                    "502, 5xx, 500-504 or a comma list of these".to_owned(),
                    "which answers count"
                ),
                ("route", Kind::Text, true, None, "any text".to_owned(), "only this route"),
                ("share", Kind::Float, false, Some("0.5".to_owned()), "0..".to_owned(), ""),
            ]
        );
        let columns: Vec<_> =
            query.columns.iter().map(|c| (c.name.as_str(), c.data_type.as_str(), c.unit.as_str())).collect();
        assert_eq!(columns, [("start", "timestamp", ""), ("rate", "float", "ratio 0..1")]);
        assert_eq!(query.examples, ["albatross query errors --bucket 1m"]);
        assert_eq!(query.sql, HEADER);
    }

    #[test]
    fn faults_name_their_line() {
        for (second_line, problem) in [
            ("-- param bucket", "a parameter is `name: kind`"),
            ("-- param bucket: minutes", "there is no kind `minutes` of parameters"),
            ("-- param bucket: duration = 5", "the default: `5` is not a duration"),
            ("-- param limit: integer 1..10 = 11", "the default: `11` is out of range: give 1..10"),
            ("-- param limit: integer 1-10", "a parameter is `name: kind`"),
            ("-- param by: text up/down = left", "the default: `left` is not one of up, down"),
            ("-- param Limit: integer", "`Limit` is no name"),
            ("-- param from: timestamp", "`from` is a parameter of every query already"),
            ("-- column rate", "a column is `name: type`"),
            ("-- column rate: ratio", "a column is one of timestamp, date"),
        ] {
            let (line, found) = parse("q", &format!("-- q: why?\n{second_line}\nSELECT 1")).unwrap_err();
            assert_eq!(line, 2, "{second_line}");
            assert!(found.starts_with(problem), "{second_line}: {found}");
        }
        for sql in ["", "SELECT 1", "-- other: why?\nSELECT 1", "-- q:\nSELECT 1", "-- q\nSELECT 1"] {
            assert_eq!(parse("q", sql).unwrap_err().0, 1, "{sql}");
        }
        assert!(parse("q", "-- q: why?\n-- param a: text\n-- param a: text").unwrap_err().1.contains("twice"));
    }
}
