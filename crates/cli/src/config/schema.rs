//! The file as it is written. Every key is here and nowhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::maintain::{parse_days, parse_duration, parse_size};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Folder, or s3://bucket/prefix.
    pub(crate) lake: Option<String>,
    #[serde(deserialize_with = "zone")]
    pub(crate) tz: Option<Tz>,
    /// Folder of own queries.
    pub(crate) queries: Option<String>,
    /// df://host:port of a scheduler, on which queries run.
    pub(crate) cluster: Option<String>,
    pub(crate) s3: S3,
    pub(crate) ingest: Ingest,
    pub(crate) cloudwatch: Vec<CloudWatch>,
    pub(crate) maintain: Maintain,
    pub(crate) nightly: Nightly,
    pub(crate) webhook: Option<Webhook>,
    /// Of the file; empty for the current one.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct S3 {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) path_style: Option<bool>,
    pub(crate) request_payer: Option<bool>,
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ingest {
    pub(crate) inputs: Vec<String>,
    /// As `--from`: files that end before are left out.
    #[serde(deserialize_with = "time")]
    pub(crate) from: Option<String>,
    pub(crate) routes: Option<String>,
    pub(crate) year: Option<i32>,
    #[serde(deserialize_with = "nginx")]
    pub(crate) nginx_log_format: Option<String>,
    #[serde(deserialize_with = "apache")]
    pub(crate) apache_log_format: Option<String>,
}

/// A metric that is fetched every night, average and maximum.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloudWatch {
    pub(crate) namespace: String,
    #[serde(default = "cpu")]
    pub(crate) metric: String,
    pub(crate) dimensions: BTreeMap<String, String>,
    /// `metrics.resource`; of the dimensions unless given.
    #[serde(default, deserialize_with = "label")]
    pub(crate) label: Option<String>,
    /// Where it is not that of `s3`.
    pub(crate) region: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Maintain {
    #[serde(deserialize_with = "size")]
    pub(crate) small: Option<String>,
    #[serde(deserialize_with = "size")]
    pub(crate) target: Option<String>,
    #[serde(deserialize_with = "days")]
    pub(crate) retain: Option<String>,
    #[serde(deserialize_with = "duration")]
    pub(crate) grace: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Nightly {
    /// A folder on disk: in it is one for each day.
    pub(crate) out: String,
    pub(crate) report: bool,
    /// Names of queries; all unless given.
    pub(crate) csv: Option<Vec<String>>,
    /// Files of `albatross check`.
    pub(crate) checks: Vec<String>,
    pub(crate) maintain: bool,
}

impl Default for Nightly {
    fn default() -> Nightly {
        Nightly { out: "nightly".to_owned(), report: true, csv: None, checks: Vec::new(), maintain: true }
    }
}

/// Where findings are sent to.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Secret: who knows it can write there.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// The variable that has it.
    #[serde(default)]
    pub(crate) url_env: Option<String>,
    /// For one attempt.
    #[serde(default = "ten_seconds", deserialize_with = "seconds")]
    pub(crate) timeout: Duration,
    #[serde(default = "five", deserialize_with = "attempts")]
    pub(crate) attempts: u32,
}

/// The address is not shown.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url_env", &self.url_env).finish_non_exhaustive()
    }
}

fn cpu() -> String {
    "CPUUtilization".to_owned()
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn five() -> u32 {
    5
}

/// A text that `parse` takes. Checked here, because here the place in the file is known.
fn checked<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<(String, T), D::Error> {
    let text = String::deserialize(deserializer)?;
    let value = parse(&text).map_err(|problem| D::Error::custom(format!("`{text}`: {problem}")))?;
    Ok((text, value))
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
    checked(deserializer, crate::query::parse_zone).map(|(_, zone)| Some(zone))
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, parse_size).map(|(text, _)| Some(text))
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, parse_days).map(|(text, _)| Some(text))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, parse_duration).map(|(text, _)| Some(text))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let parse = |text: &str| {
        let time = albatross_query::parse_duration(text).and_then(|time| time.to_std().ok());
        time.filter(|time| !time.is_zero() && *time <= Duration::from_secs(300))
            .ok_or_else(|| "give a time up to 5m, such as 10s".to_owned())
    };
    checked(deserializer, parse).map(|(_, time)| time)
}

fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let attempts = u32::deserialize(deserializer)?;
    if (1..=20).contains(&attempts) { Ok(attempts) } else { Err(D::Error::custom("give 1 to 20 attempts")) }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let clock = albatross_query::Clock::system(Tz::UTC);
    let parse = |text: &str| {
        albatross_query::parse_time(text, &clock)
            .ok_or_else(|| format!("no time; give one such as {}", albatross_query::TIME_FORMS))
    };
    checked(deserializer, parse).map(|(text, _)| Some(text))
}

fn nginx<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let parse = |text: &str| text.parse::<albatross_formats::nginx::LogFormat>().map_err(|error| error.to_string());
    checked(deserializer, parse).map(|(text, _)| Some(text))
}

fn apache<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let parse = |text: &str| text.parse::<albatross_formats::apache::LogFormat>().map_err(|error| error.to_string());
    checked(deserializer, parse).map(|(text, _)| Some(text))
}

fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let parse = |text: &str| {
        let fine = !text.trim().is_empty() && text.trim() == text && !text.contains(char::is_control);
        fine.then_some(()).ok_or_else(|| "give a name without spaces around it".to_owned())
    };
    checked(deserializer, parse).map(|(text, _)| Some(text))
}
