//! How many requests arrive, over time.

use crate::dice::Dice;
use crate::time::{MINUTE, Span};

pub(crate) struct Traffic {
    /// Requests per second, on average over the run.
    pub(crate) mean: f64,
    start: i64,
    /// One factor per minute, 1 on average, and one for the end.
    curve: Vec<f64>,
}

impl Traffic {
    pub(crate) fn draw(dice: &mut Dice, run: Span, mean: f64) -> Traffic {
        let minutes = ((run.end - run.start) / MINUTE) as usize;
        let shape = dice.index(4);
        let height = dice.float(0.2, 0.6) * if dice.chance(0.5) { 1.0 } else { -1.0 };
        let turn = dice.float(0.0, std::f64::consts::TAU);
        let (inertia, noise) = if shape == 3 { (0.85, dice.float(0.06, 0.12)) } else { (0.5, dice.float(0.01, 0.05)) };
        let mut drift = 0.0;
        let mut curve: Vec<f64> = (0..=minutes)
            .map(|minute| {
                let along = minute as f64 / minutes as f64;
                drift = inertia * drift + noise * dice.normal();
                let course = match shape {
                    1 => height * (along - 0.5) * 2.0,
                    2 => height * libm::sin(turn + along * std::f64::consts::PI),
                    _ => 0.0,
                };
                (1.0 + course + drift).max(0.1)
            })
            .collect();
        let sum: f64 = curve.iter().sum();
        let average = sum / curve.len() as f64;
        curve.iter_mut().for_each(|factor| *factor /= average);
        Traffic { mean, start: run.start, curve }
    }

    /// Requests per second at this moment, as a multiple of the mean.
    pub(crate) fn factor(&self, at: i64) -> f64 {
        let minutes = ((at - self.start) as f64 / MINUTE as f64).clamp(0.0, (self.curve.len() - 1) as f64);
        let (before, part) = (minutes as usize, minutes.fract());
        let after = (before + 1).min(self.curve.len() - 1);
        self.curve[before] * (1.0 - part) + self.curve[after] * part
    }

    /// No moment has a greater factor.
    pub(crate) fn highest(&self) -> f64 {
        self.curve.iter().copied().fold(0.0, f64::max)
    }
}
