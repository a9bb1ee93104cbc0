//! `albatross check`.

use std::io::Write;
use std::path::Path;

use albatross_check::{File, Outcome, Report};
use albatross_lake::Lake;
use albatross_query::Clock;
use anyhow::Result;
use chrono::{SecondsFormat, TimeDelta};
use clap::ValueEnum;

use crate::args::Check;
use crate::cluster::ClusterArgs;
use crate::compare::time;
use crate::exit::{self, Exit, UsageError};
use crate::s3::S3Args;
use crate::show::{plural, safe};

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Form {
    Text,
    Json,
}

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, args: &Check) -> Result<Exit> {
    let name = safe(&args.file.to_string_lossy());
    let file = file(&args.file)?;
    let clock = Clock::system(args.tz);
    let (from, to) = (time("from", &args.from, &clock)?, time("to", &args.to, &clock)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (report, errors) = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let session = cluster.session(&lake).await?;
        // To the last request, which is known to a millisecond; an empty lake is empty at any time.
        let (first, last) = session.span().unwrap_or((clock.now, clock.now));
        let window = (from.unwrap_or(first), to.unwrap_or(last + TimeDelta::milliseconds(1)));
        if window.0 >= window.1 {
            return Err(anyhow::Error::from(UsageError("--to is not after --from".to_owned())));
        }
        Ok(albatross_check::run(&session, &file, window, &clock).await)
    })?;
    let found = if report.failed > 0 { Exit::Finding } else { Exit::Fine };
    let exit = tell(errors, &name).max(found);
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        Form::Text => text_of(&mut out, &report, args.quiet)?,
    }
    out.flush()?;
    Ok(exit)
}

/// Says which checks could not be done; the worst of the reasons.
pub(crate) fn tell(errors: Vec<albatross_check::Error>, file: &str) -> Exit {
    errors.into_iter().fold(Exit::Fine, |worst, error| {
        let error = anyhow::Error::from(error).context(file.to_owned());
        tracing::error!("{}", exit::chain(&error));
        worst.max(exit::of(&error))
    })
}

/// Reads a file of checks.
pub(crate) fn file(path: &Path) -> Result<File, UsageError> {
    let name = safe(&path.to_string_lossy());
    let text = std::fs::read_to_string(path).map_err(|error| UsageError(format!("cannot read {name}: {error}")))?;
    File::parse(&name, &text).map_err(|fault| UsageError(safe(&fault.to_string())))
}

/// A line for each verdict, the failed ones first. What could not be asked is told as any error is.
fn text_of(out: &mut impl Write, report: &Report, quiet: bool) -> Result<()> {
    let outcomes = [(Outcome::Failed, "FAILED"), (Outcome::NoVerdict, "no verdict"), (Outcome::Ok, "ok")];
    for (outcome, word) in outcomes {
        for verdict in report.verdicts.iter().filter(|verdict| verdict.outcome == outcome) {
            if !quiet || outcome == Outcome::Failed {
                writeln!(out, "{word:<10}  {}: {}: {}", safe(&verdict.check), verdict.budget, safe(&verdict.text))?;
            }
        }
    }
    if !quiet {
        let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        writeln!(
            out,
            "{} to {}: {} failed, {} without verdict, {} ok{}",
            time(report.from),
            time(report.to),
            plural(report.failed as u64, "budget"),
            report.no_verdict,
            report.ok,
            if report.errors > 0 { format!(", {} in error", report.errors) } else { String::new() }
        )?;
    }
    Ok(())
}
