//! `albatross nightly`: everything that is to be there in the morning. docs/ops.md says what that is.
//!
//! A night can be killed anywhere and run again. What is in the lake is there once by the ids of its sources; what is in the output folder is
//! written beside its place and put there whole; what was sent to the webhook has a marker. One night works in an output folder at a time.

mod cpu;
mod findings;
mod folder;
mod lock;
mod plan;
mod steps;
mod webhook;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use albatross_check::Report as Checked;
use albatross_diagnose::{Diagnosis, Window};
use albatross_formats::Settings;
use albatross_ingest::maintain;
use albatross_lake::Lake;
use albatross_query::{Catalogue, Clock, Format, Session, TIME_FORMS, parse_time};
use albatross_s3::S3;
use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::cluster::ClusterArgs;
use crate::config::Config;
use crate::exit::{self, Exit, UsageError};
use crate::s3::S3Args;
use crate::show::safe;
use crate::{ingest, logs, summaries};
use findings::{Message, Messages};
use folder::Folder;
use lock::Lock;
use steps::{Did, Steps};

/// Do all of a night's work: ingest what is new, fetch CPU, maintain the lake, and put the report of a day into a folder.
///
/// What to do is in albatross.toml (`albatross init` writes one). The folder of the day appears whole or not at all. A night that was killed
/// is simply run again; two at once are refused. The exit code is that of the worst step.
#[derive(Args)]
pub(crate) struct Nightly {
    /// The day that is reported: yesterday, today or 2026-11-20, in the zone of --tz.
    #[arg(long, value_name = "DAY", default_value = "yesterday")]
    day: String,
    /// Zone in which the day is meant, and times given without one, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    tz: Tz,
    /// Say what would be done, on stdout, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Say nothing but what went wrong.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// What a night works with.
struct Night<'a> {
    config: &'a Config,
    lake: &'a str,
    s3: S3,
    cluster: &'a ClusterArgs,
    clock: Clock,
    day: Day,
    /// The output folder.
    out: PathBuf,
    quiet: bool,
    runtime: Runtime,
    stop: Arc<AtomicBool>,
}

/// A day in a zone, `to` excluded.
struct Day {
    date: NaiveDate,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, config: &Config, args: &Nightly) -> Result<Exit> {
    let clock = Clock::system(args.tz);
    let night = Night {
        config,
        lake,
        s3: s3.s3(),
        cluster,
        clock,
        day: Day::parse(&args.day, &clock)?,
        out: config.place(&config.nightly.out).into(),
        quiet: args.quiet,
        runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
        stop: Arc::new(AtomicBool::new(false)),
    };
    night.names_of_checks()?;
    if args.dry_run { plan::tell(&night) } else { night.work() }
}

impl Day {
    fn parse(text: &str, clock: &Clock) -> Result<Day> {
        let problem =
            || UsageError(format!("--day `{}` is no day; give one such as yesterday or 2026-11-20", safe(text)));
        let from = parse_time(text, clock).ok_or_else(problem)?;
        let date = from.with_timezone(&clock.zone).date_naive();
        // A date and nothing else: `2026-11-20 18:00` and `-2h` are times within one.
        let midnight = |date: NaiveDate| parse_time(&date.to_string(), clock);
        let to = date.succ_opt().and_then(midnight).ok_or_else(problem)?;
        if midnight(date) != Some(from) { Err(problem().into()) } else { Ok(Day { date, from, to }) }
    }
}

impl Night<'_> {
    fn work(&self) -> Result<Exit> {
        let started = Instant::now();
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make {}", safe(&self.out.to_string_lossy())))?;
        let _lock = Lock::take(&self.out)?;
        self.runtime.spawn(ingest::stop_on_signal(Arc::clone(&self.stop), "the night ends after what is in hand"));
        folder::clean(&self.out)?;

        let mut steps = Steps::new(&self.stop);
        let lake = self.fill(&mut steps);
        let folder = Folder::make(&self.out, self.day.date)?;
        let mut messages = Vec::new();
        if let Some(lake) = &lake {
            messages = self.answer(&mut steps, lake, &folder)?;
        }
        if self.stop.load(Ordering::Relaxed) {
            folder.discard()?;
            tracing::warn!(reason = "the night was interrupted: run it again to go on", "interrupted");
            return Ok(steps.exit().max(Exit::Partial));
        }
        let undiagnosed = steps.failed(OPEN) || steps.failed(DIAGNOSE);
        if lake.is_none() || undiagnosed && self.out.join(self.day.date.to_string()).exists() {
            // A broken night is no reason to take a good one away. What else failed is no reason to keep findings back.
            folder.discard()?;
            tracing::warn!(
                source = self.day.date.to_string(),
                reason = "its folder is left as it was",
                "nothing published"
            );
            return Ok(steps.exit());
        }
        if self.config.webhook.is_some() {
            let messages = Messages { version: 1, created: self.clock.now, messages };
            folder.write(webhook::FILE, &pretty(&messages)?)?;
        }
        folder.write(SUMMARY, b"")?;
        let files = folder.files()?;
        folder.write(SUMMARY, &self.summary(&steps, &files, started)?)?;
        let place = folder.publish()?;
        tracing::info!(folder = %place.display(), files = files.len(), "folder published");

        if let Some(hook) = &self.config.webhook {
            steps.run("webhook", || {
                let sent = self.runtime.block_on(webhook::deliver(&self.out, hook, self.clock.now))?;
                let exit = if sent.failed > 0 { Exit::Partial } else { Exit::Fine };
                Ok(Did::new(exit, json!({ "sent": sent.sent, "not_sent": sent.failed })))
            });
            // What it says of the webhook is all that is not in it yet.
            folder::replace(&place.join(SUMMARY), &self.summary(&steps, &files, started)?)?;
        }
        if !self.quiet && logs::for_people() {
            eprintln!(
                "{}: {} in {:.1} s",
                safe(&place.to_string_lossy()),
                steps.text(),
                started.elapsed().as_secs_f64()
            );
        }
        Ok(steps.exit())
    }

    /// The steps that change the lake. `None` if there is none, or it cannot be opened.
    fn fill(&self, steps: &mut Steps) -> Option<Lake> {
        let mut opened = None;
        steps.run("ingest", || {
            let inputs = !self.config.ingest.inputs.is_empty();
            let options = self.ingest_options()?;
            let open = async {
                if inputs {
                    Lake::open_or_create_with(self.lake, &self.s3).await
                } else {
                    Lake::open_with(self.lake, &self.s3).await
                }
            };
            let lake = self.runtime.block_on(open).map_err(|error| self.unopened(error))?;
            let lake = opened.insert(lake);
            let started = Instant::now();
            let summary = albatross_ingest::ingest(self.runtime.handle(), lake, &options, &self.stop, &|_| {})?;
            if inputs {
                ingest::report(&summary, self.quiet, started.elapsed());
            }
            Ok(Did::new(ingest::exit(&summary), ingested(&summary)))
        });
        let lake = opened?;
        if !self.config.cloudwatch.is_empty() {
            steps.run("cpu", || self.cpu(&lake));
        }
        if self.config.nightly.maintain {
            steps.run("maintain", || {
                let options = self.maintain_options()?;
                let exit = crate::maintain::run_on(&self.runtime, &lake, &options, &self.stop, self.quiet)?;
                Ok(Did::new(exit, json!({})))
            });
        }
        Some(lake)
    }

    /// Says what is missing where a lake could not come from.
    fn unopened(&self, error: albatross_lake::Error) -> anyhow::Error {
        let nothing = matches!(error, albatross_lake::Error::NotALake { .. }) && self.config.ingest.inputs.is_empty();
        anyhow::Error::from(error).context(match nothing {
            true => {
                "no `inputs` are given to make a lake of (in albatross.toml; `albatross init` writes one)".to_owned()
            }
            false => format!("the lake at {}", safe(self.lake)),
        })
    }

    fn cpu(&self, lake: &Lake) -> Result<Did> {
        let fetched = self.runtime.block_on(async {
            let wanted = cpu::wanted(&self.s3, lake, &self.config.cloudwatch, self.clock.now).await?;
            let (metrics, hours, calls) = wanted.size();
            tracing::info!(metrics, hours, calls, "CPU wanted");
            cpu::fetch(&wanted).await
        })?;
        for (source, reason) in &fetched.failures {
            tracing::warn!(source, reason, "metric failed");
        }
        for source in &fetched.empty {
            let warning = "CloudWatch has nothing of it; are its namespace and dimensions right?";
            tracing::warn!(source, warning, "metric is empty");
        }
        let hours = fetched.sources.len();
        let options = self.ingest_options()?;
        let stop = &self.stop;
        let summary =
            albatross_ingest::ingest_given(self.runtime.handle(), lake, &options, fetched.sources, stop, &|_| {})?;
        let failed = fetched.failures.len() as u64 + summary.failures.len() as u64 + summary.left;
        let exit = if failed > 0 { Exit::Partial } else { Exit::Fine };
        let said = json!({ "hours": hours, "points": fetched.points, "rows": summary.counts.rows, "failed": failed });
        Ok(Did::new(exit, said))
    }

    async fn session(&self, lake: &Lake) -> Result<Session> {
        Ok(Session::open_on(lake, self.cluster.connect().await?).await?)
    }

    /// The steps that read the lake and write the folder. Returns what is to be told.
    fn answer(&self, steps: &mut Steps, lake: &Lake, folder: &Folder) -> Result<Vec<Message>> {
        let session = match self.runtime.block_on(self.session(lake)) {
            Ok(session) => session,
            Err(error) => {
                steps.run(OPEN, || Err(error));
                return Ok(Vec::new());
            }
        };
        let (mut diagnosis, mut report) = (None, None);
        steps.run(DIAGNOSE, || {
            let window = Window { from: self.day.from, to: self.day.to };
            let found = if self.config.nightly.report {
                let gathered = self.runtime.block_on(albatross_report::gather(&session, window, &self.clock))?;
                report.insert(gathered).diagnosis.clone()
            } else {
                self.runtime.block_on(albatross_diagnose::diagnose(&session, window))?
            };
            self.diagnosed(diagnosis.insert(found), folder)
        });
        if let Some(report) = &report {
            steps.run("report", || {
                folder.write("report.html", albatross_report::html(report).as_bytes())?;
                folder.write("report.md", albatross_report::markdown(report).as_bytes())?;
                Ok(Did::new(Exit::Fine, json!({})))
            });
        }
        steps.run("csv", || self.csv(&session, folder));
        let mut checked = Vec::new();
        if !self.config.nightly.checks.is_empty() {
            steps.run("checks", || self.checks(&session, folder, &mut checked));
        }
        let zone = self.clock.zone;
        Ok(findings::messages(lake.root().as_str(), self.day.date, zone, diagnosis.as_ref(), &checked))
    }

    fn diagnosed(&self, diagnosis: &Diagnosis, folder: &Folder) -> Result<Did> {
        folder.write("diagnosis.json", &pretty(diagnosis)?)?;
        let (incidents, requests) = (diagnosis.incidents.len(), diagnosis.coverage.requests);
        if requests == 0 {
            let warning = "the lake has no request of this day; are logs missing?";
            tracing::warn!(source = self.day.date.to_string(), warning, "day is empty");
        }
        let exit = if incidents > 0 { Exit::Finding } else { Exit::Fine };
        Ok(Did::new(exit, json!({ "incidents": incidents, "requests": requests })))
    }

    fn csv(&self, session: &Session, folder: &Folder) -> Result<Did> {
        let (catalogue, names) = self.queries()?;
        let given = [("from", iso(self.day.from)), ("to", iso(self.day.to))];
        let given = given.map(|(name, time)| (name.to_owned(), time)).into();
        let into = folder.folder("csv")?;
        let done = self.runtime.block_on(summaries::write_all(
            session,
            &catalogue,
            &names,
            Format::Csv,
            &given,
            &self.clock,
            &into,
        ));
        let exit = done.worst.min(Exit::Partial);
        Ok(Did::new(exit, json!({ "files": done.files, "failed": done.failed })))
    }

    fn checks(&self, session: &Session, folder: &Folder, checked: &mut Vec<(String, Checked)>) -> Result<Did> {
        let window = (self.day.from, self.day.to);
        let (mut failed, mut no_verdict, mut ok) = (0, 0, 0);
        let (mut unread, mut worst) = (0, Exit::Fine);
        folder.folder("checks")?;
        for (path, name) in self.config.nightly.checks.iter().zip(self.names_of_checks()?) {
            let report = match self.check_file(path) {
                Ok(file) => {
                    let run = albatross_check::run(session, &file, window, &self.clock);
                    let (report, errors) = self.runtime.block_on(run);
                    unread += u64::from(!errors.is_empty());
                    worst = worst.max(crate::check::tell(errors, &safe(path)));
                    report
                }
                Err(error) => {
                    tracing::warn!(source = safe(path), reason = exit::chain(&error), "checks failed");
                    unread += 1;
                    worst = worst.max(exit::of(&error));
                    continue;
                }
            };
            folder.write(&format!("checks/{name}.json"), &pretty(&report)?)?;
            failed += report.failed;
            no_verdict += report.no_verdict;
            ok += report.ok;
            checked.push((path.clone(), report));
        }
        let exit = if failed > 0 { worst.max(Exit::Finding) } else { worst };
        let said =
            json!({ "budgets_failed": failed, "without_verdict": no_verdict, "kept": ok, "files_failed": unread });
        Ok(Did::new(exit, said))
    }

    fn check_file(&self, path: &str) -> Result<albatross_check::File> {
        Ok(crate::check::file(self.config.place(path).as_ref())?)
    }

    /// What the files of checks are called in the folder.
    ///
    /// # Errors
    /// Two would be called the same.
    fn names_of_checks(&self) -> Result<Vec<String>> {
        let paths = &self.config.nightly.checks;
        let name = |path: &String| Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let names: Vec<String> = paths.iter().map(name).collect();
        for (i, name) in names.iter().enumerate() {
            if let Some(first) = names[..i].iter().position(|other| other == name) {
                let (first, second, name) = (safe(&paths[first]), safe(&paths[i]), safe(name));
                let problem =
                    format!("[nightly]: checks `{first}` and `{second}` would both become checks/{name}.json");
                return Err(UsageError(problem).into());
            }
        }
        Ok(names)
    }

    fn queries(&self) -> Result<(Catalogue, Vec<String>)> {
        let catalogue = Catalogue::load(self.config.queries().as_deref())?;
        let names = match &self.config.nightly.csv {
            Some(names) => names.clone(),
            None => summaries::all(&catalogue),
        };
        Ok((catalogue, names))
    }

    fn ingest_options(&self) -> Result<albatross_ingest::Options> {
        let said = &self.config.ingest;
        let routes = said.routes.as_deref().map(|path| PathBuf::from(self.config.place(path)));
        let (routes, route_rules) = ingest::routes(routes.as_deref())?;
        let format = |problem: &dyn std::fmt::Display| UsageError(format!("[ingest]: {problem}"));
        let from = match &said.from {
            Some(text) => Some(parse_time(text, &self.clock).ok_or_else(|| format(&TIME_FORMS))?),
            None => None,
        };
        let settings = Settings {
            routes,
            zone: self.clock.zone,
            year: said.year,
            nginx_log_format: said.nginx_log_format.as_deref().map(str::parse).transpose().map_err(|e| format(&e))?,
            apache_log_format: said.apache_log_format.as_deref().map(str::parse).transpose().map_err(|e| format(&e))?,
        };
        Ok(albatross_ingest::Options {
            inputs: said.inputs.iter().map(|input| self.config.place(input)).collect(),
            window: albatross_ingest::Window { from, to: None },
            shard: None,
            s3: self.s3.clone(),
            threads: ingest::cores(),
            memory_per_thread: ingest::MEMORY_PER_THREAD,
            max_rejects: 1.0,
            format: None,
            settings,
            route_rules,
        })
    }

    fn maintain_options(&self) -> Result<maintain::Options> {
        let said = &self.config.maintain;
        let default = maintain::Options::default();
        let wrong = |problem| UsageError(format!("[maintain]: {problem}"));
        let size = |text: &Option<String>, default| text.as_deref().map_or(Ok(default), crate::maintain::parse_size);
        let options = maintain::Options {
            small: size(&said.small, default.small).map_err(wrong)?,
            target: size(&said.target, default.target).map_err(wrong)?,
            retain_days: said.retain.as_deref().map(crate::maintain::parse_days).transpose().map_err(wrong)?,
            grace: said.grace.as_deref().map_or(Ok(default.grace), crate::maintain::parse_duration).map_err(wrong)?,
            ..default
        };
        crate::maintain::validated(options)
    }

    /// `nightly.json`
    fn summary(&self, steps: &Steps, files: &[String], started: Instant) -> Result<Vec<u8>> {
        pretty(&json!({
            "version": 1,
            "day": self.day.date.to_string(),
            "tz": self.clock.zone.name(),
            "from": iso(self.day.from),
            "to": iso(self.day.to),
            "started": iso(self.clock.now),
            "seconds": steps::seconds(started),
            "exit": steps.exit() as u8,
            "steps": steps.done(),
            "files": files,
        }))
    }
}

const SUMMARY: &str = "nightly.json";
const OPEN: &str = "open";
const DIAGNOSE: &str = "diagnose";

fn ingested(summary: &albatross_ingest::Summary) -> Value {
    let counts = &summary.counts;
    json!({
        "found": summary.found, "ingested": summary.ingested_files(), "already": summary.already,
        "failed": summary.failures.len(), "left": summary.left, "bytes": summary.bytes,
        "lines": counts.lines, "rows": counts.rows, "rejects": counts.rejects, "skipped": counts.skipped(),
    })
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// RFC 3339 in UTC.
fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_as_many_hours_as_they_have() {
        let clock = Clock { now: "2026-10-26T03:00:00Z".parse().unwrap(), zone: Tz::Europe__Berlin };
        let day = |text: &str| {
            Day::parse(text, &clock).map(|day| (day.date.to_string(), day.from, (day.to - day.from).num_hours()))
        };
        let (date, from, hours) = day("yesterday").unwrap();
        assert_eq!((date.as_str(), iso(from).as_str(), hours), ("2026-10-25", "2026-10-24T22:00:00Z", 25));
        assert_eq!(day("2026-03-29").unwrap().2, 23);
        assert_eq!(day("today").unwrap().0, "2026-10-26");
        for text in ["tomorrow", "-2h", "now", "2026-10-25 18:00", "2026-10-25T00:00:00Z"] {
            assert!(day(text).unwrap_err().to_string().contains("is no day"), "{text}");
        }
    }
}
