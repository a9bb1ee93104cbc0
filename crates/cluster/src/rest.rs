//! What a scheduler tells over HTTP, on the port it has for everything: who it is, who works for it, how far a job is.

use std::fmt;
use std::time::{Duration, Instant};

use ballista_core::BALLISTA_VERSION;
use reqwest::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{EXECUTORS, Error, Result, causes, shown};

/// How far a job is. A cluster makes a plan into stages, of which each waits for those it reads from, and a stage into tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub stages: usize,
    pub stages_done: usize,
    /// How many there will be is not known before they begin.
    pub tasks_running: usize,
    pub tasks_done: usize,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { stages, stages_done, tasks_running, tasks_done } = self;
        write!(f, "{stages_done} of {stages} stages done, {tasks_done} tasks done, {tasks_running} running")
    }
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Executor {
    specification: Specification,
}

#[derive(Deserialize)]
struct Specification {
    vcores: usize,
}

#[derive(Deserialize)]
struct Job {
    job_id: String,
    status: String,
}

#[derive(Deserialize)]
struct Stages {
    stages: Vec<Stage>,
}

#[derive(Deserialize)]
struct Stage {
    stage_status: String,
    tasks: Vec<Option<Task>>,
}

#[derive(Deserialize)]
struct Task {
    status: serde_json::Value,
}

/// The virtual cores of all executors of a scheduler whose version fits.
pub(crate) async fn slots(http: &Client, scheduler: &Url) -> Result<usize> {
    let Version { version } = get(http, scheduler, "api/version").await?;
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(&version) != major(BALLISTA_VERSION) {
        return Err(Error::Version { scheduler: shown(scheduler), version, needed: BALLISTA_VERSION });
    }
    let begun = Instant::now();
    loop {
        let executors: Vec<Executor> = get(http, scheduler, "api/executors").await?;
        match executors.iter().map(|executor| executor.specification.vcores).sum() {
            0 if begun.elapsed() >= EXECUTORS => return Err(Error::NoExecutors { scheduler: shown(scheduler) }),
            0 => tokio::time::sleep(Duration::from_millis(200)).await,
            slots => return Ok(slots),
        }
    }
}

/// Whether the scheduler has other work than this job, for which it may have to wait.
pub(crate) async fn has_others(http: &Client, scheduler: &Url, job: &str) -> bool {
    let jobs: Vec<Job> = get(http, scheduler, "api/jobs").await.unwrap_or_default();
    jobs.iter().any(|other| other.job_id != job && matches!(other.status.as_str(), "Running" | "Queued"))
}

/// How far a job is; `None` if the scheduler does not say.
pub(crate) async fn progress(http: &Client, scheduler: &Url, job: &str) -> Option<Progress> {
    let Stages { stages } = get(http, scheduler, &format!("api/job/{job}/stages")).await.ok()?;
    let tasks = || stages.iter().flat_map(|stage| &stage.tasks);
    let of_status = |status: &str| tasks().flatten().filter(|task| task.status == status).count();
    Some(Progress {
        stages: stages.len(),
        stages_done: stages.iter().filter(|stage| stage.stage_status == "Successful").count(),
        tasks_running: of_status("Running"),
        tasks_done: of_status("Successful"),
    })
}

async fn get<T: DeserializeOwned>(http: &Client, scheduler: &Url, path: &str) -> Result<T> {
    let problem = |problem: String| Error::NoScheduler { scheduler: shown(scheduler), problem };
    let url = format!("{scheduler}{path}");
    let answer = http.get(url).send().await.map_err(|error| problem(causes(&error.without_url())))?;
    if !answer.status().is_success() {
        return Err(problem(format!("GET /{path} is answered with {}; its REST API must be on", answer.status())));
    }
    let text = answer.text().await.map_err(|error| problem(causes(&error.without_url())))?;
    serde_json::from_str(&text)
        .map_err(|error| problem(format!("its answer to GET /{path} is not understood: {error}")))
}
