//! Functions of texts: regular expressions, splitting.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListBuilder, StringViewArray, StringViewBuilder};
use datafusion::common::Result;
use regex::Regex;

use crate::call::{Call, Kept, Param, Spec, bigint, text, texts};

use Param::{Int, Text};

pub(crate) const ADDED: &[Spec] = &[
    Spec { name: "regexp_extract", forms: &[&[Text, Text], &[Text, Text, Int]], returns: text, eval: regexp_extract },
    Spec {
        name: "regexp_extract_all",
        forms: &[&[Text, Text], &[Text, Text, Int]],
        returns: texts,
        eval: regexp_extract_all,
    },
    Spec { name: "regexp_split", forms: &[&[Text, Text]], returns: texts, eval: regexp_split },
    Spec { name: "split", forms: &[&[Text, Text], &[Text, Text, Int]], returns: texts, eval: split },
    Spec { name: "codepoint", forms: &[&[Text]], returns: bigint, eval: codepoint },
];

pub(crate) const REPLACED: &[Spec] = &[
    Spec { name: "regexp_replace", forms: &[&[Text, Text], &[Text, Text, Text]], returns: text, eval: regexp_replace },
    Spec { name: "strpos", forms: &[&[Text, Text], &[Text, Text, Int]], returns: bigint, eval: strpos },
    Spec { name: "substr", forms: &[&[Text, Int], &[Text, Int, Int]], returns: text, eval: substr },
];

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| match error {
        regex::Error::Syntax(message) => {
            let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("pattern \"{pattern}\": {reason}")
        }
        error => format!("pattern \"{pattern}\": {error}"),
    })
}

/// Number of the group that a call asks for, 0 for the whole match.
fn group(call: &Call, row: usize, regex: &Regex) -> Result<usize, String> {
    let group = if call.len() > 2 { call.int(2, row) } else { 0 };
    let groups = regex.captures_len() - 1;
    usize::try_from(group)
        .ok()
        .filter(|group| *group <= groups)
        .ok_or_else(|| format!("pattern \"{}\" has {groups} groups, none is number {group}", regex.as_str()))
}

fn regexp_extract(call: &Call) -> Result<ArrayRef> {
    let mut kept = Kept::new();
    let found: StringViewArray = call.each(|row| {
        let regex = kept.get(call.text(1, row), regex)?;
        let group = group(call, row, regex)?;
        let captures = regex.captures(call.text(0, row));
        Ok(captures.and_then(|captures| Some(captures.get(group)?.as_str().to_owned())))
    })?;
    Ok(Arc::new(found))
}

/// A list of texts for each row.
fn lists(rows: Vec<Option<Vec<Option<String>>>>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringViewBuilder::new());
    for row in rows {
        let is_there = row.is_some();
        row.into_iter().flatten().for_each(|text| builder.values().append_option(text));
        builder.append(is_there);
    }
    Arc::new(builder.finish())
}

fn regexp_extract_all(call: &Call) -> Result<ArrayRef> {
    let mut kept = Kept::new();
    let rows = call.each(|row| {
        let regex = kept.get(call.text(1, row), regex)?;
        let group = group(call, row, regex)?;
        let all = regex.captures_iter(call.text(0, row));
        Ok(Some(all.map(|captures| captures.get(group).map(|text| text.as_str().to_owned())).collect()))
    })?;
    Ok(lists(rows))
}

fn regexp_split(call: &Call) -> Result<ArrayRef> {
    let mut kept = Kept::new();
    let rows = call.each(|row| {
        let regex = kept.get(call.text(1, row), regex)?;
        Ok(Some(regex.split(call.text(0, row)).map(|part| Some(part.to_owned())).collect()))
    })?;
    Ok(lists(rows))
}

fn split(call: &Call) -> Result<ArrayRef> {
    let rows = call.each(|row| {
        let (text, delimiter) = (call.text(0, row), call.text(1, row));
        if delimiter.is_empty() {
            return Err("the delimiter is empty".to_owned());
        }
        let limit = if call.len() > 2 { call.int(2, row) } else { i64::MAX };
        let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0).ok_or("the limit must be positive")?;
        Ok(Some(text.splitn(limit, delimiter).map(|part| Some(part.to_owned())).collect()))
    })?;
    Ok(lists(rows))
}

fn codepoint(call: &Call) -> Result<ArrayRef> {
    let points: Int64Array = call.each(|row| {
        let mut chars = call.text(0, row).chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(Some(i64::from(u32::from(only)))),
            _ => Err(format!("\"{}\" is not one character", call.text(0, row))),
        }
    })?;
    Ok(Arc::new(points))
}

/// Replaces every match. `$1` and `${name}` in the replacement are groups, `\` takes the next character as it is.
fn regexp_replace(call: &Call) -> Result<ArrayRef> {
    let mut kept = Kept::new();
    let replaced: StringViewArray = call.each(|row| {
        let regex = kept.get(call.text(1, row), regex)?;
        let replacement = if call.len() > 2 { replacement(call.text(2, row), regex)? } else { String::new() };
        Ok(Some(regex.replace_all(call.text(0, row), replacement).into_owned()))
    })?;
    Ok(Arc::new(replaced))
}

/// Java's replacement as this crate's regular expressions write it.
fn replacement(java: &str, regex: &Regex) -> Result<String, String> {
    let mut ours = String::new();
    let mut rest = java;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let Some(next) = rest.chars().next() else {
                    return Err(format!("replacement \"{java}\" ends with `\\`"));
                };
                rest = &rest[next.len_utf8()..];
                match next {
                    '$' => ours.push_str("$$"),
                    next => ours.push(next),
                }
            }
            '$' if rest.starts_with('{') => ours.push('$'),
            '$' => {
                // As many digits as there are groups for, as Java reads them.
                let groups = regex.captures_len() - 1;
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let is_group = |digits: &usize| rest[..*digits].parse::<usize>().is_ok_and(|n| n <= groups);
                let Some(length) = (1..=digits).rev().find(is_group) else {
                    return Err(format!("replacement \"{java}\" names no group of \"{}\"", regex.as_str()));
                };
                ours += &format!("${{{}}}", &rest[..length]);
                rest = &rest[length..];
            }
            c => ours.push(c),
        }
    }
    Ok(ours)
}

/// Where the n-th occurrence is, counted from the end if n is negative; 0 if there is none.
fn strpos(call: &Call) -> Result<ArrayRef> {
    let places: Int64Array = call.each(|row| {
        let (text, part) = (call.text(0, row), call.text(1, row));
        let instance = if call.len() > 2 { call.int(2, row) } else { 1 };
        let skip = usize::try_from(instance.unsigned_abs()).ok().and_then(|n| n.checked_sub(1));
        let skip = skip.ok_or("the number of an occurrence cannot be 0")?;
        let found = match instance {
            _ if part.is_empty() => Some(0),
            1.. => text.match_indices(part).nth(skip).map(|(place, _)| place),
            _ => text.rmatch_indices(part).nth(skip).map(|(place, _)| place),
        };
        Ok(Some(found.map_or(0, |place| text[..place].chars().count() as i64 + 1)))
    })?;
    Ok(Arc::new(places))
}

/// From the first character as 1, or from the last as -1; empty where there is nothing.
fn substr(call: &Call) -> Result<ArrayRef> {
    let parts: StringViewArray = call.each(|row| {
        let text = call.text(0, row);
        let length = text.chars().count() as i64;
        let start = match call.int(1, row) {
            start @ 1.. => start - 1,
            start if start < 0 && length.saturating_add(start) >= 0 => length + start,
            _ => return Ok(Some(String::new())),
        };
        let wanted = if call.len() > 2 { call.int(2, row).max(0) } else { i64::MAX };
        let (start, wanted) = (usize::try_from(start), usize::try_from(wanted));
        Ok(Some(text.chars().skip(start.unwrap_or(usize::MAX)).take(wanted.unwrap_or(usize::MAX)).collect()))
    })?;
    Ok(Arc::new(parts))
}
