//! The option that says where queries run.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use albatross_cluster::{Cluster, Progress};
use albatross_lake::Lake;
use albatross_query::Session;
use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;

use crate::ingest::INTERRUPTED;
use crate::logs;

#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Run queries on a cluster of Ballista instead of here: df://scheduler.internal:50050 (docs/scale.md).
    #[arg(long, env = "ALBATROSS_CLUSTER", value_name = "df://HOST:PORT", global = true)]
    cluster: Option<String>,
}

impl ClusterArgs {
    /// What is missing here is taken from `other`.
    pub(crate) fn or(self, other: &ClusterArgs) -> ClusterArgs {
        ClusterArgs { cluster: self.cluster.or_else(|| other.cluster.clone()) }
    }

    /// A session over the lake. If its queries run on a cluster, they are cancelled there when this program is interrupted.
    pub(crate) async fn session(&self, lake: &Lake) -> Result<Session> {
        let cluster = self.connect().await?;
        if let Some(cluster) = cluster.clone() {
            tokio::spawn(async move {
                if tokio::signal::ctrl_c().await.is_ok() {
                    cluster.cancel_all().await;
                    std::process::exit(INTERRUPTED);
                }
            });
        }
        Ok(Session::open_on(lake, cluster).await?)
    }

    /// Asks the scheduler who it is; `None` if queries run here.
    pub(crate) async fn connect(&self) -> Result<Option<Cluster>> {
        let Some(address) = &self.cluster else { return Ok(None) };
        let cluster = Cluster::connect(address).await?;
        if !std::io::stderr().is_terminal() {
            return Ok(Some(cluster));
        }
        let bar = ProgressBar::new_spinner();
        logs::keep_clear_of(&bar);
        Ok(Some(cluster.telling(Arc::new(move |progress| tell(&bar, progress)))))
    }
}

/// One line for a job that takes its time; gone when it ends.
fn tell(bar: &ProgressBar, progress: Option<&Progress>) {
    match progress {
        Some(progress) => {
            bar.enable_steady_tick(Duration::from_millis(200));
            bar.set_message(format!("cluster: {progress}"));
        }
        None => {
            bar.disable_steady_tick();
            bar.set_message("");
            bar.finish_and_clear();
        }
    }
}
