//! A session, and what it stands on.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use albatross_lake::Lake;
use albatross_query::{Answer, Error, SendableRecordBatchStream, Session};
use albatross_raw::{Files, READ_LOGS};
use albatross_s3::S3;
use anyhow::Result;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::Sql;
use crate::cluster::ClusterArgs;
use crate::s3::S3Args;
use crate::show::{count, plural};

/// Commits of others are looked for before a statement, but not more often than this.
const REFRESH: Duration = Duration::from_secs(1);
/// Of files with lines that could not be read so many are named.
const NAMED: usize = 5;

pub(super) struct Client {
    pub(super) session: Session,
    lake: Option<Lake>,
    location: String,
    s3: S3,
    files: Files,
    looked: Instant,
}

impl Client {
    /// There need not be a lake: files can be read without one.
    pub(super) async fn open(location: &str, s3: &S3Args, cluster: &ClusterArgs, args: &Sql) -> Result<Client> {
        let s3 = s3.s3();
        let files = Files::new(Handle::current(), s3.clone(), args.files.window()?, args.files.settings()?);
        let lake = find(location, &s3).await?;
        let cluster = cluster.connect().await?;
        let session = match &lake {
            Some(lake) => Session::open_on(lake, cluster).await?,
            None => Session::without_lake(cluster)?,
        };
        session.read_files(Arc::new(files.clone()), READ_LOGS, Arc::new(files.clone()));
        Ok(Client { session, lake, location: location.to_owned(), s3, files, looked: Instant::now() })
    }

    pub(super) fn has_lake(&self) -> bool {
        self.lake.is_some()
    }

    /// Where the lake is, or would be.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// Starts a statement; `None` if it has no rows.
    pub(super) async fn run(&mut self, sql: &str) -> Result<Option<SendableRecordBatchStream>> {
        self.refresh().await?;
        match self.session.run(sql).await {
            Ok(Answer::Rows(stream)) => Ok(Some(stream)),
            Ok(Answer::Done) => Ok(None),
            Err(Error::Sql(fault)) if self.lake.is_none() && fault.message.starts_with("there is no table") => {
                let no_lake = albatross_lake::Error::NotALake { location: self.location.clone() };
                Err(anyhow::Error::from(no_lake).context(fault.message))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes account of what was committed meanwhile, and of a lake that was made meanwhile. Says whether there was anything.
    pub(super) async fn refresh(&mut self) -> Result<bool> {
        if self.looked.elapsed() < REFRESH {
            return Ok(false);
        }
        self.looked = Instant::now();
        if self.lake.is_none() {
            self.lake = find(&self.location, &self.s3).await?;
        }
        match &self.lake {
            Some(lake) => Ok(self.session.refresh(lake).await?),
            None => Ok(false),
        }
    }

    /// Whether any statement has read log files.
    pub(super) fn reads_files(&self) -> bool {
        self.files.were_used()
    }

    /// Says which lines of files could not be read.
    pub(super) fn tell_bad(&self) {
        let bad = self.files.take_bad();
        for (file, bad) in bad.iter().take(NAMED) {
            let (rejects, lines) = (count(bad.counts.rejects), plural(bad.counts.lines, "line"));
            let first = &bad.first;
            let warning = format!(
                "{rejects} of {lines} could not be read and are left out, first line {}, byte {}: {}",
                first.line, first.byte, first.detail
            );
            tracing::warn!(source = file.as_str(), warning = warning.as_str(), "lines could not be read");
        }
        if bad.len() > NAMED {
            let lines: u64 = bad.values().skip(NAMED).map(|bad| bad.counts.rejects).sum();
            let (lines, files) = (plural(lines, "line"), plural((bad.len() - NAMED) as u64, "more file"));
            tracing::warn!(warning = format!("{lines} of {files} could not be read either"), "lines could not be read");
        }
    }
}

/// The lake, unless there is none.
async fn find(location: &str, s3: &S3) -> Result<Option<Lake>> {
    match Lake::open_with(location, s3).await {
        Ok(lake) => Ok(Some(lake)),
        Err(albatross_lake::Error::NotALake { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Somebody pressed Ctrl-C.
#[derive(Debug)]
pub(super) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// The result of `work`, unless Ctrl-C comes first.
pub(super) async fn or_interrupt<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        result = work => result,
        () = interrupts().notified() => Err(Interrupted.into()),
    }
}

/// From now on Ctrl-C ends statements, not the process. To be called before lines are read: the line editor gives back whatever it finds.
pub(super) fn listen() {
    interrupts();
}

/// Told at each Ctrl-C. Signals have a thread of their own: those of the runtime may all be busy with what is to be interrupted.
fn interrupts() -> &'static Notify {
    static INTERRUPTS: OnceLock<Arc<Notify>> = OnceLock::new();
    INTERRUPTS.get_or_init(|| {
        let notify = Arc::new(Notify::new());
        let told = Arc::clone(&notify);
        let (listens, ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
            runtime.block_on(async {
                let Ok(mut interrupt) = signal(SignalKind::interrupt()) else { return };
                let _ = listens.send(());
                while interrupt.recv().await.is_some() {
                    told.notify_waiters();
                }
            });
        });
        // An error: nobody listens, and Ctrl-C does what it does.
        let _ = ready.recv();
        notify
    })
}
