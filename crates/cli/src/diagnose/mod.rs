//! `albatross diagnose`.

mod write_check;

use std::io::Write;

use albatross_diagnose::{Window, diagnose, markdown, text};
use albatross_lake::Lake;
use albatross_query::{Clock, Session};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use crate::args::{Diagnose, DiagnoseFormat};
use crate::cluster::ClusterArgs;
use crate::exit::{Exit, UsageError};
use crate::ingest::time_argument;
use crate::logs;
use crate::s3::S3Args;

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, args: &Diagnose) -> Result<Exit> {
    args.write_check.as_deref().map_or(Ok(()), write_check::test_place)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (diagnosis, span) = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let session = cluster.session(&lake).await?;
        let window = window(&session, &args.from, &args.to, &Clock::system(args.tz))?;
        anyhow::Ok((diagnose(&session, window).await?, session.span()))
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
    if diagnosis.coverage.requests == 0 && logs::for_people() {
        let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M").to_string();
        match span {
            Some((first, last)) => eprintln!("the lake has logs from {} to {} UTC", time(first), time(last)),
            None => eprintln!("the lake is empty"),
        }
    }
    if let Some(path) = &args.write_check {
        write_check::write(&diagnosis, path)?;
    }
    Ok(if args.fail_on_incident && !diagnosis.incidents.is_empty() { Exit::Finding } else { Exit::Fine })
}

/// `--from` and `--to`, as for queries: what is not given is the end of what the lake holds. A window that is all beyond it ends now, or
/// has a minute.
pub(crate) fn window(session: &Session, from: &Option<String>, to: &Option<String>, clock: &Clock) -> Result<Window> {
    let (from, to) = (time_argument("from", from, clock)?, time_argument("to", to, clock)?);
    let minute = TimeDelta::minutes(1);
    let span = session.span().map(|(first, last)| (first, last + TimeDelta::milliseconds(1)));
    let (first, end) = span.unwrap_or((clock.now - minute, clock.now));
    let window = match (from, to) {
        (Some(from), Some(to)) if from >= to => {
            return Err(UsageError("--to is not after --from".to_owned()).into());
        }
        (Some(from), Some(to)) => Window { from, to },
        (Some(from), None) if from < end => Window { from, to: end },
        (Some(from), None) => Window { from, to: clock.now.max(from + minute) },
        (None, Some(to)) if to > first => Window { from: first, to },
        (None, Some(to)) => Window { from: to - minute, to },
        (None, None) => Window { from: first, to: end },
    };
    Ok(window)
}
