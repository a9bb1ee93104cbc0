//! Asks a lake for all that a report says.

use std::collections::BTreeMap;

use albatross_diagnose::{Diagnosis, Span, Window, diagnose};
use albatross_query::{Catalogue, Clock, Query, Session, parse_time, rows};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::*;
use crate::{Result, compare, verdict};

/// A chart has no more slots than this: a screen shows no more, and a table behind it can still be read.
const MOST_SLOTS: i64 = 400;
/// Lengths that a slot may have, seconds: a minute for up to six hours, five minutes for a day, three hours for a month.
const SLOT_SECONDS: [i64; 8] = [60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400];
/// Longer than this without requests is no ragged end.
const EDGE: TimeDelta = TimeDelta::minutes(10);
/// Rows of a list.
const MOST_ENDPOINTS: usize = 15;
const MOST_CLIENTS: &str = "10";
const MOST_ROWS: usize = 20;
/// Routes that are compared with earlier; the others have hardly a request.
const MOST_ROUTES: &str = "1000";

/// All that a report says of a window of a lake, as far as the lake reaches. `clock` says when the report is made, and in which zone
/// its days are meant.
///
/// Every question is one scan of the window's files and reads the columns it needs: eight here (two of them for the clients, who cost most
/// with the routes), two for each earlier time that is compared, and those of [`diagnose`]. They run one after the other: each uses all
/// cores.
///
/// # Errors
/// The lake cannot be read.
pub async fn gather(session: &Session, window: Window, clock: &Clock) -> Result<Report> {
    let asked = window;
    let tick = TimeDelta::milliseconds(1);
    let lake = session.span().map(|(first, last)| Window { from: first, to: last + tick });
    let window = lake.and_then(|lake| overlap(window, lake)).unwrap_or(window);
    let ask = Ask { session, catalogue: Catalogue::load(None)?, clock };

    let diagnosis = diagnose(session, window).await?;
    let totals = ask.totals(window).await?;
    let endpoints: Vec<Endpoint> = ask.endpoints(window).await?;
    let comparisons = compare::comparisons(&ask, asked, window, lake, &endpoints).await?;
    let report = Report {
        version: VERSION,
        made_at: clock.now.to_rfc3339_opts(SecondsFormat::Secs, true),
        asked: span(asked),
        day: day(asked, clock),
        zone: clock.zone.name().to_owned(),
        window: span(window),
        lake: lake.map(span),
        verdict: verdict::verdict(&diagnosis, &totals, lake.map(span)),
        slots: ask.slots(window, &diagnosis).await?,
        totals,
        diagnosis,
        comparisons,
        statuses: ask.rows("status_mix", window, &[]).await?,
        endpoints: first(endpoints, MOST_ENDPOINTS),
        causes: ask.rows("errors_by_cause", window, &[]).await?,
        targets: first(ask.rows("errors_by_target", window, &[("status", ERRORS)]).await?, MOST_ROWS),
        clients: ask.rows("top_clients", window, &[("limit", MOST_CLIENTS)]).await?,
        coverage: first(ask.rows("coverage", window, &[]).await?, MOST_ROWS),
        gaps: first(ask.rows("coverage_gaps", window, &[]).await?, MOST_ROWS),
        rejects: first(ask.rows("rejects_by_reason", window, &[]).await?, MOST_ROWS),
    };
    Ok(report)
}

/// Questions to one lake.
pub(crate) struct Ask<'a> {
    session: &'a Session,
    catalogue: Catalogue,
    clock: &'a Clock,
}

impl Ask<'_> {
    async fn rows<T: DeserializeOwned>(&self, name: &str, window: Window, given: &[(&str, &str)]) -> Result<Vec<T>> {
        self.ask(self.catalogue.get(name)?, window, given).await
    }

    async fn ask<T: DeserializeOwned>(&self, query: &Query, window: Window, given: &[(&str, &str)]) -> Result<Vec<T>> {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut texts = BTreeMap::from([("from".to_owned(), time(window.from)), ("to".to_owned(), time(window.to))]);
        texts.extend(given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        Ok(rows(self.session.query(query, &texts, self.clock).await?).await?)
    }

    pub(crate) async fn totals(&self, window: Window) -> Result<Totals> {
        let query = Query::parse("totals", include_str!("../sql/totals.sql"))?;
        let rows: Vec<Totals> = self.ask(&query, window, &[("status", ERRORS)]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// All endpoints but the rarest.
    pub(crate) async fn endpoints(&self, window: Window) -> Result<Vec<Endpoint>> {
        self.rows("slow_endpoints", window, &[("status", ERRORS), ("limit", MOST_ROUTES)]).await
    }

    async fn slots(&self, window: Window, diagnosis: &Diagnosis) -> Result<Slots> {
        #[derive(Deserialize)]
        struct Requests {
            start: String,
            requests: u64,
            errors: u64,
            p50: Option<f64>,
            p90: Option<f64>,
            p99: Option<f64>,
        }
        #[derive(Deserialize)]
        struct Cpu {
            start: String,
            average: Option<f64>,
            maximum: Option<f64>,
        }
        let mut slots = Slots::empty(without_edges(window, diagnosis));
        let bucket = format!("{}s", slots.seconds);
        let bucket = ("bucket", bucket.as_str());
        for row in self.rows::<Requests>("latency_by_hour", window, &[bucket, ("status", ERRORS)]).await? {
            if let Some(slot) = slots.at(&row.start) {
                (slots.requests[slot], slots.errors[slot]) = (row.requests, row.errors);
                (slots.p50[slot], slots.p90[slot], slots.p99[slot]) = (row.p50, row.p90, row.p99);
            }
        }
        for row in self.rows::<Cpu>("cpu", window, &[bucket]).await? {
            if let Some(slot) = slots.at(&row.start) {
                (slots.cpu_average[slot], slots.cpu_maximum[slot]) = (row.average, row.maximum);
            }
        }
        Ok(slots)
    }
}

impl Slots {
    fn empty(window: Window) -> Slots {
        let length = (window.to - window.from).num_seconds();
        let fits = |seconds: &i64| length / seconds < MOST_SLOTS;
        let seconds = SLOT_SECONDS.into_iter().find(fits).unwrap_or(SLOT_SECONDS[SLOT_SECONDS.len() - 1]);
        let first = window.from.timestamp().div_euclid(seconds);
        let end = (window.to.timestamp_micros() - 1).div_euclid(1_000_000 * seconds) + 1;
        let slots = (end - first).max(1) as usize;
        Slots {
            start: first * seconds,
            seconds,
            requests: vec![0; slots],
            errors: vec![0; slots],
            p50: vec![None; slots],
            p90: vec![None; slots],
            p99: vec![None; slots],
            cpu_average: vec![None; slots],
            cpu_maximum: vec![None; slots],
        }
    }

    fn at(&self, start: &str) -> Option<usize> {
        let time = DateTime::parse_from_rfc3339(start).ok()?.timestamp();
        usize::try_from((time - self.start).div_euclid(self.seconds)).ok().filter(|slot| *slot < self.requests.len())
    }
}

/// The day that the window is, if it is one.
fn day(window: Window, clock: &Clock) -> Option<String> {
    let date = window.from.with_timezone(&clock.zone).date_naive();
    let midnight = |date: Option<NaiveDate>| parse_time(&date?.to_string(), clock);
    (midnight(Some(date)) == Some(window.from) && midnight(date.succ_opt()) == Some(window.to))
        .then(|| date.to_string())
}

/// Without the minutes at either end in which hardly anything had arrived, as where a log begins: of two requests any share may fail.
fn without_edges(window: Window, diagnosis: &Diagnosis) -> Window {
    let time = |text: &Option<String>| text.as_deref().and_then(|text| parse_time(text, &Clock::system(Tz::UTC)));
    let near = |a: DateTime<Utc>, b: DateTime<Utc>| (a - b).abs() <= EDGE;
    let from = time(&diagnosis.coverage.requests_from).filter(|from| near(*from, window.from));
    let to = time(&diagnosis.coverage.requests_to).filter(|to| near(*to, window.to));
    let (from, to) = (from.unwrap_or(window.from), to.unwrap_or(window.to));
    if from < to { Window { from, to } } else { window }
}

pub(crate) fn overlap(a: Window, b: Window) -> Option<Window> {
    let both = Window { from: a.from.max(b.from), to: a.to.min(b.to) };
    (both.from < both.to).then_some(both)
}

pub(crate) fn span(window: Window) -> Span {
    Span { start: window.from, end: window.to }
}

fn first<T>(mut rows: Vec<T>, most: usize) -> Vec<T> {
    rows.truncate(most);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> Window {
        Window { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn slots_fit_a_screen() {
        for (to, seconds, slots) in [
            ("2026-11-01T00:00:00.001Z", 60, 1),
            ("2026-11-01T03:00:00Z", 60, 180),
            ("2026-11-01T06:00:00Z", 60, 360),
            ("2026-11-02T00:00:00Z", 300, 288),
            ("2026-12-01T00:00:00Z", 10_800, 240),
            ("2027-11-01T00:00:00Z", 86_400, 365),
        ] {
            let empty = Slots::empty(window("2026-11-01T00:00:00Z", to));
            assert_eq!((empty.seconds, empty.requests.len()), (seconds, slots), "{to}");
        }
        // Slots begin at round times, and one that is cut is one.
        let cut = Slots::empty(window("2026-11-01T17:57:16.745Z", "2026-11-01T18:00:00.001Z"));
        assert_eq!((cut.start % 60, cut.requests.len()), (0, 4));
        assert_eq!([cut.at("2026-11-01T17:57:00Z"), cut.at("2026-11-01T18:00:00Z")], [Some(0), Some(3)]);
        assert_eq!([cut.at("2026-11-01T17:56:00Z"), cut.at("2026-11-01T18:01:00Z")], [None, None]);
    }

    #[test]
    fn a_day_is_a_day_in_its_zone() {
        let clock = |zone| Clock { now: "2026-11-20T08:30:00Z".parse().unwrap(), zone };
        let day_of = |from, to, zone| day(window(from, to), &clock(zone));
        assert_eq!(day_of("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", Tz::UTC).as_deref(), Some("2026-11-19"));
        assert_eq!(day_of("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", Tz::Europe__Berlin), None);
        // Of 25 hours.
        let long = ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        assert_eq!(day_of(long.0, long.1, Tz::Europe__Berlin).as_deref(), Some("2026-10-25"));
        assert_eq!(day_of("2026-11-19T00:00:00Z", "2026-11-21T00:00:00Z", Tz::UTC), None);
    }
}
