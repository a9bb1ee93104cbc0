//! Queries on a cluster of Apache DataFusion Ballista: a plan made here runs on its stock executors.
//!
//! The physical plan is made on this machine, from the lake's log and the statistics of its files, and sent to the
//! scheduler as it is. The executors read the lake's Parquet files themselves, so they must reach them under the same
//! address: the bucket with credentials of their own environment, or a shared folder. No credentials are in a plan.
//!
//! docs/scale.md tells how to run one.

mod job;
mod plan;
mod rest;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ballista_core::extension::SessionConfigExt;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use url::Url;

pub use plan::Place;
pub use rest::Progress;

/// The port of a scheduler if the address has none.
pub const DEFAULT_PORT: u16 = 50050;

/// Bytes of a plan. A message may have 16 MiB, in which the settings and some tasks of a stage are too; beyond that a
/// scheduler tries for ever (<https://github.com/apache/datafusion-ballista/issues/2290>).
const PLAN: usize = 12 << 20;
/// Bytes of files that are read as well here as there.
const LITTLE: u64 = 64 << 20;
/// No answer to one call for so long is a fault.
const CALL: Duration = Duration::from_secs(20);
/// A cluster that has just been started may still be waiting for its executors.
const EXECUTORS: Duration = Duration::from_secs(15);
/// A job of which no task runs, and that has not changed for so long while there is no other one, will not end: its tasks were
/// not prepared (<https://github.com/apache/datafusion-ballista/issues/1214>), or the scheduler takes executors for busy that are not.
const STALLED: Duration = Duration::from_secs(60);

/// What can go wrong between a plan and its rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of a scheduler cannot be understood.
    #[error("`{address}` is no address of a cluster: {problem}; give one such as df://scheduler.internal:50050")]
    Address { address: String, problem: String },

    /// Nothing answers there, or something else than a scheduler does.
    #[error("no Ballista scheduler answers at {scheduler}: {problem}")]
    NoScheduler { scheduler: String, problem: String },

    /// The scheduler is of another major version: plans would be read wrongly.
    #[error(
        "the scheduler at {scheduler} is Ballista {version}, and this program needs {needed}: \
         `cargo install --locked ballista-scheduler ballista-executor --version {needed}` on the cluster's machines"
    )]
    Version { scheduler: String, version: String, needed: &'static str },

    /// The scheduler is there, and nobody to do the work.
    #[error(
        "the cluster at {scheduler} has no executors: start `ballista-executor --scheduler-host ...` on its machines"
    )]
    NoExecutors { scheduler: String },

    /// Messages of this size do not reach the executors.
    #[error(
        "the plan names {files} files and has {bytes} bytes, more than the {} that a cluster takes; narrow the time, or let \
         `albatross maintain` merge small files",
        PLAN
    )]
    TooLarge { files: usize, bytes: usize },

    /// The scheduler refused or failed.
    #[error("the cluster failed: {problem}")]
    Failed { problem: String },

    /// Nothing happens any more.
    #[error(
        "the cluster has not gone on with the query for {} seconds ({progress}), so it was cancelled; the logs of the \
         scheduler and the executors say why (where tasks are pushed, a lost executor can leave the others idle: start both with pull-staged)", STALLED.as_secs()
    )]
    Stalled { progress: Progress },

    /// The executor that holds a part of the answer does not give it.
    #[error("executor {executor} at {at} does not give its part of the answer, ask again: {problem}")]
    Lost { executor: String, at: String, problem: String },
}

pub type Result<T> = std::result::Result<T, Error>;

/// Hears of a job's progress some times a second, and of its end (`None`).
pub type OnProgress = Arc<dyn Fn(Option<&Progress>) + Send + Sync>;

/// A scheduler that answered, and what it said of its executors.
#[derive(Clone)]
pub struct Cluster {
    /// `http://host:port`
    scheduler: Url,
    http: reqwest::Client,
    /// How many tasks run at once: the virtual cores of all executors, when the connection was made.
    slots: usize,
    on_progress: Option<OnProgress>,
    running: Arc<Mutex<BTreeSet<String>>>,
}

impl Cluster {
    /// Asks the scheduler at `df://host:port` who it is, and who works for it.
    ///
    /// # Errors
    /// The address is none, nobody answers, it is another version, or there are no executors after fifteen seconds.
    pub async fn connect(address: &str) -> Result<Cluster> {
        let scheduler = parse(address)?;
        let http = reqwest::Client::builder()
            .connect_timeout(CALL / 4)
            .timeout(CALL)
            .no_proxy()
            .build()
            .map_err(|error| Error::NoScheduler { scheduler: shown(&scheduler), problem: causes(&error) })?;
        let slots = rest::slots(&http, &scheduler).await?;
        Ok(Cluster { scheduler, http, slots, on_progress: None, running: Arc::default() })
    }

    /// Progress is told to `on_progress`.
    pub fn telling(self, on_progress: OnProgress) -> Cluster {
        Cluster { on_progress: Some(on_progress), ..self }
    }

    /// What plans for a cluster must be made with: as many partitions as there are slots, and nothing that reaches
    /// from one stage to another within a process (Ballista's own restrictions: no dynamic filters, no views of text, no
    /// shared subqueries, joins that can go to disk).
    pub fn session_config(&self, config: SessionConfig) -> SessionConfig {
        let mut config = config.upgrade_for_ballista().with_target_partitions(self.slots);
        let options = config.options_mut();
        // Streams of one scan take files from each other's list; in a cluster each is another process with the whole list.
        options.execution.enable_file_stream_work_stealing = false;
        // The scheduler would take such a join apart again under the plan that was made over it.
        options.optimizer.hash_join_single_partition_threshold = 0;
        options.optimizer.hash_join_single_partition_threshold_rows = 0;
        config
    }

    /// Where a plan can run that was made with [`Cluster::session_config`].
    ///
    /// # Errors
    /// [`Error::TooLarge`]
    pub fn place(plan: &Arc<dyn ExecutionPlan>) -> Result<Place> {
        plan::place(plan)
    }

    /// Runs a plan that has its place there. The rows come from the executors as they are read; a stream that is dropped, or
    /// read to its end, leaves nothing behind on the cluster.
    pub async fn execute(
        &self,
        plan: Vec<u8>,
        config: &SessionConfig,
        schema: SchemaRef,
    ) -> Result<SendableRecordBatchStream> {
        job::run(self, plan, config, schema).await
    }

    /// Cancels what was begun here and has not ended, for a program that is about to.
    pub async fn cancel_all(&self) {
        let jobs: Vec<String> = self.running.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        futures::future::join_all(jobs.iter().map(|id| job::cancel(self, id))).await;
    }
}

fn parse(address: &str) -> Result<Url> {
    let problem = |problem: &str| Error::Address { address: address.to_owned(), problem: problem.to_owned() };
    let url = Url::parse(address).map_err(|error| problem(&error.to_string()))?;
    if url.scheme() != "df" {
        return Err(problem("it must begin with df://"));
    }
    if url.has_authority() && (!url.username().is_empty() || url.password().is_some()) {
        return Err(problem("a scheduler takes no user or password"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(problem("nothing may follow the port"));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| problem("it has no host"))?;
    let port = url.port().unwrap_or(DEFAULT_PORT);
    Url::parse(&format!("http://{host}:{port}")).map_err(|error| problem(&error.to_string()))
}

/// A scheduler's address as people write it.
fn shown(scheduler: &Url) -> String {
    format!(
        "df://{}:{}",
        scheduler.host_str().unwrap_or_default(),
        scheduler.port_or_known_default().unwrap_or_default()
    )
}

/// An error with all that it was caused by, in a line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parsed = |address| parse(address).map(|url| url.to_string()).map_err(|error| error.to_string());
        assert_eq!(parsed("df://10.0.0.7:50051").as_deref(), Ok("http://10.0.0.7:50051/"));
        assert_eq!(parsed("df://scheduler.internal").as_deref(), Ok("http://scheduler.internal:50050/"));
        assert_eq!(parsed("df://[::1]:7/").as_deref(), Ok("http://[::1]:7/"));
        for (address, part) in [
            ("scheduler:50050", "must begin with df://"),
            ("http://scheduler:50050", "must begin with df://"),
            ("df://", "no host"),
            ("df://me:secret@scheduler", "no user or password"),
            ("df://scheduler:50050/lake", "nothing may follow the port"),
            ("df://scheduler:123456", "invalid port"),
        ] {
            let error = parsed(address).unwrap_err();
            assert!(error.contains(part), "{address}: {error}");
        }
    }
}
