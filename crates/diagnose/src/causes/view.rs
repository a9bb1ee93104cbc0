//! Features of an episode as the kinds look at them.

use super::rolling::{Rolling, rolling};
use crate::facts::Family;
use crate::features::{Features, Long, Part};
use crate::stats::{median, ramp, share};
use crate::walls::{Pile, pile};

/// By which factor a route's median must grow to be slowed.
pub(crate) const SLOWED: f64 = 2.0;

/// A maximum from here on leaves nothing for others, percent: a minute's maximum is one of samples, which seldom catch all of a full CPU.
const HOT: f64 = 90.0;

pub(crate) struct View<'a> {
    pub(crate) f: &'a Features<'a>,
    /// Share of the failures on the first route, and of the requests there; the same of targets.
    pub(crate) route_focus: (f64, f64),
    pub(crate) target_focus: (f64, f64),
    /// Failures spread over targets as requests are: 0 to 1.
    pub(crate) targets_even: f64,
    /// Share of the failures that name a target.
    pub(crate) with_target: f64,
    /// Routes slowed, most requests first, and their share of the requests.
    pub(crate) slowed: Vec<&'a Part>,
    pub(crate) slowed_share: f64,
    /// Share of the slots, or of the failures if that is more, with maximum CPU at its limit; that of the slots in quiet times, if any
    /// have CPU data. `None` without CPU data.
    pub(crate) hot: Option<(f64, Option<f64>)>,
    pub(crate) rolling: Rolling,
}

impl<'a> View<'a> {
    pub(crate) fn of(f: &'a Features<'a>) -> View<'a> {
        let even = |parts: &[Part]| {
            // Few failures cannot be spread evenly: so far they are from it by chance.
            let chance = (parts.len() as f64 / (2.0 * std::f64::consts::PI * f.excess.max(1.0))).sqrt();
            (Features::evenness(parts) + chance).min(1.0)
        };
        let (mut slowed, slowed_share) = f.slowed(SLOWED);
        slowed.sort_by(|a, b| b.during.requests.total_cmp(&a.during.requests));
        let on_targets: f64 = f.targets.iter().map(|part| part.excess).sum();
        let targets_even = even(&f.targets);
        View {
            f,
            route_focus: Features::focus(&f.routes),
            target_focus: Features::focus(&f.targets),
            targets_even,
            rolling: rolling(f, targets_even),
            with_target: share(on_targets, f.excess).min(1.0),
            slowed,
            slowed_share,
            hot: hot(f),
        }
    }

    /// The route with at least this share of the failures.
    pub(crate) fn focused_route(&self, least: f64) -> Option<String> {
        self.f
            .routes
            .first()
            .filter(|part| self.route_focus.0 >= least && part.excess > 0.0)
            .map(|part| self.f.route_name(part))
    }

    pub(crate) fn focused_target(&self, least: f64) -> Option<String> {
        let known = self.target_focus.0 * self.with_target >= least && self.f.targets.len() > 1;
        self.f.targets.first().filter(|_| known).map(|part| self.f.target_name(part))
    }

    /// How much the failures are one target's, beyond its share of the requests: 0 to 1.
    pub(crate) fn one_target(&self) -> f64 {
        if self.f.targets.len() < 2 {
            return 0.0;
        }
        ramp(self.target_focus.0 * self.with_target, 0.5, 0.8)
            * ramp(self.target_focus.0 - self.target_focus.1, 0.1, 0.4)
    }

    /// How much the failures are one route's, beyond its share of the requests: 0 to 1.
    pub(crate) fn one_route(&self) -> f64 {
        ramp(self.route_focus.0, 0.5, 0.8) * ramp(self.route_focus.0 - self.route_focus.1, 0.05, 0.3)
    }

    /// Failures among long requests of these routes pile up at a duration: the pile, and its share of the failures there.
    pub(crate) fn failure_pile(&self, wanted: impl Fn(&Long) -> bool) -> Option<(Pile, f64)> {
        let failed: Vec<(f64, f64)> =
            self.f.long.iter().filter(|l| l.failed && wanted(l)).map(|l| (l.duration, l.requests)).collect();
        let all: f64 = failed.iter().map(|(_, n)| n).sum();
        pile(&failed).map(|pile| (pile, share(pile.requests, all)))
    }

    /// By which factor the median of the requests of the other routes has grown, in the middle of them.
    pub(crate) fn usual_growth(&self, except: usize) -> Option<f64> {
        let mut growth: Vec<f64> =
            self.f.routes.iter().filter(|part| part.id != except).filter_map(|part| part.growth(0.5)).collect();
        median(&mut growth)
    }

    /// CPU at its limit during the episode, and less so in quiet times: 0 to 1. What eats the CPU may do so before anything fails, hence
    /// half of it even if quiet times are as hot.
    pub(crate) fn hotter(&self) -> Option<f64> {
        self.hot.map(|(during, quiet)| {
            ramp(during, 0.3, 0.7) * (0.5 + 0.5 * ramp(during - quiet.unwrap_or(0.0), 0.0, 0.25))
        })
    }

    pub(crate) fn failures_sentence(&self) -> String {
        let families: Vec<String> =
            self.f.families.iter().map(|(family, n)| format!("{n:.0} x {}", family_words(*family))).collect();
        let f = self.f;
        format!(
            "{} {} failed{}: {}; on {} and {}",
            f.excess.round(),
            if f.excess.round() == 1.0 { "request" } else { "requests" },
            if f.expected.is_some() { " beyond the usual" } else { "" },
            families.join(", "),
            failing(&f.routes, "route", |part| f.route_name(part)),
            failing(&f.targets, "target", |part| f.target_name(part)),
        )
    }
}

/// How many of the parts failed; the name if it is one.
fn failing(parts: &[Part], what: &str, name: impl Fn(&Part) -> String) -> String {
    let failing: Vec<&Part> = parts.iter().filter(|part| part.excess >= 0.5).collect();
    match failing.as_slice() {
        [only] => format!("1 {what} ({})", name(only)),
        many => format!("{} {what}s", many.len()),
    }
}

/// What the row says, in words.
pub(crate) fn family_words(family: Family) -> &'static str {
    match family {
        Family::Refused => "502 before the request was sent",
        Family::Died => "502 after the request was sent",
        Family::BadResponse => "502 although the target answered",
        Family::ConnectTimeout => "504 without a connection",
        Family::TargetTimeout => "504 without an answer",
        Family::NoTarget => "503 by the load balancer",
        Family::Lambda => "Lambda error",
        Family::GaveUp => "460, client gone",
        Family::BodyTooLarge => "413",
        Family::Application => "5xx by the target",
        Family::Other => "other failure",
    }
}

fn hot(f: &Features<'_>) -> Option<(f64, Option<f64>)> {
    let maximum = |slot: usize| f.facts.cpu[slot]?.maximum;
    let part = |wanted: &dyn Fn(usize) -> bool| {
        let known: Vec<f64> = (0..f.facts.slots).filter(|slot| wanted(*slot)).filter_map(maximum).collect();
        let hot = known.iter().filter(|maximum| **maximum >= HOT).count();
        (!known.is_empty()).then(|| share(hot as f64, known.len() as f64))
    };
    let time = part(&|slot| f.episode.has(slot))?;
    // Where the load comes and goes, most failures are in the few minutes with a full CPU.
    let failures = f.errors.iter().filter(|e| f.families.contains_key(&e.family));
    let at_limit = failures.filter(|e| maximum(e.slot).is_some_and(|maximum| maximum >= HOT));
    let failing = share(at_limit.map(|e| e.requests).sum(), f.count);
    Some((if f.excess >= LEAST_FAILURES { time.max(failing) } else { time }, part(&|slot| f.quiet[slot])))
}

/// With fewer failures it is chance in which minutes they are.
const LEAST_FAILURES: f64 = 8.0;
