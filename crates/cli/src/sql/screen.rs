//! An answer on its way to standard output: through a pager if it is taller than the terminal.

use std::io::{self, BufWriter, Stdout, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::show::safe;

pub(super) struct Screen {
    to: To,
    /// What a terminal has not been shown yet, and its lines.
    held: Vec<u8>,
    lines: usize,
}

enum To {
    /// Until there are so many lines it is not known whether it needs a pager.
    Undecided {
        height: usize,
        pager: String,
    },
    Stdout(BufWriter<Stdout>),
    Pager(Child, BufWriter<ChildStdin>),
}

impl Screen {
    /// `paged`: standard output is a terminal, and a pager is wanted.
    pub(super) fn new(paged: bool) -> Screen {
        let height = terminal_size::terminal_size().map(|(_, height)| usize::from(height.0));
        let to = match (pager(), height) {
            (Some(pager), Some(height)) if paged => To::Undecided { height, pager },
            _ => To::stdout(),
        };
        Screen { to, held: Vec::new(), lines: 0 }
    }

    /// Shows what is held, and waits until a pager is left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.to, To::stdout()) {
            To::Undecided { .. } => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&std::mem::take(&mut self.held))?;
                stdout.flush()
            }
            To::Stdout(mut stdout) => stdout.flush(),
            To::Pager(mut child, mut stdin) => {
                let flushed = stdin.flush();
                drop(stdin);
                child.wait()?;
                flushed
            }
        }
    }
}

/// An answer that fails midway is shown as far as it came.
impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

impl To {
    fn stdout() -> To {
        To::Stdout(BufWriter::new(io::stdout()))
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stdout(stdout) => stdout.write(bytes),
            To::Pager(_, stdin) => stdin.write(bytes),
            To::Undecided { height, pager } => {
                self.held.extend_from_slice(bytes);
                self.lines += bytes.iter().filter(|b| **b == b'\n').count();
                // The prompt wants a line, too.
                if self.lines >= *height {
                    self.to = start(pager).unwrap_or_else(|_| To::stdout());
                    let held = std::mem::take(&mut self.held);
                    self.write_all(&held)?;
                }
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Stdout(stdout) => stdout.flush(),
            To::Pager(_, stdin) => stdin.flush(),
            To::Undecided { .. } => Ok(()),
        }
    }
}

/// The user's pager, else less; `None` if none is wanted, or there is none.
fn pager() -> Option<String> {
    let Ok(pager) = std::env::var("PAGER") else {
        let folders = std::env::var_os("PATH")?;
        return std::env::split_paths(&folders).any(|folder| folder.join("less").is_file()).then(|| "less".to_owned());
    };
    (!["", "cat"].contains(&pager.trim())).then_some(pager)
}

fn start(pager: &str) -> io::Result<To> {
    // What is written to a program that is not there would be lost.
    let program = pager.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default();
    if !is_program(program) {
        tracing::warn!(warning = format!("$PAGER: there is no program `{}`", safe(program)), "no pager");
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // The answer stays on the screen when less is left.
        command.env("LESS", "FX");
    }
    let mut child = command.spawn()?;
    let stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    Ok(To::Pager(child, BufWriter::new(stdin)))
}

/// Whether a shell finds it. What is no plain name is the shell's to understand.
fn is_program(name: &str) -> bool {
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || "_-./+".contains(c));
    let finds = || Command::new("sh").args(["-c", "command -v \"$0\" >/dev/null", name]).status();
    !is_plain || finds().is_ok_and(|status| status.success())
}
