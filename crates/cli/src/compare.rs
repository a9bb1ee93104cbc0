//! `albatross compare`.

use albatross_query::compare::{self, Against, Range, Request};
use albatross_query::{Catalogue, Clock, Error, Format, SendableRecordBatchStream, Session, TIME_FORMS, parse_time};
use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::ValueEnum;

use crate::args::Compare;
use crate::cluster::ClusterArgs;
use crate::exit::{Exit, UsageError};
use crate::query::{answer, format};
use crate::s3::S3Args;

/// What people read in a terminal; the other columns are in the formats for machines.
const SHOWN: [&str; 9] =
    ["dimension", "value", "requests", "requests_before", "rate", "rate_before", "mix", "own", "explains"];

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum By {
    /// The share of requests that failed.
    Errors,
    /// The mean duration.
    Latency,
    /// Requests per second.
    Requests,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Earlier {
    /// The same length, directly before the window.
    Before,
    /// 24 hours earlier.
    DayBefore,
    /// 7 days earlier.
    WeekBefore,
}

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, args: &Compare) -> Result<Exit> {
    let clock = Clock::system(args.tz);
    if !args.request.is_empty() {
        let [first, second] = args.request.as_slice() else {
            return Err(UsageError("give --request twice: two requests are compared".into()).into());
        };
        let within = [("from", &args.from), ("to", &args.to)];
        let within = within.into_iter().filter_map(|(name, time)| Some((name.to_owned(), time.clone()?))).collect();
        return answer(lake, s3, cluster, &args.output, async |session| {
            let [first, second] = [first, second].map(|text| text.parse::<Request>().unwrap_or_else(|e| match e {}));
            Ok(compare::requests(session, &first, &second, &within, &clock).await?)
        });
    }
    let shown = format(&args.output)?;
    answer(lake, s3, cluster, &args.output, async |session| {
        let stream = windows(session, args, &clock).await?;
        Ok(match shown {
            Format::Table | Format::Markdown if !args.wide => compare::only(stream, &SHOWN)?,
            _ => stream,
        })
    })
}

async fn windows(session: &Session, args: &Compare, clock: &Clock) -> Result<SendableRecordBatchStream> {
    let window = window(session, args, clock).await?;
    let baseline =
        match (time("baseline-from", &args.baseline_from, clock)?, time("baseline-to", &args.baseline_to, clock)?) {
            (None, None) => match args.against {
                Earlier::Before => Against::Before,
                Earlier::DayBefore => Against::DayBefore,
                Earlier::WeekBefore => Against::WeekBefore,
            }
            .baseline(window),
            (Some(from), None) if from >= window.0 => {
                let how = "--baseline-from is not before the window: give --baseline-to, too";
                return Err(UsageError(how.into()).into());
            }
            (Some(from), None) => (from, window.0),
            (None, Some(to)) => (to - (window.1 - window.0), to),
            (Some(from), Some(to)) => (from, to),
        };
    let mut given = compare::parameters(window, baseline)?;
    let by = match args.by {
        By::Errors => "errors",
        By::Latency => "latency",
        By::Requests => "requests",
    };
    given.insert("by".to_owned(), by.to_owned());
    let more: [(&str, Option<String>); 4] = [
        ("status", args.status.clone()),
        ("limit", args.limit.map(|n| n.to_string())),
        ("values", args.values.map(|n| n.to_string())),
        ("min_requests", args.min_requests.map(|n| n.to_string())),
    ];
    given.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let catalogue = Catalogue::load(None)?;
    Ok(session.query(catalogue.get("compare")?, &given, clock).await?)
}

/// The window that is asked for: the given one, else the largest rise of errors.
async fn window(session: &Session, args: &Compare, clock: &Clock) -> Result<Range> {
    let (from, to) = (time("from", &args.from, clock)?, time("to", &args.to, clock)?);
    let beyond = |given: &str, first: DateTime<Utc>, last: DateTime<Utc>| {
        let shown = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let lake = format!("the lake has logs from {} to {}", shown(first), shown(last));
        Err(UsageError(format!("there is nothing to compare {given}: {lake}")).into())
    };
    match (from, to, session.span()) {
        (Some(from), Some(to), _) if from >= to => Err(UsageError("--to is not after --from".into()).into()),
        (Some(from), Some(to), _) => Ok((from, to)),
        (Some(from), None, Some((first, last))) if from > last => beyond("after --from", first, last),
        (None, Some(to), Some((first, last))) if to <= first => beyond("before --to", first, last),
        // To the last request, which is known to a millisecond.
        (Some(from), None, Some((_, last))) => Ok((from, last + chrono::TimeDelta::milliseconds(1))),
        (None, Some(to), Some((first, _))) => Ok((first, to)),
        (None, None, Some(_)) => {
            let status = args.status.as_deref().unwrap_or(compare::ERRORS);
            compare::largest_rise(session, status, clock).await?.ok_or_else(|| {
                UsageError(
                    "no rise of errors stands out that could be compared with the time before: give --from and --to"
                        .into(),
                )
                .into()
            })
        }
        (_, _, None) => Err(UsageError("the lake is empty: there is nothing to compare".into()).into()),
    }
}

/// The point in time of an option.
pub(crate) fn time(name: &str, text: &Option<String>, clock: &Clock) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
    let Some(text) = text else {
        return Ok(None);
    };
    match parse_time(text, clock) {
        Some(time) => Ok(Some(time)),
        None => Err(Error::Parameter {
            name: name.to_owned(),
            problem: format!("`{}` is not a timestamp: give {TIME_FORMS}", text.escape_debug()),
        }
        .into()),
    }
}
