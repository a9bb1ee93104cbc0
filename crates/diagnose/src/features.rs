//! What is known of an episode, beside the quiet times of the same log.

use std::collections::BTreeMap;

use albatross_query::Session;

use crate::Result;
use crate::detect::{Episode, LEAST_ERRORS};
use crate::facts::{Errors, Facts, Family, sql};
use crate::latency::Summary;
use crate::rows::{Sql, Window, ask, float, int, route_name, text};
use crate::stats::{median, share};

/// With fewer requests a percentile says nothing.
const LEAST_REQUESTS: f64 = 8.0;
/// Durations from here on can be a limit's, seconds.
pub(crate) const LEAST_LIMIT: f64 = 0.9;

/// A route or target during an episode and in quiet times.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) id: usize,
    pub(crate) during: Summary,
    pub(crate) quiet: Summary,
    /// Failures of the episode's families, and those beyond the part's own quiet rate.
    pub(crate) errors: f64,
    pub(crate) excess: f64,
}

impl Part {
    /// By which factor this quantile of the durations has grown.
    pub(crate) fn growth(&self, quantile: f64) -> Option<f64> {
        if self.during.requests < LEAST_REQUESTS || self.quiet.requests < LEAST_REQUESTS {
            return None;
        }
        Some(self.during.quantile(quantile)? / self.quiet.quantile(quantile)?)
    }
}

/// Requests of a route with about the same long duration.
#[derive(Debug, Clone)]
pub(crate) struct Long {
    /// Seconds, the shortest of them.
    pub(crate) duration: f64,
    pub(crate) route: String,
    pub(crate) failed: bool,
    pub(crate) status: i64,
    pub(crate) requests: f64,
    pub(crate) with_target: f64,
    pub(crate) by_target: bool,
    pub(crate) cause: Family,
}

#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) errors: f64,
    /// How many there are in all.
    pub(crate) of: f64,
}

pub(crate) struct Features<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) episode: &'a Episode,
    /// Slots of no episode, with requests.
    pub(crate) quiet: &'a [bool],
    pub(crate) requests: f64,
    /// Failures within the episode.
    pub(crate) errors: Vec<&'a Errors>,
    pub(crate) count: f64,
    /// Failures that so many requests have in quiet times; `None` without any.
    pub(crate) expected: Option<f64>,
    /// Failures beyond the quiet rate, by family; those that matter.
    pub(crate) families: BTreeMap<Family, f64>,
    pub(crate) excess: f64,
    /// Most failures first.
    pub(crate) routes: Vec<Part>,
    pub(crate) targets: Vec<Part>,
    pub(crate) slow: f64,
    /// Failures and others, from [`LEAST_LIMIT`] on.
    pub(crate) long: Vec<Long>,
    /// Those with the most failures.
    pub(crate) clients: Vec<Client>,
}

/// Families with less than this share of the failures are noise beside the others.
const FAMILY_SHARE: f64 = 0.08;

impl<'a> Features<'a> {
    pub(crate) async fn of(
        session: &Session,
        facts: &'a Facts,
        episode: &'a Episode,
        quiet: &'a [bool],
        slow_steps: &[u8],
    ) -> Result<Features<'a>> {
        let is_quiet = |slot: usize| quiet[slot];
        let sum = |counts: &[f64], wanted: &dyn Fn(usize) -> bool| -> f64 {
            counts.iter().enumerate().filter(|(slot, _)| wanted(*slot)).map(|(_, n)| n).sum()
        };
        let requests = sum(&facts.requests, &|slot| episode.has(slot));
        let quiet_requests = sum(&facts.requests, &is_quiet);
        let errors: Vec<&Errors> =
            facts.errors.iter().filter(|e| episode.has(e.slot) && episode.takes(e.family)).collect();
        let quiet_errors: Vec<&Errors> =
            facts.errors.iter().filter(|e| quiet[e.slot] && episode.takes(e.family)).collect();
        let count: f64 = errors.iter().map(|e| e.requests).sum();
        let scale = share(requests, quiet_requests);
        let expected =
            (quiet_requests > 0.0).then(|| scale * quiet_errors.iter().map(|e| e.requests).sum::<f64>() + 0.0);

        let mut families: BTreeMap<Family, f64> = BTreeMap::new();
        for family in Family::ALL {
            let of =
                |errors: &[&Errors]| -> f64 { errors.iter().filter(|e| e.family == family).map(|e| e.requests).sum() };
            families.insert(family, (of(&errors) - scale * of(&quiet_errors)).max(0.0));
        }
        let all: f64 = families.values().sum();
        families.retain(|_, excess| *excess > 0.0 && *excess >= FAMILY_SHARE * all);
        if all < LEAST_ERRORS {
            // An incident of slow requests; the few failures are nobody's clue.
            families.clear();
        }
        let excess = families.values().sum();

        let part = |id: usize, during: Summary, calm: Summary, mine: &dyn Fn(&Errors) -> bool| {
            let of = |errors: &[&Errors]| -> f64 {
                errors.iter().filter(|e| families.contains_key(&e.family) && mine(e)).map(|e| e.requests).sum()
            };
            let (errors, before) = (of(&errors), of(&quiet_errors));
            let excess = (errors - share(during.requests, calm.requests) * before).max(0.0);
            Part { id, during, quiet: calm, errors, excess }
        };
        let in_episode = |slot: usize| episode.has(slot);
        let by_excess =
            |a: &Part, b: &Part| b.excess.total_cmp(&a.excess).then(b.during.requests.total_cmp(&a.during.requests));
        let mut routes: Vec<Part> = (0..facts.routes.keys())
            .map(|id| {
                let of = |wanted: &dyn Fn(usize) -> bool| facts.routes.summary(id, wanted);
                part(id, of(&in_episode), of(&is_quiet), &|e| e.route == id)
            })
            .filter(|part| part.during.requests > 0.0)
            .collect();
        routes.sort_by(by_excess);
        let mut targets: Vec<Part> = (0..facts.targets.keys())
            .map(|id| {
                let of = |wanted: &dyn Fn(usize) -> bool| facts.targets.summary(id, wanted);
                part(id, of(&in_episode), of(&is_quiet), &|e| e.target == Some(id))
            })
            .filter(|part| part.during.requests > 0.0)
            .collect();
        targets.sort_by(by_excess);
        let slow = routes.iter().map(|part| part.during.from(slow_steps[part.id])).sum();

        let window = Window { from: facts.time(episode.start), to: facts.time(episode.end) };
        let mut long = long_requests(session, window).await?;
        long.retain(|long| !long.failed || episode.takes(long.cause));
        let clients = clients(session, window).await?;
        Ok(Features {
            facts,
            episode,
            quiet,
            requests,
            errors,
            count,
            expected,
            families,
            excess,
            routes,
            targets,
            slow,
            long,
            clients,
        })
    }

    /// Share of these families among the failures.
    pub(crate) fn family(&self, families: &[Family]) -> f64 {
        share(families.iter().filter_map(|family| self.families.get(family)).sum(), self.excess)
    }

    pub(crate) fn route_name(&self, part: &Part) -> String {
        self.facts.route_names.get(part.id).to_owned()
    }

    pub(crate) fn target_name(&self, part: &Part) -> String {
        self.facts.target_names.get(part.id).to_owned()
    }

    /// Share of the failures that the first part has, and how much of the requests.
    pub(crate) fn focus(parts: &[Part]) -> (f64, f64) {
        let excess: f64 = parts.iter().map(|part| part.excess).sum();
        let requests: f64 = parts.iter().map(|part| part.during.requests).sum();
        parts.first().map_or((0.0, 0.0), |first| (share(first.excess, excess), share(first.during.requests, requests)))
    }

    /// 1 if failures are spread over the parts as their requests are, 0 if they are where few requests are.
    pub(crate) fn evenness(parts: &[Part]) -> f64 {
        let excess: f64 = parts.iter().map(|part| part.excess).sum();
        let requests: f64 = parts.iter().map(|part| part.during.requests).sum();
        parts.iter().map(|part| share(part.excess, excess).min(share(part.during.requests, requests))).sum()
    }

    /// The middle duration of failures of these families, seconds.
    pub(crate) fn failure_duration(&self, families: &[Family]) -> Option<f64> {
        let mut durations: Vec<f64> = Vec::new();
        for errors in self.errors.iter().filter(|e| families.contains(&e.family)) {
            durations.extend(std::iter::repeat_n(errors.duration / errors.requests, errors.requests as usize));
        }
        median(&mut durations)
    }

    pub(crate) fn slots(&self) -> usize {
        self.episode.end - self.episode.start
    }

    /// Routes whose median has grown by this factor, with their share of all requests on routes that can be compared.
    pub(crate) fn slowed(&self, factor: f64) -> (Vec<&Part>, f64) {
        let comparable: Vec<(&Part, f64)> =
            self.routes.iter().filter_map(|part| Some((part, part.growth(0.5)?))).collect();
        let all: f64 = comparable.iter().map(|(part, _)| part.during.requests).sum();
        let slowed: Vec<&Part> =
            comparable.iter().filter(|(_, growth)| *growth >= factor).map(|(part, _)| *part).collect();
        let requests: f64 = slowed.iter().map(|part| part.during.requests).sum();
        (slowed, share(requests, all))
    }
}

pub(crate) async fn long_requests(session: &Session, window: Window) -> Result<Vec<Long>> {
    let mut long = Vec::new();
    for rows in ask(session, &sql!("durations"), window, &[("min_duration", LEAST_LIMIT.to_string())]).await? {
        let (verb, route, answered_by) = (rows.texts("verb")?, rows.texts("route")?, rows.texts("answered_by")?);
        let cause = rows.texts("cause")?;
        let (status, requests, with_target) = (rows.ints("status")?, rows.ints("requests")?, rows.ints("with_target")?);
        let shortest = rows.floats("shortest")?;
        for row in 0..rows.len() {
            let status = int(&status, row).unwrap_or(0);
            long.push(Long {
                duration: float(&shortest, row).unwrap_or(0.0),
                route: route_name(text(&verb, row), text(&route, row)),
                failed: status >= 500 || [0, 408, 413, 460].contains(&status),
                status,
                requests: requests.value(row) as f64,
                with_target: with_target.value(row) as f64,
                by_target: text(&answered_by, row) == Some("target"),
                cause: Family::of(Some(status), text(&cause, row)),
            });
        }
    }
    long.sort_by(|a, b| a.duration.total_cmp(&b.duration));
    Ok(long)
}

async fn clients(session: &Session, window: Window) -> Result<Vec<Client>> {
    let mut clients = Vec::new();
    for rows in ask(session, &sql!("clients"), window, &[]).await? {
        let (client, errors, of) = (rows.texts("client")?, rows.ints("errors")?, rows.ints("clients")?);
        for row in 0..rows.len() {
            clients.push(Client {
                address: text(&client, row).unwrap_or("-").to_owned(),
                errors: errors.value(row) as f64,
                of: of.value(row) as f64,
            });
        }
    }
    Ok(clients)
}
