//! Functions of URLs, which take them apart as `java.net.URI` does.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringViewArray};
use datafusion::common::Result;

use crate::call::{Call, Param, Spec, bigint, text};

use Param::Text;

pub(crate) const ADDED: &[Spec] = &[
    Spec {
        name: "url_extract_protocol",
        forms: &[&[Text]],
        returns: text,
        eval: |call| part(call, |url| url.scheme.to_owned()),
    },
    Spec {
        name: "url_extract_host",
        forms: &[&[Text]],
        returns: text,
        eval: |call| part(call, |url| url.host.to_owned()),
    },
    Spec {
        name: "url_extract_path",
        forms: &[&[Text]],
        returns: text,
        eval: |call| part(call, |url| unescaped(url.path)),
    },
    Spec {
        name: "url_extract_query",
        forms: &[&[Text]],
        returns: text,
        eval: |call| part(call, |url| unescaped(url.query)),
    },
    Spec {
        name: "url_extract_fragment",
        forms: &[&[Text]],
        returns: text,
        eval: |call| part(call, |url| unescaped(url.fragment)),
    },
    Spec { name: "url_extract_port", forms: &[&[Text]], returns: bigint, eval: port },
    Spec { name: "url_extract_parameter", forms: &[&[Text, Text]], returns: text, eval: parameter },
    Spec { name: "url_encode", forms: &[&[Text]], returns: text, eval: encode },
    Spec { name: "url_decode", forms: &[&[Text]], returns: text, eval: decode },
];

/// The parts of a URL as written; empty where there is none.
#[derive(Debug, Default, PartialEq)]
struct Url<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<i64>,
    path: &'a str,
    query: &'a str,
    has_query: bool,
    fragment: &'a str,
}

/// Takes a URL apart; `None` if it has a character that none may have, or a `%` without two hexadecimal digits.
fn parse(url: &str) -> Option<Url<'_>> {
    let is_illegal = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
    };
    if url.contains(is_illegal) || !escapes(url) {
        return None;
    }
    let mut parts = Url::default();
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    if fragment.contains('#') {
        return None;
    }
    parts.fragment = fragment;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    parts.has_query = query.is_some();
    parts.query = query.unwrap_or_default();
    let is_scheme = |text: &str| {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_part)
    };
    let end = rest.find(['/', ':']).filter(|end| rest[*end..].starts_with(':'));
    let rest = match end {
        None => rest,
        Some(end) if is_scheme(&rest[..end]) => {
            parts.scheme = &rest[..end];
            &rest[end + 1..]
        }
        Some(_) => return None,
    };
    if !parts.scheme.is_empty() && !rest.starts_with('/') {
        // `mailto:somebody`: no path, no query. Without anything behind the colon it is no URL.
        parts.query = "";
        parts.has_query = false;
        return (!rest.is_empty()).then_some(parts);
    }
    parts.path = rest;
    if let Some(rest) = rest.strip_prefix("//") {
        let end = rest.find('/').unwrap_or(rest.len());
        parts.path = &rest[end..];
        let authority = &rest[..end];
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let (host, port) = match address.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, port)) => (host, port),
            None => (address, ""),
        };
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        // A name that is none is no error, but then there is neither host nor port.
        if host.starts_with('[') || host.bytes().all(is_name) {
            parts.host = host;
            parts.port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
        }
    }
    (!parts.path.contains(['[', ']'])).then_some(parts)
}

/// Whether two hexadecimal digits follow each `%`.
fn escapes(url: &str) -> bool {
    let is_escape = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    url.split('%').skip(1).all(is_escape)
}

/// Decodes `%41`. What is no UTF-8 then becomes the replacement character.
fn unescaped(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match escaped.filter(|_| byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Decodes a form's value, in which `+` is a space.
fn decoded(text: &str) -> Result<String, String> {
    match escapes(text) {
        true => Ok(unescaped(&text.replace('+', " "))),
        false => Err(format!("\"{text}\" has a `%` without two hexadecimal digits")),
    }
}

fn part(call: &Call, part: fn(Url<'_>) -> String) -> Result<ArrayRef> {
    let parts: StringViewArray = call.each(|row| Ok(parse(call.text(0, row)).map(part)))?;
    Ok(Arc::new(parts))
}

fn port(call: &Call) -> Result<ArrayRef> {
    let ports: Int64Array = call.each(|row| Ok(parse(call.text(0, row)).and_then(|url| url.port)))?;
    Ok(Arc::new(ports))
}

/// Value of the first parameter of this name, decoded; empty if it has none, NULL if it is not there.
fn parameter(call: &Call) -> Result<ArrayRef> {
    let values: StringViewArray = call.each(|row| {
        let Some(url) = parse(call.text(0, row)).filter(|url| url.has_query) else {
            return Ok(None);
        };
        let pairs = url.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let found = pairs.into_iter().find(|(name, _)| *name == call.text(1, row));
        found.map(|(_, value)| decoded(value)).transpose()
    })?;
    Ok(Arc::new(values))
}

fn encode(call: &Call) -> Result<ArrayRef> {
    let encoded: StringViewArray = call.each(|row| {
        let bytes = call.text(0, row).bytes();
        Ok(Some(bytes.fold(String::new(), |mut text, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => text.push(char::from(byte)),
                b' ' => text.push('+'),
                byte => text += &format!("%{byte:02X}"),
            }
            text
        })))
    })?;
    Ok(Arc::new(encoded))
}

fn decode(call: &Call) -> Result<ArrayRef> {
    let texts: StringViewArray = call.each(|row| decoded(call.text(0, row)).map(Some))?;
    Ok(Arc::new(texts))
}
