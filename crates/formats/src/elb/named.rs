//! Lines whose fields have names, as CloudWatch Logs delivers them: put in the order of the plain form, so that the same code reads them.
//!
//! Source: AWS, "CloudWatch logs for your Application Load Balancer" ("for your Network Load Balancer"). Which fields there are, and in which
//! order, is the user's choice. Names are compared without case and punctuation: `client:port`, `client_port` and `ClientPort` are one.
//!
//! ```text
//! {"type":"https","time":"2026-11-20T18:00:05.250000Z","elb":"app/shop/50dc6c495c0c9188","client_port":"203.0.113.7:49120", ...}
//! ```

use memchr::{memchr, memchr2};

use crate::fields::{Edges, Fields, NOWHERE};
use crate::json::{Broken, Scanner, Value, unescape};
use crate::places::places;
use crate::reject::{Other, Skip};
use crate::{alb, alb_connections, alb_health_checks, nlb};

/// The fields of a log.
pub(crate) struct Layout<const N: usize> {
    /// Whose lines they are.
    pub(crate) kind: Skip,
    /// The documented names, in the order of the plain form.
    pub(crate) fields: [&'static str; N],
    /// Other names of fields, by number.
    pub(crate) aliases: &'static [(&'static str, usize)],
    /// Plain lines with fewer fields are torn.
    pub(crate) min_fields: usize,
    /// Whether plain lines have quoted fields.
    pub(crate) quotes: bool,
}

impl<const N: usize> Layout<N> {
    fn find(&self, name: &[u8]) -> Option<usize> {
        let fields = || self.fields.iter().enumerate().map(|(i, field)| (*field, i));
        let mut names = fields().chain(self.aliases.iter().copied());
        names.find(|(known, _)| is_same(known.as_bytes(), name)).map(|(_, i)| i)
    }
}

fn is_same(a: &[u8], b: &[u8]) -> bool {
    let letters = |name| <[u8]>::iter(name).filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    letters(a).eq(letters(b))
}

/// Reads named fields of one log. Memory is used again from line to line.
pub(crate) struct Named<const N: usize> {
    layout: &'static Layout<N>,
    /// What `#Fields` said, until the source ends.
    header: Option<Header>,
    /// Names in the order of the JSON line before, with their fields: lines of a source are alike.
    keys: Vec<(Vec<u8>, Option<usize>)>,
    /// What is thought of those names, and how many they were.
    verdict: (Verdict, usize),
    scanner: Scanner,
    /// Where the delimiters of a line stand.
    marks: Vec<u32>,
    values: [Found; N],
    /// Strings that had escapes.
    decoded: Vec<u8>,
    /// Members that are no field of the log, as written.
    surplus: Vec<u8>,
    /// The line in the order of the plain form, and where its fields stood before.
    text: Vec<u8>,
    edges: Edges,
    places: [u32; N],
}

#[derive(Clone, Copy)]
enum Verdict {
    Known,
    /// They are those of another log.
    Foreign(Skip),
    /// None of them is a field.
    Unknown,
}

/// What `#Fields` said.
struct Header {
    /// For each value of a line its name and its field.
    columns: Vec<(Vec<u8>, Option<usize>)>,
    /// Between the values; not known before the first line that is whole.
    delimiter: Option<u8>,
}

/// Where a value stands: in the line, or among the decoded strings.
#[derive(Clone, Copy)]
struct Found {
    start: u32,
    end: u32,
    /// Where it stood in the line.
    place: u32,
    decoded: bool,
}

impl Found {
    const NONE: Found = Found { start: 0, end: 0, place: NOWHERE, decoded: false };

    fn at(start: usize, end: usize) -> Found {
        Found { start: start as u32, end: end as u32, place: start as u32, decoded: false }
    }

    /// From `start` to the end of `decoded`.
    fn newest(decoded: &[u8], start: usize, place: usize) -> Found {
        Found { decoded: true, place: place as u32, ..Found::at(start, decoded.len()) }
    }
}

impl<const N: usize> Named<N> {
    pub(crate) fn of(layout: &'static Layout<N>) -> Named<N> {
        Named {
            layout,
            header: None,
            keys: Vec::new(),
            verdict: (Verdict::Unknown, 0),
            scanner: Scanner::default(),
            marks: Vec::new(),
            values: [Found::NONE; N],
            decoded: Vec::new(),
            surplus: Vec::new(),
            text: Vec::new(),
            edges: Edges::NONE,
            places: [NOWHERE; N],
        }
    }

    pub(crate) fn layout(&self) -> &'static Layout<N> {
        self.layout
    }

    /// A source begins.
    pub(crate) fn begin(&mut self) {
        self.header = None;
    }

    /// Whether a line is of a form with names.
    #[inline]
    pub(crate) fn takes(&self, line: &[u8]) -> bool {
        self.header.is_some() || matches!(line.first(), Some(b'{' | b'#'))
    }

    /// The fields of such a line in the order of the plain form; `-` for those that it does not have.
    pub(crate) fn fields(&mut self, line: &[u8]) -> Result<Fields<'_, N>, Other> {
        self.values = [Found::NONE; N];
        self.decoded.clear();
        self.surplus.clear();
        match line.first() {
            Some(b'#') => {
                if let Some(names) = header_names(line) {
                    self.header = Some(Header::of(names, self.layout));
                }
                return Err(Other::Skip(Skip::Header));
            }
            Some(b'{') => self.json(line)?,
            _ => self.w3c(line)?,
        }
        Ok(self.assemble(line))
    }

    fn json(&mut self, line: &[u8]) -> Result<(), Other> {
        let Named { layout, scanner, keys, values, decoded, surplus, .. } = self;
        let (mut count, mut is_new) = (0, false);
        let mut members = scanner.members(line);
        loop {
            let expected = keys.get(count).map_or(b"".as_slice(), |(name, _)| name);
            let member = match members.next(expected) {
                Ok(Some(member)) => member,
                Ok(None) => break,
                Err(Broken { at, expected }) => {
                    // Nothing is thought of the names so far.
                    self.verdict.1 = usize::MAX;
                    return Err(Other::reject("bad_json", format!("{expected} is missing at byte {at} of the line")));
                }
            };
            if !member.is_expected {
                keys.truncate(count);
                keys.push((member.key.to_vec(), layout.find(member.key)));
                is_new = true;
            }
            let field = keys[count].1;
            count += 1;
            let Some(field) = field else {
                keep(surplus, member.key, &member.value);
                continue;
            };
            values[field] = match member.value {
                Value::Null => Found::NONE,
                Value::Text { written, has_escapes: false } => Found::at(member.at, member.at + written.len()),
                Value::Text { written, .. } => {
                    let start = decoded.len();
                    unescape(written, decoded);
                    escape_line_feeds(decoded, start);
                    Found::newest(decoded, start, member.at)
                }
                Value::Other(word) => {
                    let word = whole(word);
                    match plain_number(word) {
                        None => Found::at(member.at, member.at + word.len()),
                        Some(number) => {
                            let start = decoded.len();
                            decoded.extend_from_slice(number.as_bytes());
                            Found::newest(decoded, start, member.at)
                        }
                    }
                }
            };
        }
        if is_new || self.verdict.1 != count {
            self.verdict = (self.judge(count), count);
        }
        match self.verdict.0 {
            Verdict::Known => Ok(()),
            Verdict::Foreign(kind) => Err(Other::Skip(kind)),
            Verdict::Unknown => {
                let detail = "none of its names is that of a field: the line is of another format";
                Err(Other::reject("too_few_fields", detail.to_string()))
            }
        }
    }

    /// What the first `count` keys are.
    fn judge(&self, count: usize) -> Verdict {
        let keys = &self.keys[..count];
        let names: Vec<&[u8]> = keys.iter().map(|(name, _)| name.as_slice()).take(MAX_NAMES).collect();
        let own = own_names(self.layout, &names);
        match most(candidates(&names).into_iter().filter(|(_, others)| *others > own)) {
            Some(kind) if kind != self.layout.kind => Verdict::Foreign(kind),
            _ if keys.iter().all(|(_, field)| field.is_none()) => Verdict::Unknown,
            _ => Verdict::Known,
        }
    }

    fn w3c(&mut self, line: &[u8]) -> Result<(), Other> {
        let Named { header: Some(header), marks, values, surplus, .. } = self else { return Ok(()) };
        let expected = header.columns.len();
        let Some(delimiter) = header.delimiter.or_else(|| delimiter(line, expected)) else {
            return Err(fewer_than(expected));
        };
        marks.clear();
        places(line, delimiter, delimiter, marks);
        let mut marks = marks.iter().map(|place| *place as usize);
        let mut columns = header.columns.iter();
        let (mut count, mut at) = (0, 0);
        while at <= line.len() {
            let end = marks.find(|place| *place >= at).unwrap_or(line.len());
            let (start, end, next) = match line.get(at) {
                Some(b'"') => value_at(line, at, delimiter),
                _ => (at, end, end + 1),
            };
            match columns.next() {
                Some((_, Some(field))) => values[*field] = Found::at(start, end),
                Some((name, None)) => keep(surplus, name, &Value::Other(&line[at..next - 1])),
                None if start == end => {}
                None => keep(surplus, b"", &Value::Other(&line[at..next - 1])),
            }
            count += 1;
            at = next;
        }
        if count < expected {
            return Err(fewer_than(expected));
        }
        header.delimiter = Some(delimiter);
        Ok(())
    }

    fn assemble(&mut self, line: &[u8]) -> Fields<'_, N> {
        const SHORT: usize = 32;
        let Named { text, edges, decoded, .. } = self;
        let most = line.len() + decoded.len() + 2 * N + SHORT;
        if text.len() < most {
            text.resize(most, 0);
        }
        edges.clear();
        let mut at = 0;
        for (i, found) in self.values.iter().enumerate() {
            let begin = at;
            let from = if found.decoded { decoded.as_slice() } else { line };
            let (start, end) = (found.start as usize, found.end as usize);
            // Most values are short, and to copy a fixed number of bytes takes no call.
            match from.get(start..start + SHORT) {
                _ if found.place == NOWHERE => {
                    text[at] = b'-';
                    at += 1;
                }
                Some(bytes) if end - start <= SHORT => {
                    text[at..at + SHORT].copy_from_slice(bytes);
                    at += end - start;
                }
                _ => {
                    text[at..at + end - start].copy_from_slice(&from[start..end]);
                    at += end - start;
                }
            }
            edges.push(begin, at);
            // No value has a line feed, so that fields one after the other are equal only if each of them is.
            text[at] = b'\n';
            at += 1;
            self.places[i] = found.place;
        }
        Fields::assembled(&self.text[..at], &self.edges, &self.places, &self.surplus)
    }
}

impl Header {
    fn of<const N: usize>(names: &[u8], layout: &Layout<N>) -> Header {
        let columns = header_columns(names).map(|name| (name.to_vec(), layout.find(name))).collect();
        Header { columns, delimiter: None }
    }
}

#[cold]
fn fewer_than(expected: usize) -> Other {
    Other::reject("too_few_fields", format!("fewer than the {expected} fields that #Fields names: the line is torn"))
}

/// What stands between the values of a line, which are `expected` or, if fields were added, more.
fn delimiter(line: &[u8], expected: usize) -> Option<u8> {
    let count = |delimiter| {
        let (mut count, mut at) = (0, 0);
        while at <= line.len() {
            at = value_at(line, at, delimiter).2;
            count += 1;
        }
        count
    };
    let candidates = [b'\t', b' ', b',', b';', b'|'].map(|delimiter| (delimiter, count(delimiter)));
    let exact = candidates.iter().find(|(_, count)| *count == expected);
    exact.or_else(|| candidates.iter().find(|(_, count)| *count > expected)).map(|(delimiter, _)| *delimiter)
}

/// The names of `#Fields: type time elb`, with whatever is between them.
fn header_names(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"#")?.trim_ascii_start();
    let (key, names) = rest.split_at_checked(6)?;
    key.eq_ignore_ascii_case(b"Fields").then(|| names.strip_prefix(b":").unwrap_or(names).trim_ascii())
}

fn header_columns(names: &[u8]) -> impl Iterator<Item = &[u8]> {
    names.split(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b'|')).filter(|name| !name.is_empty())
}

pub(super) fn is_header(line: &[u8]) -> bool {
    header_names(line).is_some()
}

/// The value that begins at `at`: where it begins and ends, without quotes around it, and where the next one begins.
fn value_at(line: &[u8], at: usize, delimiter: u8) -> (usize, usize, usize) {
    if line.get(at) == Some(&b'"') {
        let mut from = at + 1;
        while let Some(i) = memchr2(b'"', b'\\', line.get(from..).unwrap_or_default()).map(|i| from + i) {
            if line[i] == b'"' {
                // In `"h2","http/1.1"` the quotes are part of the value.
                match line.get(i + 1) {
                    None => return (at + 1, i, i + 2),
                    Some(byte) if *byte == delimiter => return (at + 1, i, i + 2),
                    Some(_) => break,
                }
            }
            from = i + 2;
        }
    }
    let end = memchr(delimiter, &line[at..]).map_or(line.len(), |i| at + i);
    (at, end, end + 1)
}

/// Appends what is no field of the log.
fn keep(surplus: &mut Vec<u8>, name: &[u8], value: &Value<'_>) {
    if !surplus.is_empty() {
        surplus.push(b' ');
    }
    if !name.is_empty() {
        surplus.extend_from_slice(name);
        surplus.push(b'=');
    }
    match value {
        Value::Null => surplus.extend_from_slice(b"null"),
        Value::Other(word) => surplus.extend_from_slice(word),
        Value::Text { written, .. } => {
            surplus.push(b'"');
            surplus.extend_from_slice(written);
            surplus.push(b'"');
        }
    }
}

/// Writes line feeds from `start` on as load balancers do.
fn escape_line_feeds(text: &mut Vec<u8>, start: usize) {
    if memchr(b'\n', &text[start..]).is_none() {
        return;
    }
    for (i, part) in text.split_off(start).split(|b| *b == b'\n').enumerate() {
        if i > 0 {
            text.extend_from_slice(br"\x0A");
        }
        text.extend_from_slice(part);
    }
}

/// `200` of `200.0`, as a plain line would have it.
#[inline]
fn whole(word: &[u8]) -> &[u8] {
    let is_whole = |number: &&[u8]| {
        let digits = number.strip_prefix(b"-").unwrap_or(number);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    };
    word.strip_suffix(b".0").filter(is_whole).unwrap_or(word)
}

/// A number that a plain line would not have like this, `1e-3`, as it would.
#[inline]
fn plain_number(word: &[u8]) -> Option<String> {
    // Numbers are short: a loop is faster than a search.
    if !word.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return None;
    }
    let number: f64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    Some(number.to_string())
}

/// Names that are looked at to tell a log: more than any has, and no line can make it take long.
const MAX_NAMES: usize = 100;

/// Names that others' logs have as well.
const COMMON: &[&str] = &[
    "type",
    "time",
    "timestamp",
    "version",
    "listener",
    "client_ip",
    "client_port",
    "request",
    "request_line",
    "status",
    "status_code",
    "latency",
    "received_bytes",
    "sent_bytes",
    "user_agent",
    "ssl_cipher",
    "ssl_protocol",
    "tls_cipher",
    "tls_protocol",
    "trace_id",
    "domain_name",
    "ip_address",
    "redirect_url",
    "error_reason",
    "classification",
    "connection_time",
];

/// Which log a line with names, or a line of names, is of: that which has most of them, and more than `COMMON` ones.
pub(super) fn kind(line: &[u8]) -> Option<Skip> {
    let mut names = Vec::new();
    match line.first()? {
        b'{' => {
            // What is broken may be cut: the beginning of a file is enough.
            let mut scanner = Scanner::default();
            let mut members = scanner.members(line);
            while let Ok(Some(member)) = members.next(b"") {
                names.push(member.key);
            }
        }
        b'#' => names.extend(header_columns(header_names(line)?)),
        _ => return None,
    }
    names.truncate(MAX_NAMES);
    // Names may leave it open; that of the load balancer does not.
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    let (application, network) = (has(b"\"app/"), has(b"\"net/"));
    most(candidates(&names).into_iter().filter(|(kind, _)| match kind {
        Skip::NetworkLog => !application,
        _ => !network,
    }))
}

/// The logs that users may choose the fields of, and how many of the names are such.
fn candidates(names: &[&[u8]]) -> [(Skip, usize); 4] {
    [
        (Skip::RequestLog, own_names(&alb::LAYOUT, names)),
        (Skip::ConnectionLog, own_names(&alb_connections::LAYOUT, names)),
        (Skip::HealthCheckLog, own_names(&alb_health_checks::LAYOUT, names)),
        (Skip::NetworkLog, own_names(&nlb::LAYOUT, names)),
    ]
}

/// That of most names; the first of equals.
fn most(candidates: impl DoubleEndedIterator<Item = (Skip, usize)>) -> Option<Skip> {
    candidates.filter(|(_, count)| *count > 0).rev().max_by_key(|(_, count)| *count).map(|(kind, _)| kind)
}

/// How many of the names are fields of a log; none if others have the like.
fn own_names<const N: usize>(layout: &Layout<N>, names: &[&[u8]]) -> usize {
    let known = || names.iter().filter(|name| layout.find(name).is_some());
    let own = known().any(|name| !COMMON.iter().any(|common| is_same(common.as_bytes(), name)));
    if own { known().count() } else { 0 }
}
