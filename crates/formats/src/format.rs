//! The formats, and how they are told apart.

use std::path::Path;

use arrow::datatypes::SchemaRef;

use crate::reader::Reader;
use crate::{Settings, alb, alb_connections, alb_health_checks, clb, elb, metrics, nlb};

/// Whether the beginning of an uncompressed file is of a format.
type Recogniser = fn(&[u8]) -> bool;

/// A log format; each has a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Application Load Balancer access log.
    Alb,
    /// Application Load Balancer connection log.
    AlbConnections,
    /// Application Load Balancer health-check log.
    AlbHealthChecks,
    /// Classic Load Balancer access log.
    Clb,
    /// Network Load Balancer access log (TLS).
    Nlb,
    /// CloudWatch metrics: answers of the CLI and API, metric streams, CSV.
    Metrics,
}

impl Format {
    pub const ALL: [Format; 6] =
        [Format::Alb, Format::AlbConnections, Format::AlbHealthChecks, Format::Clb, Format::Nlb, Format::Metrics];

    /// The name of its table, which also stands in messages and in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Format::Alb => "alb",
            Format::AlbConnections => "alb_connections",
            Format::AlbHealthChecks => "alb_health_checks",
            Format::Clb => "clb",
            Format::Nlb => "nlb",
            Format::Metrics => "metrics",
        }
    }

    /// For messages, in the singular: "ALB access log".
    pub fn describe(self) -> &'static str {
        match self {
            Format::Alb => "ALB access log",
            Format::AlbConnections => "ALB connection log",
            Format::AlbHealthChecks => "ALB health-check log",
            Format::Clb => "Classic ELB access log",
            Format::Nlb => "NLB access log (TLS)",
            Format::Metrics => "CloudWatch metrics (JSON or CSV)",
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
            Format::AlbConnections => alb_connections::schema(),
            Format::AlbHealthChecks => alb_health_checks::schema(),
            Format::Clb => clb::schema(),
            Format::Nlb => nlb::schema(),
            Format::Metrics => metrics::schema(),
        }
    }

    /// Reads sources of it. `None` for metrics, which are decoded as a whole ([`metrics::decode`]).
    pub fn reader(self, settings: &Settings) -> Option<Box<dyn Reader>> {
        match self {
            Format::Alb => Some(alb::reader(settings)),
            Format::AlbConnections => Some(alb_connections::reader(settings)),
            Format::AlbHealthChecks => Some(alb_health_checks::reader(settings)),
            Format::Clb => Some(clb::reader(settings)),
            Format::Nlb => Some(nlb::reader(settings)),
            Format::Metrics => None,
        }
    }

    /// Whether a source of it that begins with `head` can only be read from its beginning to its end: what a line means depends on lines
    /// before it. Others may be cut into pieces after any line.
    pub fn is_sequential(self, head: &[u8]) -> bool {
        match self {
            Format::Alb | Format::AlbConnections | Format::AlbHealthChecks | Format::Clb | Format::Nlb => {
                elb::is_headed(head)
            }
            Format::Metrics => true,
        }
    }

    /// Recognises a source by AWS's file name, else by its first bytes (uncompressed; a few KiB suffice). `None`: neither the
    /// name nor the content is that of a known format.
    pub fn recognise(file_name: &str, head: &[u8], _settings: &Settings) -> Option<Format> {
        Format::by_name(file_name).or_else(|| {
            let by_content: [(Format, Recogniser); 7] = [
                (Format::Metrics, metrics::recognise),
                (Format::Alb, alb::recognise),
                (Format::AlbConnections, alb_connections::recognise),
                (Format::AlbHealthChecks, alb_health_checks::recognise),
                (Format::Clb, clb::recognise),
                (Format::Nlb, nlb::recognise),
                (Format::Alb, elb::is_test_object),
            ];
            by_content.into_iter().find(|(_, looks_like)| looks_like(head)).map(|(format, _)| format)
        })
    }

    fn by_name(file_name: &str) -> Option<Format> {
        let name = Path::new(file_name).file_name().and_then(|n| n.to_str()).unwrap_or(file_name);
        elb::by_name(name)
    }
}
