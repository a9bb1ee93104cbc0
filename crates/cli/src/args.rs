//! The command line.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::cluster::ClusterArgs;
use crate::logs::LogArgs;
use crate::s3::S3Args;

/// Access-log analytics: ALB logs and CPU in, the answer out.
#[derive(Parser)]
#[command(name = "albatross", version, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 fine, 1 a finding, 2 wrong usage, 3 partly done, 4 failed.\n\n\
    Examples:\n  albatross ingest ./logs cpu.json\n  \
    albatross ingest s3://my-logs/AWSLogs/ --from yesterday\n  albatross query story\n  albatross query 502_spikes --from -24h --format csv\n  \
    albatross sql \"SELECT route, count(*) FROM alb GROUP BY route ORDER BY 2 DESC LIMIT 10\"")]
pub(crate) struct Args {
    /// Folder of the lake, or s3://bucket/prefix.
    #[arg(long, env = "ALBATROSS_LAKE", default_value = "./lake", global = true, value_name = "FOLDER")]
    pub(crate) lake: String,
    /// Defaults of options, and what `nightly` does [default: ./albatross.toml if it is there].
    #[arg(id = "config", long, env = "ALBATROSS_CONFIG", global = true, value_name = "FILE")]
    _config: Option<PathBuf>, // read before the options are known
    #[command(flatten)]
    pub(crate) s3: S3Args,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Read logs and metrics into the lake; what is there already is left alone.
    Ingest(Ingest),
    /// Answer a named question (`albatross queries` lists them).
    Query(NamedQuery),
    /// Say what explains the difference between two windows of time, or lay two requests side by side.
    Compare(Compare),
    /// Hold a time against a file of budgets and expectations.
    Check(Check),
    /// Find incidents and say what caused them, with evidence and what to check next.
    Diagnose(Diagnose),
    /// Write the report of a day: what happened, why, and how that compares with earlier.
    Report(crate::report::ReportArgs),
    /// List the named questions, or show one.
    Queries(Queries),
    /// Answer SQL, from the lake or from files of logs; without a statement, a shell.
    Sql(crate::sql::Sql),
    /// Follow one request, client or path through every layer.
    Follow(Follow),
    /// Say what is in the lake.
    Status(Status),
    /// Merge small files, drop old days, delete what nothing refers to.
    Maintain(Maintain),
    /// Read everything in the lake and check it against its log, its ledger and its sources.
    Verify(Verify),
    /// Print the statements that make the lake known to Athena, Trino or Spark.
    Ddl(crate::ddl::Ddl),
    /// Do all of a night's work: ingest, CPU, maintenance, and a folder with the report of a day.
    Nightly(crate::nightly::Nightly),
    /// Write an albatross.toml to begin with.
    Init(crate::init::Init),
    /// Print what completes commands in a shell.
    Completions(crate::completions::Completions),
    /// Write the man pages.
    Man(crate::completions::Man),
}

/// Read logs and metrics into the lake.
///
/// Takes access, connection and health-check logs of load balancers (ALB, NLB, Classic), CloudFront, nginx (access and error), Apache
/// and Lambda logs, and CloudWatch metrics, each told apart by name and content; gzip, zstd, Parquet or plain. A file is in the lake with all its lines or not at all; lines that cannot be
/// read are kept in the table `rejects`.
#[derive(ClapArgs)]
pub(crate) struct Ingest {
    /// Files, folders, globs, s3://bucket/prefix (a folder, a key, or a * in the last part), or - for standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) inputs: Vec<String>,
    /// Leave out files that end before this, by AWS's file names: 2026-11-19, "2026-11-19 18:00", -2h, yesterday.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Leave out files of requests that arrived at this time or later. In S3 only the days that matter are listed.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// Zone of --from and --to given without one, and of logs that tell local time without saying where: Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    pub(crate) tz: Tz,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// What all inputs are, instead of recognising each file: alb, nginx, ... (the names of the tables).
    #[arg(long, value_name = "FORMAT", value_parser = parse_format)]
    pub(crate) format: Option<albatross_formats::Format>,
    /// Take only part I of N of the files, by their names: N machines with the same inputs share the work. Where machines are counted
    /// from 0, 0/N is the same part as N/N.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub(crate) shard: Option<albatross_ingest::Shard>,
    /// A file fails if more than this share of its lines is bad: 0.05 or 5%.
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "1")]
    pub(crate) max_rejects: f64,
    /// Your own route templates, one a line (/shop/:item/reviews, /static/*); the first that matches wins.
    #[arg(long, value_name = "FILE")]
    pub(crate) routes: Option<PathBuf>,
    /// Threads; one per core unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Memory that all threads together may take for files, rows and encoding; at least 128 MB a thread. More of it makes
    /// larger, denser files [default: 200MB a thread].
    #[arg(long, value_name = "SIZE", value_parser = crate::maintain::parse_size)]
    pub(crate) memory: Option<u64>,
    /// After an ingest without failures run `albatross maintain` with its defaults.
    #[arg(long)]
    pub(crate) maintain: bool,
    /// Say nothing but what went wrong.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// What logs do not say themselves.
#[derive(ClapArgs)]
pub(crate) struct Reading {
    /// Year of logs that have none in their times.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1970..=9999))]
    pub(crate) year: Option<i32>,
    /// nginx's log_format, as in its configuration: '$remote_addr [$time_local] "$request" $status ...'. Common ones are known.
    #[arg(long, value_name = "STRING")]
    pub(crate) nginx_log_format: Option<albatross_formats::nginx::LogFormat>,
    /// Apache's LogFormat, as in its configuration: '%h %l %u %t "%r" %>s %b ...'. Common ones are known.
    #[arg(long, value_name = "STRING")]
    pub(crate) apache_log_format: Option<albatross_formats::apache::LogFormat>,
}

impl Reading {
    pub(crate) fn settings(&self, zone: Tz, routes: albatross_formats::Routes) -> albatross_formats::Settings {
        let Reading { year, nginx_log_format, apache_log_format } = self;
        albatross_formats::Settings {
            routes,
            zone,
            year: *year,
            nginx_log_format: nginx_log_format.clone(),
            apache_log_format: apache_log_format.clone(),
        }
    }
}

/// Keep the lake in order.
///
/// Merges small files day by day into sorted ones, drops days past --retain, deletes files that nothing refers to, writes
/// checkpoints and shortens the logs. Safe beside ingests, queries and itself, and when killed. Memory: below 512 MB with
/// the defaults.
#[derive(ClapArgs)]
pub(crate) struct Maintain {
    /// Files below this are merged.
    #[arg(long, value_name = "SIZE", value_parser = crate::maintain::parse_size, default_value = "64MB")]
    pub(crate) small: u64,
    /// What they become; at least twice --small.
    #[arg(long, value_name = "SIZE", value_parser = crate::maintain::parse_size, default_value = "128MB")]
    pub(crate) target: u64,
    /// Drop days of `alb` before the last N (UTC), such as 400d. Their sources stay known. Nothing is dropped unless given.
    #[arg(long, value_name = "DAYS", value_parser = crate::maintain::parse_days)]
    pub(crate) retain: Option<u32>,
    /// How long a file stays that nothing refers to (any more). Must be longer than any ingest or query; 7d at most.
    #[arg(long, value_name = "TIME", value_parser = crate::maintain::parse_duration, default_value = "24h")]
    pub(crate) grace: chrono::TimeDelta,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Say nothing but what went wrong.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Follow a request through every layer it passed, and say where its trail ends and why.
///
/// Lines of all logs in the lake are put together by trace id, request id and connection, else by client, path and time; the reason stands behind
/// each line.
#[derive(ClapArgs)]
pub(crate) struct Follow {
    /// A trace id (1-67891233-abcdef012345678912345678), a request id, the address of a client, or a path (/api/orders, /api/*).
    #[arg(value_name = "WHAT")]
    pub(crate) subject: Option<String>,
    /// X-Amzn-Trace-Id, whole or its root.
    #[arg(long, value_name = "ID")]
    pub(crate) trace: Option<String>,
    /// Request id of CloudFront, nginx or Lambda, or a connection id.
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,
    /// Address of a client.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) client: Option<String>,
    /// Path without query; with a * at its end all that begin so.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// Not before this time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Before this time. With --from and nothing else, all requests of the time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// Zone of --from and --to given without one, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    pub(crate) tz: Tz,
    /// Follow at most so many requests, the first ones.
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: usize,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Answer a named question; with --out, write the answers of several into a folder.
#[derive(ClapArgs)]
#[command(disable_help_flag = true)]
pub(crate) struct NamedQuery {
    /// Its name; `albatross query NAME --help` shows its parameters and columns.
    #[arg(value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) name: Option<String>,
    /// Its parameters, and: --from, --to, --tz, --format, --output, --queries, --fail-on-rows.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    pub(crate) rest: Vec<String>,
}

/// Say what explains the difference between two windows of time, or lay two requests side by side.
///
/// Every route, target, client, agent, status, method, size, protocol, hour, cause, load balancer and host is ranked by how much of the
/// change would not be there without it (`albatross query compare --help` tells how). With two --request: every column of both, those that
/// differ first.
#[derive(ClapArgs)]
pub(crate) struct Compare {
    /// Begin of the window in question; with neither end, the largest rise of errors.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Its end, not included.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// What it is compared with.
    #[arg(long, value_enum, default_value = "before", conflicts_with_all = ["baseline_from", "baseline_to"])]
    pub(crate) against: crate::compare::Earlier,
    /// Begin of the baseline, if it is another one; else as long before its end as the window is long.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) baseline_from: Option<String>,
    /// Its end, not included; else the begin of the window.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) baseline_to: Option<String>,
    /// Zone of times given without one, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    pub(crate) tz: Tz,
    /// What is to be explained.
    #[arg(long, value_enum, default_value = "errors")]
    pub(crate) by: crate::compare::By,
    /// What counts as an error [default: 5xx,460].
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// Values at most [default: 30].
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
    /// Values of one dimension at most [default: 5].
    #[arg(long, value_name = "N")]
    pub(crate) values: Option<u32>,
    /// Leave out values with fewer requests in both windows together [default: 10].
    #[arg(long, value_name = "N")]
    pub(crate) min_requests: Option<u32>,
    /// All columns in tables and Markdown too.
    #[arg(long)]
    pub(crate) wide: bool,
    /// A request: its trace id, or FILE:LINE. Give it twice.
    #[arg(long, value_name = "REQUEST", conflicts_with_all = ["against", "baseline_from", "baseline_to", "by", "status", "limit", "values", "min_requests", "wide"])]
    pub(crate) request: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Hold a time against a file of budgets and expectations (docs/check.md).
///
/// Each budget is kept, failed, or without a verdict because too little was seen to tell. Exit code 1 if one is failed.
#[derive(ClapArgs)]
pub(crate) struct Check {
    /// The file, TOML.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Begin of the window: 2026-11-19, "2026-11-19 18:00", -2h, yesterday; the whole lake unless given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Its end, not included.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// Zone of times given without one, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    pub(crate) tz: Tz,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: crate::check::Form,
    /// Say nothing but what failed.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Queries {
    /// Show this query: what it asks, its parameters, its columns and its SQL.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Folder of your own queries (*.sql); one of the same name replaces a built-in one.
    #[arg(long, env = "ALBATROSS_QUERIES", value_name = "FOLDER")]
    pub(crate) queries: Option<PathBuf>,
}

/// Find incidents and name their causes.
///
/// An incident is a time in which requests failed, or were slow, beyond what its traffic explains. The causes of each are in order of
/// likelihood, each with its evidence, what speaks against it, and what to check next. Times are UTC.
#[derive(ClapArgs)]
pub(crate) struct Diagnose {
    /// Begin: 2026-11-19, "2026-11-19 18:00", 2026-11-19T18:00:00Z, -2h, yesterday; the whole lake unless given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// End, not included.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// Zone of --from and --to given without one, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    pub(crate) tz: Tz,
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) format: DiagnoseFormat,
    /// Exit with 1 if there is any incident.
    #[arg(long)]
    pub(crate) fail_on_incident: bool,
    /// Write the checks that would have caught the incidents, for `albatross check`. The file must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) write_check: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DiagnoseFormat {
    /// For people.
    Text,
    /// Stable and versioned: docs/diagnose.md.
    Json,
    /// For a ticket.
    Markdown,
}

#[derive(ClapArgs)]
pub(crate) struct Status {
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check the whole lake.
///
/// Reads every file of every table. Each must be as the log says (rows, bounds, order, day), and each source must have the rows and rejects
/// that the ledger says, every line once. Findings are listed on stdout, one a line; then the exit code is 1. Best run when nobody ingests.
#[derive(ClapArgs)]
pub(crate) struct Verify {
    /// Also read the sources again, and check that every line of them is in the lake: all of the ledger that still exist, or those given
    /// here (as for ingest), which then must be in the lake.
    #[arg(long, value_name = "PATH", num_args = 0..)]
    pub(crate) source: Option<Vec<String>>,
    /// As it was for ingest: zone of logs that tell local time without saying where.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    pub(crate) tz: Tz,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Say nothing but what is found.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Where an answer goes, and in which form.
#[derive(ClapArgs)]
pub(crate) struct Output {
    /// table, csv, tsv, json, ndjson, markdown or parquet; table unless given.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<albatross_query::Format>,
    /// Write to this file, whole or not at all; its extension chooses the format. - is standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Exit with 1 if the answer has any row.
    #[arg(long)]
    pub(crate) fail_on_rows: bool,
}

impl Output {
    /// The file to write to; `None` for standard output.
    pub(crate) fn file(&self) -> Option<&Path> {
        file(&self.output)
    }
}

/// As people mean it: `-` is no file.
pub(crate) fn file(output: &Option<PathBuf>) -> Option<&Path> {
    output.as_deref().filter(|path| path.as_os_str() != "-")
}

fn parse_format(name: &str) -> Result<albatross_formats::Format, String> {
    use albatross_formats::Format;
    Format::named(name).ok_or_else(|| format!("give one of {}", Format::ALL.map(Format::name).join(", ")))
}

fn parse_shard(text: &str) -> Result<albatross_ingest::Shard, String> {
    let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((0, of)) if of > 0 => Ok(albatross_ingest::Shard { number: of, of }),
        Some((number, of)) if (1..=of).contains(&number) => Ok(albatross_ingest::Shard { number, of }),
        _ => Err("give a part and how many there are, such as 1/4".to_owned()),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&(share / scale)) => Ok(share / scale),
        _ => Err("give a share between 0 and 1, or 0% and 100%".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_0_or_from_1() {
        let part = |text| parse_shard(text).map(|shard| (shard.number, shard.of)).ok();
        assert_eq!(part("1/4"), Some((1, 4)));
        assert_eq!(part("4/4"), Some((4, 4)));
        assert_eq!(part("0/4"), part("4/4"));
        for wrong in ["5/4", "0/0", "1/0", "1", "-1/4", "1/4/2"] {
            assert_eq!(part(wrong), None, "{wrong}");
        }
    }
}
