//! The formats, and how they are told apart.

use std::path::Path;

use arrow::datatypes::SchemaRef;

use crate::reader::Reader;
use crate::{Settings, alb, cloudfront, lambda, metrics};

/// A log format; each has a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Application Load Balancer access log.
    Alb,
    /// CloudFront standard log.
    CloudFront,
    /// Lambda's logs in CloudWatch.
    Lambda,
    /// CloudWatch metrics: answers of the CLI and API, metric streams, CSV.
    Metrics,
}

impl Format {
    pub const ALL: [Format; 4] = [Format::Alb, Format::CloudFront, Format::Lambda, Format::Metrics];

    /// The name of its table, which also stands in messages and in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Format::Alb => "alb",
            Format::CloudFront => "cloudfront",
            Format::Lambda => "lambda",
            Format::Metrics => "metrics",
        }
    }

    /// For messages, in the singular: "ALB access log".
    pub fn describe(self) -> &'static str {
        match self {
            Format::Alb => "ALB access log",
            Format::CloudFront => "CloudFront access log",
            Format::Lambda => "Lambda log",
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
            Format::CloudFront => cloudfront::schema(),
            Format::Lambda => lambda::schema(),
            Format::Metrics => metrics::schema(),
        }
    }

    /// Reads sources of it. `None` for metrics, which are decoded as a whole ([`metrics::decode`]).
    pub fn reader(self, settings: &Settings) -> Option<Box<dyn Reader>> {
        match self {
            Format::Alb => Some(alb::reader(settings)),
            Format::CloudFront => Some(cloudfront::reader(settings)),
            Format::Lambda => Some(lambda::reader(settings)),
            Format::Metrics => None,
        }
    }

    /// Whether a source of it that begins with `head` can only be read from its beginning to its end: what a line means depends on lines
    /// before it. Others may be cut into pieces after any line.
    pub fn is_sequential(self, head: &[u8]) -> bool {
        match self {
            Format::Alb => false,
            Format::CloudFront => cloudfront::is_sequential(head),
            Format::Lambda | Format::Metrics => true,
        }
    }

    /// Recognises a source by AWS's file name, else by its first bytes (uncompressed; a few KiB suffice). `None`: neither the
    /// name nor the content is that of a known format.
    pub fn recognise(file_name: &str, head: &[u8], _settings: &Settings) -> Option<Format> {
        Format::by_name(file_name).or_else(|| {
            let by_content: [(Format, fn(&[u8]) -> bool); 4] = [
                (Format::Metrics, metrics::recognise),
                (Format::Alb, alb::recognise),
                (Format::CloudFront, cloudfront::recognise),
                (Format::Lambda, lambda::recognise),
            ];
            by_content.into_iter().find(|(_, looks_like)| looks_like(head)).map(|(format, _)| format)
        })
    }

    fn by_name(file_name: &str) -> Option<Format> {
        let name = Path::new(file_name).file_name().and_then(|n| n.to_str()).unwrap_or(file_name);
        if name == "ELBAccessLogTestFile" || (name.contains("_elasticloadbalancing_") && name.contains("_app.")) {
            return Some(Format::Alb);
        }
        if cloudfront::is_file_name(name) {
            return Some(Format::CloudFront);
        }
        None
    }
}
