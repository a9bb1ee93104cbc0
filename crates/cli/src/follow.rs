//! `albatross follow`.

use std::io::Write;

use albatross_follow::{Journey, Layer, Search, Step, Subject, Trail};
use albatross_lake::Lake;
use albatross_query::Clock;
use anyhow::Result;

use crate::args::Follow;
use crate::cluster::ClusterArgs;
use crate::exit::{Exit, UsageError};
use crate::ingest::time_argument;
use crate::s3::S3Args;
use crate::show::{plural, safe, size};

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, args: &Follow) -> Result<Exit> {
    let clock = Clock::system(args.tz);
    let (from, to) = (time_argument("from", &args.from, &clock)?, time_argument("to", &args.to, &clock)?);
    let search = Search { subject: subject(args)?, from, to, limit: args.limit };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let trail = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let session = cluster.session(&lake).await?;
        anyhow::Ok(albatross_follow::follow(&session, &search).await?)
    })?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&trail)?)?;
    } else {
        text(&trail, &mut out)?;
    }
    Ok(Exit::Fine)
}

fn subject(args: &Follow) -> Result<Subject, UsageError> {
    let given = [
        args.subject.as_deref().map(Subject::guess),
        args.trace.clone().map(Subject::Trace),
        args.request.clone().map(Subject::Request),
        args.client.clone().map(Subject::Client),
        args.path.clone().map(Subject::Path),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(_), Some(_)) => Err(UsageError("give one thing to follow: a trace, a request, a client or a path".into())),
        (Some(subject), None) => Ok(subject),
        (None, _) if args.from.is_some() && args.to.is_some() => Ok(Subject::Everything),
        (None, _) => Err(UsageError(
            "say what to follow: a trace id, a request id, a client's address, a path, or all of a time with --from and --to"
                .into(),
        )),
    }
}

fn text(trail: &Trail, out: &mut impl Write) -> Result<()> {
    if trail.journeys.is_empty() {
        eprintln!("nothing found");
    }
    for (number, journey) in trail.journeys.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        heading(journey, out)?;
        for step in &journey.steps {
            line(step, out)?;
        }
        writeln!(out, "  => ends at {}: {}", journey.ends_at, safe(&journey.verdict))?;
    }
    if trail.more {
        writeln!(
            out,
            "\nthere are more than {}: narrow it with --from and --to, or raise --limit",
            plural(trail.journeys.len() as u64, "request")
        )?;
    }
    Ok(())
}

fn heading(journey: &Journey, out: &mut impl Write) -> Result<()> {
    let events = || journey.steps.iter().map(|step| &step.event);
    let first = |of: fn(&albatross_follow::Event) -> Option<&String>| events().find_map(of).map(|text| safe(text));
    let what = [first(|e| e.method.as_ref()), first(|e| e.path.as_ref())].into_iter().flatten().collect::<Vec<_>>();
    let what = if what.is_empty() { "a connection".to_owned() } else { what.join(" ") };
    let from = first(|e| e.client.as_ref()).map_or(String::new(), |client| format!(" from {client}"));
    let host = first(|e| e.host.as_ref()).map_or(String::new(), |host| format!(" to {host}"));
    let day = events().next().map_or(String::new(), |event| event.time.format("%Y-%m-%d ").to_string());
    writeln!(out, "{day}{what}{from}{host}")?;
    Ok(())
}

fn line(step: &Step, out: &mut impl Write) -> Result<()> {
    let event = &step.event;
    let mut parts = Vec::new();
    match event.kind.as_str() {
        "request" | "connection" | "error" => {}
        kind => parts.push(safe(kind)),
    }
    if let Some(status) = event.status {
        parts.push(match event.upstream_status {
            Some(upstream) if upstream != status => format!("{status} (behind it {upstream})"),
            Some(_) => format!("{status}"),
            None if knows_what_is_behind(event.layer) => format!("{status} (nothing behind it answered)"),
            None => format!("{status}"),
        });
    }
    parts.extend(event.duration.map(|seconds| format!("{seconds:.3} s")));
    parts.extend(event.received_bytes.filter(|bytes| *bytes > 0).map(|bytes| format!("{} in", size(bytes as u64))));
    parts.extend(event.bytes.filter(|bytes| *bytes > 0).map(|bytes| format!("{} out", size(bytes as u64))));
    parts.extend(event.target.as_deref().map(|target| format!("to {}", safe(target))));
    parts.extend(event.cause.as_deref().map(safe));
    parts.extend(event.message.as_deref().map(|message| safe(message.trim_end())));
    let by = step.by.words();
    let by = if by.is_empty() { String::new() } else { format!("  [{by}]") };
    writeln!(out, "  {}  {:<12} {}{by}", event.time.format("%H:%M:%S%.3f"), event.layer.title(), parts.join(", "))?;
    Ok(())
}

/// Whether a layer's log tells what the layer behind it answered.
fn knows_what_is_behind(layer: Layer) -> bool {
    matches!(layer, Layer::Alb | Layer::Clb | Layer::Nginx)
}
