//! Container Insights' performance events of ECS: an object per minute and cluster, service, task or container.
//!
//! Source: AWS, "Container Insights performance log events for Amazon ECS". CPU is given in units of 1/1024 vCPU, used and reserved; their
//! quotient is the row's `average`, in percent. Where a file has the tasks of a service as well, the `maximum` of the service is that of
//! its busiest task, which is what the maximum of `AWS/ECS CPUUtilization` says. An `Instance` has its percentage.
//!
//! ```text
//! {"Version":"0","Type":"Task","TaskId":"7ac4dfba...","ServiceName":"shop","ClusterName":"prod","Timestamp":1795197600000,
//!  "CpuUtilized":24.9,"CpuReserved":256,...,"CloudWatchMetrics":[...]}
//! ```
//!
//! They come as they are, one after the other or exported with a time before each, or within the envelopes of CloudWatch Logs
//! (`events`, `logEvents`). Of EKS, whose fields have other names, nothing is read.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;

use super::json::{self, Value};
use super::names::Statistic;
use super::rows::{Collected, Series, Statistics};
use super::time;

pub(super) const FORMAT: &str = "container_insights";

const NAMESPACE: &str = "ECS/ContainerInsights";
const METRIC: &str = "CPUUtilization";

/// What is known before the whole file is read.
#[derive(Default)]
pub(super) struct Events {
    /// Percent of the busiest task of a service, by its name and time.
    busiest: HashMap<(String, i64), f64>,
    /// Services by name and time, with the number of their series.
    services: HashMap<(String, i64), u32>,
    /// Events with CPU of which nothing is reserved.
    unreserved: u64,
}

/// Whether the beginning of a file has such an event, perhaps in an envelope, where its quotes are escaped.
pub(super) fn recognise(head: &[u8]) -> bool {
    let has = |text: &str| memmem::find(head, text.as_bytes()).is_some();
    let has_key =
        |key: &str| has(&format!("\"{key}\":")) || has(&format!("\"{key}\" :")) || has(&format!("\\\"{key}\\\":"));
    let is_type = |name: &str| {
        has(&format!("\"Type\":\"{name}\""))
            || has(&format!("\"Type\": \"{name}\""))
            || has(&format!("\\\"Type\\\":\\\"{name}\\\""))
    };
    // Log group and log streams of ECS's own.
    ["/aws/ecs/containerinsights/", "\"FargateTelemetry-", "\"AgentTelemetry-"].into_iter().any(has)
        || has_key("CpuUtilized") && has_key("CpuReserved")
        || has_key("ClusterName") && ["Cluster", "Service", "Task", "Container", "Instance"].into_iter().any(is_type)
}

/// The events of an envelope; one that stands in a bare list is its own. `None` if the object is neither.
fn list<'v, 'a>(object: &'v Value<'a>) -> Option<&'v [Value<'a>]> {
    let list = ["logEvents", "events"].into_iter().find_map(|key| object.get(key)).map(Value::items);
    let is_event = || object.get("message").is_some() && object.get("timestamp").is_some();
    list.or_else(|| is_event().then(|| std::slice::from_ref(object)))
}

impl Events {
    /// The events of an envelope; false if it is none, or its messages are those of another log. `text` is the file.
    pub(super) fn envelope(&mut self, text: &[u8], envelope: &Value<'_>, found: &mut Collected) -> bool {
        let Some(list) = list(envelope) else { return false };
        if envelope.get("messageType").and_then(Value::text) == Some("CONTROL_MESSAGE") {
            found.skipped += list.len() as u64;
            return true;
        }
        let mut others = Vec::new();
        for event in list {
            let span = event.start..event.end;
            let message = event.get("message").and_then(Value::text).unwrap_or_default().trim();
            match json::parse(message.as_bytes(), 0) {
                Ok(object) if is_event(&object) => self.event(text, &object, span, found),
                _ => others.push(span),
            }
        }
        if !list.is_empty() && others.len() == list.len() {
            return false;
        }
        for span in others {
            found.reject(text, span, "unknown_object", "its message is no performance event".to_owned());
        }
        true
    }

    /// An event that was read from `span` of the file.
    pub(super) fn event(&mut self, text: &[u8], event: &Value<'_>, span: Range<usize>, found: &mut Collected) {
        let number = |key| event.get(key).and_then(Value::number);
        let percent = match (number("CpuUtilized"), number("CpuReserved"), number("instance_cpu_utilization")) {
            (Some(used), Some(reserved), _) if reserved > 0.0 => used * 100.0 / reserved,
            (_, _, Some(percent)) => percent,
            (used, ..) => {
                self.unreserved += u64::from(used.is_some());
                found.skipped += 1;
                return;
            }
        };
        let Some(time) = event.get("Timestamp").and_then(time::from_json) else {
            return found.reject(text, span, "bad_time", "`Timestamp` is not a time in milliseconds".to_owned());
        };
        let name = resource(event);
        let series = found.series(Series {
            resource: name.clone(),
            namespace: Some(NAMESPACE.to_owned()),
            metric: Some(METRIC.to_owned()),
            unit: Some("Percent".to_owned()),
        });
        found.records += 1;
        found.point(series, 0, time, Statistics::one(Statistic::Average, percent));
        let string = |key| event.get(key).and_then(Value::text);
        let service =
            string("ClusterName").zip(string("ServiceName")).map(|(cluster, service)| format!("{cluster}/{service}"));
        match (string("Type"), service) {
            (Some("Service"), Some(service)) => {
                self.services.insert((service, time), series);
            }
            (Some("Task"), Some(service)) => {
                let busiest = self.busiest.entry((service, time)).or_insert(percent);
                *busiest = busiest.max(percent);
            }
            _ => {}
        }
    }

    /// Gives services their maxima.
    pub(super) fn resolve(self, found: &mut Collected) {
        for (service, series) in &self.services {
            if let Some(percent) = self.busiest.get(service) {
                found.point(*series, 0, service.1, Statistics::one(Statistic::Maximum, *percent));
            }
        }
        if self.unreserved > 0 {
            let count = self.unreserved;
            found.warnings.push(format!("{count} events reserve no CPU, so that there is no percentage of it"));
        }
    }
}

/// Whether an object is a performance event, with CPU or without.
pub(super) fn is_event(object: &Value<'_>) -> bool {
    object.get("Type").is_some() && object.get("ClusterName").is_some() && object.get("Timestamp").is_some()
}

/// `cluster/service`, `cluster/service/task`, `cluster/service/task/container`, without what an event does not have; of an instance its id.
fn resource(event: &Value<'_>) -> Option<String> {
    let string = |key| event.get(key).and_then(Value::text);
    if string("Type") == Some("Instance") {
        let id = ["EC2InstanceId", "InstanceId", "ContainerInstanceId"].into_iter().find_map(string);
        return id.map(str::to_owned);
    }
    let parts: Vec<&str> =
        ["ClusterName", "ServiceName", "TaskId", "ContainerName"].into_iter().filter_map(string).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Where the event begins in a line with a time, and perhaps the log stream, before it.
pub(super) fn behind_time(line: &[u8]) -> Option<usize> {
    let object = memchr::memchr(b'{', line)?;
    let first = line[..object].split(|b| *b == b' ').next()?;
    let has_time = first.len() >= 19 && time::from_text(std::str::from_utf8(first).ok()?).is_some();
    (has_time && line[..object].ends_with(b" ")).then_some(object)
}
