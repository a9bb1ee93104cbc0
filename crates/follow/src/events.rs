//! Lines of all layers, as the view `events` has them.

use std::collections::BTreeSet;
use std::fmt;

use albatross_query::{Format, Options, Session, write};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Search, Subject};

/// Clocks of different machines may differ by this, and lines of the same request may begin or end so much outside of each other.
pub(crate) const SLACK: TimeDelta = TimeDelta::seconds(2);

/// Lines beside those that were searched for. Putting lines together takes the square of their number.
const MAX_AROUND: usize = 3000;

/// A log that a request passes, the outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    #[serde(rename = "cloudfront")]
    CloudFront,
    Nlb,
    /// A connection to an ALB.
    AlbConnections,
    Alb,
    Clb,
    Nginx,
    NginxError,
    Apache,
    Lambda,
}

impl Layer {
    /// As the table is called.
    pub fn name(self) -> &'static str {
        match self {
            Layer::CloudFront => "cloudfront",
            Layer::Nlb => "nlb",
            Layer::AlbConnections => "alb_connections",
            Layer::Alb => "alb",
            Layer::Clb => "clb",
            Layer::Nginx => "nginx",
            Layer::NginxError => "nginx_error",
            Layer::Apache => "apache",
            Layer::Lambda => "lambda",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Layer::CloudFront => "CloudFront",
            Layer::Nlb => "NLB",
            Layer::AlbConnections => "connection",
            Layer::Alb => "ALB",
            Layer::Clb => "Classic ELB",
            Layer::Nginx => "nginx",
            Layer::NginxError => "nginx error",
            Layer::Apache => "Apache",
            Layer::Lambda => "Lambda",
        }
    }

    /// Behind how many others it stands.
    pub(crate) fn depth(self) -> u8 {
        match self {
            Layer::CloudFront => 0,
            Layer::Nlb | Layer::AlbConnections => 1,
            Layer::Alb | Layer::Clb => 2,
            Layer::Nginx | Layer::NginxError | Layer::Apache => 3,
            Layer::Lambda => 4,
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A line of a log. What it does not tell is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it began.
    #[serde(deserialize_with = "time", serialize_with = "iso")]
    pub time: DateTime<Utc>,
    pub layer: Layer,
    /// `request`, `connection`, `error`, or what Lambda calls the event (`start`, `log`, `report`, ...).
    pub kind: String,
    /// Seconds.
    pub duration: Option<f64>,
    pub client: Option<String>,
    pub method: Option<String>,
    pub host: Option<String>,
    pub path: Option<String>,
    pub status: Option<i64>,
    /// What the layer behind answered.
    pub upstream_status: Option<i64>,
    pub received_bytes: Option<i64>,
    pub bytes: Option<i64>,
    pub target: Option<String>,
    pub cause: Option<String>,
    /// What the line says in words.
    pub message: Option<String>,
    pub trace_id: Option<String>,
    pub request_id: Option<String>,
    pub connection_id: Option<String>,
    pub forwarded_for: Option<String>,
    pub source_file: Option<String>,
    pub line: Option<i64>,
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is no time")))
}

fn iso<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

impl Event {
    /// When it ended, as far as is known.
    pub fn end(&self) -> DateTime<Utc> {
        let micros = self.duration.map_or(0, |seconds| (seconds * 1e6) as i64);
        self.time + TimeDelta::microseconds(micros)
    }

    /// The part of the trace id that all layers share.
    pub(crate) fn trace(&self) -> Option<&str> {
        self.trace_id.as_deref().map(|id| trace_root(id).unwrap_or(id))
    }

    /// Whether it is a request of its own, which others belong to.
    pub(crate) fn is_request(&self) -> bool {
        self.kind == "request" || self.kind == "report"
    }
}

/// `1-67891233-abcdef012345678912345678` of an X-Amzn-Trace-Id.
pub(crate) fn trace_root(text: &str) -> Option<&str> {
    let root = text.split(';').map(str::trim).find_map(|part| part.strip_prefix("Root=")).unwrap_or(text);
    let mut parts = root.split('-');
    let is_hex = |part: Option<&str>, length| {
        part.is_some_and(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let is_root = parts.next() == Some("1") && is_hex(parts.next(), 8) && is_hex(parts.next(), 24);
    (is_root && parts.next().is_none()).then_some(root)
}

/// Requests that match, the first ones, one more than wanted; if there are none, other lines.
pub(crate) async fn matching(session: &Session, search: &Search) -> Result<Vec<Event>, Error> {
    let is = |column: &str, value: &str| format!("{column} = {}", quoted(value));
    let subject = match &search.subject {
        Subject::Trace(id) => {
            let root = trace_root(id).unwrap_or(id);
            format!("({} OR strpos(trace_id, {}) > 0)", is("trace_id", root), quoted(root))
        }
        Subject::Request(id) => {
            format!("({} OR {} OR {})", is("request_id", id), is("connection_id", id), is("trace_id", id))
        }
        Subject::Client(address) => {
            format!("({} OR strpos(forwarded_for, {}) > 0)", is("client", address), quoted(address))
        }
        Subject::Path(path) => match path.strip_suffix('*') {
            Some(beginning) => format!("starts_with(path, {})", quoted(beginning)),
            None => is("path", path),
        },
        Subject::Everything => "true".to_owned(),
    };
    let mut conditions = vec![subject];
    conditions.extend(search.from.map(|from| format!("time >= {}", timestamp(from))));
    conditions.extend(search.to.map(|to| format!("time < {}", timestamp(to))));
    let conditions = conditions.join(" AND ");
    let ask = async |kinds: &str| {
        let limit = search.limit + 1;
        read(
            session,
            &format!("SELECT * FROM events WHERE {conditions} AND {kinds} ORDER BY time, layer LIMIT {limit}"),
        )
        .await
    };
    let requests = ask("kind IN ('request', 'report')").await?;
    if requests.is_empty() { ask("true").await } else { Ok(requests) }
}

/// All lines that may belong to these: of the same ids, or of the same path at the same time. At most [`MAX_AROUND`].
pub(crate) async fn around(session: &Session, seeds: &[Event]) -> Result<Vec<Event>, Error> {
    let Some((from, to)) = window(seeds) else { return Ok(Vec::new()) };
    let all = |of: fn(&Event) -> Option<&str>| {
        let values: BTreeSet<&str> = seeds.iter().filter_map(of).collect();
        values.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
    };
    let mut conditions = Vec::new();
    for (column, values) in [
        ("request_id", all(|event| event.request_id.as_deref())),
        ("connection_id", all(|event| event.connection_id.as_deref())),
    ] {
        if !values.is_empty() {
            conditions.push(format!("{column} IN ({values})"));
        }
    }
    let traces: BTreeSet<&str> = seeds.iter().filter_map(Event::trace).collect();
    conditions.extend(traces.into_iter().map(|id| format!("strpos(trace_id, {}) > 0", quoted(id))));
    for event in seeds {
        if let Some(path) = &event.path {
            let (from, to) = (timestamp(event.time - SLACK), timestamp(event.end() + SLACK));
            conditions.push(format!("path = {} AND time >= {from} AND time < {to}", quoted(path)));
        }
    }
    if conditions.is_empty() {
        return Ok(Vec::new());
    }
    let (from, to) = (timestamp(from), timestamp(to));
    let window = format!("time >= {from} AND time < {to}");
    let conditions = conditions.join(" OR ");
    let mut found =
        read(session, &format!("SELECT * FROM events WHERE {window} AND ({conditions}) LIMIT {MAX_AROUND}")).await?;
    // What was found may know others by ids that the searched ones do not have: the edge knows no trace id, a function's lines only
    // their request's id, which its report gives.
    let mut known = seeds.to_vec();
    known.extend(found.iter().cloned());
    while let Some(conditions) = ids(&known) {
        let sql = format!("SELECT * FROM events WHERE {window} AND ({conditions}) LIMIT {MAX_AROUND}");
        let more: Vec<Event> = read(session, &sql).await?.into_iter().filter(|event| !known.contains(event)).collect();
        if more.is_empty() {
            break;
        }
        known.extend(more.iter().cloned());
        found.extend(more);
    }
    Ok(found)
}

/// Whether a line has one of the ids that these have; `None` if they have none.
fn ids(events: &[Event]) -> Option<String> {
    let list = |of: &dyn Fn(&Event) -> Option<String>| {
        let values: BTreeSet<String> = events.iter().filter_map(of).collect();
        values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ")
    };
    let roots = list(&|event| event.trace().map(str::to_owned));
    let traces = list(&|event| event.trace().map(|root| format!("Root={root}")));
    let requests = list(&|event| event.request_id.clone());
    let conditions = [("trace_id", roots), ("trace_id", traces), ("request_id", requests)];
    let conditions = conditions.iter().filter(|(_, values)| !values.is_empty());
    let conditions: Vec<String> = conditions.map(|(column, values)| format!("{column} IN ({values})")).collect();
    (!conditions.is_empty()).then(|| conditions.join(" OR "))
}

/// Layers with any line at that time.
pub(crate) async fn layers_around(session: &Session, seeds: &[Event]) -> Result<Vec<Layer>, Error> {
    #[derive(Deserialize)]
    struct Row {
        layer: Layer,
    }
    let Some((from, to)) = window(seeds) else { return Ok(Vec::new()) };
    // Logs are delivered in pieces of minutes: what has nothing half an hour around is not there at all.
    let (from, to) = (timestamp(from - TimeDelta::minutes(30)), timestamp(to + TimeDelta::minutes(30)));
    let sql = format!("SELECT DISTINCT layer FROM events WHERE time >= {from} AND time < {to}");
    let rows: Vec<Row> = answer(session, &sql).await?;
    let layers: BTreeSet<Layer> = rows.into_iter().map(|row| row.layer).collect();
    Ok(layers.into_iter().collect())
}

fn window(events: &[Event]) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    // A connection begins long before a request on it.
    let first = events.iter().map(|event| event.time).min()? - SLACK - TimeDelta::minutes(5);
    let last = events.iter().map(Event::end).max()? + SLACK;
    Some((first, last))
}

async fn read(session: &Session, sql: &str) -> Result<Vec<Event>, Error> {
    answer(session, sql).await
}

async fn answer<T: for<'de> Deserialize<'de>>(session: &Session, sql: &str) -> Result<Vec<T>, Error> {
    let mut text = Vec::new();
    write(Format::Json, session.sql(sql).await?, &mut text, &Options::default()).await?;
    Ok(serde_json::from_slice(&text)?)
}

/// An SQL literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn timestamp(time: DateTime<Utc>) -> String {
    format!("TIMESTAMP '{}'", time.to_rfc3339_opts(SecondsFormat::Micros, true))
}
