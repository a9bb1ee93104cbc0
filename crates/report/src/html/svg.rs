//! Charts that need no script.
//!
//! Texts have places in percent of the width and a size of their own, lines are in a picture within that is stretched: so one drawing fits
//! a wide screen, a telephone and paper.

use std::fmt::{Result, Write};

use chrono::{DateTime, Utc};

use super::blocks::said;
use super::escaped;
use crate::document::{Axis, Chart, Parts, Series, Unit};

const HEIGHT: f64 = 190.0;
/// Room for numbers of incidents above the lines, and for times below.
const ABOVE: f64 = 18.0;
const BELOW: f64 = 22.0;
/// Width of the stretched picture.
const WIDTH: f64 = 1000.0;
/// Steps between the times below a chart, seconds.
const TIME_STEPS: [i64; 15] = [
    300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200, 7_257_600,
];
const MOST_TIMES: i64 = 9;

/// A share of the cell's width; what is there can be seen, however little it is.
pub(super) fn bar(share: f64, out: &mut String) -> Result {
    let share = share.clamp(0.0, 1.0);
    if share <= 0.0 {
        return Ok(());
    }
    write!(out, "<svg aria-hidden=\"true\"><rect width=\"{:.1}%\" height=\"100%\"/></svg>", (100.0 * share).max(1.0))
}

/// From the median to the 99th percentile, with the 90th between.
pub(super) fn spread([p50, p90, p99]: &[f64; 3], out: &mut String) -> Result {
    // The dots at the ends are whole.
    let place = |x: f64| 3.0 + 94.0 * x;
    let [p50, p90, p99] = [place(*p50), place(*p90), place(*p99)];
    write!(
        out,
        "<svg class=\"spread\" aria-hidden=\"true\"><line x1=\"{p50:.1}%\" x2=\"{p99:.1}%\" y1=\"9\" y2=\"9\"/>"
    )?;
    write!(
        out,
        "<circle class=\"s-blue\" cx=\"{p50:.1}%\" cy=\"9\" r=\"4\"/><circle class=\"s-purple\" cx=\"{p90:.1}%\" cy=\"9\" r=\"3\"/>"
    )?;
    write!(out, "<circle class=\"s-red\" cx=\"{p99:.1}%\" cy=\"9\" r=\"4\"/></svg>")
}

pub(super) fn swatch(style: &str, out: &mut String) -> Result {
    write!(out, "<svg class=\"swatch {style}\" aria-hidden=\"true\"><line x1=\"1\" x2=\"21\" y1=\"6\" y2=\"6\"/></svg>")
}

/// Parts of a whole beside each other.
pub(super) fn parts(parts: &Parts, out: &mut String) -> Result {
    let said: Vec<_> = parts.present().map(|part| format!("{} {}", part.name, part.said)).collect();
    write!(out, "<svg class=\"parts\" role=\"img\" aria-label=\"{}\">", escaped(&said.join(", ")))?;
    let mut from = 0.0;
    for part in parts.present() {
        let width = 100.0 * part.share;
        write!(out, "<rect class=\"{}\" x=\"{from:.2}%\" width=\"{width:.2}%\" height=\"100%\"/>", part.style)?;
        from += width;
    }
    out.push_str("</svg>\n");
    Ok(())
}

pub(super) fn chart(axis: &Axis, chart: &Chart, out: &mut String) -> Result {
    let scale = Scale::of(chart);
    let label = escaped(&format!("{}. {}", chart.title, chart.description));
    writeln!(out, "<div class=\"plot\"><svg class=\"chart\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{label}\">")?;
    let inner = HEIGHT - ABOVE - BELOW;
    write!(
        out,
        "<svg y=\"{ABOVE}\" width=\"100%\" height=\"{inner}\" viewBox=\"0 0 {WIDTH} {inner}\" preserveAspectRatio=\"none\">"
    )?;
    for (from, to) in &axis.incidents {
        let (x, end) = (axis.x(*from), axis.x(*to));
        write!(out, "<rect class=\"incident\" x=\"{x:.1}\" width=\"{:.1}\" height=\"{inner}\"/>", (end - x).max(2.0))?;
    }
    for tick in &scale.ticks {
        let y = scale.y(*tick, inner);
        write!(out, "<path class=\"grid\" d=\"M0 {y:.1}H{WIDTH}\"/>")?;
    }
    for series in &chart.series {
        lines(series, &scale, inner, out)?;
    }
    out.push_str("</svg>\n");
    for tick in &scale.ticks {
        let y = ABOVE + scale.y(*tick, inner) - 3.0;
        write!(out, "<text x=\"2\" y=\"{y:.1}\">{}</text>", tick_label(chart.unit, *tick))?;
    }
    for (i, (from, to)) in axis.incidents.iter().enumerate() {
        let x = (axis.x(*from) + axis.x(*to)) / 2.0 / WIDTH * 100.0;
        write!(out, "<text class=\"number\" x=\"{x:.2}%\" y=\"13\" text-anchor=\"middle\">{}</text>", i + 1)?;
    }
    times(axis, out)?;
    out.push_str("</svg></div>\n");
    Ok(())
}

/// One line, with gaps where there are no values; a value between gaps is a dot.
fn lines(series: &Series, scale: &Scale, height: f64, out: &mut String) -> Result {
    let step = WIDTH / series.values.len().max(1) as f64;
    let (mut line, mut area) = (String::new(), String::new());
    let mut begin: Option<f64> = None;
    let mut last = 0.0;
    for (slot, value) in series.values.iter().enumerate() {
        let x = (slot as f64 + 0.5) * step;
        match value {
            Some(value) => {
                let y = scale.y(*value, height);
                if begin.is_none() {
                    begin = Some(x);
                    write!(line, "M{x:.1} {y:.1}h0")?;
                    write!(area, "M{x:.1} {height}L{x:.1} {y:.1}")?;
                } else {
                    write!(line, "L{x:.1} {y:.1}")?;
                    write!(area, "L{x:.1} {y:.1}")?;
                }
                last = x;
            }
            None => {
                if begin.take().is_some() {
                    write!(area, "L{last:.1} {height}Z")?;
                }
            }
        }
    }
    if begin.is_some() {
        write!(area, "L{last:.1} {height}Z")?;
    }
    if series.is_area {
        write!(out, "<path class=\"area {}\" d=\"{area}\"/>", series.style)?;
    }
    write!(out, "<path class=\"line {}\" d=\"{line}\"/>", series.style)
}

/// Times below the chart, at round hours.
fn times(axis: &Axis, out: &mut String) -> Result {
    let (start, length) = (axis.start, axis.slots as i64 * axis.seconds);
    let step = TIME_STEPS.into_iter().find(|step| length / step <= MOST_TIMES).unwrap_or(TIME_STEPS[14]);
    let form = if step >= 86_400 { "%b %-d" } else { "%H:%M" };
    let first = (start + step - 1).div_euclid(step) * step;
    for (i, at) in (first..start + length).step_by(step as usize).enumerate() {
        let x = axis.x(at) / WIDTH * 100.0;
        let anchor = match x {
            x if x < 3.0 => "start",
            x if x > 97.0 => "end",
            _ => "middle",
        };
        // Every second one goes where there is little room.
        let class = if i % 2 == 1 { " class=\"odd\"" } else { "" };
        let time: DateTime<Utc> = DateTime::from_timestamp(at, 0).unwrap_or_default();
        let y = HEIGHT - 6.0;
        write!(out, "<text{class} x=\"{x:.2}%\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>", time.format(form))?;
    }
    Ok(())
}

impl Axis {
    /// Place of a time in the stretched picture.
    fn x(&self, at: i64) -> f64 {
        let length = (self.slots as i64 * self.seconds).max(1) as f64;
        ((at - self.start) as f64 / length * WIDTH).clamp(0.0, WIDTH)
    }
}

/// The axis of values.
struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<f64>,
}

impl Scale {
    fn of(chart: &Chart) -> Scale {
        let values = || chart.series.iter().flat_map(|series| series.values.iter().flatten().copied());
        let highest = values().fold(0.0, f64::max);
        if chart.is_log {
            let lowest = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
            let (low, high) = if highest > 0.0 { (lowest, highest) } else { (0.1, 1.0) };
            let (low, high) = (low.log10().floor(), high.log10().ceil().max(low.log10().floor() + 1.0));
            let ticks = (low as i32..=high as i32).map(|power| 10f64.powi(power)).collect();
            return Scale { low, high, is_log: true, ticks };
        }
        let highest = chart.top.unwrap_or(0.0).max(highest);
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let power = 10f64.powf((highest / 4.0).log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| highest / step <= 4.0).unwrap_or(steps[4]);
        // Of requests there are no halves.
        let step = if chart.unit == Unit::Count { step.ceil().max(1.0) } else { step };
        let count = (highest / step - 1e-9).ceil() as i32;
        let ticks = (0..=count).map(|n| f64::from(n) * step).collect();
        Scale { low: 0.0, high: f64::from(count) * step, is_log: false, ticks }
    }

    /// From the top.
    fn y(&self, value: f64, height: f64) -> f64 {
        let value = if self.is_log { value.max(1e-6).log10() } else { value };
        height - (value - self.low) / (self.high - self.low) * height
    }
}

fn tick_label(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Percent => format!("{} %", (1000.0 * value).round() / 1000.0),
        Unit::Seconds if value < 0.999 => format!("{} ms", (10_000.0 * value).round() / 10.0),
        Unit::Seconds => format!("{} s", value.round()),
        Unit::Count => said(unit, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[Option<f64>]) -> String {
        let series = Series { name: "x", style: "s", is_area: true, values: values.to_vec() };
        let scale = Scale { low: 0.0, high: 100.0, is_log: false, ticks: Vec::new() };
        let mut out = String::new();
        lines(&series, &scale, 100.0, &mut out).unwrap();
        out
    }

    #[test]
    fn a_gap_is_a_gap_and_a_value_between_gaps_a_dot() {
        let line = |d: &str| format!("<path class=\"line s\" d=\"{d}\"/>");
        assert!(drawn(&[Some(0.0), Some(100.0)]).ends_with(&line("M250.0 100.0h0L750.0 0.0")));
        let with_gap = drawn(&[Some(50.0), None, Some(25.0), Some(25.0)]);
        assert!(with_gap.ends_with(&line("M125.0 50.0h0M625.0 75.0h0L875.0 75.0")), "{with_gap}");
        assert!(
            with_gap.contains("d=\"M125.0 100L125.0 50.0L125.0 100ZM625.0 100L625.0 75.0L875.0 75.0L875.0 100Z\""),
            "{with_gap}"
        );
        assert!(drawn(&[None, None]).ends_with(&line("")));
    }

    #[test]
    fn axes_have_round_numbers() {
        let ticks = |unit, is_log, top, values: &[f64]| {
            let values = values.iter().copied().map(Some).collect();
            let series = vec![Series { name: "x", style: "s", is_area: false, values }];
            let chart = Chart { id: "x", title: String::new(), description: String::new(), unit, is_log, top, series };
            Scale::of(&chart).ticks.iter().map(|tick| tick_label(unit, *tick)).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(ticks(Unit::Count, false, None, &[736.0]), "0, 200, 400, 600, 800");
        assert_eq!(ticks(Unit::Count, false, None, &[2.0, 1.0]), "0, 1, 2");
        assert_eq!(ticks(Unit::Count, false, None, &[]), "0, 1");
        assert_eq!(ticks(Unit::Count, false, None, &[1_234_567.0]), "0, 500,000, 1,000,000, 1,500,000");
        assert_eq!(ticks(Unit::Percent, false, Some(100.0), &[12.0]), "0 %, 25 %, 50 %, 75 %, 100 %");
        assert_eq!(ticks(Unit::Percent, false, None, &[0.03]), "0 %, 0.01 %, 0.02 %, 0.03 %");
        assert_eq!(ticks(Unit::Seconds, true, None, &[0.05, 5.5]), "10 ms, 100 ms, 1 s, 10 s");
        assert_eq!(ticks(Unit::Seconds, true, None, &[0.1, 0.1]), "100 ms, 1 s");
        assert_eq!(ticks(Unit::Seconds, true, None, &[]), "100 ms, 1 s");
    }
}
