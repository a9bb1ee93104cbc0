//! The variables of nginx that have a column or make one, and the other names that people give them in JSON logs.

use crate::columns::same;
use crate::web::fields::named;
use crate::web::time::ZonedClock;

named! {
    /// A variable that is understood, under nginx's name without the dollar sign.
    Var:
    TimeLocal = "time_local", Fixed(ZonedClock::COMMON_BYTES);
    TimeIso8601 = "time_iso8601", Fixed(25);
    Msec = "msec", Number;
    RemoteAddr = "remote_addr", Word;
    RemotePort = "remote_port", Number;
    RemoteUser = "remote_user", Text;
    Request = "request", Text;
    RequestMethod = "request_method", Word;
    RequestUri = "request_uri", Text;
    Uri = "uri", Text;
    Args = "args", Text;
    ServerProtocol = "server_protocol", Word;
    Status = "status", Number;
    BodyBytesSent = "body_bytes_sent", Number;
    BytesSent = "bytes_sent", Number;
    RequestLength = "request_length", Number;
    RequestTime = "request_time", Number;
    HttpReferer = "http_referer", Text;
    HttpUserAgent = "http_user_agent", Text;
    HttpXForwardedFor = "http_x_forwarded_for", Text;
    HttpXAmznTraceId = "http_x_amzn_trace_id", Text;
    Host = "host", Word;
    HttpHost = "http_host", Word;
    ServerName = "server_name", Word;
    ServerPort = "server_port", Number;
    Scheme = "scheme", Word;
    RequestId = "request_id", Word;
    Connection = "connection", Number;
    ConnectionRequests = "connection_requests", Number;
    Pipe = "pipe", Word;
    GzipRatio = "gzip_ratio", Number;
    SslProtocol = "ssl_protocol", Word;
    SslCipher = "ssl_cipher", Word;
    UpstreamAddr = "upstream_addr", List;
    UpstreamStatus = "upstream_status", List;
    UpstreamConnectTime = "upstream_connect_time", List;
    UpstreamHeaderTime = "upstream_header_time", List;
    UpstreamResponseTime = "upstream_response_time", List;
    UpstreamResponseLength = "upstream_response_length", List;
    UpstreamCacheStatus = "upstream_cache_status", Word;
    ProxyUpstreamName = "proxy_upstream_name", Word;
    ProxyAlternativeUpstreamName = "proxy_alternative_upstream_name", Word;
}

/// Names that say the same as a variable. Of JSON members upper case, and all but letters and digits, do not count.
pub(super) fn alias(name: &str) -> Option<Var> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let known = Var::ALL.iter().find(|(known, _)| known.bytes().filter(|b| *b != b'_').eq(plain.bytes()));
    if let Some((_, var)) = known {
        return Some(*var);
    }
    Some(match plain.as_str() {
        "time" | "timestamp" | "ts" | "datetime" | "timeiso" => Var::TimeIso8601,
        "remoteip" | "clientip" | "client" | "clientaddr" | "ip" | "therealip" | "realip" => Var::RemoteAddr,
        "user" => Var::RemoteUser,
        "method" | "verb" | "requestverb" | "httpmethod" => Var::RequestMethod,
        "url" | "path" | "requesturl" | "requestpath" | "originaluri" => Var::RequestUri,
        "documenturi" => Var::Uri,
        "querystring" | "query" => Var::Args,
        "protocol" | "httpversion" | "proto" | "requestproto" => Var::ServerProtocol,
        "statuscode" | "responsecode" | "code" | "responsestatus" | "httpstatus" => Var::Status,
        "bodybytes" | "bytes" | "size" | "responsesize" => Var::BodyBytesSent,
        "responsetime" | "duration" | "requestduration" | "rt" => Var::RequestTime,
        "referer" | "referrer" | "httpreferrer" => Var::HttpReferer,
        "useragent" | "agent" | "httpagent" => Var::HttpUserAgent,
        "xforwardedfor" | "xff" | "forwardedfor" | "proxyaddxforwardedfor" => Var::HttpXForwardedFor,
        "traceid" | "amzntraceid" | "xamzntraceid" => Var::HttpXAmznTraceId,
        "vhost" | "domain" | "hostname" => Var::Host,
        "server" => Var::ServerName,
        "reqid" | "xrequestid" | "httpxrequestid" => Var::RequestId,
        "tlsprotocol" | "sslversion" => Var::SslProtocol,
        "tlscipher" => Var::SslCipher,
        "upstream" | "ua" | "upstreamhost" => Var::UpstreamAddr,
        "us" => Var::UpstreamStatus,
        "uct" => Var::UpstreamConnectTime,
        "uht" => Var::UpstreamHeaderTime,
        "urt" | "ut" | "upstreamtime" => Var::UpstreamResponseTime,
        "ul" => Var::UpstreamResponseLength,
        "cs" | "cache" | "cachestatus" => Var::UpstreamCacheStatus,
        "sn" => Var::ServerName,
        _ => return None,
    })
}

/// What the names in a log's lines mean. They come in the same order in each line, so the last meaning is found by place.
#[derive(Default)]
pub(super) struct Names {
    known: Vec<(Vec<u8>, Option<Var>)>,
}

impl Names {
    /// More names than a log has by intent are looked up each time.
    const KEPT: usize = 128;

    #[inline(always)]
    pub(super) fn meaning(&mut self, place: usize, name: &[u8]) -> Option<Var> {
        match self.known.get(place) {
            Some((known, var)) if same(known, name) => *var,
            _ => self.learn(place, name),
        }
    }

    #[cold]
    fn learn(&mut self, place: usize, name: &[u8]) -> Option<Var> {
        let var = std::str::from_utf8(name).ok().and_then(alias);
        if place < self.known.len() {
            self.known[place] = (name.to_vec(), var);
        } else if place < Names::KEPT {
            self.known.push((name.to_vec(), var));
        }
        var
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::fields::Named;

    #[test]
    fn names_and_aliases() {
        assert_eq!(Var::named("status"), Some(Var::Status));
        assert_eq!(Var::named("geoip_country"), None);
        assert_eq!(Var::UpstreamConnectTime.name(), "upstream_connect_time");
        for (name, var) in [
            ("@timestamp", Var::TimeIso8601),
            ("remoteAddr", Var::RemoteAddr),
            ("http_user_agent", Var::HttpUserAgent),
            ("user-agent", Var::HttpUserAgent),
            ("urt", Var::UpstreamResponseTime),
        ] {
            assert_eq!(alias(name), Some(var), "{name}");
        }
        assert_eq!(alias("level"), None);
    }
}
