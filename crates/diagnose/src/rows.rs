//! Answers of the crate's own queries as columns.

use std::collections::{BTreeMap, HashMap};

use albatross_query::{Clock, Query, Session};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt;

use crate::{Error, Result};

/// An SQL file of this crate.
pub(crate) struct Sql {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// A span of time, `to` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// All rows of an answer; they are few.
pub(crate) async fn ask(session: &Session, sql: &Sql, window: Window, given: &[(&str, String)]) -> Result<Vec<Rows>> {
    let query = Query::parse(sql.name, sql.text)?;
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut texts = BTreeMap::from([("from".to_owned(), time(window.from)), ("to".to_owned(), time(window.to))]);
    texts.extend(given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let stream = session.query(&query, &texts, &Clock::system(Tz::UTC)).await?;
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| Error::Run(e.to_string()))?;
    Ok(batches.into_iter().map(Rows).collect())
}

/// A batch of rows.
pub(crate) struct Rows(RecordBatch);

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.0.num_rows()
    }

    pub(crate) fn ints(&self, name: &str) -> Result<Int64Array> {
        Ok(self.column(name, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    }

    pub(crate) fn floats(&self, name: &str) -> Result<Float64Array> {
        Ok(self.column(name, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
    }

    pub(crate) fn texts(&self, name: &str) -> Result<StringViewArray> {
        Ok(self.column(name, &DataType::Utf8View)?.as_string_view().clone())
    }

    pub(crate) fn booleans(&self, name: &str) -> Result<BooleanArray> {
        Ok(self.column(name, &DataType::Boolean)?.as_boolean().clone())
    }

    fn column(&self, name: &str, data_type: &DataType) -> Result<ArrayRef> {
        let fault = |problem: String| Error::Run(format!("column `{name}`: {problem}"));
        let column = self.0.column_by_name(name).ok_or_else(|| fault("there is none".to_owned()))?;
        cast(column, data_type).map_err(|error| fault(error.to_string()))
    }
}

pub(crate) fn float(array: &Float64Array, row: usize) -> Option<f64> {
    array.is_valid(row).then(|| array.value(row))
}

pub(crate) fn int(array: &Int64Array, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

pub(crate) fn text(array: &StringViewArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// Texts by number, in the order of their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<String, usize>,
    texts: Vec<String>,
}

impl Names {
    pub(crate) fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.numbers.insert(text.to_owned(), self.texts.len());
        self.texts.push(text.to_owned());
        self.texts.len() - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn get(&self, number: usize) -> &str {
        &self.texts[number]
    }
}

/// `GET /api/users/:id`, as `slow_endpoints` has method and route.
pub(crate) fn route_name(verb: Option<&str>, route: Option<&str>) -> String {
    format!("{} {}", verb.unwrap_or("-"), route.unwrap_or("-"))
}

/// `10.0.1.5:8080`, as the view `requests` has targets.
pub(crate) fn target_name(ip: &str, port: Option<i64>) -> String {
    match port {
        Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
        Some(port) => format!("{ip}:{port}"),
        None => ip.to_owned(),
    }
}
