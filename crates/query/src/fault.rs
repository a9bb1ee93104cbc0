//! What is wrong with a statement, in a sentence, and where.

use std::collections::BTreeSet;
use std::fmt;

use datafusion::common::{Column, Diagnostic, SchemaError, TableReference};
use datafusion::error::DataFusionError;

use crate::names::nearest;
use crate::statements::words;

/// A fault of the SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    /// Where in the statement, if that is known.
    pub place: Option<Place>,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Characters; 0 where that is not known.
    pub width: usize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.place.map_or(Ok(()), |place| write!(f, " (line {}, column {})", place.line, place.column))
    }
}

impl Place {
    /// The byte of `text` that stands there.
    pub fn offset(self, text: &str) -> usize {
        let line = text.split_inclusive('\n').take(self.line - 1).map(str::len).sum::<usize>();
        let rest = &text[line.min(text.len())..];
        line + rest.char_indices().nth(self.column - 1).map_or(rest.len(), |(at, _)| at)
    }

    /// The same place, seen from a text in which the statement begins at `begin`.
    pub fn within(self, begin: Place) -> Place {
        let column = if self.line == 1 { self.column + begin.column - 1 } else { self.column };
        Place { line: self.line + begin.line - 1, column, ..self }
    }
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), place: None }
    }

    /// What the parser or the planner says of `sql`. `tables` and `functions` are those that there are.
    pub(crate) fn of(
        error: &DataFusionError,
        sql: &str,
        tables: impl FnOnce() -> Vec<String>,
        functions: impl FnOnce() -> Vec<String>,
    ) -> Fault {
        let (diagnostic, error) = inner(error, None);
        let said = plain(error);
        let (message, name) = if let DataFusionError::SchemaError(schema, _) = error
            && let SchemaError::FieldNotFound { field, valid_fields } = &**schema
        {
            missing(field, valid_fields)
        } else if let Some(name) = said.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
            (format!("there is no table `{name}`{}", hint(nearest(name, tables()))), Some(name.to_owned()))
        } else if let Some((name, _)) = said.strip_prefix("Invalid function '").and_then(|rest| rest.split_once('\'')) {
            (format!("there is no function `{name}`{}", hint(nearest(name, functions()))), Some(name.to_owned()))
        } else {
            (said, None)
        };
        if let Some((message, place)) = parser_place(&message, sql) {
            return Fault { message, place: Some(place) };
        }
        let named = |(word, place)| (name.as_ref() == Some(&word)).then_some(place);
        let place = diagnostic.and_then(place_of).map(|place| name_at(sql, place, name.as_deref()));
        let place = place.or_else(|| words(sql).find_map(named));
        Fault { message, place }
    }
}

/// A column that is not there: what is said, and the name that is wrong, which may be that of its table.
fn missing(field: &Column, valid: &[Column]) -> (String, Option<String>) {
    let Some(table) = field.relation.as_ref().map(TableReference::table) else {
        let near = nearest(&field.name, valid.iter().map(|column| &column.name));
        return (format!("there is no column `{}`{}", field.name, hint(near)), Some(field.name.clone()));
    };
    let table_of = |column: &'_ Column| column.relation.as_ref().map(|table| table.table().to_owned());
    let in_table: Vec<&Column> = valid.iter().filter(|column| table_of(column).as_deref() == Some(table)).collect();
    if in_table.is_empty() {
        let tables: BTreeSet<String> = valid.iter().filter_map(table_of).collect();
        let known: Vec<String> = tables.iter().map(|table| format!("`{table}`")).collect();
        let only = if known.is_empty() { String::new() } else { format!(", only {}", known.join(", ")) };
        return (format!("there is no table `{table}` in this statement{only}"), Some(table.to_owned()));
    }
    let near = nearest(&field.name, in_table.iter().map(|column| &column.name));
    (format!("there is no column `{}` in `{table}`{}", field.name, hint(near)), Some(field.name.clone()))
}

fn hint(near: Option<String>) -> String {
    near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

/// The error itself, and the last diagnostic on the way to it.
fn inner<'e>(
    error: &'e DataFusionError,
    diagnostic: Option<&'e Diagnostic>,
) -> (Option<&'e Diagnostic>, &'e DataFusionError) {
    match error {
        DataFusionError::Context(_, error) => inner(error, diagnostic),
        DataFusionError::Diagnostic(diagnostic, error) => inner(error, Some(diagnostic)),
        DataFusionError::Shared(error) => inner(error, diagnostic),
        DataFusionError::Collection(errors) if !errors.is_empty() => inner(&errors[0], diagnostic),
        error => (diagnostic, error),
    }
}

fn place_of(diagnostic: &Diagnostic) -> Option<Place> {
    let span = diagnostic.span?;
    let width = if span.start.line == span.end.line { span.end.column.saturating_sub(span.start.column) } else { 0 };
    Some(Place { line: span.start.line as usize, column: span.start.column as usize, width: width as usize })
        .filter(|place| place.line > 0 && place.column > 0)
}

/// What the parser says, without the place at its end, and that place.
fn parser_place(message: &str, sql: &str) -> Option<(String, Place)> {
    let (said, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let (line, column) = (line.parse().ok()?, column.parse().ok()?);
    Some((said.to_owned(), word_at(sql, Place { line, column, width: 1 })))
}

/// The place of the word that begins at this place, if one does.
fn word_at(sql: &str, place: Place) -> Place {
    name_at(sql, place, None)
}

/// As [`word_at`]; but of `a.b` the place of `b`, if that is the name.
fn name_at(sql: &str, place: Place, name: Option<&str>) -> Place {
    let begins = |word: &Place| (word.line, word.column) == (place.line, place.column);
    let mut words = words(sql).skip_while(|(_, word)| !begins(word));
    let Some((first, at)) = words.next() else { return place };
    match words.next() {
        Some((second, after)) if name == Some(second.as_str()) && name != Some(first.as_str()) => after,
        _ => at,
    }
}

/// DataFusion's message without the names of its layers and types.
pub(crate) fn plain(error: &DataFusionError) -> String {
    let mut message = match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => return plain(inner),
        DataFusionError::Shared(inner) => return plain(inner),
        DataFusionError::Collection(errors) => {
            let mut messages: Vec<String> = errors.iter().map(plain).collect();
            messages.dedup();
            return messages.join("; ");
        }
        DataFusionError::SQL(parser, _) => parser.to_string(),
        error => error.message().into_owned(),
    };
    for noise in [
        "sql parser error: ",
        "Parser error: ",
        "Error during planning: ",
        "This feature is not implemented: ",
        "Internal error: ",
    ] {
        message = message.replace(noise, "");
    }
    // A wrong type of an argument is no fault of the program, whatever the planner says.
    if let Some((first, rest)) = message.split_once("This issue was likely caused by a bug in DataFusion") {
        let after = rest.split_once("issue tracker:").map_or("", |(_, address)| address.trim_start());
        let after = after.split_once(char::is_whitespace).map_or("", |(_, more)| more);
        message = format!("{} {}", first.trim_end(), after.trim_start());
    }
    let mut message = message.replace(r"\u{9}", " ").replace('\t', " ");
    if let Some((first, _)) = message.split_once("\n\nbacktrace:") {
        message.truncate(first.len());
    }
    // A lake is one schema: nobody needs to be told its name.
    message.replace("albatross.lake.", "").trim().to_owned()
}
