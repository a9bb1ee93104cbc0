//! Lines that a format string describes: slots for values, and fixed text before, between and behind them.
//!
//! nginx's `log_format` and Apache's `LogFormat` become one. Most slots end where their shape does, or at a quote that no value can
//! hold; others end where the fixed text behind them comes first, and if the rest of the line does not fit then, where it comes next.

use memchr::memmem::Finder;

/// What a slot may hold.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// So many bytes.
    Fixed(usize),
    /// Digits, points and dashes; may be empty.
    Number,
    /// No space, and not what stands behind the slot.
    Word,
    /// Up to this byte, with which the next slot begins.
    Until(u8),
    /// Words of several upstreams, as nginx writes them: `a, b : c`.
    List,
    /// In quotes: no quote but behind a backslash.
    Quoted,
    /// Anything.
    Text,
    /// A time as `strftime` writes it; in the format's own list of them.
    Time(Strftime),
}

/// A time's layout, of [`chrono::format`].
#[derive(Debug, Clone)]
pub(crate) struct Strftime(pub(crate) Vec<chrono::format::Item<'static>>);

impl Strftime {
    /// How many of the bytes are such a time.
    fn length(&self, bytes: &[u8]) -> Option<usize> {
        // No time is longer; what is cut off at the end may be half a character.
        let head = &bytes[..bytes.len().min(128)];
        let text = head.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let mut parsed = chrono::format::Parsed::new();
        let rest = chrono::format::parse_and_remainder(&mut parsed, text, self.0.iter()).ok()?;
        Some(text.len() - rest.len())
    }
}

#[derive(Debug, Clone)]
struct Slot {
    shape: Shape,
    /// What stands behind it. Empty for the last one, or where the shape tells the end.
    after: Finder<'static>,
}

/// Where a value stands in its line: from, to.
pub(crate) type Range = (u32, u32);

/// What no slot of the line has.
pub(crate) const ABSENT: Range = (u32::MAX, u32::MAX);

#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    prefix: Vec<u8>,
    slots: Vec<Slot>,
}

/// How far a line fits: up to slot `slot`, of which nothing that fits begins at byte `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) slot: usize,
    pub(crate) at: usize,
}

struct Search {
    furthest: Mismatch,
    /// Places that may still be tried: a hostile line must not cost more than its length in reason.
    tries: usize,
}

impl Search {
    fn fail(&mut self, slot: usize, at: usize) -> Option<usize> {
        if (slot, at) >= (self.furthest.slot, self.furthest.at) {
            self.furthest = Mismatch { slot, at };
        }
        None
    }
}

impl Pattern {
    const TRIES: usize = 4096;

    /// Fixed text, then slots, each with the fixed text behind it.
    pub(crate) fn new(prefix: &[u8], slots: impl IntoIterator<Item = (Shape, Vec<u8>)>) -> Pattern {
        let slots = slots.into_iter().map(|(shape, after)| Slot { shape, after: Finder::new(&after).into_owned() });
        Pattern { prefix: prefix.to_vec(), slots: slots.collect() }
    }

    /// Finds where the values stand, and where the pattern ends: at the end of the line, or before a space, with fields behind it that
    /// the pattern does not have. A line may also end early, behind a slot that is closed by a quote or bracket: it is older than
    /// the format, and the slots that it lacks are [`ABSENT`].
    pub(crate) fn find(&self, line: &[u8], values: &mut [Range]) -> Result<usize, Mismatch> {
        if !begins(line, &self.prefix) {
            return Err(Mismatch { slot: 0, at: 0 });
        }
        let mut search = Search { furthest: Mismatch { slot: 0, at: 0 }, tries: Pattern::TRIES };
        self.find_from(line, 0, self.prefix.len(), values, &mut search).ok_or(search.furthest)
    }

    fn find_from(
        &self,
        line: &[u8],
        first: usize,
        mut at: usize,
        values: &mut [Range],
        search: &mut Search,
    ) -> Option<usize> {
        for (i, slot) in self.slots.iter().enumerate().skip(first) {
            let rest = &line[at..];
            let after = slot.after.needle();
            let length = match &slot.shape {
                Shape::Fixed(length) => *length,
                Shape::Number => rest.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')).count(),
                Shape::Word => word(rest, after),
                Shape::List => list(rest, after),
                Shape::Until(byte) => memchr::memchr(*byte, rest).unwrap_or(rest.len()),
                Shape::Time(time) => match time.length(rest) {
                    Some(length) => length,
                    None => return search.fail(i, at),
                },
                Shape::Quoted if after.first() == Some(&b'"') => match closing_quote(rest) {
                    Some(length) => length,
                    None => return search.fail(i, at),
                },
                Shape::Quoted | Shape::Text if after.is_empty() => rest.len(),
                Shape::Quoted | Shape::Text => {
                    return self.find_text(line, i, at, values, search);
                }
            };
            let Some(behind) = rest.get(length..) else { return search.fail(i, at) };
            values[i] = (at as u32, (at + length) as u32);
            if begins(behind, after) {
                at += length + after.len();
            } else if !after.is_empty() && closing(after) == Some(behind) {
                values[i + 1..].fill(ABSENT);
                return Some(line.len());
            } else {
                return search.fail(i, at + length);
            }
        }
        match line.get(at) {
            None | Some(b' ') => Some(at),
            Some(_) => search.fail(self.slots.len() - 1, at),
        }
    }

    /// A slot that ends where what stands behind it comes, and the rest fits.
    fn find_text(
        &self,
        line: &[u8],
        slot: usize,
        at: usize,
        values: &mut [Range],
        search: &mut Search,
    ) -> Option<usize> {
        let after = &self.slots[slot].after;
        // The last one reaches to the end of the line, whatever it holds.
        if slot + 1 == self.slots.len()
            && let Some(text) = line[at..].strip_suffix(after.needle())
        {
            values[slot] = (at as u32, (at + text.len()) as u32);
            return Some(line.len());
        }
        let mut from = at;
        while let Some(found) = after.find(&line[from..]) {
            let end = from + found;
            if let Some(end_of_line) = self.find_from(line, slot + 1, end + after.needle().len(), values, search) {
                values[slot] = (at as u32, end as u32);
                return Some(end_of_line);
            }
            search.tries = search.tries.saturating_sub(1);
            if search.tries == 0 {
                return None;
            }
            from = end + 1;
        }
        if let Some(closing) = closing(after.needle())
            && let Some(text) = line[at..].strip_suffix(closing)
        {
            values[slot] = (at as u32, (at + text.len()) as u32);
            values[slot + 1..].fill(ABSENT);
            return Some(line.len());
        }
        search.fail(slot, at)
    }
}

/// `starts_with` without the call that comparing slices is: the texts between slots are short. Of nothing, which has no place in memory, the
/// call would even take some hundred cycles.
#[inline]
fn begins(text: &[u8], prefix: &[u8]) -> bool {
    text.len() >= prefix.len() && text.iter().zip(prefix).all(|(a, b)| a == b)
}

/// What of the text between two slots belongs to the first: the quote or bracket before the space.
fn closing(after: &[u8]) -> Option<&[u8]> {
    let space = memchr::memchr(b' ', after)?;
    (space > 0).then(|| &after[..space])
}

fn word(rest: &[u8], after: &[u8]) -> usize {
    let stop = after.first().copied().unwrap_or(b' ');
    let mut at = 0;
    while let Some(i) = memchr::memchr2(b' ', stop, &rest[at..]).map(|i| at + i) {
        if rest[i] == b' ' || begins(&rest[i..], after) {
            return i;
        }
        at = i + 1;
    }
    rest.len()
}

fn list(rest: &[u8], after: &[u8]) -> usize {
    let stop = after.first().copied().unwrap_or(b' ');
    let mut at = 0;
    loop {
        at += rest[at..].iter().take_while(|&&b| b != b' ' && b != b',' && b != stop).count();
        match &rest[at..] {
            [b',', b' ', ..] => at += 2,
            [b' ', b':', b' ', ..] => at += 3,
            _ => return at,
        }
    }
}

/// Where the quoted text that begins here ends: at the first quote without a backslash before it.
pub(crate) fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let i = at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[i] == b'"' {
            return Some(i);
        }
        at = i + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(slots: &[(Shape, &str)]) -> Pattern {
        Pattern::new(b"<", slots.iter().map(|(shape, after)| (shape.clone(), after.as_bytes().to_vec())))
    }

    fn values<'a>(pattern: &Pattern, line: &'a str) -> Result<(Vec<Option<&'a str>>, &'a str), Mismatch> {
        let mut ranges = vec![ABSENT; pattern.slots.len()];
        let end = pattern.find(line.as_bytes(), &mut ranges)?;
        let value = |&(from, to): &Range| line.get(from as usize..to as usize);
        Ok((ranges.iter().map(value).collect(), &line[end..]))
    }

    #[test]
    fn text_ends_where_the_rest_fits() {
        let p = pattern(&[(Shape::Text, " "), (Shape::Number, " \""), (Shape::Text, "\"")]);
        assert_eq!(values(&p, r#"<GET / 1 200 "a""#), Ok((vec![Some("GET / 1"), Some("200"), Some("a")], "")));
        assert_eq!(values(&p, r#"<x 200 "a "b" c""#), Ok((vec![Some("x"), Some("200"), Some("a \"b\" c")], "")));
        assert_eq!(values(&p, r#"<x 200 "a" more"#), Ok((vec![Some("x"), Some("200"), Some("a")], " more")));
        assert_eq!(values(&p, "<x y z"), Err(Mismatch { slot: 1, at: 5 }));
    }

    #[test]
    fn lists_quotes_and_older_lines() {
        let p = pattern(&[(Shape::List, " \""), (Shape::Quoted, "\" \""), (Shape::Quoted, "\"")]);
        let list = "10.0.0.1:80, unix:/a : -";
        let line = format!(r#"<{list} "q\" r" "s" "new""#);
        assert_eq!(values(&p, &line), Ok((vec![Some(list), Some(r#"q\" r"#), Some("s")], " \"new\"")));
        assert_eq!(values(&p, r#"<- "q""#), Ok((vec![Some("-"), Some("q"), None], "")));
        assert!(values(&p, r#"<- "q"#).is_err());
    }

    #[test]
    fn hostile_lines_end() {
        let p = pattern(&[
            (Shape::Text, " "),
            (Shape::Text, " "),
            (Shape::Text, " "),
            (Shape::Text, " "),
            (Shape::Number, "!"),
        ]);
        assert!(values(&p, &"< ".repeat(100_000)).is_err());
    }
}
