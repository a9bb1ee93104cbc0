//! The directives of `LogFormat` that have a column or make one.

use crate::web::fields::named;

named! {
    /// What a directive stands for.
    Field:
    // With its brackets.
    Time = "%t", Fixed(28);
    RemoteHost = "%h", Word;
    PeerIp = "%{c}a", Word;
    LocalIp = "%A", Word;
    RemoteLogname = "%l", Word;
    RemoteUser = "%u", Text;
    Request = "%r", Text;
    RequestMethod = "%m", Word;
    Path = "%U", Text;
    Query = "%q", Text;
    // `%U%q`
    RequestUri = "%U%q", Text;
    Protocol = "%H", Word;
    Status = "%>s", Number;
    ResponseBytes = "%b", Number;
    Microseconds = "%D", Number;
    Milliseconds = "%{ms}T", Number;
    Seconds = "%T", Number;
    Referer = "%{Referer}i", Text;
    UserAgent = "%{User-Agent}i", Text;
    XForwardedFor = "%{X-Forwarded-For}i", Text;
    TraceId = "%{X-Amzn-Trace-Id}i", Text;
    RequestId = "%{X-Request-Id}i", Word;
    LogId = "%L", Word;
    Host = "%{Host}i", Word;
    ServerName = "%v", Word;
    ServerPort = "%p", Number;
    ProcessId = "%P", Number;
    ThreadId = "%{tid}P", Word;
    KeepaliveRequests = "%k", Number;
    ConnectionStatus = "%X", Word;
    Handler = "%R", Word;
    Filename = "%f", Text;
    BytesReceived = "%I", Number;
    BytesSent = "%O", Number;
    FirstByte = "%^FB", Number;
}

/// By the letter, and what stands in braces before it.
pub(super) fn directive(letter: &str, argument: Option<&str>) -> Option<Field> {
    let name = match (letter, argument) {
        ("a", None) | ("h", _) => "%h",
        ("B", None) => "%b",
        ("s", None) => "%>s",
        ("T", Some("us")) => "%D",
        ("T", Some("s")) => "%T",
        ("V", None) => "%v",
        ("p", Some("canonical" | "local")) => "%p",
        ("P", Some("pid")) => "%P",
        ("P", Some("tid" | "hextid")) => "%{tid}P",
        ("e" | "n", Some("UNIQUE_ID")) => "%{X-Request-Id}i",
        ("i", Some(header)) => {
            let headers = ["Referer", "User-Agent", "X-Forwarded-For", "X-Amzn-Trace-Id", "X-Request-Id", "Host"];
            let known = headers.iter().position(|known| known.eq_ignore_ascii_case(header))?;
            return Field::named(&format!("%{{{}}}i", headers[known]));
        }
        (letter, None) => return Field::named(&format!("%{letter}")),
        (letter, Some(argument)) => return Field::named(&format!("%{{{argument}}}{letter}")),
    };
    Field::named(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_and_what_they_mean() {
        for (letter, argument, field) in [
            ("h", None, Some(Field::RemoteHost)),
            ("a", None, Some(Field::RemoteHost)),
            ("a", Some("c"), Some(Field::PeerIp)),
            ("T", Some("ms"), Some(Field::Milliseconds)),
            ("T", Some("us"), Some(Field::Microseconds)),
            ("i", Some("user-agent"), Some(Field::UserAgent)),
            ("i", Some("Cookie"), None),
            ("^FB", None, Some(Field::FirstByte)),
            ("p", Some("remote"), None),
        ] {
            assert_eq!(directive(letter, argument), field, "{letter} {argument:?}");
        }
    }
}
