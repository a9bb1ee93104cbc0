//! A `LogFormat` of Apache, compiled.

use std::fmt;

use super::directives::{Field, directive};
use super::time::TimePart;
use crate::web::fields::Named;
use crate::web::pattern::{Pattern, Shape, Strftime};

/// What a slot of the format is.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    Known(Field),
    /// A part of a time; how they make one is for [`super::time`] to know.
    Time(TimePart),
    /// A directive without a column, as it is written.
    Other(String),
}

/// A user's `LogFormat`. Parsed from the format string alone, or from the directive as it stands in Apache's configuration
/// (`LogFormat "..." name`).
#[derive(Clone)]
pub struct LogFormat {
    text: String,
    pub(super) pattern: Pattern,
    pub(super) slots: Vec<Slot>,
}

impl fmt::Debug for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogFormat").field(&self.text).finish()
    }
}

/// Why a format string cannot be used, and where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("LogFormat, byte {at}: {problem}")]
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
    /// When a directive is torn or unknown, two of them stand so that nobody can tell where the first ends, or there is no time.
    pub fn parse(text: &str) -> Result<LogFormat, LogFormatError> {
        let pieces = pieces(&unquoted(text)?)?;
        let mut slots = Vec::new();
        let mut shapes = Vec::new();
        let mut prefix = Vec::new();
        let mut i = 0;
        while i < pieces.len() {
            match &pieces[i] {
                Piece::Text(literal) if i == 0 => prefix.clone_from(literal),
                Piece::Text(_) => {} // taken by the directive before it
                Piece::Directive(Slot::Known(Field::Path), ..)
                    if matches!(pieces.get(i + 1), Some(Piece::Directive(Slot::Known(Field::Query), ..))) =>
                {
                    let after = after(&pieces, i + 1)?;
                    shapes.push((shape(&Slot::Known(Field::RequestUri), &after), after));
                    slots.push(Slot::Known(Field::RequestUri));
                    i += 1;
                }
                Piece::Directive(slot, ..) => {
                    let after = after(&pieces, i)?;
                    shapes.push((shape(slot, &after), after));
                    slots.push(slot.clone());
                }
            }
            i += 1;
        }
        if !slots.iter().any(|slot| matches!(slot, Slot::Known(Field::Time) | Slot::Time(_))) {
            return Err(LogFormatError { at: text.len(), problem: "there is no time in it: %t is needed".into() });
        }
        Ok(LogFormat { text: text.to_string(), pattern: Pattern::new(&prefix, shapes), slots })
    }

    /// The name of a slot, as the user wrote it.
    pub(super) fn slot_name(&self, slot: usize) -> &str {
        match self.slots.get(slot) {
            Some(Slot::Known(field)) => field.name(),
            Some(Slot::Other(name)) => name,
            Some(Slot::Time(_)) => "%{...}t",
            None => "",
        }
    }
}

/// The fixed text behind a directive.
fn after(pieces: &[Piece], i: usize) -> Result<Vec<u8>, LogFormatError> {
    match (&pieces[i], pieces.get(i + 1)) {
        (_, None) => Ok(Vec::new()),
        (_, Some(Piece::Text(literal))) => Ok(literal.clone()),
        // Times end by themselves, and so does what a letter ends.
        (Piece::Directive(Slot::Known(Field::Time) | Slot::Time(_), ..), _) => Ok(Vec::new()),
        (Piece::Directive(_, name, at), Some(Piece::Directive(_, next, _))) => {
            let problem = format!("nothing stands between {name} and {next}: where the first one ends cannot be told");
            Err(LogFormatError { at: *at, problem })
        }
        (Piece::Text(_), _) => Ok(Vec::new()),
    }
}

fn shape(slot: &Slot, after: &[u8]) -> Shape {
    let unquoted = match slot {
        Slot::Known(field) => field.shape(),
        Slot::Time(TimePart::Layout { items, .. }) => return Shape::Time(Strftime(items.clone())),
        Slot::Time(_) => Shape::Number,
        Slot::Other(_) => Shape::Text,
    };
    match (after.first(), unquoted) {
        (_, fixed @ Shape::Fixed(_)) => fixed,
        (Some(b'"'), _) => Shape::Quoted,
        // An address has colons of its own.
        (Some(b':'), Shape::Word) => Shape::Text,
        (_, unquoted) => unquoted,
    }
}

#[derive(Debug)]
enum Piece {
    Text(Vec<u8>),
    /// What it is, as it is written, where.
    Directive(Slot, String, usize),
}

/// Splits the format into fixed text and directives: `%`, perhaps `!200,304`, `<` or `>`, perhaps `{...}`, a letter (or `^` and two).
fn pieces(format: &[(u8, usize)]) -> Result<Vec<Piece>, LogFormatError> {
    let mut pieces: Vec<Piece> = Vec::new();
    let add_text = |pieces: &mut Vec<Piece>, byte| match pieces.last_mut() {
        Some(Piece::Text(literal)) => literal.push(byte),
        _ => pieces.push(Piece::Text(vec![byte])),
    };
    let mut i = 0;
    while i < format.len() {
        let (byte, at) = format[i];
        i += 1;
        if byte != b'%' {
            add_text(&mut pieces, byte);
            continue;
        }
        let error = |problem: &str| LogFormatError { at, problem: problem.to_string() };
        let mut argument = None;
        let letter = loop {
            let Some((byte, _)) = format.get(i) else { return Err(error("a % without a directive")) };
            i += 1;
            match byte {
                b'!' | b'0'..=b'9' | b',' | b'<' | b'>' => {}
                b'{' => {
                    let Some(length) = format[i..].iter().position(|(byte, _)| *byte == b'}') else {
                        return Err(error("a %{ without its }"));
                    };
                    let bytes: Vec<u8> = format[i..i + length].iter().map(|(byte, _)| *byte).collect();
                    argument = Some(String::from_utf8_lossy(&bytes).into_owned());
                    i += length + 1;
                }
                b'^' => {
                    let letters: String = format[i..].iter().take(2).map(|(byte, _)| *byte as char).collect();
                    i += letters.len();
                    break format!("^{letters}");
                }
                b'%' => break "%".to_string(),
                _ => break (*byte as char).to_string(),
            }
        };
        if letter == "%" {
            add_text(&mut pieces, b'%');
            continue;
        }
        let written = match &argument {
            Some(argument) => format!("%{{{argument}}}{letter}"),
            None => format!("%{letter}"),
        };
        let slot = match (letter.as_str(), argument.as_deref()) {
            ("t", Some(layout)) => Slot::Time(TimePart::parse(layout).map_err(|problem| error(&problem))?),
            (letter, argument) => match directive(letter, argument) {
                Some(field) => Slot::Known(field),
                None if is_directive(letter) => Slot::Other(written.clone()),
                None => return Err(error(&format!("{written} is no directive of Apache's"))),
            },
        };
        pieces.push(Piece::Directive(slot, written, at));
    }
    Ok(pieces)
}

fn is_directive(letter: &str) -> bool {
    matches!(letter, "^ti" | "^to" | "^FU" | "^FB") || "aABbCDefhHiIklLmnoOpPqrRsStTuUvVX".contains(letter)
}

/// The format string, each byte with its place in the text; the name of the directive, its quotes and escapes are taken off.
fn unquoted(text: &str) -> Result<Vec<(u8, usize)>, LogFormatError> {
    let trimmed = text.trim_end();
    let mut from = trimmed.len() - trimmed.trim_start().len();
    let mut quote = None;
    if let Some(strings) = trimmed.trim_start().strip_prefix("LogFormat").filter(|s| s.starts_with(char::is_whitespace))
    {
        from = trimmed.len() - strings.trim_start().len();
        quote = strings.trim_start().bytes().next().filter(|byte| matches!(byte, b'"' | b'\''));
        from += usize::from(quote.is_some());
    }
    let mut format = Vec::new();
    let mut bytes = trimmed.bytes().enumerate().skip(from);
    while let Some((at, byte)) = bytes.next() {
        if Some(byte) == quote {
            return Ok(format); // what follows is the nickname
        }
        if byte != b'\\' {
            format.push((byte, at));
            continue;
        }
        match bytes.next() {
            Some((_, b'n')) => format.push((b'\n', at)),
            Some((_, b't')) => format.push((b'\t', at)),
            Some((_, escaped @ (b'"' | b'\'' | b'\\'))) => format.push((escaped, at)),
            Some((next, other)) => format.extend([(b'\\', at), (other, next)]),
            None => format.push((b'\\', at)),
        }
    }
    match quote {
        None => Ok(format),
        Some(_) => Err(LogFormatError { at: from - 1, problem: "the quote is never closed".into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(text: &str) -> Vec<String> {
        let format = LogFormat::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        (0..format.slots.len()).map(|i| format.slot_name(i).to_string()).collect()
    }

    #[test]
    fn strings_and_directives() {
        let bare = slots(r#"%h %l %u %t "%r" %>s %b %D"#);
        assert_eq!(bare, ["%h", "%l", "%u", "%t", "%r", "%>s", "%b", "%D"]);
        assert_eq!(slots(r#"LogFormat "%h %l %u %t \"%r\" %>s %b %D" timed"#), bare);
        assert_eq!(slots(r#"%h %l %u %t \"%r\" %>s %b %D"#), bare);
        assert_eq!(slots("%t %m %U%q %H"), ["%t", "%m", "%U%q", "%H"]);
        assert_eq!(slots("%t %!200,304{Referer}i 100%% %{Foo}e %^FB"), ["%t", "%{Referer}i", "%{Foo}e", "%^FB"]);
    }

    #[test]
    fn errors_say_what_and_where() {
        for (text, message) in [
            ("%t %", "LogFormat, byte 3: a % without a directive"),
            ("%t %{Referer", "LogFormat, byte 3: a %{ without its }"),
            ("%t %Z", "LogFormat, byte 3: %Z is no directive of Apache's"),
            ("%t %h%l", "LogFormat, byte 3: nothing stands between %h and %l: where the first one ends cannot be told"),
            ("%h %l", "LogFormat, byte 5: there is no time in it: %t is needed"),
            ("LogFormat \"%t", "LogFormat, byte 10: the quote is never closed"),
            ("%{%Q}t", "LogFormat, byte 0: %Q: not of a time that strftime writes"),
        ] {
            assert_eq!(LogFormat::parse(text).err().map(|e| e.to_string()).as_deref(), Some(message), "{text}");
        }
    }
}
