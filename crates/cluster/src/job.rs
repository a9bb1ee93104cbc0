//! One job on a cluster: submitted, watched, its rows fetched, and everything of it cleared away.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use ballista_core::client::BallistaClient;
use ballista_core::error::BallistaError;
use ballista_core::extension::{BallistaConfigGrpcEndpoint, SessionConfigHelperExt};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::execute_query_result::Result as Submitted;
use ballista_core::serde::protobuf::get_job_status_result::FlightProxy;
use ballista_core::serde::protobuf::job_status::Status;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, CleanJobDataParams, ExecuteQueryParams, GetJobStatusParams, PartitionLocation,
};
use ballista_core::version;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionConfig;
use futures::{StreamExt, TryStreamExt, stream};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use crate::rest::{self, Progress};
use crate::{CALL, Cluster, Error, Result, STALLED, causes, shown};

/// Between two looks at a job: short for short jobs, then longer.
const LOOK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));
/// Between two looks at a job's tasks, for which the scheduler copies much.
const LOOK_AT_TASKS: Duration = Duration::from_secs(1);
/// Bytes of one message with rows.
const MESSAGE: usize = 256 << 20;
const TRIES: u8 = 3;
const BETWEEN_TRIES: u64 = 500; // ms
const CANCELS: usize = 25;

type Scheduler = SchedulerGrpcClient<Channel>;

/// Runs the plan, and gives its rows as they come from the executors.
pub(crate) async fn run(
    cluster: &Cluster,
    plan: Vec<u8>,
    config: &SessionConfig,
    schema: SchemaRef,
) -> Result<SendableRecordBatchStream> {
    let mut scheduler = connect(&cluster.scheduler).await?;
    let job = Job::submit(cluster, &mut scheduler, plan, config).await?;
    let (parts, proxy) = job.watch(&mut scheduler).await?;
    let endpoint = cluster.scheduler.clone();
    let rows = stream::iter(latest(parts))
        .then(move |part| fetch(part, proxy.clone(), endpoint.clone()))
        .map_err(|error| DataFusionError::External(error.into()))
        .try_flatten();
    // What the executors keep of the job is cleared as soon as the last row is here.
    let end = stream::once(async move {
        job.clear().await;
        None
    });
    let rows = rows.map(Some).chain(end).filter_map(std::future::ready);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

async fn connect(scheduler: &Url) -> Result<Scheduler> {
    let problem =
        |error: tonic::transport::Error| Error::NoScheduler { scheduler: shown(scheduler), problem: causes(&error) };
    let endpoint = Endpoint::from_shared(scheduler.to_string()).map_err(problem)?;
    let channel =
        endpoint.connect_timeout(CALL / 4).timeout(CALL).tcp_nodelay(true).connect().await.map_err(problem)?;
    Ok(Scheduler::new(channel).max_encoding_message_size(MESSAGE).max_decoding_message_size(MESSAGE))
}

/// A part that was made again, because an executor was lost, stands there twice, and only the last one counts.
fn latest(parts: Vec<PartitionLocation>) -> Vec<PartitionLocation> {
    let number = |part: &PartitionLocation| part.partition_id.as_ref().map(|id| id.partition_id);
    parts.into_iter().map(|part| (number(&part), part)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// A job that the scheduler has taken. One that is dropped before it was cleared is cancelled.
struct Job {
    id: String,
    cluster: Cluster,
    ended: bool,
}

impl Job {
    async fn submit(
        cluster: &Cluster,
        scheduler: &mut Scheduler,
        plan: Vec<u8>,
        config: &SessionConfig,
    ) -> Result<Job> {
        let mut request = Request::new(ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(plan)),
            settings: config.to_key_value_pairs(),
            session_id: uuid::Uuid::new_v4().to_string(),
            operation_id: uuid::Uuid::new_v4().to_string(),
        });
        version::insert_version_header(request.metadata_mut());
        let answer = scheduler.execute_query(request).await.map_err(|status| failed(&status))?;
        match answer.into_inner().result {
            Some(Submitted::Success(success)) => {
                let cluster = cluster.clone();
                cluster.running.lock().unwrap_or_else(PoisonError::into_inner).insert(success.job_id.clone());
                Ok(Job { id: success.job_id, cluster, ended: false })
            }
            Some(Submitted::Failure(failure)) => {
                let problem = failure.failure.map_or_else(String::new, |failure| format!("{failure:?}"));
                Err(Error::Failed { problem })
            }
            None => Err(Error::Failed { problem: "it did not say what became of the query".to_owned() }),
        }
    }

    /// Waits for the job's end: where the parts of the answer are.
    async fn watch(&self, scheduler: &mut Scheduler) -> Result<(Vec<PartitionLocation>, Option<FlightProxy>)> {
        let ended = self.wait(scheduler).await;
        if let Some(tell) = &self.cluster.on_progress {
            tell(None);
        }
        ended
    }

    async fn wait(&self, scheduler: &mut Scheduler) -> Result<(Vec<PartitionLocation>, Option<FlightProxy>)> {
        let mut seen = Progress::default();
        let (mut changed, mut known, mut looked) = (Instant::now(), Instant::now(), Instant::now());
        let mut pause = LOOK.0;
        loop {
            let params = GetJobStatusParams { job_id: self.id.clone() };
            let answer = scheduler.get_job_status(params).await.map_err(|status| failed(&status))?.into_inner();
            match answer.status.and_then(|status| status.status) {
                Some(Status::Successful(job)) => return Ok((job.partition_location, answer.flight_proxy)),
                Some(Status::Failed(job)) => return Err(Error::Failed { problem: job.error }),
                Some(Status::Queued(_) | Status::Running(_)) => known = Instant::now(),
                None if known.elapsed() < CALL => {}
                None => {
                    let problem = "the scheduler does not know the query any more; was it started again?".to_owned();
                    return Err(Error::Failed { problem });
                }
            }
            if looked.elapsed() >= LOOK_AT_TASKS {
                looked = Instant::now();
                let progress = rest::progress(&self.cluster.http, &self.cluster.scheduler, &self.id).await;
                if let Some(progress) = progress {
                    if progress != seen || progress.tasks_running > 0 {
                        changed = Instant::now();
                    }
                    seen = progress;
                    if let Some(tell) = &self.cluster.on_progress {
                        tell(Some(&seen));
                    }
                }
                if changed.elapsed() >= STALLED {
                    if !rest::has_others(&self.cluster.http, &self.cluster.scheduler, &self.id).await {
                        return Err(Error::Stalled { progress: seen });
                    }
                    changed = Instant::now();
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LOOK.1);
        }
    }

    /// Lets the executors delete what they wrote for the job.
    async fn clear(mut self) {
        self.ended = true;
        let clear = async {
            let params = CleanJobDataParams { job_id: self.id.clone(), remove_stage_ids: Vec::new() };
            connect(&self.cluster.scheduler).await?.clean_job_data(params).await.map_err(|status| failed(&status))
        };
        if let Err(error) = clear.await {
            // They do so by themselves, later.
            tracing::debug!(job = self.id.as_str(), error = %error, "a job's data could not be cleared");
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !self.ended => {
                let (cluster, id) = (self.cluster.clone(), std::mem::take(&mut self.id));
                runtime.spawn(async move { cancel(&cluster, &id).await });
            }
            _ => forget(&self.cluster, &self.id),
        }
    }
}

/// Stops a job, if it has not ended, and clears it away.
pub(crate) async fn cancel(cluster: &Cluster, id: &str) {
    let job_id = || id.to_owned();
    let stopped = async {
        let mut scheduler = connect(&cluster.scheduler).await?;
        // While a job is being planned, the scheduler agrees and goes on.
        for _ in 0..CANCELS {
            let params = CancelJobParams { job_id: job_id() };
            scheduler.cancel_job(params).await.map_err(|status| failed(&status))?;
            let params = GetJobStatusParams { job_id: job_id() };
            let answer = scheduler.get_job_status(params).await.map_err(|status| failed(&status))?.into_inner();
            match answer.status.and_then(|status| status.status) {
                Some(Status::Queued(_) | Status::Running(_)) => tokio::time::sleep(LOOK.1).await,
                Some(Status::Failed(_) | Status::Successful(_)) | None => break,
            }
        }
        let params = CleanJobDataParams { job_id: job_id(), remove_stage_ids: Vec::new() };
        scheduler.clean_job_data(params).await.map_err(|status| failed(&status))
    };
    if let Err(error) = stopped.await {
        tracing::warn!(job = id, error = %error, "a job could not be cancelled");
    }
    forget(cluster, id);
}

fn forget(cluster: &Cluster, id: &str) {
    cluster.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
}

/// The rows of one part of the answer, from the executor that made them, or from a proxy before it.
async fn fetch(
    part: PartitionLocation,
    proxy: Option<FlightProxy>,
    scheduler: Url,
) -> Result<SendableRecordBatchStream> {
    let layout = part.layout();
    let incomplete = || Error::Failed { problem: "it did not say where a part of the answer is".to_owned() };
    let executor = part.executor_meta.ok_or_else(incomplete)?;
    let partition = part.partition_id.ok_or_else(incomplete)?.into();
    let its_port = u16::try_from(executor.port).map_err(|_| incomplete())?;
    let (host, port) = match proxy {
        Some(FlightProxy::External(address)) => split(&address).ok_or_else(incomplete)?,
        Some(FlightProxy::Local(true)) => split(scheduler.authority()).ok_or_else(incomplete)?,
        Some(FlightProxy::Local(false)) | None => (executor.host.clone(), its_port),
    };
    let lost = |error: BallistaError| Error::Lost {
        executor: executor.id.clone(),
        at: format!("{host}:{port}"),
        problem: causes(&error),
    };
    // Left alone, a connection to a host that is gone is waited for without end.
    let careful = |endpoint: Endpoint| {
        let endpoint = endpoint.connect_timeout(CALL / 4).http2_keep_alive_interval(CALL / 2).keep_alive_timeout(CALL);
        Ok(endpoint.keep_alive_while_idle(true))
    };
    let careful = Arc::new(BallistaConfigGrpcEndpoint::new(Arc::new(careful)));
    let client = BallistaClient::try_new(&host, port, MESSAGE, false, Some(careful), TRIES, BETWEEN_TRIES, 0, 0);
    client
        .await
        .map_err(lost)?
        .fetch_partition_proxied(&executor.id, &partition, part.file_id, layout, &executor.host, its_port, true)
        .await
        .map_err(lost)
}

/// The host and the port of `host:port`.
fn split(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

fn failed(status: &tonic::Status) -> Error {
    Error::Failed { problem: format!("{}: {}", status.code().description(), status.message()) }
}
