//! `common`, `combined`, `combinedio`, and the forms with a virtual host before them. Each line says all by itself.

use super::directives::Field;
use super::row::Values;
use crate::reject::Other;
use crate::value;
use crate::web::pattern::{ABSENT, Pattern, Range, Shape, closing_quote};
use crate::web::time::ZonedClock;

/// `HEAD [TIME] "REQUEST" STATUS BYTES`, compiled once per reader.
pub(super) struct Combined {
    begin: Pattern,
    /// Before Apache 2.0.46 quotes were not escaped.
    unescaped: Pattern,
}

/// What a line is, besides its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// No referer and no agent: `common`.
    None,
    /// Referer and agent.
    Combined,
    /// And two numbers: `combinedio`.
    CombinedIo,
    /// And something else.
    Other,
}

impl Combined {
    pub(super) fn new() -> Combined {
        let pattern = |request: Shape| {
            let slots = [
                (Shape::Text, " ["),
                (Shape::Fixed(ZonedClock::COMMON_BYTES), "] \""),
                (request, "\" "),
                (Shape::Number, " "),
                (Shape::Number, ""),
            ];
            Pattern::new(b"", slots.map(|(shape, after)| (shape, after.as_bytes().to_vec())))
        };
        Combined { begin: pattern(Shape::Quoted), unescaped: pattern(Shape::Text) }
    }

    /// Finds the values of a line.
    pub(super) fn read(&self, line: &[u8], values: &mut Values) -> Result<Tail, Other> {
        let mut found = [ABSENT; 5];
        let end = match self.begin.find(line, &mut found) {
            Ok(end) => end,
            Err(mismatch) => self.unescaped.find(line, &mut found).map_err(|_| {
                let (reason, what) = match mismatch.slot {
                    0 | 1 => ("bad_timestamp", "no time in brackets, or no request in quotes behind it"),
                    2 => ("unterminated_quote", "the request's quote is never closed, or no status follows"),
                    _ => ("too_few_fields", "no status and size behind the request"),
                };
                let detail =
                    format!("{what} (byte {} of the line): the line is torn or of another format", mismatch.at);
                Other::reject(reason, detail)
            })?,
        };
        let [head, time, request, status, bytes] = found;
        if status.0 == status.1 || bytes.0 == bytes.1 {
            return Err(Other::reject("too_few_fields", "no status or no size behind the request".into()));
        }
        read_head(line, head, values)?;
        for (field, range) in
            [(Field::Time, time), (Field::Request, request), (Field::Status, status), (Field::ResponseBytes, bytes)]
        {
            values.set(field, range);
        }
        read_tail(line, end, values)
    }
}

/// `HOST LOGNAME USER`, perhaps with the virtual host before it. The user may hold spaces.
fn read_head(line: &[u8], head: Range, values: &mut Values) -> Result<(), Other> {
    let text = &line[head.0 as usize..head.1 as usize];
    let range = |part: &[u8]| {
        let from = part.as_ptr() as usize - line.as_ptr() as usize;
        (from as u32, (from + part.len()) as u32)
    };
    // No host is a dash, so the first one is the logname.
    let (hosts, logname, user) = match memchr::memmem::find(text, b" - ") {
        Some(i) => (&text[..i], &text[i + 1..i + 2], &text[i + 3..]),
        None => {
            let mut words = text.splitn(3, |byte| *byte == b' ');
            let mut word = || words.next().unwrap_or_default();
            (word(), word(), word())
        }
    };
    let (virtual_host, host) = match memchr::memchr(b' ', hosts) {
        Some(i) => (Some(&hosts[..i]), &hosts[i + 1..]),
        None => (None, hosts),
    };
    if host.is_empty() || user.is_empty() || host.contains(&b' ') {
        let detail = "host, logname and user are needed before the time: the line is torn or of another format";
        return Err(Other::reject("too_few_fields", detail.into()));
    }
    values.set(Field::RemoteHost, range(host));
    values.set(Field::RemoteLogname, range(logname));
    values.set(Field::RemoteUser, range(user));
    if let Some(virtual_host) = virtual_host {
        let port = memchr::memrchr(b':', virtual_host)
            .filter(|colon| value::integer(&virtual_host[colon + 1..]).is_some_and(|port| port >= 0));
        values.set(Field::ServerName, range(&virtual_host[..port.unwrap_or(virtual_host.len())]));
        if let Some(colon) = port {
            values.set(Field::ServerPort, range(&virtual_host[colon + 1..]));
        }
    }
    Ok(())
}

fn read_tail(line: &[u8], end: usize, values: &mut Values) -> Result<Tail, Other> {
    if line[end..].trim_ascii().is_empty() {
        return Ok(Tail::None);
    }
    if !line[end..].starts_with(b" \"") {
        values.add_surplus(&line[end..]);
        return Ok(Tail::Other);
    }
    let mut at = end;
    for field in [Field::Referer, Field::UserAgent] {
        if !line[at..].starts_with(b" \"") {
            let detail = format!("a field in quotes is missing at byte {at} of the line: it may be torn");
            return Err(Other::reject("too_few_fields", detail));
        }
        let from = at + 2;
        let Some(length) = closing_quote(&line[from..]) else {
            let detail = format!("the quote at byte {} of the line is never closed: the line may be torn", at + 1);
            return Err(Other::reject("unterminated_quote", detail));
        };
        values.set(field, (from as u32, (from + length) as u32));
        at = from + length + 1;
    }
    let rest = line[at..].trim_ascii();
    if rest.is_empty() {
        return Ok(Tail::Combined);
    }
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if let Some(space) = memchr::memchr(b' ', rest)
        && is_number(&rest[..space])
        && is_number(&rest[space + 1..])
    {
        let from = (rest.as_ptr() as usize - line.as_ptr() as usize) as u32;
        values.set(Field::BytesReceived, (from, from + space as u32));
        values.set(Field::BytesSent, (from + space as u32 + 1, from + rest.len() as u32));
        return Ok(Tail::CombinedIo);
    }
    values.add_surplus(rest);
    Ok(Tail::Other)
}
