//! The formats, and how they are told apart.

use std::path::Path;

use arrow::datatypes::SchemaRef;

use crate::reader::Reader;
use crate::{Settings, alb, apache, metrics, nginx, nginx_error};

/// A log format; each has a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Application Load Balancer access log.
    Alb,
    /// CloudWatch metrics: answers of the CLI and API, metric streams, CSV.
    Metrics,
    /// nginx access log.
    Nginx,
    /// nginx error log.
    NginxError,
    /// Apache httpd access log.
    Apache,
}

impl Format {
    pub const ALL: [Format; 5] = [Format::Alb, Format::Metrics, Format::Nginx, Format::NginxError, Format::Apache];

    /// The name of its table, which also stands in messages and in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Format::Alb => "alb",
            Format::Metrics => "metrics",
            Format::Nginx => "nginx",
            Format::NginxError => "nginx_error",
            Format::Apache => "apache",
        }
    }

    /// For messages, in the singular: "ALB access log".
    pub fn describe(self) -> &'static str {
        match self {
            Format::Alb => "ALB access log",
            Format::Metrics => "CloudWatch metrics (JSON or CSV)",
            Format::Nginx => "nginx access log",
            Format::NginxError => "nginx error log",
            Format::Apache => "Apache access log",
        }
    }

    /// By the name that [`Format::name`] gives.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The columns of its table. All are nullable; the first is a time.
    pub fn schema(self) -> SchemaRef {
        match self {
            Format::Alb => alb::schema(),
            Format::Metrics => metrics::schema(),
            Format::Nginx => nginx::schema(),
            Format::NginxError => nginx_error::schema(),
            Format::Apache => apache::schema(),
        }
    }

    /// Reads sources of it. `None` for metrics, which are decoded as a whole ([`metrics::decode`]).
    pub fn reader(self, settings: &Settings) -> Option<Box<dyn Reader>> {
        match self {
            Format::Alb => Some(alb::reader(settings)),
            Format::Metrics => None,
            Format::Nginx => Some(nginx::reader(settings)),
            Format::NginxError => Some(nginx_error::reader(settings)),
            Format::Apache => Some(apache::reader(settings)),
        }
    }

    /// Whether a source of it that begins with `head` can only be read from its beginning to its end: what a line means depends on lines
    /// before it. Others may be cut into pieces after any line.
    pub fn is_sequential(self, _head: &[u8]) -> bool {
        match self {
            Format::Alb | Format::Nginx | Format::Apache => false,
            Format::Metrics | Format::NginxError => true,
        }
    }

    /// Recognises a source by AWS's file name, else by its first bytes (uncompressed; a few KiB suffice). `None`: neither the
    /// name nor the content is that of a known format.
    pub fn recognise(file_name: &str, head: &[u8], settings: &Settings) -> Option<Format> {
        Format::by_name(file_name).or_else(|| {
            type LooksLike = fn(&[u8], &Settings) -> bool;
            let by_content: [(Format, LooksLike); 6] = [
                (Format::Metrics, |head, _| metrics::recognise(head)),
                (Format::Alb, |head, _| alb::recognise(head)),
                (Format::NginxError, |head, _| nginx_error::recognise(head)),
                // What the user says of lines goes before what they look like.
                (Format::Nginx, |head, said| said.nginx_log_format.is_some() && nginx::recognise(head, said)),
                (Format::Apache, apache::recognise),
                (Format::Nginx, nginx::recognise),
            ];
            by_content.into_iter().find(|(_, looks_like)| looks_like(head, settings)).map(|(format, _)| format)
        })
    }

    fn by_name(file_name: &str) -> Option<Format> {
        let name = Path::new(file_name).file_name().and_then(|n| n.to_str()).unwrap_or(file_name);
        if name == "ELBAccessLogTestFile" || (name.contains("_elasticloadbalancing_") && name.contains("_app.")) {
            return Some(Format::Alb);
        }
        None
    }
}
