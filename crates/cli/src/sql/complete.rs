//! What Tab offers.

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::commands::COMMANDS;

/// What there is to complete, apart from SQL's own words and files.
pub(super) struct Names {
    /// Tables and views, with their columns.
    pub(super) tables: Vec<(String, Vec<String>)>,
    pub(super) functions: Vec<String>,
    /// Named queries with their options.
    pub(super) queries: Vec<(String, Vec<String>)>,
}

const KEYWORDS: [&str; 66] = [
    "ALL",
    "ANALYZE",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CREATE",
    "CROSS",
    "CURRENT_TIMESTAMP",
    "DATE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTRACT",
    "FALSE",
    "FILTER",
    "FIRST",
    "FOLLOWING",
    "FROM",
    "FULL",
    "FUNCTIONS",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LAST",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "PRECEDING",
    "RIGHT",
    "ROWS",
    "SELECT",
    "SHOW",
    "TABLES",
    "THEN",
    "TIMESTAMP",
    "TRUE",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
];
/// After these a table stands.
const BEFORE_TABLES: [&str; 4] = ["FROM", "JOIN", "DESCRIBE", "TABLE"];

pub(super) struct Completion {
    names: Names,
    /// The lines of the statement before the one that is typed.
    before: String,
    files: FilenameCompleter,
}

impl Completion {
    pub(super) fn new(names: Names, before: String) -> Completion {
        Completion { names, before, files: FilenameCompleter::new() }
    }

    /// What may stand where `word` is begun: after `head`, in a statement that goes on with `tail`.
    fn candidates(&self, head: &str, word: &str, tail: &str) -> Vec<String> {
        let statement = format!("{head} {tail}");
        let words: Vec<&str> = statement.split(|c: char| !is_name(c)).filter(|word| !word.is_empty()).collect();
        if let Some(qualifier) = head.strip_suffix('.') {
            let qualifier = &qualifier[qualifier.rfind(|c: char| !is_name(c)).map_or(0, |at| at + 1)..];
            let of = |name: &str| self.table(name).map(|(_, columns)| columns.clone());
            // The table's own name, or the one that it has in this statement.
            let aliased = words.windows(3).find_map(|w| match w {
                [table, as_, alias] if as_.eq_ignore_ascii_case("as") && *alias == qualifier => of(table),
                [table, alias, _] | [_, table, alias] if *alias == qualifier => of(table),
                _ => None,
            });
            return of(qualifier).or(aliased).unwrap_or_default();
        }
        let last = head.split_whitespace().next_back().unwrap_or_default();
        let listed = head.trim_end().ends_with(',') && BEFORE_TABLES.contains(&clause(head).as_str());
        if BEFORE_TABLES.contains(&last.to_uppercase().as_str()) || listed {
            return self.names.tables.iter().map(|(name, _)| name.clone()).collect();
        }
        let named: Vec<_> = words.iter().filter_map(|word| self.table(word)).collect();
        let all = named.is_empty() && !word.is_empty();
        let tables: Vec<_> = if all { self.names.tables.iter().collect() } else { named };
        let mut found: Vec<String> = tables.iter().flat_map(|(_, columns)| columns.clone()).collect();
        if !word.is_empty() {
            found.extend(self.names.functions.iter().map(|name| format!("{name}(")));
            let upper = word.chars().all(|c| !c.is_lowercase());
            found.extend(KEYWORDS.iter().map(|word| if upper { (*word).to_owned() } else { word.to_lowercase() }));
            found.extend(self.names.tables.iter().map(|(name, _)| name.clone()));
        }
        found
    }

    fn table(&self, name: &str) -> Option<&(String, Vec<String>)> {
        self.names.tables.iter().find(|(table, _)| table.eq_ignore_ascii_case(name))
    }

    fn command(&self, line: &str, word: &str) -> Vec<String> {
        let words: Vec<&str> = line[..line.len() - word.len()].split_whitespace().collect();
        let named = |names: &[(String, Vec<String>)]| names.iter().map(|(name, _)| name.clone()).collect();
        let fixed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match words[..] {
            [] => COMMANDS.iter().map(|(name, _, _)| (*name).to_owned()).collect(),
            [r"\d"] => named(&self.names.tables),
            [r"\df"] => self.names.functions.clone(),
            [r"\run"] => named(&self.names.queries),
            [r"\run", query, ..] => {
                let found = self.names.queries.iter().find(|(name, _)| name == query);
                found.map_or_else(Vec::new, |(_, options)| options.clone())
            }
            [r"\format"] => albatross_query::Format::ALL.iter().map(|format| format.name().to_owned()).collect(),
            [r"\x" | r"\timing" | r"\pager"] => fixed(&["on", "off"]),
            [r"\rows"] => fixed(&["all"]),
            [r"\width"] => fixed(&["auto"]),
            _ => Vec::new(),
        }
    }
}

/// The last word before a list that may name tables.
fn clause(head: &str) -> String {
    let mut words = head.split(|c: char| !is_name(c)).map(str::to_uppercase);
    words.rfind(|word| KEYWORDS.contains(&word.as_str()) || word == "TABLE").unwrap_or_default()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..pos];
        let is_command = self.before.is_empty() && typed.trim_start().starts_with('\\');
        // In a text, or after a command that takes a file.
        let in_text = !is_command && typed.matches('\'').count() % 2 == 1;
        if in_text || is_command && [r"\i ", r"\o "].iter().any(|command| typed.trim_start().starts_with(command)) {
            return self.files.complete_path(line, pos);
        }
        let is_part = |c: char| if is_command { !c.is_whitespace() } else { is_name(c) };
        let start = typed
            .rfind(|c: char| !is_part(c))
            .map_or(0, |at| at + typed[at..].chars().next().map_or(1, char::len_utf8));
        let word = &typed[start..];
        let found = match is_command {
            true => self.command(typed, word),
            false => self.candidates(&format!("{}{}", self.before, &typed[..start]), word, &line[pos..]),
        };
        let begun = word.to_lowercase();
        let mut found: Vec<String> = found.into_iter().filter(|name| name.to_lowercase().starts_with(&begun)).collect();
        let mut seen = std::collections::HashSet::new();
        found.retain(|name| seen.insert(name.clone()));
        Ok((start, found.into_iter().map(|name| Pair { display: name.clone(), replacement: name }).collect()))
    }
}

impl Hinter for Completion {
    type Hint = String;
}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}

#[cfg(test)]
mod tests {
    use rustyline::history::FileHistory;

    use super::*;

    /// What Tab offers where `|` stands.
    fn offered(before: &str, line: &str) -> Vec<String> {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let names = Names {
            tables: vec![
                ("alb".to_owned(), columns(&["started_at", "status", "path"])),
                ("metrics".to_owned(), columns(&["time", "period_s"])),
            ],
            functions: columns(&["stddev", "sum"]),
            queries: vec![("story".to_owned(), columns(&["--from", "--limit"]))],
        };
        let completion = Completion::new(names, before.to_owned());
        let pos = line.find('|').unwrap();
        let line = line.replace('|', "");
        let found = completion.complete(&line, pos, &Context::new(&FileHistory::new())).unwrap().1;
        found.into_iter().map(|pair| pair.replacement).collect()
    }

    #[test]
    fn tab_offers_what_fits_the_place() {
        for (before, line, expected) in [
            ("", "SELECT * FROM |", &["alb", "metrics"][..]),
            ("", "SELECT * FROM m|", &["metrics"]),
            ("", "SELECT * FROM alb, m|", &["metrics"]),
            ("SELECT * FROM alb\n", "JOIN |", &["alb", "metrics"]),
            ("", "SELECT st| FROM alb", &["started_at", "status", "stddev("]),
            ("SELECT *\nFROM metrics\n", "WHERE p|", &["period_s", "partition", "preceding"]),
            ("", "SELECT pa|", &["path", "partition"]),
            ("", "SELECT |", &[]),
            ("", "SELECT m.| FROM metrics AS m", &["time", "period_s"]),
            ("", "SELECT m.ti| FROM alb, metrics m", &["time"]),
            ("", "SELECT alb.pa|", &["path"]),
            ("", "SELECT * FROM alb OR|", &["OR", "ORDER"]),
            ("", "select * from alb or|", &["or", "order"]),
            ("", "\\ti|", &["\\timing"]),
            ("", "\\d m|", &["metrics"]),
            ("", "\\run s|", &["story"]),
            ("", "\\run story --l|", &["--limit"]),
            ("", "\\format nd|", &["ndjson"]),
        ] {
            assert_eq!(offered(before, line), expected, "{before}{line}");
        }
    }

    #[test]
    fn in_a_text_files_are_offered() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("evening.log"), "").unwrap();
        let path = folder.path().join("even");
        let found = offered("", &format!("SELECT * FROM '{}|", path.display()));
        assert!(matches!(&found[..], [file] if file.ends_with("evening.log")), "{found:?}");
    }
}
