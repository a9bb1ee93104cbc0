//! A `log_format` of nginx, compiled.

use std::fmt;

use super::variables::{Var, alias};
use crate::web::fields::Named;
use crate::web::pattern::{Pattern, Shape};

/// How values are escaped: `escape=` of the directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// `\x22`: no quote is in a value.
    Default,
    /// `\"`, and what is not set is empty.
    Json,
    /// Not at all.
    None,
}

/// What a slot of the format is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Known(Var),
    /// A variable without a column, by its name.
    Other(String),
}

/// A user's `log_format`. Parsed from the format string alone, from several strings in quotes, or from the directive as it stands in nginx's
/// configuration (`log_format NAME escape=json '...' '...';`).
#[derive(Clone)]
pub struct LogFormat {
    text: String,
    pub(super) pattern: Pattern,
    pub(super) slots: Vec<Slot>,
    pub(super) escape: Escape,
}

impl fmt::Debug for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogFormat").field(&self.text).finish()
    }
}

/// Why a format string cannot be used, and where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("log_format, byte {at}: {problem}")]
pub struct LogFormatError {
    /// Byte of the text that was given, from 0.
    pub at: usize,
    pub problem: String,
}

impl std::str::FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(text: &str) -> Result<LogFormat, LogFormatError> {
        LogFormat::parse(text)
    }
}

impl LogFormat {
    /// # Errors
    /// When a quote is open, a `$` has no name, two variables stand so that nobody can tell where the first ends, or there is no time.
    pub fn parse(text: &str) -> Result<LogFormat, LogFormatError> {
        let (format, escape) = read_directive(text)?;
        let pieces = pieces(&format)?;
        let mut slots = Vec::new();
        let mut shapes = Vec::new();
        let mut prefix = Vec::new();
        let mut i = 0;
        while i < pieces.len() {
            match &pieces[i] {
                Piece::Text(literal) if i == 0 => prefix.clone_from(literal),
                Piece::Text(_) => {} // taken by the variable before it
                Piece::Variable { name, at } => {
                    let (slot, width) = slot_of(name, &pieces[i + 1..]);
                    let after = match pieces.get(i + width) {
                        None => &[],
                        Some(Piece::Text(literal)) => literal.as_slice(),
                        Some(Piece::Variable { name: next, .. }) if !ends_before(&slot, next) => {
                            let problem = format!(
                                "nothing stands between ${name} and ${next}: where the first one ends cannot be told"
                            );
                            return Err(LogFormatError { at: *at, problem });
                        }
                        Some(Piece::Variable { .. }) => &[],
                    };
                    shapes.push((shape(&slot, escape, after, i + width == pieces.len()), after.to_vec()));
                    slots.push(slot);
                    i += width - 1;
                }
            }
            i += 1;
        }
        let is_time = |slot: &Slot| matches!(slot, Slot::Known(Var::TimeLocal | Var::TimeIso8601 | Var::Msec));
        if !slots.iter().any(is_time) {
            let problem = "there is no time in it: $time_local, $time_iso8601 or $msec is needed".to_string();
            return Err(LogFormatError { at: text.len(), problem });
        }
        Ok(LogFormat { text: text.to_string(), pattern: Pattern::new(&prefix, shapes), slots, escape })
    }

    /// The name of a slot, as the user wrote it.
    pub(super) fn slot_name(&self, slot: usize) -> &str {
        match self.slots.get(slot) {
            Some(Slot::Known(var)) => var.name(),
            Some(Slot::Other(name)) => name,
            None => "",
        }
    }
}

#[derive(Debug)]
enum Piece {
    Text(Vec<u8>),
    Variable { name: String, at: usize },
}

/// The slot of a variable, and how many pieces it takes: `$uri$is_args$args` is one.
fn slot_of(name: &str, rest: &[Piece]) -> (Slot, usize) {
    let variable = |i: usize| match rest.get(i) {
        Some(Piece::Variable { name, .. }) => name.as_str(),
        _ => "",
    };
    if matches!((name, variable(0), variable(1)), ("uri" | "document_uri", "is_args", "args" | "query_string")) {
        return (Slot::Known(Var::RequestUri), 3);
    }
    let known = Var::named(name).or_else(|| match name {
        // Other names of the same, of nginx's modules and of ingress-nginx.
        "document_uri" | "query_string" | "the_real_ip" | "req_id" | "proxy_add_x_forwarded_for" => alias(name),
        _ => None,
    });
    (known.map_or_else(|| Slot::Other(name.to_string()), Slot::Known), 1)
}

/// Whether the slot's end can be told although a variable follows at once.
fn ends_before(slot: &Slot, next: &str) -> bool {
    let Slot::Known(var) = slot else { return false };
    matches!(var.shape(), Shape::Fixed(_)) || is_host(*var) && matches!(next, "request_uri" | "uri" | "document_uri")
}

fn is_host(var: Var) -> bool {
    matches!(var, Var::Host | Var::HttpHost | Var::ServerName)
}

/// Behind a quote, what a slot may hold is for the escaping to say.
fn shape(slot: &Slot, escape: Escape, after: &[u8], is_last: bool) -> Shape {
    let unquoted = match slot {
        Slot::Known(var) => var.shape(),
        Slot::Other(_) => Shape::Text,
    };
    match (after.first(), escape) {
        (Some(b'"'), Escape::Default | Escape::Json) if !matches!(unquoted, Shape::Fixed(_)) => Shape::Quoted,
        (Some(b'"' | b'\''), _) if !matches!(unquoted, Shape::Fixed(_)) => Shape::Text,
        // With nothing between them: the path begins with a slash, the host before it has none.
        (None, _) if !is_last && matches!(slot, Slot::Known(var) if is_host(*var)) => Shape::Until(b'/'),
        _ => unquoted,
    }
}

/// Splits the format into fixed text and variables.
fn pieces(format: &[(u8, usize)]) -> Result<Vec<Piece>, LogFormatError> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut i = 0;
    while i < format.len() {
        let (byte, at) = format[i];
        if byte != b'$' {
            match pieces.last_mut() {
                Some(Piece::Text(literal)) => literal.push(byte),
                _ => pieces.push(Piece::Text(vec![byte])),
            }
            i += 1;
            continue;
        }
        let braced = matches!(format.get(i + 1), Some((b'{', _)));
        let from = i + 1 + usize::from(braced);
        let is_name = |(byte, _): &&(u8, usize)| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = format[from..].iter().take_while(is_name).count();
        let name: String = format[from..from + length].iter().map(|(byte, _)| *byte as char).collect();
        let problem = if name.is_empty() {
            "a $ without the name of a variable"
        } else if braced && !matches!(format.get(from + length), Some((b'}', _))) {
            "a ${ without its }"
        } else {
            ""
        };
        if !problem.is_empty() {
            return Err(LogFormatError { at, problem: problem.to_string() });
        }
        pieces.push(Piece::Variable { name, at });
        i = from + length + usize::from(braced);
    }
    Ok(pieces)
}

/// The format string, each byte with its place in the text; a directive's name, quotes and escapes are taken off.
fn read_directive(text: &str) -> Result<(Vec<(u8, usize)>, Escape), LogFormatError> {
    let text = text.trim_end();
    let trimmed = text.trim_start();
    let mut rest = trimmed;
    let mut escape = Escape::Default;
    if let Some(directive) = trimmed.strip_prefix("log_format").filter(|rest| rest.starts_with(char::is_whitespace)) {
        let (_name, strings) = directive.trim_start().split_once(char::is_whitespace).unwrap_or((directive, ""));
        rest = strings.trim_start();
    }
    let place = |rest: &str| text.len() - rest.len();
    if let Some(value) = rest.strip_prefix("escape=") {
        let (value, strings) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        escape = match value {
            "default" => Escape::Default,
            "json" => Escape::Json,
            "none" => Escape::None,
            _ => {
                let problem = format!("escape={value}: it is default, json or none");
                return Err(LogFormatError { at: place(rest), problem });
            }
        };
        rest = strings.trim_start();
    }
    // A format may begin with a quote of its own.
    let is_directive = place(rest) > place(trimmed);
    if !(rest.starts_with('\'') || rest.starts_with('"') && is_directive) {
        return Ok((rest.bytes().enumerate().map(|(i, byte)| (byte, place(rest) + i)).collect(), escape));
    }
    let mut format = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else { break };
        let open = place(rest);
        let mut bytes = text.as_bytes()[open + 1..].iter().enumerate();
        loop {
            let (at, byte) = match bytes.next() {
                None => {
                    return Err(LogFormatError { at: open, problem: format!("the quote {quote} is never closed") });
                }
                Some((i, b'\\')) => match bytes.next() {
                    Some((_, b'n')) => (i, b'\n'),
                    Some((_, b't')) => (i, b'\t'),
                    Some((_, b'r')) => (i, b'\r'),
                    Some((_, escaped @ (b'"' | b'\'' | b'\\'))) => (i, *escaped),
                    Some((j, other)) => {
                        format.push((b'\\', open + 1 + i));
                        (j, *other)
                    }
                    None => (i, b'\\'),
                },
                Some((i, byte)) if char::from(*byte) == quote => {
                    rest = &text[open + 1 + i + 1..];
                    break;
                }
                Some((i, byte)) => (i, *byte),
            };
            format.push((byte, open + 1 + at));
        }
    }
    match rest.trim() {
        "" | ";" => Ok((format, escape)),
        _ => {
            Err(LogFormatError { at: place(rest), problem: "only strings in quotes and a semicolon may follow".into() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(text: &str) -> Vec<String> {
        let format = LogFormat::parse(text).unwrap();
        (0..format.slots.len()).map(|i| format.slot_name(i).to_string()).collect()
    }

    #[test]
    fn strings_and_directives() {
        let bare = slots("$remote_addr [$time_local] \"$request\" ${status} $geo");
        assert_eq!(bare, ["remote_addr", "time_local", "request", "status", "geo"]);
        let directive = "log_format main escape=json '$remote_addr [$time_local] \"$request\" '\n    '$status $geo';";
        assert_eq!(slots(directive), bare);
        assert_eq!(LogFormat::parse(directive).unwrap().escape, Escape::Json);
        assert_eq!(
            slots("escape=none $msec $scheme://$host$uri$is_args$args"),
            ["msec", "scheme", "host", "request_uri"]
        );
        assert_eq!(slots(r#""$http_x_forwarded_for" [$time_local]"#), ["http_x_forwarded_for", "time_local"]);
    }

    #[test]
    fn errors_say_what_and_where() {
        for (text, message) in [
            ("$remote_addr $", "log_format, byte 13: a $ without the name of a variable"),
            ("$msec ${status", "log_format, byte 6: a ${ without its }"),
            (
                "$msec $remote_user$status",
                "log_format, byte 6: nothing stands between $remote_user and $status: where the first one ends cannot be told",
            ),
            (
                "$remote_addr $status",
                "log_format, byte 20: there is no time in it: $time_local, $time_iso8601 or $msec is needed",
            ),
            ("log_format x '$msec", "log_format, byte 13: the quote ' is never closed"),
            ("log_format x escape=yes '$msec'", "log_format, byte 13: escape=yes: it is default, json or none"),
            ("'$msec' $x", "log_format, byte 8: only strings in quotes and a semicolon may follow"),
        ] {
            assert_eq!(LogFormat::parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
