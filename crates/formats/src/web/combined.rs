//! The way for nearly every line of nginx's and Apache's `combined`: nine fields as they should be. Other lines are read by patterns, which look
//! for what fits.

use super::pattern::Range;
use super::time::ZonedClock;

/// Where the values stand, without quotes and brackets.
pub(crate) struct Regular {
    pub(crate) host: Range,
    pub(crate) logname: Range,
    pub(crate) user: Range,
    pub(crate) time: Range,
    pub(crate) request: Range,
    pub(crate) status: Range,
    pub(crate) bytes: Range,
    pub(crate) referer: Range,
    pub(crate) agent: Range,
    /// Where the user agent's quote has closed: a space follows, or nothing.
    pub(crate) end: usize,
}

/// `HOST LOGNAME USER [TIME] "REQUEST" STATUS BYTES "REFERER" "AGENT"`, and perhaps more. `None` if any of them is not so.
#[inline]
pub(crate) fn regular(line: &[u8]) -> Option<Regular> {
    let mut scan = Scan { line, at: 0 };
    let host = scan.word()?;
    let logname = scan.word()?;
    let user = scan.word()?;
    scan.expect(b"[")?;
    let time = scan.bytes(ZonedClock::COMMON_BYTES);
    scan.expect(b"] \"")?;
    let request = scan.quoted()?;
    scan.expect(b" ")?;
    let status = scan.digits()?;
    scan.expect(b" ")?;
    let bytes = scan.digits()?;
    scan.expect(b" \"")?;
    let referer = scan.quoted()?;
    scan.expect(b" \"")?;
    let agent = scan.quoted()?;
    let end = scan.at;
    matches!(line.get(end), None | Some(b' ')).then_some(Regular {
        host,
        logname,
        user,
        time,
        request,
        status,
        bytes,
        referer,
        agent,
        end,
    })
}

struct Scan<'a> {
    line: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    #[inline]
    fn rest(&self) -> Option<&[u8]> {
        self.line.get(self.at..)
    }

    #[inline]
    fn bytes(&mut self, length: usize) -> Range {
        let from = self.at;
        self.at += length;
        (from as u32, self.at as u32)
    }

    #[inline]
    fn expect<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        let is_there = self.rest()?.first_chunk::<N>()? == text;
        self.at += N;
        is_there.then_some(())
    }

    /// Up to a space, which is passed. Words are short: a loop is faster than a search.
    #[inline]
    fn word(&mut self) -> Option<Range> {
        let length = self.rest()?.iter().position(|byte| *byte == b' ').filter(|length| *length > 0)?;
        let range = self.bytes(length);
        self.at += 1;
        Some(range)
    }

    #[inline]
    fn digits(&mut self) -> Option<Range> {
        let length = self.rest()?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (length > 0).then(|| self.bytes(length))
    }

    /// Up to a quote, which is passed. One behind a backslash is for others to judge.
    #[inline]
    fn quoted(&mut self) -> Option<Range> {
        let rest = self.rest()?;
        let length = memchr::memchr(b'"', rest)?;
        if rest[..length].last() == Some(&b'\\') {
            return None;
        }
        let range = self.bytes(length);
        self.at += 1;
        Some(range)
    }
}
