//! A fault of SQL, with the line it is in and a caret below it.

use albatross_query::{Error, Place};
use anyhow::Result;

use crate::exit::{self, Exit};
use crate::logs;
use crate::show::safe;

/// Of a long line so many characters are shown on each side of the fault.
const AROUND: usize = 60;

/// Says what is wrong with the statement that begins at `begin` of `text`, if it is a fault that has a place; else it is the caller's error.
/// `name` is that of the file that the text is from.
pub(super) fn tell(error: anyhow::Error, text: &str, begin: Place, name: Option<&str>) -> Result<Exit> {
    let fault = error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(Error::Sql(fault)) => Some(fault.clone()),
        _ => None,
    });
    let place = fault.as_ref().and_then(|fault| fault.place).map(|place| place.within(begin));
    let (Some(fault), Some(place)) = (fault, place) else {
        let Some(name) = name else { return Err(error) };
        return Err(error.context(format!("{name}, line {}", begin.line)));
    };
    let name = name.map_or(String::new(), |name| format!("{name}, "));
    tracing::error!("{name}line {}, column {}: {}", place.line, place.column, safe(&fault.message));
    if logs::for_people() {
        eprintln!("{}", excerpt(text, place));
    }
    Ok(exit::of(&error))
}

/// The line, and below it what marks the place.
fn excerpt(text: &str, place: Place) -> String {
    let line: Vec<char> = text.lines().nth(place.line - 1).unwrap_or_default().chars().collect();
    let at = (place.column - 1).min(line.len());
    let (first, last) = (at.saturating_sub(AROUND), (at + AROUND).min(line.len()));
    let shown = |part: &[char]| safe(&part.iter().collect::<String>().replace('\t', " "));
    let dots = if first > 0 { "..." } else { "" };
    let (before, after) = (format!("{dots}{}", shown(&line[first..at])), shown(&line[at..last]));
    let width = place.width.clamp(1, (last - at).max(1));
    let more = if last < line.len() { "..." } else { "" };
    format!("  {before}{after}{more}\n  {}{}", " ".repeat(before.chars().count()), "^".repeat(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_below_the_fault() {
        let at = |line, column, width| Place { line, column, width };
        for (text, place, shown) in [
            ("SELECT rout FROM alb", at(1, 8, 4), "  SELECT rout FROM alb\n         ^^^^"),
            ("SELECT\n\tx\nFROM", at(2, 2, 1), "   x\n   ^"),
            ("SELECT", at(1, 7, 0), "  SELECT\n        ^"),
            ("Grüße ü;", at(1, 7, 1), "  Grüße ü;\n        ^"),
            ("", at(3, 9, 5), "  \n  ^"),
        ] {
            assert_eq!(excerpt(text, place), shown);
        }
        let long = format!("SELECT {} oops, {}", "a, ".repeat(100), "b, ".repeat(100));
        let column = long.find("oops").unwrap() + 1;
        let shown = excerpt(&long, at(1, column, 4));
        let (line, caret) = shown.split_once('\n').unwrap();
        assert!(line.len() < 140 && line.starts_with("  ...") && line.ends_with("..."), "{shown}");
        assert_eq!(line.find("oops"), caret.find('^'), "{shown}");
    }
}
