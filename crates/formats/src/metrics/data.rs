//! `aws cloudwatch get-metric-data`: parallel lists of times and values, a result per query.
//!
//! The answer names neither metric nor instance nor statistic: there are only `Id` and `Label`, and the request is not at
//! hand. All results of a file are gathered first, since pages repeat an Id, and since only the whole shows what tells two
//! series apart; then [`Answers::resolve`] names them:
//!
//! 1. Statistic, metric and namespace are taken out of Label and Id ([`names`]). Where both name a statistic, the Label holds.
//! 2. Results with the same rest of their Labels are one resource, unless two of them carry the same statistic, or the
//!    Labels say nothing more than the metric while the Ids name statistics: then what remains of the Ids divides them.
//! 3. A series of which only a handle remains (`m1`, `2`) is called after the file if it is the only one, else by the handle.
//! 4. A result without a statistic is taken for an average, with a warning; if its series has an average, it is refused.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::json::Value;
use super::names::{self, Statistic};
use super::rows::{Collected, Series, Statistics};
use super::time;

pub(super) const FORMAT: &str = "cloudwatch_metric_data";

/// The statistics by the keys under which CloudWatch's answers have them.
pub(super) const STATISTIC_KEYS: [(&str, Statistic); 5] = [
    ("Average", Statistic::Average),
    ("Maximum", Statistic::Maximum),
    ("Minimum", Statistic::Minimum),
    ("Sum", Statistic::Sum),
    ("SampleCount", Statistic::Samples),
];

/// The results of all pages of a file.
#[derive(Default)]
pub(super) struct Answers {
    results: Vec<Found>,
    /// By (Id, Label); a SEARCH gives many results of one Id.
    numbers: HashMap<(String, String), usize>,
    /// The last page says that there is another one.
    cut: bool,
}

/// A result with its points of all pages.
struct Found {
    id: String,
    name: Name,
    span: Range<usize>,
    points: Vec<(u32, i64, f64)>,
}

/// What Id and Label of a result say together.
struct Name {
    statistic: Option<Statistic>,
    /// The Id carries a statistic, so that its rest means something.
    id_tells: bool,
    disagree: bool,
    metric: Option<String>,
    namespace: Option<String>,
    label: String,
    id: String,
}

impl Answers {
    /// One answer: `{"MetricDataResults": [...], "Messages": [...]}`.
    pub(super) fn page(&mut self, text: &[u8], page: &Value<'_>, found: &mut Collected) {
        for message in page.get("Messages").map(Value::items).unwrap_or_default() {
            found.warnings.push(format!("CloudWatch says: {}", told(message)));
        }
        self.cut = page.get("NextToken").is_some();
        self.results(text, page.get("MetricDataResults").map(Value::items).unwrap_or_default(), found);
    }

    /// The list under `MetricDataResults`.
    pub(super) fn results(&mut self, text: &[u8], results: &[Value<'_>], found: &mut Collected) {
        let document = found.next_document();
        for result in results {
            self.result(text, result, document, found);
        }
    }

    fn result(&mut self, text: &[u8], result: &Value<'_>, document: u32, found: &mut Collected) {
        let span = result.start..result.end;
        let string = |key| result.get(key).and_then(Value::text).unwrap_or_default();
        let (id, label) = (string("Id"), string("Label"));
        let times = result.get("Timestamps").map(Value::items).unwrap_or_default();
        let values = result.get("Values").map(Value::items).unwrap_or_default();
        let messages: Vec<String> =
            result.get("Messages").map(Value::items).unwrap_or_default().iter().map(told).collect();
        let said = messages.join("; ");
        match string("StatusCode") {
            "" | "Complete" => {}
            "PartialData" => found.warnings.push(format!("result `{id}` is partial {said}").trim_end().to_owned()),
            code if values.is_empty() => {
                let reason = if code == "Forbidden" { "forbidden" } else { "failed_result" };
                return found.reject(text, span, reason, format!("result `{id}`: {code} {said}").trim_end().to_owned());
            }
            code => found.warnings.push(format!("result `{id}`: {code} {said}").trim_end().to_owned()),
        }
        if times.len() != values.len() {
            let detail = format!("result `{id}` has {} timestamps and {} values", times.len(), values.len());
            return found.reject(text, span, "unequal_lengths", detail);
        }
        let key = (id.to_owned(), names::without_legend(label));
        let number = *self.numbers.entry(key).or_insert_with(|| {
            self.results.push(Found { id: id.to_owned(), name: Name::of(id, label), span, points: Vec::new() });
            self.results.len() - 1
        });
        let points = &mut self.results[number].points;
        for (at, value) in times.iter().zip(values) {
            match (time::from_json(at), value.number()) {
                (Some(time), Some(number)) => points.push((document, time, number)),
                (None, _) => found.reject(text, at.start..at.end, "bad_time", format!("result `{id}`")),
                (_, None) => found.reject(text, value.start..value.end, "not_a_number", format!("result `{id}`")),
            }
        }
    }

    /// Names the series and hands their points over.
    pub(super) fn resolve(self, text: &[u8], stem: &str, found: &mut Collected) {
        let results = &self.results;
        if self.cut {
            found.warnings.push("the last page has a NextToken: more was to be fetched".to_owned());
        }
        let disagree: Vec<&str> = results.iter().filter(|r| r.name.disagree).map(|r| r.id.as_str()).collect();
        if !disagree.is_empty() {
            let ids = some_of(&disagree);
            found.warnings.push(format!("Id and Label name different statistics, the Label is followed: {ids}"));
        }
        let mut untold = Vec::new();
        for members in by_label(results) {
            let first = &results[members[0]].name;
            let metric = first.metric.clone().or_else(|| names::metric_of_stem(stem));
            let parts = divide(results, &members);
            if unpaired(results, &parts) {
                let ids: Vec<&str> = members.iter().map(|m| results[*m].id.as_str()).collect();
                found.warnings.push(format!("nothing tells which of these belong together: {}", some_of(&ids)));
            }
            let is_handle = |id: &str| names::is_handle(id, metric.as_deref());
            let single_handle = parts.keys().filter(|id| is_handle(id)).count() == 1;
            for (id, members) in &parts {
                let resource = match (first.label.as_str(), id.as_str()) {
                    ("", id) if id.is_empty() || (single_handle && is_handle(id)) => stem.to_owned(),
                    ("", id) => id.to_owned(),
                    (label, "") => label.to_owned(),
                    (label, id) => format!("{label} {id}"),
                };
                let namespace = first.namespace.clone();
                let series = Series { resource: Some(resource), namespace, metric: metric.clone(), unit: None };
                let has_average = members.iter().any(|m| results[*m].name.statistic == Some(Statistic::Average));
                for result in members.iter().map(|m| &results[*m]) {
                    result.hand_over(text, &series, has_average, found);
                    if result.name.statistic.is_none() && !has_average {
                        untold.push(result.id.as_str());
                    }
                }
            }
        }
        if !untold.is_empty() {
            let ids = some_of(&untold);
            found.warnings.push(format!(
                "neither Id nor Label names a statistic, taken for averages: {ids} (Ids like cpu_avg and cpu_max tell)"
            ));
        }
    }
}

impl Found {
    /// Its points become points of `series`, which has another result that is known to be the average if `has_average`.
    fn hand_over(&self, text: &[u8], series: &Series, has_average: bool, found: &mut Collected) {
        let (id, count) = (&self.id, self.points.len());
        let statistic = match self.name.statistic {
            None if has_average => {
                let detail = format!("result `{id}`: neither Id nor Label names its statistic; {count} points");
                return found.reject(text, self.span.clone(), "unknown_statistic", detail);
            }
            Some(Statistic::Unkept) => {
                let warning = format!("result `{id}`: a statistic without a column, {count} points left out");
                return found.warnings.push(warning);
            }
            statistic => statistic.unwrap_or(Statistic::Average),
        };
        let number = found.series(series.clone());
        found.records += count as u64;
        for (document, time, value) in &self.points {
            found.point(number, *document, *time, Statistics::one(statistic, *value));
        }
    }
}

/// The results with the same rest of their Labels, of the same metric.
fn by_label(results: &[Found]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (number, result) in results.iter().enumerate() {
        let Name { namespace, metric, label, .. } = &result.name;
        groups.entry((namespace, metric, label)).or_default().push(number);
    }
    groups.into_values().collect()
}

impl Name {
    fn of(id: &str, label: &str) -> Self {
        let label = if label == id { "" } else { label };
        let strict = (names::of_label(label, false).statistic, names::of_id(id, false).statistic);
        let (mut by_label, mut by_id) = (names::of_label(label, true), names::of_id(id, true));
        let statistic = strict.0.or(strict.1).or(by_id.statistic).or(by_label.statistic);
        if by_label.statistic != statistic {
            by_label = names::of_label(label, false);
        }
        if by_id.statistic != statistic {
            by_id = names::of_id(id, false);
        }
        Self {
            statistic,
            id_tells: by_id.statistic.is_some(),
            disagree: strict.0.zip(strict.1).is_some_and(|(by_label, by_id)| by_label != by_id),
            metric: by_label.metric.or(by_id.metric),
            namespace: by_label.namespace,
            label: by_label.rest,
            id: by_id.rest,
        }
    }
}

/// Divides results of one Label into series, by what remains of their Ids; by nothing ("") if they are one series.
fn divide(results: &[Found], members: &[usize]) -> BTreeMap<String, Vec<usize>> {
    let repeats = |members: &[usize]| {
        let statistic = |m: usize| results[m].name.statistic;
        members.iter().enumerate().any(|(at, m)| members[..at].iter().any(|other| statistic(*other) == statistic(*m)))
    };
    let name = |m: usize| &results[m].name;
    let by_id = members.iter().any(|m| name(*m).label.is_empty() && name(*m).id_tells);
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    if by_id || repeats(members) {
        for member in members {
            parts.entry(name(*member).id.clone()).or_default().push(*member);
        }
    } else {
        let id = &name(members[0]).id;
        let same = name(members[0]).label.is_empty() && members.iter().all(|m| name(*m).id == *id);
        parts.insert(if same { id.clone() } else { String::new() }, members.to_vec());
    }
    let mut divided = BTreeMap::new();
    for (id, members) in parts {
        if repeats(&members) {
            divided.extend(members.iter().map(|m| (results[*m].id.clone(), vec![*m])));
        } else {
            divided.insert(id, members);
        }
    }
    divided
}

/// Whether averages and maxima came apart: each part has one result, and not all have the same statistic.
fn unpaired(results: &[Found], parts: &BTreeMap<String, Vec<usize>>) -> bool {
    let mut statistics = parts.values().map(|members| results[members[0]].name.statistic);
    let first = statistics.next();
    let all_single = parts.values().all(|members| members.len() == 1);
    parts.len() > 1 && all_single && statistics.any(|statistic| Some(statistic) != first)
}

fn told(message: &Value<'_>) -> String {
    let string = |key| message.get(key).and_then(Value::text).unwrap_or_default();
    format!("{} {}", string("Code"), string("Value")).trim().to_owned()
}

/// The first few of many names.
fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
