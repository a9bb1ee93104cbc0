//! The file as it is written. Every type here can be read and written by serde.

use serde::{Deserialize, Serialize};

use crate::value::{Length, Route, Share, Statuses, Target, Times};

/// A file of checks.
///
/// Made by a program, it becomes TOML by [`File::to_toml`]: `File { checks: vec![Check { route: Some("GET /".parse()?), ..Check::default() }],
/// ..File::default() }`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(default, skip_serializing_if = "is_default")]
    pub defaults: Defaults,
    #[serde(default, rename = "check", skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// What holds for every check that says nothing else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// What counts as an error; 5xx and 460 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Statuses>,
    /// How long before the window the baseline begins; 7 days unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Length>,
    /// Fewer requests are no verdict, unless a budget is failed beyond chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_requests: Option<u64>,
    /// Of failing a budget that is just kept; 0.01 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance: Option<Share>,
}

/// Budgets for some of the requests: those of a route, a load balancer, a target, or of what is given of these together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people: why it is there, what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// As `elb` has it, or its middle part, the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Statuses>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Length>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_requests: Option<u64>,
    /// No pile-up of durations that the baseline has not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_new_timeout_wall: bool,
    /// A SELECT that must return no row; `$from` and `$to` are the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_rows: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<ErrorRate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_maximum: Option<Cpu>,
}

/// Errors / requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Share>,
    /// Over the rate of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_increase: Option<Times>,
}

/// A percentile of the duration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Length>,
    /// Over the same percentile of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_increase: Option<Times>,
}

/// How many requests there are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// Under the requests per time of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_decrease: Option<Share>,
}

/// Maximum CPU. It belongs to machines and not to requests: route, target and load balancer make no difference to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// Percent.
    pub max: f64,
    /// So many minutes may be above; none unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub minutes: u64,
    /// As `metrics.resource` has it; all together unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

impl Check {
    /// Its name, else what it is about.
    pub fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let parts = [
            self.route.as_ref().map(ToString::to_string),
            self.target.as_ref().map(|target| format!("target {target}")),
            self.load_balancer.as_ref().map(|elb| format!("load balancer {elb}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "all requests".to_owned() } else { parts.join(", ") }
    }

    /// Whether there is anything that could fail.
    pub(crate) fn expects_anything(&self) -> bool {
        let increases = |latency: &Option<Latency>| {
            latency.as_ref().is_some_and(|latency| latency.max.is_some() || latency.max_increase.is_some())
        };
        self.no_new_timeout_wall
            || self.no_rows.is_some()
            || self.error_rate.as_ref().is_some_and(|rate| rate.max.is_some() || rate.max_increase.is_some())
            || [&self.p50, &self.p90, &self.p99].into_iter().any(increases)
            || self.requests.as_ref().is_some_and(|requests| requests.min.is_some() || requests.max_decrease.is_some())
            || self.cpu_maximum.is_some()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
