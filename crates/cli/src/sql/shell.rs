//! The shell: lines are read until a statement is whole, then it is answered.

use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use albatross_query::{Catalogue, Format, Options, Place, Script, SendableRecordBatchStream, Written, write};
use anyhow::Result;
use chrono_tz::Tz;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use tokio::runtime::Runtime;

use super::client::{Client, Interrupted, listen, or_interrupt};
use super::complete::{Completion, Names};
use super::screen::Screen;
use super::{Limit, Sql, commands, fault};
use crate::args::Output;
use crate::exit::{self, Exit};
use crate::query::{self, to_file};
use crate::show::{count, plural, safe};

const PROMPT: &str = "albatross> ";
const CONTINUED: &str = "       ... ";
/// Entries of the history.
const MAX_HISTORY: usize = 2000;
/// Where the history is; empty: there is none.
const HISTORY: &str = "ALBATROSS_HISTORY";

pub(super) struct Shell<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) client: Client,
    pub(super) catalogue: Catalogue,
    pub(super) zone: Tz,
    pub(super) look: Look,
}

/// How answers are shown.
pub(super) struct Look {
    pub(super) format: Format,
    pub(super) expanded: bool,
    pub(super) timing: bool,
    pub(super) pager: bool,
    pub(super) max_rows: Option<u64>,
    /// Of the terminal unless it is given.
    pub(super) width: Option<usize>,
    /// Where the next answer goes.
    pub(super) next: Option<PathBuf>,
}

pub(super) fn run(runtime: &Runtime, client: Client, args: &Sql) -> Result<Exit> {
    let catalogue = Catalogue::load(args.queries.as_deref())?;
    query::warn_of_faults(&catalogue);
    let look = Look {
        format: args.output.format.unwrap_or(Format::Table),
        expanded: false,
        timing: false,
        pager: true,
        max_rows: args.max_rows.0,
        width: None,
        next: args.output.file().map(Path::to_owned),
    };
    let mut shell = Shell { runtime, client, catalogue, zone: args.files.tz, look };
    let config = Config::builder()
        .max_history_size(MAX_HISTORY)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::<Completion, FileHistory>::with_config(config)?;
    let history = history_file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    listen();
    shell.greet();
    let mut text = String::new();
    loop {
        editor.set_helper(Some(Completion::new(shell.names(), text.clone())));
        match editor.readline(if text.is_empty() { PROMPT } else { CONTINUED }) {
            Ok(line) => {
                // In a statement that was begun, too, but not in a text, where it may be meant.
                if !text.is_empty() && line.trim_start().starts_with('\\') {
                    if !Script::parse(&text).is_open {
                        match shell.command(line.trim()) {
                            true => continue,
                            false => break,
                        }
                    }
                    if [r"\q", r"\?", r"\h"].contains(&line.trim()) {
                        // Who forgot a quote does not find the way out otherwise.
                        eprintln!("a quote or a comment is open, and this is part of it: Ctrl-C forgets the statement");
                    }
                }
                let is_command = text.is_empty() && commands::is_command(&line);
                text.push_str(&line);
                let script = Script::parse(&text);
                if is_command || !script.statements.is_empty() {
                    remember(&mut editor, history.as_deref(), text.trim());
                }
                if is_command {
                    let go_on = shell.command(text.trim());
                    text.clear();
                    match go_on {
                        true => continue,
                        false => break,
                    }
                }
                shell.statements(&script, &text, None);
                text = script.rest.map_or(String::new(), |rest| rest.sql + "\n");
            }
            Err(ReadlineError::Interrupted) => text.clear(),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Exit::Fine)
}

fn remember(editor: &mut Editor<Completion, FileHistory>, file: Option<&Path>, entry: &str) {
    let added = editor.add_history_entry(entry).unwrap_or(false);
    let Some(file) = file.filter(|_| added) else { return };
    if let Err(error) = editor.append_history(file) {
        tracing::debug!("the history cannot be written: {error}");
    }
}

/// The file of the history, in a folder that exists; `None` if there is to be none.
fn history_file() -> Option<PathBuf> {
    let file = match std::env::var_os(HISTORY) {
        Some(file) => Some(PathBuf::from(file)).filter(|file| !file.as_os_str().is_empty())?,
        None => {
            let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
            let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state"));
            state.or_else(home)?.join("albatross/history")
        }
    };
    let folder = file.parent()?;
    if !folder.as_os_str().is_empty() && !folder.exists() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
    }
    Some(file)
}

impl Shell<'_> {
    fn greet(&self) {
        let lake = safe(self.client.location());
        let lake = match (self.client.has_lake(), self.client.session.span()) {
            (false, _) => format!("no lake at {lake}; files can be read: SELECT ... FROM 'logs/*.log.gz';"),
            (true, None) => format!("the lake {lake} is empty"),
            (true, Some((first, last))) => {
                let format = "%Y-%m-%d %H:%MZ";
                format!("{lake}, from {} to {}", first.format(format), last.format(format))
            }
        };
        println!(
            "albatross {}: {lake}\n\\? tells the commands, \\q leaves; a statement ends with ;",
            env!("CARGO_PKG_VERSION")
        );
    }

    /// What there is to complete.
    fn names(&self) -> Names {
        let session = &self.client.session;
        self.runtime.block_on(async {
            let mut tables = Vec::new();
            for table in session.tables() {
                let columns = session.columns(&table).await.ok().flatten().unwrap_or_default();
                tables.push((table, columns.into_iter().map(|(name, _)| name).collect()));
            }
            let query = |query: &albatross_query::Query| {
                let own = query.params.iter().map(|param| format!("--{}", param.name.replace('_', "-")));
                (query.name.clone(), own.chain(["--from", "--to", "--tz"].map(str::to_owned)).collect())
            };
            Names { tables, functions: session.functions(), queries: self.catalogue.iter().map(query).collect() }
        })
    }

    /// Answers all whole statements, up to the first that fails. `name` is that of the file that the text is from.
    pub(super) fn statements(&mut self, script: &Script, text: &str, name: Option<&str>) {
        for piece in &script.statements {
            let output = self.output();
            let result = self.work(async |client: &mut Client| client.run(&piece.sql).await, output);
            if !self.tell(result, text, piece.place, name) {
                break;
            }
        }
    }

    /// Where the next answer goes if nothing else is said.
    pub(super) fn output(&self) -> Output {
        let output = self.look.next.clone();
        // The extension chooses the format of a file.
        let format = if output.is_some() { None } else { Some(self.look.format) };
        Output { format, output, fail_on_rows: false }
    }

    /// Says what went wrong, if anything did; an answer that nobody wants to see any more is no fault.
    pub(super) fn tell(&self, result: Result<()>, text: &str, begin: Place, name: Option<&str>) -> bool {
        let Err(error) = result else { return true };
        if error.is::<Interrupted>() {
            eprintln!("cancelled");
        } else if !exit::is_broken_pipe(&error) {
            if let Err(error) = fault::tell(error, text, begin, name) {
                tracing::error!("{}", exit::chain(&error));
            }
        } else {
            return true;
        }
        false
    }

    /// Shows a text, in the pager if it is taller than the terminal.
    pub(super) fn page(&self, text: &str) -> Result<()> {
        let mut screen = Screen::new(self.look.pager);
        screen.write_all(text.as_bytes())?;
        Ok(screen.finish()?)
    }

    /// Asks, and shows the answer, until Ctrl-C.
    pub(super) fn work(
        &mut self,
        ask: impl AsyncFnOnce(&mut Client) -> Result<Option<SendableRecordBatchStream>>,
        output: Output,
    ) -> Result<()> {
        let start = Instant::now();
        let Shell { runtime, client, look, .. } = self;
        let result = runtime.block_on(or_interrupt(async {
            let Some(stream) = ask(client).await? else { return Ok(()) };
            look.show(stream, &output).await
        }));
        client.tell_bad();
        if look.timing {
            println!("{:.3} s", start.elapsed().as_secs_f64());
        }
        result
    }
}

impl Look {
    async fn show(&mut self, stream: SendableRecordBatchStream, output: &Output) -> Result<()> {
        let format = query::format(output)?;
        if let Some(path) = output.file() {
            let written = to_file(path, format, stream).await?;
            // Until then it waits: for a statement that has an answer, and does not fail.
            if self.next.as_deref() == Some(path) {
                self.next = None;
            }
            println!("{} written to {}", plural(written.rows, "row"), safe(&path.to_string_lossy()));
            return Ok(());
        }
        query::no_parquet(format, true)?;
        let is_table = format == Format::Table;
        let options = Options {
            terminal: true,
            width: self.width.or_else(query::terminal_width),
            expanded: self.expanded,
            max_rows: self.max_rows.filter(|_| is_table),
            ..Options::default()
        };
        let mut screen = Screen::new(self.pager);
        let written = write(format, stream, &mut screen, &options).await?;
        if is_table {
            writeln!(screen, "{}", rows(&written))?;
        }
        screen.finish().map_err(io::Error::into)
    }
}

/// `(3 rows)`, or how many are not shown.
fn rows(written: &Written) -> String {
    if written.shown == written.rows {
        return format!("({})", plural(written.rows, "row"));
    }
    let least = if written.whole { "" } else { "at least " };
    let (shown, rows) = (count(written.shown), count(written.rows));
    format!("({shown} of {least}{rows} rows shown; \\rows all shows all of them, \\o FILE writes them to a file)")
}

/// The value of `\rows`.
pub(super) fn limit(text: &str) -> Result<Option<u64>, String> {
    text.parse::<Limit>().map(|limit| limit.0)
}
