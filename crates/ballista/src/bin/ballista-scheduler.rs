//! Ballista's scheduler with the options of the stock program, for tests: it is built with everything else, of the
//! same DataFusion. `make cluster` runs the same tests with the stock programs.

use std::sync::Arc;

use ballista_core::error::{BallistaError, Result};
use ballista_core::object_store::{session_config_with_s3_support, session_state_with_s3_support};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{Config, SchedulerConfig};
use ballista_scheduler::scheduler_process::start_server;
use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_ansi(false).with_env_filter(EnvFilter::from_default_env()).init();
    // Debug builds plan deep in the stack; the stock program has as much.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(32 << 20).build()?;
    runtime.block_on(serve(Config::parse()))
}

async fn serve(options: Config) -> Result<()> {
    let address = format!("{}:{}", options.bind_host, options.bind_port);
    let address = address.parse().map_err(|error| BallistaError::Configuration(format!("{address}: {error}")))?;
    let config: SchedulerConfig = options.try_into()?;
    let config = config
        .with_override_config_producer(Arc::new(session_config_with_s3_support))
        .with_override_session_builder(Arc::new(session_state_with_s3_support));
    let cluster = BallistaCluster::new_from_config(&config).await?;
    start_server(cluster, address, Arc::new(config)).await
}
