//! Functions of JSON. It is a text here: a value of type JSON is its compact text.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringViewArray};
use datafusion::common::Result;
use serde_json::Value;

use crate::call::{Call, Kept, Param, Spec, bigint, text};

use Param::Text;

pub(crate) const ADDED: &[Spec] = &[
    Spec { name: "json_extract_scalar", forms: &[&[Text, Text]], returns: text, eval: |call| extract(call, scalar) },
    Spec {
        name: "json_extract",
        forms: &[&[Text, Text]],
        returns: text,
        eval: |call| extract(call, |value| Some(value.to_string())),
    },
    Spec { name: "json_array_length", forms: &[&[Text]], returns: bigint, eval: array_length },
    Spec { name: "json_parse", forms: &[&[Text]], returns: text, eval: parse },
    Spec { name: "json_format", forms: &[&[Text]], returns: text, eval: parse },
];

/// A step into a value.
#[derive(Debug, PartialEq)]
enum Step {
    Member(String),
    Element(usize),
}

/// Reads `$.a.b[0]["c d"]`.
fn path(text: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("\"{text}\" is no JSON path such as $.a[0]");
    let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() || name.contains(['*', '@', '(', ' ']) {
                return Err(wrong());
            }
            steps.push(Step::Member(name.to_owned()));
            rest = &after[end..];
        } else {
            let after = rest.strip_prefix('[').ok_or_else(wrong)?;
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (inner, after) = match quote {
                Some(quote) => {
                    let (name, after) = after[1..].split_once(quote).ok_or_else(wrong)?;
                    (Step::Member(name.to_owned()), after.strip_prefix(']').ok_or_else(wrong)?)
                }
                None => {
                    let (index, after) = after.split_once(']').ok_or_else(wrong)?;
                    (Step::Element(index.parse().map_err(|_| wrong())?), after)
                }
            };
            steps.push(inner);
            rest = after;
        }
    }
    Ok(steps)
}

fn find<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Element(index) => value.get(index),
    })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// What is no JSON has nothing in it.
fn extract(call: &Call, shown: fn(&Value) -> Option<String>) -> Result<ArrayRef> {
    let mut kept = Kept::new();
    let texts: StringViewArray = call.each(|row| {
        let path = kept.get(call.text(1, row), path)?;
        let Ok(value) = serde_json::from_str::<Value>(call.text(0, row)) else {
            return Ok(None);
        };
        Ok(find(&value, path).and_then(shown))
    })?;
    Ok(Arc::new(texts))
}

fn array_length(call: &Call) -> Result<ArrayRef> {
    let lengths: Int64Array = call.each(|row| {
        let value = serde_json::from_str::<Value>(call.text(0, row)).ok();
        Ok(value.and_then(|value| Some(value.as_array()?.len() as i64)))
    })?;
    Ok(Arc::new(lengths))
}

fn parse(call: &Call) -> Result<ArrayRef> {
    let texts: StringViewArray = call.each(|row| {
        let value = serde_json::from_str::<Value>(call.text(0, row));
        value.map(|value| Some(value.to_string())).map_err(|_| format!("\"{}\" is no JSON", call.text(0, row)))
    })?;
    Ok(Arc::new(texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let member = |name: &str| Step::Member(name.to_owned());
        assert_eq!(path("$").unwrap(), []);
        assert_eq!(path("$.a.b[2]").unwrap(), [member("a"), member("b"), Step::Element(2)]);
        assert_eq!(path("$[\"a b\"]['c']").unwrap(), [member("a b"), member("c")]);
        for wrong in ["", "a", "$a", "$.", "$..a", "$[x]", "$[\"a]", "$.*"] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }
}
