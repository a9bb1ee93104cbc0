//! Targets that come and go.

use crate::facts::Family;
use crate::features::Features;
use crate::stats::{ramp, share};

/// Signs of targets that are replaced one after the other, or all at once.
pub(crate) struct Rolling {
    /// 0 to 1.
    pub(crate) likely: f64,
    /// Targets whose failures are a short burst.
    pub(crate) bursts: usize,
    /// Targets that are asked no longer, and those that are new.
    pub(crate) gone: Vec<String>,
    pub(crate) come: Vec<String>,
}

/// A target's failures are a burst if most of them lie within so many seconds.
const BURST_SECONDS: f64 = 240.0;
/// A restart of all targets at once is over after so many seconds.
const AT_ONCE_SECONDS: i64 = 300;

pub(crate) fn rolling(f: &Features<'_>, targets_even: f64) -> Rolling {
    let length = f.slots() as f64;
    let mut spans = Vec::new();
    let mut hit = 0;
    for part in f.targets.iter().filter(|part| part.excess >= 3.0) {
        hit += 1;
        let mut slots: Vec<f64> = Vec::new();
        for errors in f.errors.iter().filter(|e| e.target == Some(part.id) && f.families.contains_key(&e.family)) {
            slots.extend(std::iter::repeat_n(errors.slot as f64, errors.requests as usize));
        }
        slots.sort_by(f64::total_cmp);
        let at = |share: f64| slots[((slots.len() - 1) as f64 * share) as usize];
        // Nine tenths of them, so that one stray failure does not stretch it.
        spans.push((at(0.05), at(0.95) + 1.0));
    }
    let burst_slots = (BURST_SECONDS / f.facts.seconds as f64).max(1.0);
    let bursts = spans.iter().filter(|(from, to)| to - from <= burst_slots && to - from <= 0.6 * length).count();
    // One after the other: their middles differ.
    let mut middles: Vec<f64> = spans.iter().map(|(from, to)| f64::midpoint(*from, *to)).collect();
    middles.sort_by(f64::total_cmp);
    let distinct =
        middles.windows(2).filter(|pair| pair[1] - pair[0] >= 0.75).count() + usize::from(!middles.is_empty());
    let (gone, come) = replaced(f);
    let one_by_one =
        if hit >= 2 { share(bursts as f64, f64::from(hit)) * ramp(distinct as f64, 1.0, 2.0) } else { 0.0 };
    let exchanged = ramp(gone.len().min(come.len()) as f64, 0.0, 2.0);
    let short = f.slots() as i64 * f.facts.seconds <= AT_ONCE_SECONDS;
    let at_once = if short && hit >= 2 && targets_even >= 0.6 { 0.6 } else { 0.0 };
    // A target that is not ready yet may say so itself.
    let not_ready =
        f.errors.iter().filter(|e| e.family == Family::Application && e.status == 503).map(|e| e.requests).sum::<f64>();
    let reach =
        f.family(&[Family::Refused, Family::Died, Family::NoTarget, Family::ConnectTimeout, Family::BadResponse])
            + share(not_ready, f.excess);
    Rolling {
        likely: ramp(one_by_one.max(exchanged).max(at_once), 0.2, 0.8) * ramp(reach, 0.4, 0.7),
        bursts,
        gone,
        come,
    }
}

/// Targets that had requests only before the middle of the episode, and only after it, in a log that goes on on both sides.
fn replaced(f: &Features<'_>) -> (Vec<String>, Vec<String>) {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let margin = 3;
    for part in &f.targets {
        let slots = || f.facts.targets.of(part.id).iter().map(|entry| entry.slot as usize);
        let (Some(first), Some(last)) = (slots().min(), slots().max()) else { continue };
        if last < f.episode.end + margin
            && last + margin >= f.episode.start
            && f.episode.end + 2 * margin < f.facts.slots
        {
            gone.push(f.target_name(part));
        }
        if first + margin >= f.episode.start && first < f.episode.end + margin && f.episode.start > 2 * margin {
            come.push(f.target_name(part));
        }
    }
    (gone, come)
}
