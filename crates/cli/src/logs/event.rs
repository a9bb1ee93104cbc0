//! An event as a line, in three styles.

use std::fmt;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use crate::show::safe;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// For people: `albatross: OBJECT: what is wrong`.
    Plain,
    /// `2026-11-19T19:42:07.163Z INFO  source read source=a.log.gz rows=26`
    Text,
    /// The same as one JSON object a line.
    Json,
}

/// The line, with its end.
pub(super) fn line(event: &Event<'_>, style: Style) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let mut line = match style {
        Style::Plain => plain(&fields),
        Style::Text => text(event.metadata(), &fields),
        Style::Json => json(event.metadata(), fields),
    };
    line.push('\n');
    line
}

#[derive(Default)]
struct Fields {
    message: String,
    /// In the order in which the event names them.
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn text(&self, name: &str) -> Option<String> {
        self.others.iter().find(|(n, _)| *n == name).map(|(_, value)| shown(value))
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.others.push((name, format!("{value:?}").into())),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            name => self.others.push((name, value.into())),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name(), value.into()));
    }
}

/// An event that has a reason or a warning is said by it alone: that is a sentence for a person.
fn plain(fields: &Fields) -> String {
    let object = fields.text("source").map_or(String::new(), |source| format!("{}: ", safe(&source)));
    if let Some(warning) = fields.text("warning") {
        return format!("albatross: {object}warning: {}", safe(&warning));
    }
    if let Some(reason) = fields.text("reason") {
        return format!("albatross: {object}{}", safe(&reason));
    }
    let mut line = format!("albatross: {}", fields.message);
    append(&mut line, fields);
    line
}

fn text(metadata: &Metadata<'_>, fields: &Fields) -> String {
    let mut line = format!("{} {:<5} {}", now(), metadata.level().as_str(), safe(&fields.message));
    append(&mut line, fields);
    line
}

fn append(line: &mut String, fields: &Fields) {
    for (name, value) in &fields.others {
        let value = safe(&shown(value));
        let bare = !value.is_empty() && !value.contains([' ', '"', '=']);
        let value = if bare { value } else { format!("\"{}\"", value.replace('"', "\\\"")) };
        line.push_str(&format!(" {name}={value}"));
    }
}

fn json(metadata: &Metadata<'_>, fields: Fields) -> String {
    let mut object = Map::new();
    object.insert("time".to_owned(), now().into());
    object.insert("level".to_owned(), metadata.level().as_str().into());
    object.insert("target".to_owned(), metadata.target().into());
    object.insert("message".to_owned(), fields.message.into());
    for (name, value) in fields.others {
        // Other libraries may have fields of the names above.
        object.entry(name).or_insert(value);
    }
    Value::Object(object).to_string()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}
