//! `albatross diagnose`.

use std::io::Write;

use albatross_diagnose::{Window, diagnose, markdown, text};
use albatross_lake::Lake;
use albatross_query::{Clock, Session, TIME_FORMS, parse_time};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use crate::args::{Diagnose, DiagnoseFormat};
use crate::exit::{Exit, UsageError};
use crate::s3::S3Args;

pub(crate) fn run(lake: &str, s3: &S3Args, args: &Diagnose) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let diagnosis = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let session = Session::open(&lake).await?;
        let window = window(&session, args)?;
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
    Ok(if args.fail_on_incident && !diagnosis.incidents.is_empty() { Exit::Finding } else { Exit::Fine })
}

/// `--from` and `--to`, as for queries: what is not given is the end of what the lake holds.
fn window(session: &Session, args: &Diagnose) -> Result<Window> {
    let clock = Clock::system(args.tz);
    let given = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => parse_time(text, &clock)
            .map(Some)
            .ok_or_else(|| UsageError(format!("--{name}: `{}` is not a time: give {TIME_FORMS}", text.escape_debug()))),
    };
    let (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>) =
        (given("from", &args.from)?, given("to", &args.to)?);
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
