//! `combined` and what people make of it: a host before the address, fields behind the user agent. No configuration is needed to read them,
//! and each line says all by itself.

use super::row::Values;
use super::variables::{Names, Var};
use crate::fields::Splitter;
use crate::reject::Other;
use crate::value;
use crate::web::combined::{Regular, regular};
use crate::web::pattern::{ABSENT, Mismatch, Pattern, Range, Shape};
use crate::web::time::ZonedClock;

/// What ingress-nginx adds.
const INGRESS: [Var; 9] = [
    Var::RequestLength,
    Var::RequestTime,
    Var::ProxyUpstreamName,
    Var::ProxyAlternativeUpstreamName,
    Var::UpstreamAddr,
    Var::UpstreamResponseLength,
    Var::UpstreamResponseTime,
    Var::UpstreamStatus,
    Var::RequestId,
];

/// The formats, compiled once per reader.
pub(super) struct Combined {
    /// Client and user, time, request, status, bytes.
    begin: Pattern,
    /// What may stand behind the user agent, in the order in which it is tried.
    ends: Vec<(Pattern, &'static [Var])>,
    /// Of what ingress-nginx writes there.
    splitter: Splitter<9>,
}

impl Combined {
    pub(super) fn new() -> Combined {
        use Shape::*;
        use Var::*;
        let pattern = |slots: &[(Shape, &str)]| {
            Pattern::new(b"", slots.iter().map(|(shape, after)| (shape.clone(), after.as_bytes().to_vec())))
        };
        // A request may hold quotes if nothing is escaped; no request holds what follows it.
        let begin = pattern(&[
            (Text, " ["),
            (Fixed(ZonedClock::COMMON_BYTES), "] \""),
            (Text, "\" "),
            (Number, " "),
            (Number, ""),
        ]);
        let ingress =
            [(Number, " "), (Number, " ["), (Word, "] ["), (Word, "] "), (List, " "), (List, " "), (List, " ")];
        let mut ends: Vec<(Pattern, &'static [Var])> = Vec::new();
        let newest = [&ingress[..], &[(List, " "), (Word, "")]].concat();
        ends.push((pattern(&newest), &INGRESS));
        ends.push((pattern(&[&ingress[..], &[(List, "")]].concat()), &INGRESS[..8]));
        // Before it had alternative upstreams.
        const OLD_INGRESS: [Var; 8] = [
            RequestLength,
            RequestTime,
            ProxyUpstreamName,
            UpstreamAddr,
            UpstreamResponseLength,
            UpstreamResponseTime,
            UpstreamStatus,
            RequestId,
        ];
        let old = [(Number, " "), (Number, " ["), (Word, "] "), (List, " "), (List, " "), (List, " ")];
        ends.push((pattern(&[&old[..], &[(List, " "), (Word, "")]].concat()), &OLD_INGRESS));
        ends.push((pattern(&[&old[..], &[(List, "")]].concat()), &OLD_INGRESS[..7]));
        ends.push((pattern(&[(Number, " "), (List, " "), (Word, "")]), &[RequestTime, UpstreamResponseTime, Pipe]));
        ends.push((pattern(&[(Number, " "), (List, "")]), &[RequestTime, UpstreamResponseTime]));
        ends.push((pattern(&[(Number, "")]), &[RequestTime]));
        Combined { begin, ends, splitter: Splitter::new() }
    }

    /// Finds the values of a line.
    pub(super) fn read(&mut self, line: &[u8], names: &mut Names, values: &mut Values) -> Result<(), Other> {
        if let Some(parts) = regular(line)
            && line[parts.logname.0 as usize..parts.logname.1 as usize] == *b"-"
        {
            let Regular { host, user, time, request, status, bytes, referer, agent, end, .. } = parts;
            for (var, range) in [
                (Var::RemoteAddr, host),
                (Var::RemoteUser, user),
                (Var::TimeLocal, time),
                (Var::Request, request),
                (Var::Status, status),
                (Var::BodyBytesSent, bytes),
                (Var::HttpReferer, referer),
                (Var::HttpUserAgent, agent),
            ] {
                values.set(var, range);
            }
            self.read_end(line, end, names, values);
            return Ok(());
        }
        self.read_any(line, names, values)
    }

    /// A line that is not regular: a host before the address, a user with spaces, quotes that nobody escaped.
    fn read_any(&mut self, line: &[u8], names: &mut Names, values: &mut Values) -> Result<(), Other> {
        let mut found = [ABSENT; 5];
        let end = self.begin.find(line, &mut found).map_err(|mismatch| mismatch_of(line, mismatch))?;
        let [head, time, request, status, bytes] = found;
        if head.0 == head.1 || status.0 == status.1 || bytes.0 == bytes.1 {
            return Err(Other::reject("too_few_fields", "no client, status or size: the line is torn".into()));
        }
        read_head(line, head, values);
        for (var, range) in
            [(Var::TimeLocal, time), (Var::Request, request), (Var::Status, status), (Var::BodyBytesSent, bytes)]
        {
            values.set(var, range);
        }
        let (referer, at) = quoted(line, end).ok_or_else(|| no_quoted(line, end))?;
        let (agent, at) = quoted(line, at).ok_or_else(|| no_quoted(line, at))?;
        values.set(Var::HttpReferer, referer);
        values.set(Var::HttpUserAgent, agent);
        self.read_end(line, at, names, values);
        Ok(())
    }

    /// What stands behind the user agent.
    fn read_end(&mut self, line: &[u8], at: usize, names: &mut Names, values: &mut Values) {
        if at == line.len() {
            return;
        }
        let mut at = at;
        if let Some((field, end)) = quoted(line, at)
            && is_addresses(&line[field.0 as usize..field.1 as usize])
        {
            values.set(Var::HttpXForwardedFor, field);
            at = end;
        }
        let rest = line[at..].trim_ascii();
        if rest.is_empty() {
            return;
        }
        at += line[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        if rest[0].is_ascii_digit() {
            let mut found = [ABSENT; 9];
            if is_ingress(rest, &mut self.splitter, &mut found) && are_times(rest, &INGRESS, &found) {
                return set_all(&INGRESS, &found, at, values);
            }
            for (pattern, vars) in &self.ends {
                if pattern.find(rest, &mut found) == Ok(rest.len()) && are_times(rest, vars, &found) {
                    return set_all(vars, &found, at, values);
                }
            }
        }
        read_pairs(line, at, names, values);
    }
}

/// The way for nearly every line of ingress-nginx: one upstream, so that there are nine fields.
fn is_ingress(rest: &[u8], splitter: &mut Splitter<9>, found: &mut [Range; 9]) -> bool {
    let Ok(fields) = splitter.split(rest) else { return false };
    if fields.count() < 9 || !fields.surplus.is_empty() {
        return false;
    }
    for (i, place) in found.iter_mut().enumerate() {
        *place = fields.range(i);
    }
    for i in [2, 3] {
        if !(fields.get(i).starts_with(b"[") && fields.get(i).ends_with(b"]")) {
            return false;
        }
        found[i] = (found[i].0 + 1, found[i].1 - 1);
    }
    found.windows(2).all(|pair| pair[0].1 < pair[1].0)
}

fn set_all(vars: &[Var], found: &[Range], at: usize, values: &mut Values) {
    for (var, (from, to)) in vars.iter().zip(found) {
        values.set(*var, (from + at as u32, to + at as u32));
    }
}

/// A number behind the user agent is a time only if it has decimals, and one of upstreams only if it looks like one: there are other formats,
/// and what is not sure has no column.
fn are_times(rest: &[u8], vars: &[Var], found: &[Range]) -> bool {
    let text = |range: &Range| &rest[range.0 as usize..range.1 as usize];
    vars.iter().zip(found).all(|(var, range)| match var {
        Var::RequestTime => text(range).contains(&b'.') && value::decimal(text(range)).is_some(),
        Var::RequestLength => value::integer(text(range)).is_some(),
        Var::UpstreamResponseTime => text(range).iter().all(|b| b.is_ascii_digit() || b".-,: ".contains(b)),
        Var::UpstreamStatus => text(range).iter().all(|b| b.is_ascii_digit() || b"-,: ".contains(b)),
        Var::Pipe => matches!(text(range), b"p" | b"."),
        _ => true,
    })
}

/// `ADDRESS - USER`, perhaps with a host before it, a list of addresses, or the address twice (`A - [A] - USER`, ingress-nginx of old).
fn read_head(line: &[u8], head: Range, values: &mut Values) {
    let text = &line[head.0 as usize..head.1 as usize];
    let (client, user) = match memchr::memmem::find(text, b" - ") {
        Some(i) => (&text[..i], &text[i + 3..]),
        None => (text, &text[text.len()..]),
    };
    let range = |part: &[u8]| {
        let from = part.as_ptr() as usize - line.as_ptr() as usize;
        (from as u32, (from + part.len()) as u32)
    };
    let user = match (user.first(), memchr::memmem::find(user, b"] - ")) {
        (Some(b'['), Some(i)) => &user[i + 4..],
        _ => user,
    };
    values.set(Var::RemoteUser, range(user));
    let mut client = client;
    // `host address`, where `address, address` is a list.
    if let Some(i) = memchr::memchr(b' ', client)
        && client[i - usize::from(i > 0)] != b','
    {
        values.set(Var::Host, range(&client[..i]));
        client = &client[i + 1..];
    }
    if let [b'"', inner @ .., b'"'] | [b'[', inner @ .., b']'] = client {
        client = inner;
    }
    values.set(Var::RemoteAddr, range(client));
}

/// `key=value` and `key="value"`, as long as they come; what is no such pair, or has an unknown key, has no column.
fn read_pairs(line: &[u8], from: usize, names: &mut Names, values: &mut Values) {
    let mut at = from;
    let mut place = 0;
    while at < line.len() {
        let rest = &line[at..];
        let token = pair(rest);
        place += 1;
        if let Some((key, value, _)) = &token
            && let Some(var) = names.meaning(place - 1, key)
            && !values.has(var)
        {
            values.set(var, ((at + value.0) as u32, (at + value.1) as u32));
        } else {
            let length = token.as_ref().map_or_else(|| token_length(rest), |(_, _, end)| *end);
            values.add_surplus(&rest[..length]);
        }
        at += token.map_or_else(|| token_length(rest), |(_, _, end)| end);
        at += line[at..].iter().take_while(|b| **b == b' ').count();
    }
}

/// Key, where the value stands, where the pair ends.
fn pair(rest: &[u8]) -> Option<(&[u8], (usize, usize), usize)> {
    let equals = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))?;
    if rest[equals] != b'=' || equals == 0 {
        return None;
    }
    let from = equals + 1;
    if rest.get(from) == Some(&b'"') {
        let end = from + 1 + memchr::memchr(b'"', &rest[from + 1..])?;
        return Some((&rest[..equals], (from + 1, end), end + 1));
    }
    // A list goes on behind a comma, or a colon that stands alone.
    let mut end = from;
    loop {
        end += rest[end..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        match &rest[end..] {
            [b' ', b':', b' ', ..] => end += 3,
            [b' ', ..] if rest[from..end].ends_with(b",") => end += 1,
            _ => return Some((&rest[..equals], (from, end), end)),
        }
    }
}

fn token_length(rest: &[u8]) -> usize {
    match rest.strip_prefix(b"\"").and_then(|inner| memchr::memchr(b'"', inner)) {
        Some(end) => end + 2,
        None => memchr::memchr(b' ', rest).unwrap_or(rest.len()).max(1),
    }
}

/// ` "value"`: where the value stands, and where the field ends. A quote ends it that a space or the line's end follows.
fn quoted(line: &[u8], at: usize) -> Option<(Range, usize)> {
    let from = line.len() - line[at..].strip_prefix(b" \"")?.len();
    let mut end = from;
    while let Some(i) = memchr::memchr(b'"', &line[end..]).map(|i| end + i) {
        if matches!(line.get(i + 1), None | Some(b' ')) {
            return Some(((from as u32, i as u32), i + 1));
        }
        end = i + 1;
    }
    None
}

fn no_quoted(line: &[u8], at: usize) -> Other {
    if line[at..].starts_with(b" \"") {
        let detail = format!("the quote at byte {} of the line is never closed: the line may be torn", at + 1);
        return Other::reject("unterminated_quote", detail);
    }
    let detail = format!("a field in quotes is missing at byte {at} of the line: it is torn or of another format");
    Other::reject("too_few_fields", detail)
}

/// `-`, or addresses with commas between them.
fn is_addresses(field: &[u8]) -> bool {
    let is_address = |part: &[u8]| {
        let part = part.trim_ascii();
        let is_number = |c: &u8| c.is_ascii_digit() || matches!(c, b'.' | b':');
        match part {
            b"-" | b"unknown" => true,
            _ if part.iter().filter(|b| **b == b'.').count() == 3 => part.iter().all(is_number),
            _ => {
                part.iter().filter(|b| **b == b':').count() >= 2
                    && part.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'[' | b']' | b'%'))
            }
        }
    };
    field.is_empty() || field.split(|b| *b == b',').all(is_address)
}

fn mismatch_of(line: &[u8], mismatch: Mismatch) -> Other {
    let Mismatch { slot, at } = mismatch;
    let (reason, what) = match slot {
        0 => ("bad_timestamp", "no time in brackets"),
        1 => ("bad_timestamp", "the time in brackets is not as $time_local is, or no request in quotes follows"),
        2 => ("unterminated_quote", "the request's quote is never closed, or no status follows"),
        3 => ("too_few_fields", "no status and size behind the request"),
        _ => ("too_few_fields", "no size behind the status"),
    };
    let place = if at < line.len() { format!("at byte {at} of the line") } else { "at its end".to_string() };
    Other::reject(reason, format!("{what} ({place}): the line is torn or of another format"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree() {
        let time = "[19/Nov/2026:19:42:07 +0000]";
        let mut combined = Combined::new();
        for line in [
            format!(r#"203.0.113.7 - - {time} "GET / HTTP/1.1" 200 512 "-" "curl/8.5.0""#),
            format!(r#"2001:db8::7 - jane {time} "" 400 0 "" "" "-""#),
            format!(r#"203.0.113.7 - - {time} "GET /a b HTTP/1.1" 200 5 "x y" "a b" "-" rt=0.1 uct="0.2""#),
            format!(r#"203.0.113.7 - - {time} "GET /\x22 HTTP/1.1" 200 5 "-" "a \x5C" 0.1 0.2 ."#),
        ] {
            let (mut fast, mut any) = (Values::new(), Values::new());
            let line = line.as_bytes();
            assert!(regular(line).is_some());
            combined.read(line, &mut Names::default(), &mut fast).unwrap_or_else(|_| panic!("{}", line.escape_ascii()));
            combined
                .read_any(line, &mut Names::default(), &mut any)
                .unwrap_or_else(|_| panic!("{}", line.escape_ascii()));
            for var in [
                Var::RemoteAddr,
                Var::RemoteUser,
                Var::TimeLocal,
                Var::Request,
                Var::Status,
                Var::BodyBytesSent,
                Var::HttpReferer,
                Var::HttpUserAgent,
                Var::HttpXForwardedFor,
                Var::RequestTime,
            ] {
                assert_eq!(fast.get(line, var), any.get(line, var), "{}", line.escape_ascii());
            }
        }
        for irregular in ["lessons.example.com 192.0.2.1 - - ", "192.0.2.1 - jane doe ", "10.0.0.2, 10.0.0.1 - - ", ""]
        {
            assert!(regular(format!(r#"{irregular}{time} "GET / HTTP/1.1" 200 5 "-" "-""#).as_bytes()).is_none());
        }
    }
}
