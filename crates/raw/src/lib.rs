//! Log files as tables of SQL, without a lake: `SELECT ... FROM 'logs/**/*.log.gz'`.
//!
//! A name that is no table of the session and looks like a path, a glob or `s3://...` is one: the files behind it, whose format is
//! recognised as `ingest` does. It has the columns of the lake's table of this format. `read_logs('path', 'alb')` takes only the files of
//! one format where a folder holds several.
//!
//! Files are decoded while they are read, several at once, and nothing is kept: a batch of rows per thread is in memory.

mod choose;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use albatross_formats::{Counts, Format, Outcome, Reject, Settings};
use albatross_ingest::Window;
use albatross_s3::S3;
use async_trait::async_trait;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider, UrlTableFactory};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use tokio::runtime::Handle;

use table::RawTable;

/// The name of the table function.
pub const READ_LOGS: &str = "read_logs";

/// Makes tables of files, and remembers which of their lines could not be read.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    runtime: Handle,
    s3: S3,
    window: Window,
    settings: Arc<Settings>,
    /// Whether any table was made.
    used: AtomicBool,
    /// By file, so that one that is read twice counts once.
    bad: Mutex<BTreeMap<String, Bad>>,
}

/// Lines of a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    pub counts: Counts,
    pub first: Reject,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Files")
    }
}

impl Files {
    /// `window` leaves out files that can hold nothing of it, by AWS's names; `settings` say what logs do not. The runtime must have
    /// threads of its own.
    pub fn new(runtime: Handle, s3: S3, window: Window, settings: Settings) -> Files {
        let (settings, used) = (Arc::new(settings), AtomicBool::new(false));
        Files(Arc::new(Inner { runtime, s3, window, settings, used, bad: Mutex::default() }))
    }

    /// The files with lines that could not be read since this was last asked, by name.
    pub fn take_bad(&self) -> BTreeMap<String, Bad> {
        std::mem::take(&mut self.bad())
    }

    /// Whether any files were asked for.
    pub fn were_used(&self) -> bool {
        self.0.used.load(Ordering::Relaxed)
    }

    fn note(&self, file: &str, outcome: Outcome) {
        if let Some(first) = outcome.rejects.into_iter().next() {
            self.bad().insert(file.to_owned(), Bad { counts: outcome.counts, first });
        }
    }

    fn bad(&self) -> MutexGuard<'_, BTreeMap<String, Bad>> {
        self.0.bad.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The table of the files behind `path`. Blocks; must not be called from an async task.
    fn table(&self, path: &str, wanted: Option<Format>) -> Result<Arc<dyn TableProvider>> {
        self.0.used.store(true, Ordering::Relaxed);
        let (format, files) = choose::files(&self.0, path, wanted).map_err(DataFusionError::Plan)?;
        Ok(Arc::new(RawTable::new(self.clone(), format, files)))
    }
}

/// Whether somebody who writes this name means files.
fn is_path(name: &str) -> bool {
    name.contains(['/', '.', '*', '?']) || Path::new(name).exists()
}

#[async_trait]
impl UrlTableFactory for Files {
    async fn try_new(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !is_path(name) {
            return Ok(None);
        }
        let (files, path) = (self.clone(), name.to_owned());
        let table = tokio::task::spawn_blocking(move || files.table(&path, None)).await;
        table.map_err(|e| DataFusionError::Execution(format!("listing files stopped: {e}")))?.map(Some)
    }
}

/// `read_logs('path')`, `read_logs('path', 'format')`.
impl TableFunctionImpl for Files {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let texts: Option<Vec<&str>> = args.exprs().iter().map(text).collect();
        let (path, wanted) = match texts.as_deref() {
            Some(&[path]) => (path, None),
            Some(&[path, format]) => match Format::named(format) {
                Some(known) => (path, Some(known)),
                None => {
                    let names = Format::ALL.map(Format::name).join(", ");
                    return plan_err!("{READ_LOGS}: there is no format `{format}`: take one of {names}");
                }
            },
            _ => {
                return plan_err!(
                    "{READ_LOGS} takes texts: a path and, if wanted, a format: {READ_LOGS}('logs/', 'alb')"
                );
            }
        };
        // What lists files waits for them, which the thread that plans must not.
        std::thread::scope(|scope| scope.spawn(|| self.table(path, wanted)).join())
            .unwrap_or_else(|_| plan_err!("listing files stopped: this is a fault of the program"))
    }
}

fn text(arg: &Expr) -> Option<&str> {
    match arg {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => Some(text),
        _ => None,
    }
}
