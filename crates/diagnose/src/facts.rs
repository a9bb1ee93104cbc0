//! What is asked of the lake for a diagnosis: small counts per slot of time, whatever the number of requests.

use albatross_query::Session;
use arrow::array::Array;
use chrono::{DateTime, Utc};

use crate::latency::{Entry, Latencies, step};
use crate::rows::{Names, Sql, Window, ask, float, int, route_name, target_name, text};
use crate::{Error, Result};

macro_rules! sql {
    ($name:literal) => {
        Sql { name: $name, text: include_str!(concat!("../sql/", $name, ".sql")) }
    };
}
pub(crate) use sql;

/// More slots than this are not looked at: then slots get longer.
const MOST_SLOTS: i64 = 2 * 1440;
/// Lengths that a slot may have, seconds.
pub(crate) const SHORTEST_SLOT: i64 = 60;
const SLOT_SECONDS: [i64; 7] = [SHORTEST_SLOT, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600];
/// Slots at either end with less than this share of the median traffic are left out. Where a log begins it holds only those requests that
/// had arrived before and took long.
const RAGGED: f64 = 0.2;

/// Why a request failed, as its row tells: `cause`, but with 413 apart whoever answered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// 502, nothing measured: the connection was refused or reset before the request was sent.
    Refused,
    /// 502 after the request was sent.
    Died,
    /// 502 although the target answered.
    BadResponse,
    /// 504, no connection within 10 s.
    ConnectTimeout,
    /// 504 after the request was sent.
    TargetTimeout,
    /// 503 by the load balancer.
    NoTarget,
    Lambda,
    /// 460.
    GaveUp,
    /// 413.
    BodyTooLarge,
    /// 5xx by the target.
    Application,
    Other,
}

impl Family {
    pub(crate) const ALL: [Family; 11] = [
        Family::Refused,
        Family::Died,
        Family::BadResponse,
        Family::ConnectTimeout,
        Family::TargetTimeout,
        Family::NoTarget,
        Family::Lambda,
        Family::GaveUp,
        Family::BodyTooLarge,
        Family::Application,
        Family::Other,
    ];

    /// The highest share of all requests that can be the background of a service in which nothing is wrong: a family that is above it all the time
    /// is an incident all the time. What load balancers answer for targets is rare (1 in 20,000); applications that always fail a
    /// little, clients that leave and uploads that are too large are common.
    pub(crate) fn highest_background(self) -> f64 {
        match self {
            Family::Application => 0.02,
            Family::GaveUp | Family::BodyTooLarge | Family::Other => 0.01,
            Family::Lambda => 0.002,
            _ => 0.00025,
        }
    }

    pub(crate) fn of(status: Option<i64>, cause: Option<&str>) -> Family {
        match (status, cause) {
            (Some(413), _) => Family::BodyTooLarge,
            (Some(460), _) => Family::GaveUp,
            (_, Some("target_refused")) => Family::Refused,
            (_, Some("target_died")) => Family::Died,
            (_, Some("bad_response")) => Family::BadResponse,
            (_, Some("connect_timeout")) => Family::ConnectTimeout,
            (_, Some("target_timeout")) => Family::TargetTimeout,
            (_, Some("no_target")) => Family::NoTarget,
            (_, Some("lambda_error")) => Family::Lambda,
            (_, Some("application_error")) => Family::Application,
            _ => Family::Other,
        }
    }
}

/// Failed requests that are alike, in one slot.
#[derive(Debug, Clone)]
pub(crate) struct Errors {
    pub(crate) slot: usize,
    pub(crate) family: Family,
    pub(crate) status: i64,
    pub(crate) answered_by: usize,
    /// `error_reason`.
    pub(crate) reason: Option<usize>,
    pub(crate) route: usize,
    pub(crate) target: Option<usize>,
    pub(crate) requests: f64,
    /// Sum, seconds.
    pub(crate) duration: f64,
    /// The smallest request, bytes.
    pub(crate) smallest: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cpu {
    pub(crate) average: Option<f64>,
    pub(crate) maximum: Option<f64>,
}

/// All slots of a window.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The window as it was asked for.
    pub(crate) window: Window,
    /// Unix seconds of the first slot.
    start: i64,
    /// Seconds of a slot.
    pub(crate) seconds: i64,
    pub(crate) slots: usize,
    pub(crate) route_names: Names,
    pub(crate) target_names: Names,
    pub(crate) reason_names: Names,
    pub(crate) answered_by_names: Names,
    pub(crate) routes: Latencies,
    pub(crate) targets: Latencies,
    /// Requests in each slot.
    pub(crate) requests: Vec<f64>,
    /// Requests of the window, with those of ragged ends and those without a duration.
    pub(crate) all_requests: f64,
    /// Requests that the client got wrong itself (4xx), in each slot.
    pub(crate) client_errors: Vec<f64>,
    pub(crate) errors: Vec<Errors>,
    pub(crate) cpu: Vec<Option<Cpu>>,
}

impl Facts {
    /// Asks the lake. `None` if the window has no requests.
    pub(crate) async fn of(session: &Session, window: Window) -> Result<Option<Facts>> {
        let seconds = slot_seconds(window);
        let mut facts = Facts::empty(window, seconds);
        let given = [("seconds", seconds.to_string())];
        facts.traffic(session, &given).await?;
        if facts.requests.iter().all(|n| *n == 0.0) {
            return Ok(None);
        }
        facts.errors(session, &given).await?;
        facts.targets(session, &given).await?;
        facts.cpu(session, &given).await?;
        facts.trim();
        Ok(Some(facts))
    }

    fn empty(window: Window, seconds: i64) -> Facts {
        let start = window.from.timestamp().div_euclid(seconds);
        let end = (window.to.timestamp_micros() - 1).div_euclid(1_000_000 * seconds) + 1;
        let slots = (end - start).max(1) as usize;
        Facts {
            window,
            start: start * seconds,
            seconds,
            slots,
            route_names: Names::default(),
            target_names: Names::default(),
            reason_names: Names::default(),
            answered_by_names: Names::default(),
            routes: Latencies::default(),
            targets: Latencies::default(),
            requests: vec![0.0; slots],
            all_requests: 0.0,
            client_errors: vec![0.0; slots],
            errors: Vec::new(),
            cpu: vec![None; slots],
        }
    }

    /// Beginning of a slot; that after the last one is the end of all.
    pub(crate) fn time(&self, slot: usize) -> DateTime<Utc> {
        DateTime::from_timestamp(self.start + slot as i64 * self.seconds, 0).unwrap_or_default()
    }

    /// A slot by its number since 1970.
    fn slot(&self, number: Option<i64>) -> Option<usize> {
        usize::try_from(number? - self.start / self.seconds).ok().filter(|slot| *slot < self.slots)
    }

    async fn traffic(&mut self, session: &Session, given: &[(&str, String)]) -> Result<()> {
        let mut entries = Vec::new();
        for rows in ask(session, &sql!("traffic"), self.window, given).await? {
            let (slot, steps, requests) = (rows.ints("slot")?, rows.ints("step")?, rows.ints("requests")?);
            let (verb, route, client_error) =
                (rows.texts("verb")?, rows.texts("route")?, rows.booleans("client_error")?);
            let (target_time, sent) = (rows.floats("target_time")?, rows.floats("sent")?);
            let largest = rows.floats("largest_accepted")?;
            for row in 0..rows.len() {
                let Some(slot) = self.slot(int(&slot, row)) else { continue };
                let count = requests.value(row);
                self.all_requests += count as f64;
                if steps.is_null(row) {
                    continue;
                }
                self.requests[slot] += count as f64;
                if client_error.is_valid(row) && client_error.value(row) {
                    self.client_errors[slot] += count as f64;
                    continue;
                }
                let key = self.route_names.number(&route_name(text(&verb, row), text(&route, row)));
                entries.push(Entry {
                    key: index(key)?,
                    slot: index(slot)?,
                    step: step(steps.value(row)),
                    requests: u32::try_from(count).unwrap_or(u32::MAX),
                    target_time: float(&target_time, row).unwrap_or(0.0) as f32,
                    sent: float(&sent, row).unwrap_or(0.0) as f32,
                    largest: float(&largest, row).unwrap_or(0.0) as f32,
                });
            }
        }
        self.routes = Latencies::new(entries, self.route_names.len());
        Ok(())
    }

    async fn targets(&mut self, session: &Session, given: &[(&str, String)]) -> Result<()> {
        let mut entries = Vec::new();
        for rows in ask(session, &sql!("targets"), self.window, given).await? {
            let (slot, steps, requests) = (rows.ints("slot")?, rows.ints("step")?, rows.ints("requests")?);
            let (ip, port) = (rows.texts("target_ip")?, rows.ints("target_port")?);
            for row in 0..rows.len() {
                let (Some(slot), Some(ip)) = (self.slot(int(&slot, row)), text(&ip, row)) else { continue };
                let key = self.target_names.number(&target_name(ip, int(&port, row)));
                entries.push(Entry {
                    key: index(key)?,
                    slot: index(slot)?,
                    step: step(steps.value(row)),
                    requests: u32::try_from(requests.value(row)).unwrap_or(u32::MAX),
                    ..Entry::default()
                });
            }
        }
        self.targets = Latencies::new(entries, self.target_names.len());
        Ok(())
    }

    async fn errors(&mut self, session: &Session, given: &[(&str, String)]) -> Result<()> {
        for rows in ask(session, &sql!("errors"), self.window, given).await? {
            let (slot, status, requests) = (rows.ints("slot")?, rows.ints("status")?, rows.ints("requests")?);
            let (cause, reason) = (rows.texts("cause")?, rows.texts("error_reason")?);
            let (verb, route, answered_by) = (rows.texts("verb")?, rows.texts("route")?, rows.texts("answered_by")?);
            let (ip, port) = (rows.texts("target_ip")?, rows.ints("target_port")?);
            let duration = rows.floats("duration")?;
            let smallest = rows.floats("smallest")?;
            for row in 0..rows.len() {
                let Some(slot) = self.slot(int(&slot, row)) else { continue };
                self.errors.push(Errors {
                    slot,
                    family: Family::of(int(&status, row), text(&cause, row)),
                    status: int(&status, row).unwrap_or(0),
                    answered_by: self.answered_by_names.number(text(&answered_by, row).unwrap_or("-")),
                    reason: text(&reason, row).map(|reason| self.reason_names.number(reason)),
                    route: self.route_names.number(&route_name(text(&verb, row), text(&route, row))),
                    target: text(&ip, row).map(|ip| self.target_names.number(&target_name(ip, int(&port, row)))),
                    requests: requests.value(row) as f64,
                    duration: float(&duration, row).unwrap_or(0.0),
                    smallest: float(&smallest, row).unwrap_or(0.0),
                });
            }
        }
        Ok(())
    }

    async fn cpu(&mut self, session: &Session, given: &[(&str, String)]) -> Result<()> {
        for rows in ask(session, &sql!("cpu"), self.window, given).await? {
            let (slot, average, maximum) = (rows.ints("slot")?, rows.floats("average")?, rows.floats("maximum")?);
            for row in 0..rows.len() {
                if let Some(slot) = self.slot(int(&slot, row)) {
                    self.cpu[slot] = Some(Cpu { average: float(&average, row), maximum: float(&maximum, row) });
                }
            }
        }
        Ok(())
    }

    /// Empties the ragged slots at both ends.
    fn trim(&mut self) {
        let mut busy: Vec<f64> = self.requests.iter().copied().filter(|n| *n > 0.0).collect();
        let Some(usual) = crate::stats::median(&mut busy) else { return };
        let full = |n: &f64| *n >= RAGGED * usual;
        let first = self.requests.iter().position(full).unwrap_or(0);
        let last = self.requests.iter().rposition(full).unwrap_or(self.slots - 1);
        let ragged = |slot: usize| slot < first || slot > last;
        // A service with quiet nights has whole hours of little traffic: those stay.
        if first > EDGE_SLOTS || self.slots - 1 - last > EDGE_SLOTS {
            return;
        }
        for slot in (0..self.slots).filter(|slot| ragged(*slot)) {
            self.requests[slot] = 0.0;
            self.client_errors[slot] = 0.0;
        }
        self.errors.retain(|errors| !ragged(errors.slot));
        self.routes.retain(|slot| !ragged(slot));
        self.targets.retain(|slot| !ragged(slot));
    }
}

/// More slots than this with little traffic are no ragged end.
const EDGE_SLOTS: usize = 10;

fn index(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::Run("there are too many routes or targets".to_owned()))
}

/// The shortest slot of which there are not too many in the window.
fn slot_seconds(window: Window) -> i64 {
    let span = (window.to - window.from).num_seconds();
    SLOT_SECONDS
        .into_iter()
        .find(|seconds| span / seconds <= MOST_SLOTS)
        .unwrap_or(SLOT_SECONDS[SLOT_SECONDS.len() - 1])
}
