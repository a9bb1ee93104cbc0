//! `albatross diagnose`.

mod write_check;

use std::io::Write;

use albatross_diagnose::{Window, diagnose, markdown, text};
use albatross_lake::Lake;
use albatross_query::{Clock, Session};
use anyhow::Result;
use chrono::{DateTime, TimeDelta};

use crate::args::{Diagnose, DiagnoseFormat};
use crate::cluster::ClusterArgs;
use crate::exit::{Exit, UsageError};
use crate::ingest::time_argument;
use crate::s3::S3Args;

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, args: &Diagnose) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let diagnosis = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let session = cluster.session(&lake).await?;
        let window = window(&session, &args.from, &args.to, &Clock::system(args.tz))?;
        anyhow::Ok(diagnose(&session, window).await?)
    })?;
    let mut out = std::io::stdout().lock();
    match args.format {
        DiagnoseFormat::Text => out.write_all(text(&diagnosis).as_bytes())?,
        DiagnoseFormat::Markdown => out.write_all(markdown(&diagnosis).as_bytes())?,
        DiagnoseFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &diagnosis)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    if let Some(path) = &args.write_check {
        write_check::write(&diagnosis, path)?;
    }
    Ok(if args.fail_on_incident && !diagnosis.incidents.is_empty() { Exit::Finding } else { Exit::Fine })
}

/// `--from` and `--to`, as for queries: what is not given is the end of what the lake holds.
pub(crate) fn window(session: &Session, from: &Option<String>, to: &Option<String>, clock: &Clock) -> Result<Window> {
    let (from, to) = (time_argument("from", from, clock)?, time_argument("to", to, clock)?);
    let (first, last) = session.span().unwrap_or((DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH));
    let tick = TimeDelta::milliseconds(1);
    let window = match (from, to) {
        (Some(from), Some(to)) if from >= to => {
            return Err(UsageError("--to is not after --from".to_owned()).into());
        }
        (Some(from), Some(to)) => Window { from, to },
        (Some(from), None) => Window { from, to: (last + tick).max(from + tick) },
        (None, Some(to)) => Window { from: first.min(to - tick), to },
        (None, None) => Window { from: first, to: last + tick },
    };
    Ok(window)
}
