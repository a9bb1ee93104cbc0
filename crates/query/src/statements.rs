//! Text as statements: where each begins and ends.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer};

use crate::fault::Place;

/// A statement of a text of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Without the semicolon.
    pub sql: String,
    /// Where it begins in the whole text.
    pub place: Place,
}

/// The statements of a text, cut at semicolons that are not inside of strings, names and comments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Those that a semicolon ends. Empty ones are left out.
    pub statements: Vec<Piece>,
    /// What follows the last semicolon, unless it is nothing but space and comments.
    pub rest: Option<Piece>,
    /// Whether the text ends inside of a string, a quoted name or a comment.
    pub is_open: bool,
}

impl Script {
    pub fn parse(text: &str) -> Script {
        let (tokens, whole) = tokens(text);
        let mut script = Script { is_open: !whole, ..Script::default() };
        let mut begin: Option<Place> = None;
        for TokenWithSpan { token, span } in &tokens {
            match token {
                Token::SemiColon => {
                    let end = place(*span).offset(text);
                    script.statements.extend(begin.take().map(|begin| piece(text, begin, end)));
                }
                Token::Whitespace(_) | Token::EOF => {}
                _ => begin = begin.or(Some(place(*span))),
            }
        }
        if !whole && begin.is_none() {
            // A string, a name or a comment that does not end takes all that follows.
            let after = tokens.last().map_or(Place { line: 1, column: 1, width: 0 }, |last| Place {
                line: last.span.end.line as usize,
                column: last.span.end.column as usize,
                width: 0,
            });
            begin = Some(after);
        }
        script.rest = begin.map(|begin| piece(text, begin, text.len()));
        script
    }

    /// All statements, the last one too if it lacks its semicolon.
    pub fn all(self) -> Vec<Piece> {
        self.statements.into_iter().chain(self.rest).collect()
    }
}

fn piece(text: &str, begin: Place, end: usize) -> Piece {
    Piece { sql: text[begin.offset(text)..end].trim_end().to_owned(), place: begin }
}

/// The names and single-quoted texts in a statement, in their order. Keywords are written as names are.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (String, Place)> {
    tokens(text).0.into_iter().filter_map(|token| match token.token {
        Token::Word(word) => Some((word.value, place(token.span))),
        Token::SingleQuotedString(text) => Some((text, place(token.span))),
        _ => None,
    })
}

/// The tokens of a text, and whether they are all: not if a string, a name or a comment does not end.
fn tokens(text: &str) -> (Vec<TokenWithSpan>, bool) {
    let mut tokens = Vec::new();
    let whole = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location_into_buf(&mut tokens).is_ok();
    (tokens, whole)
}

fn place(span: Span) -> Place {
    let one_line = span.start.line == span.end.line;
    let width = if one_line { span.end.column.saturating_sub(span.start.column) } else { 0 };
    Place { line: span.start.line as usize, column: span.start.column as usize, width: width as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_end_statements_where_they_stand_for_themselves() {
        for (text, statements, rest) in [
            ("", &[][..], None),
            (" ; ;\n-- nothing; at all\n/* or; */", &[], None),
            ("SELECT 1", &[], Some("SELECT 1")),
            ("SELECT 1;", &["SELECT 1"], None),
            ("SELECT 1 ;SELECT ';'; -- x;\nSELECT \"a;b\"", &["SELECT 1", "SELECT ';'"], Some("SELECT \"a;b\"")),
            ("SELECT $$a;b$$, $x$;$$;$x$;", &["SELECT $$a;b$$, $x$;$$;$x$"], None),
            ("SELECT 'it''s;", &[], Some("SELECT 'it''s;")),
            ("SELECT 1; SELECT 'open", &["SELECT 1"], Some("SELECT 'open")),
            ("SELECT 1; /* open;", &["SELECT 1"], Some("/* open;")),
            ("'open;", &[], Some("'open;")),
            ("SELECT 'Grüße;🦅';\nSELECT 2;", &["SELECT 'Grüße;🦅'", "SELECT 2"], None),
        ] {
            let script = Script::parse(text);
            let found: Vec<&str> = script.statements.iter().map(|piece| piece.sql.as_str()).collect();
            assert_eq!(found, statements, "{text}");
            let is_open = rest.is_some_and(|rest| rest.contains("open") || rest.contains("''s;"));
            assert_eq!(script.is_open, is_open, "{text}");
            assert_eq!(script.rest.map(|rest| rest.sql.trim_start().to_owned()).as_deref(), rest, "{text}");
        }
    }

    #[test]
    fn statements_know_where_they_begin() {
        let script = Script::parse("SELECT 1;\n\n  SELECT\n 2; SELECT 3");
        let places: Vec<_> = script.all().iter().map(|piece| (piece.place.line, piece.place.column)).collect();
        assert_eq!(places, [(1, 1), (3, 3), (4, 5)]);
    }
}
