//! The shell's own commands, which begin with a backslash.

use std::path::PathBuf;
use std::str::FromStr;

use albatross_formats::Format as LogFormat;
use albatross_query::{Clock, Format, Place, Query, Script, Session};
use anyhow::{Context, Result, anyhow, bail};
use chrono_tz::Tz;
use clap::FromArgMatches;
use clap::parser::ValueSource;

use super::client::Client;
use super::columns::docs;
use super::shell::{Shell, limit};
use crate::args::Output;
use crate::exit;
use crate::query;
use crate::show::safe;

/// Name, arguments, and what it does.
pub(super) const COMMANDS: [(&str, &str, &str); 15] = [
    (r"\d", "[TABLE]", "tables and views, or the columns of one and what they hold"),
    (r"\df", "[PART]", "functions"),
    (r"\queries", "", "named queries"),
    (r"\run", "NAME [OPTIONS]", "answer a named query; --help tells its parameters"),
    (r"\i", "FILE", "run the statements of a file"),
    (r"\o", "FILE", "the next answer goes to a file, whole or not at all; its extension chooses the format"),
    (r"\format", "[NAME]", "table, csv, tsv, json, ndjson, markdown"),
    (r"\x", "[on|off]", "a block of lines for each row"),
    (r"\rows", "[N|all]", "rows of a table that are shown at most"),
    (r"\width", "[N|auto]", "columns of the terminal"),
    (r"\pager", "[on|off]", "$PAGER shows what is taller than the terminal"),
    (r"\timing", "[on|off]", "tell how long each statement took"),
    (r"\h", "", "as \\?"),
    (r"\?", "", "this list"),
    (r"\q", "", "leave; so does Ctrl-D"),
];

/// Whether a line is a command and no SQL.
pub(super) fn is_command(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('\\') || ["exit", "quit", "help"].contains(&line.trim_end_matches(';'))
}

impl Shell<'_> {
    /// Does what a line says; whether the shell goes on.
    pub(super) fn command(&mut self, line: &str) -> bool {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim().trim_end_matches(';').trim_end();
        if matches!(name.trim_end_matches(';'), r"\q" | "exit" | "quit") {
            return false;
        }
        if let Err(error) = self.obey(name.trim_end_matches(';'), rest)
            && !exit::is_broken_pipe(&error)
        {
            tracing::error!("{}", exit::chain(&error));
        }
        true
    }

    fn obey(&mut self, name: &str, rest: &str) -> Result<()> {
        let words = split(rest);
        let word = words.first().map(String::as_str);
        let look = &mut self.look;
        match name {
            r"\?" | r"\h" | "help" => return self.page(&help()),
            r"\d" | r"\dt" | r"\d+" => return self.describe(word),
            r"\df" => {
                let part = rest.to_lowercase();
                let functions = self.client.session.functions();
                let found: Vec<String> = functions.into_iter().filter(|name| name.contains(&part)).collect();
                return self.page(&in_columns(&found));
            }
            r"\queries" => {
                let width = self.catalogue.iter().map(|query| query.name.len()).max().unwrap_or(0);
                let line = |query: &Query| format!("{:width$}  {}\n", query.name, safe(&query.title));
                return self.page(&self.catalogue.iter().map(line).collect::<String>());
            }
            r"\run" => return self.query(&words),
            r"\i" => return self.include(word.context(r"\i needs a file")?),
            r"\o" => look.next = word.filter(|file| *file != "-").map(at_home),
            r"\format" => match word {
                Some("parquet") => bail!(r"Parquet is not for a terminal: \o FILE.parquet writes it"),
                Some(name) => look.format = Format::from_str(name).map_err(|e| anyhow!(e))?,
                None => println!("{}", look.format.name()),
            },
            r"\x" => switch("expanded", &mut look.expanded, word)?,
            r"\timing" => switch("timing", &mut look.timing, word)?,
            r"\pager" => switch("pager", &mut look.pager, word)?,
            r"\rows" => match word {
                Some(rows) => look.max_rows = limit(rows).map_err(|e| anyhow!(e))?,
                None => println!("{}", look.max_rows.map_or("all".to_owned(), |rows| rows.to_string())),
            },
            r"\width" => match word {
                Some("auto") => look.width = None,
                Some(width) => look.width = Some(width.parse().context("give a number of columns, or auto")?),
                None => println!("{}", look.width.map_or("auto".to_owned(), |width| width.to_string())),
            },
            other => bail!(r"there is no command {}: \? lists them", safe(other)),
        }
        Ok(())
    }

    fn describe(&mut self, table: Option<&str>) -> Result<()> {
        let Shell { runtime, client, .. } = self;
        let text = runtime.block_on(async {
            client.refresh().await?;
            match table {
                Some(table) => described(&client.session, table).await,
                None => Ok(tables(&client.session).await),
            }
        })?;
        self.page(&text)
    }

    /// `\run NAME --param value ...`
    fn query(&mut self, words: &[String]) -> Result<()> {
        let (name, rest) = words.split_first().context(r"\run needs the name of a query: \queries lists them")?;
        let query = self.catalogue.get(name)?.clone();
        let command = query::command(&query, self.zone).bin_name(format!(r"\run {name}"));
        let matches = match command.try_get_matches_from(std::iter::once(name).chain(rest)) {
            Ok(matches) => matches,
            Err(error) if error.use_stderr() => return Ok(error.print()?),
            Err(help) => return self.page(&help.to_string()),
        };
        let is_given = matches.value_source("tz") == Some(ValueSource::CommandLine);
        let zone = matches.get_one::<Tz>("tz").filter(|_| is_given).copied().unwrap_or(self.zone);
        let given = query::given(&query, &matches);
        let said = Output::from_arg_matches(&matches)?;
        let output = if said.format.is_some() || said.output.is_some() { said } else { self.output() };
        let ask = async |client: &mut Client| -> Result<_> {
            client.refresh().await?;
            Ok(Some(client.session.query(&query, &given, &Clock::system(zone)).await?))
        };
        let result = self.work(ask, output);
        self.tell(result, "", Place { line: 1, column: 1, width: 0 }, None);
        Ok(())
    }

    fn include(&mut self, file: &str) -> Result<()> {
        let path = at_home(file);
        let name = safe(&path.to_string_lossy());
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let script = Script { statements: Script::parse(text).all(), ..Script::default() };
        self.statements(&script, text, Some(&name));
        Ok(())
    }
}

/// A path as shells have it: `~/` is the home folder.
fn at_home(path: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").filter(|home| !home.is_empty());
    match path.strip_prefix("~/").and_then(|rest| Some(PathBuf::from(home()?).join(rest))) {
        Some(path) => path,
        None => PathBuf::from(path),
    }
}

/// A line for each table and view.
async fn tables(session: &Session) -> String {
    let tables = session.tables();
    let width = tables.iter().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for table in tables {
        let kind = if session.is_view(&table).await { "view " } else { "table" };
        text += format!("{table:width$}  {kind}  {}", about(&table)).trim_end();
        text.push('\n');
    }
    text
}

/// A line for each column of a table, or more if there is much to say of it.
async fn described(session: &Session, table: &str) -> Result<String> {
    let Some(columns) = session.columns(table).await? else {
        bail!(r"there is no table `{}`: \d lists them", safe(table));
    };
    let docs = docs(table);
    let names = columns.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let types = columns.iter().map(|(_, data_type)| data_type.len()).max().unwrap_or(0);
    let room = query::terminal_width().unwrap_or(usize::MAX).saturating_sub(names + types + 4).max(20);
    let mut text = String::new();
    for (name, data_type) in &columns {
        let doc = docs.iter().find(|(known, _)| known == name).map_or("", |(_, doc)| doc);
        let mut lines = wrap(doc, room).into_iter();
        let first = lines.next().unwrap_or_default();
        text += format!("{name:names$}  {data_type:types$}  {first}").trim_end();
        text.push('\n');
        lines.for_each(|line| text += &format!("{:1$}{line}\n", "", names + types + 4));
    }
    Ok(text)
}

/// What a table holds, in some words.
fn about(table: &str) -> &'static str {
    match table {
        "rejects" => "lines that could not be read",
        "ingested" => "one row per source file",
        "requests" => "what all access logs have in common",
        "events" => "requests, errors and connections of all layers",
        "slots" => "what came of each load-balancer node for each five minutes",
        "causes" => "what the codes in `cause` mean",
        "alb_access_logs" => "the table of AWS's Athena page",
        other => LogFormat::named(other).map_or("", LogFormat::describe),
    }
}

fn help() -> String {
    let usage = |(name, args, _): &(&str, &str, &str)| format!("{name} {args}");
    let width = COMMANDS.iter().map(|command| usage(command).len()).max().unwrap_or(0);
    let line = |command| format!("{:width$}  {}\n", usage(command), command.2);
    COMMANDS.iter().map(line).collect::<String>()
        + "\nA statement ends with ; and may take several lines. Ctrl-C ends what runs or is typed. Files are tables: SELECT ... FROM \
         'logs/*.log.gz';\n"
}

/// `on`, `off`, or the opposite of what it is.
fn switch(what: &str, value: &mut bool, word: Option<&str>) -> Result<()> {
    *value = match word {
        None => !*value,
        Some("on") => true,
        Some("off") => false,
        Some(_) => bail!("give on or off"),
    };
    println!("{what} is {}", if *value { "on" } else { "off" });
    Ok(())
}

/// Names in as many columns as fit.
fn in_columns(names: &[String]) -> String {
    let width = names.iter().map(String::len).max().unwrap_or(0) + 2;
    let columns = (query::terminal_width().unwrap_or(80) / width).max(1);
    let rows = names.len().div_ceil(columns).max(1);
    let line = |row| names[row..].iter().step_by(rows).map(|name| format!("{name:width$}")).collect::<String>();
    (0..rows.min(names.len())).map(|row| line(row).trim_end().to_owned() + "\n").collect()
}

/// A text in lines of at most `width`, broken between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() || line.len() + 1 + word.len() <= width {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
    }
    lines
}

/// Words as a command line has them: quotes keep spaces together.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        for (text, words) in [
            ("", &[][..]),
            ("story", &["story"]),
            (
                " traffic  --from '2026-11-19 18:00' --x=\"a 'b'\" '' ",
                &["traffic", "--from", "2026-11-19 18:00", "--x=a 'b'", ""],
            ),
        ] {
            assert_eq!(split(text), words, "{text}");
        }
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        assert_eq!(wrap("Seconds from arrival to `time`.", 12), ["Seconds from", "arrival to", "`time`."]);
        assert_eq!(wrap("", 12), [""]);
    }
}
