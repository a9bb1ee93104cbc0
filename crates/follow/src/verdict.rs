//! Where a trail ends, and why.

use crate::events::{Event, Layer};
use crate::journey::Step;

/// The deepest layer that has the request, and a sentence on how it ended there.
pub(crate) fn of(steps: &[Step], layers: &[Layer]) -> (Layer, String) {
    let events: Vec<&Event> = steps.iter().map(|step| &step.event).collect();
    let requests: Vec<&Event> = events.iter().copied().filter(|event| event.is_request()).collect();
    let Some(deepest) = requests.iter().copied().max_by_key(|event| (event.layer.depth(), event.time)) else {
        return without_request(&events);
    };
    let sentence = match deepest.layer {
        Layer::Lambda => function(deepest, &events, &requests),
        Layer::Nginx | Layer::Apache => web_server(deepest, &events),
        Layer::Alb | Layer::Clb => load_balancer(deepest) + &unseen(deepest, layers),
        Layer::CloudFront => edge(deepest) + &unseen(deepest, layers),
        Layer::Nlb | Layer::AlbConnections | Layer::NginxError => connection(deepest),
    };
    (deepest.layer, sentence)
}

/// Only lines about a connection, or about an error.
fn without_request(events: &[&Event]) -> (Layer, String) {
    let Some(last) = events.iter().copied().max_by_key(|event| (event.layer.depth(), event.time)) else {
        return (Layer::Alb, "there is nothing".to_owned());
    };
    let sentence = match last.layer {
        Layer::AlbConnections | Layer::Nlb => connection(last),
        layer => format!("{layer} says: {}; no log of requests has it", last.message.as_deref().unwrap_or("nothing")),
    };
    (last.layer, sentence)
}

fn connection(event: &Event) -> String {
    match event.cause.as_deref() {
        Some("tls_handshake_failed") => "the TLS handshake failed: no request was made".to_owned(),
        Some("client_certificate_rejected") => "the client's certificate was rejected: no request was made".to_owned(),
        Some(cause) => format!("the connection ended with {cause}"),
        None => "a connection, of which no log has a request".to_owned(),
    }
}

/// What the client was told: by the outermost layer.
fn told(requests: &[&Event]) -> Option<i64> {
    requests.iter().filter(|event| event.layer != Layer::Nlb).min_by_key(|event| event.layer.depth())?.status
}

fn function(report: &Event, events: &[&Event], requests: &[&Event]) -> String {
    let seconds = report.duration.unwrap_or_default();
    let told = match told(requests) {
        Some(status) => format!("the client was told {status}"),
        None => "no layer in front has the request".to_owned(),
    };
    let written: Vec<String> = events
        .iter()
        .filter(|event| event.layer == Layer::Lambda && event.kind == "log")
        .filter_map(|event| event.message.as_deref())
        .map(|message| format!("\"{}\"", first_line(message)))
        .collect();
    let written = match written.as_slice() {
        [] => "it had written nothing before".to_owned(),
        [only] => format!("before that it had written {only}"),
        [.., before, last] => format!("before that it had written {before} and {last}"),
    };
    match report.cause.as_deref() {
        Some("lambda_timeout") => format!(
            "the function was stopped at its limit of {} s; {written}; {told}, but the work may have been done",
            limit(seconds)
        ),
        Some("lambda_out_of_memory") => {
            format!("the function ran out of memory after {seconds:.3} s; {written}; {told}")
        }
        Some(cause) => format!("the function failed ({cause}) after {seconds:.3} s; {written}; {told}"),
        None => format!("the function ended well after {seconds:.3} s; {told}"),
    }
}

/// Limits are whole seconds; a stopped function is some milliseconds over.
fn limit(seconds: f64) -> f64 {
    if (seconds - seconds.round()).abs() < 0.1 { seconds.round() } else { seconds }
}

fn web_server(event: &Event, events: &[&Event]) -> String {
    let server = event.layer;
    let status = event.status.unwrap_or_default();
    let said = events.iter().filter(|event| event.layer == Layer::NginxError);
    let said = said.filter_map(|event| event.message.as_deref()).next_back().map(first_line);
    match (status, event.upstream_status) {
        (499, upstream) => {
            let after = event.duration.map_or(String::new(), |seconds| format!(" after {seconds:.3} s"));
            let work = if upstream.is_some() { "" } else { "; the application may have done the work" };
            format!("the client gave up{after} before {server} could answer{work}")
        }
        (400.., None) => {
            let why = event.cause.as_deref().map_or(String::new(), |cause| format!(": {}", cause.replace('_', " ")));
            let why = said.map_or(why, |said| format!(": {}", in_words(said)));
            // What an upstream was asked has at least its address.
            let reached = match event.target {
                None => "nothing reached the application",
                Some(_) => "the application gave no answer",
            };
            format!("{server} answered {status}{why}; {reached}")
        }
        (500.., Some(upstream)) if upstream != status => {
            let why = said.map_or(String::new(), |said| format!(": {}", in_words(said)));
            format!("{server} answered {status} though the application had answered {upstream}{why}")
        }
        (400.., Some(_)) => {
            let why = said.map_or(String::new(), |said| format!("; {server} says: {}", in_words(said)));
            format!("the application behind {server} answered {status}{why}")
        }
        _ => format!("answered {status}{}", took(event)),
    }
}

/// What an error log says, with numbers that can be read.
fn in_words(message: &str) -> String {
    let body = message.strip_prefix("client intended to send too large ").and_then(|rest| rest.split_once("body: "));
    match body.and_then(|(_, rest)| rest.strip_suffix(" bytes")).and_then(|bytes| bytes.parse::<u64>().ok()) {
        Some(bytes) => format!("body of {} bytes over its limit (client_max_body_size)", thousands(bytes)),
        None => message.to_owned(),
    }
}

fn load_balancer(event: &Event) -> String {
    let status = event.status.unwrap_or_default();
    let target = event.target.as_deref().map_or(String::new(), |target| format!(" {target}"));
    match (event.upstream_status, event.cause.as_deref()) {
        (Some(upstream), _) if upstream == status => format!("the target{target} answered {status}{}", took(event)),
        (Some(upstream), _) => format!("the target{target} answered {upstream}, the load balancer {status}"),
        (None, Some("client_gave_up")) => format!(
            "the client gave up{} before the target{target} answered; the work may have been done",
            event.duration.map_or(String::new(), |seconds| format!(" after {seconds:.3} s"))
        ),
        (None, Some("target_refused")) => {
            format!("the load balancer answered {status}: the target{target} took no connection")
        }
        (None, Some("target_died")) => {
            format!(
                "the load balancer answered {status}: the target{target} closed the connection before it had answered"
            )
        }
        (None, Some("target_timeout")) => {
            format!(
                "the load balancer answered {status}: the target{target} had not answered{}; the work may have been done",
                took(event)
            )
        }
        (None, Some("no_target")) => format!("the load balancer answered {status}: it had no target to send it to"),
        (None, Some(cause)) => format!("the load balancer answered {status} itself: {}", cause.replace('_', " ")),
        (None, None) => format!("the load balancer answered {status} itself"),
    }
}

fn edge(event: &Event) -> String {
    let status = event.status.unwrap_or_default();
    match event.cause.as_deref() {
        Some(cause) => format!("CloudFront answered {status}: {}", cause.replace('_', " ")),
        None => format!("CloudFront answered {status}{}", took(event)),
    }
}

/// Logs further in that have lines around that time, but none of the request.
fn unseen(deepest: &Event, layers: &[Layer]) -> String {
    let names: Vec<&str> = layers
        .iter()
        .filter(|layer| layer.depth() > deepest.layer.depth() && **layer != Layer::NginxError)
        .map(|layer| layer.title())
        .collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => format!("; the log of {only} has no line of it"),
        names => format!("; the logs of {} have no line of it", names.join(" and ")),
    }
}

fn took(event: &Event) -> String {
    event.duration.map_or(String::new(), |seconds| format!(" after {seconds:.3} s"))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end()
}

/// `21,770,024`
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let grouped = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    grouped.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_can_be_read() {
        assert_eq!([thousands(0), thousands(999), thousands(21_770_024)], ["0", "999", "21,770,024"]);
        assert_eq!(
            in_words("client intended to send too large body: 21770024 bytes"),
            "body of 21,770,024 bytes over its limit (client_max_body_size)"
        );
        assert_eq!(limit(15.003), 15.0);
    }
}
