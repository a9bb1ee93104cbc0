//! The formats, and how they are told apart.

use std::path::Path;

use arrow::datatypes::SchemaRef;

use crate::reader::Reader;
use crate::{
    Settings, alb, alb_connections, alb_health_checks, apache, clb, cloudfront, elb, lambda, metrics, nginx,
    nginx_error, nlb,
};

/// Whether the beginning of an uncompressed file is of a format.
type Recogniser = fn(&[u8], &Settings) -> bool;

/// Logs, each with its module, the name of its table, and what people call it. Metrics are the one format that is none.
macro_rules! formats {
    ($count:literal: $($(#[doc = $doc:literal])* $format:ident = $module:ident, $name:literal, $title:literal;)*) => {
        /// A log format; each has a table of its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Format {
            $($(#[doc = $doc])* $format,)*
            /// CloudWatch metrics: answers of the CLI and API, metric streams, Container Insights, CSV.
            Metrics,
        }

        impl Format {
            pub const ALL: [Format; $count + 1] = [$(Format::$format,)* Format::Metrics];

            /// The name of its table, which also stands in messages and in the ledger.
            pub fn name(self) -> &'static str {
                match self {
                    $(Format::$format => $name,)*
                    Format::Metrics => "metrics",
                }
            }

            /// For messages, in the singular.
            pub fn describe(self) -> &'static str {
                match self {
                    $(Format::$format => $title,)*
                    Format::Metrics => "CloudWatch metrics (JSON or CSV)",
                }
            }

            /// The columns of its table. All are nullable; the first is a time.
            pub fn schema(self) -> SchemaRef {
                match self {
                    $(Format::$format => $module::schema(),)*
                    Format::Metrics => metrics::schema(),
                }
            }

            /// What its columns hold, in the order of the schema: name, and a description with unit and NULL rule where there is more to say
            /// than the name does.
            pub fn docs(self) -> impl Iterator<Item = (&'static str, &'static str)> {
                let docs = match self {
                    $(Format::$format => $module::docs(),)*
                    Format::Metrics => metrics::docs(),
                };
                docs.iter().map(|(name, doc)| (*name, doc.trim()))
            }

            /// Reads sources of it. `None` for metrics, which are decoded as a whole ([`metrics::decode`]).
            pub fn reader(self, settings: &Settings) -> Option<Box<dyn Reader>> {
                match self {
                    $(Format::$format => Some($module::reader(settings)),)*
                    Format::Metrics => None,
                }
            }
        }
    };
}

formats! { 10:
    /// Application Load Balancer access log.
    Alb = alb, "alb", "ALB access log";
    /// Application Load Balancer connection log.
    AlbConnections = alb_connections, "alb_connections", "ALB connection log";
    /// Application Load Balancer health-check log.
    AlbHealthChecks = alb_health_checks, "alb_health_checks", "ALB health-check log";
    /// Classic Load Balancer access log.
    Clb = clb, "clb", "Classic ELB access log";
    /// Network Load Balancer access log (TLS).
    Nlb = nlb, "nlb", "NLB access log (TLS)";
    /// CloudFront standard log.
    CloudFront = cloudfront, "cloudfront", "CloudFront access log";
    /// nginx access log.
    Nginx = nginx, "nginx", "nginx access log";
    /// nginx error log.
    NginxError = nginx_error, "nginx_error", "nginx error log";
    /// Apache httpd access log.
    Apache = apache, "apache", "Apache access log";
    /// Lambda's logs in CloudWatch.
    Lambda = lambda, "lambda", "Lambda log";
}

impl Format {
    /// By the name that [`Format::name`] gives.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether a source of it that begins with `head` can only be read from its beginning to its end: what a line means depends on lines
    /// before it. Others may be cut into pieces after any line.
    pub fn is_sequential(self, head: &[u8]) -> bool {
        match self {
            Format::Alb | Format::AlbConnections | Format::AlbHealthChecks | Format::Clb | Format::Nlb => {
                elb::is_headed(head)
            }
            Format::CloudFront => cloudfront::is_sequential(head),
            Format::Nginx | Format::Apache => false,
            Format::NginxError | Format::Lambda | Format::Metrics => true,
        }
    }

    /// Recognises a source by AWS's file name, else by its first bytes (uncompressed; a few KiB suffice). `None`: neither the
    /// name nor the content is that of a known format.
    pub fn recognise(file_name: &str, head: &[u8], settings: &Settings) -> Option<Format> {
        // What the user says of lines goes before what they look like; then the strict ones. Files may hold lines of several logs of load
        // balancers: then it is the first of these.
        const BY_CONTENT: [(Format, Recogniser); 14] = [
            (Format::Nginx, |head, said| said.nginx_log_format.is_some() && nginx::recognise(head, said)),
            (Format::Apache, |head, said| said.apache_log_format.is_some() && apache::recognise(head, said)),
            (Format::Metrics, |head, _| metrics::recognise(head)),
            (Format::Alb, |head, _| alb::recognise(head)),
            (Format::AlbConnections, |head, _| alb_connections::recognise(head)),
            (Format::AlbHealthChecks, |head, _| alb_health_checks::recognise(head)),
            (Format::Clb, |head, _| clb::recognise(head)),
            (Format::Nlb, |head, _| nlb::recognise(head)),
            (Format::Alb, |head, _| elb::is_test_object(head)),
            (Format::CloudFront, |head, _| cloudfront::recognise(head)),
            (Format::Lambda, |head, _| lambda::recognise(head)),
            (Format::NginxError, |head, _| nginx_error::recognise(head)),
            (Format::Apache, apache::recognise),
            (Format::Nginx, nginx::recognise),
        ];
        let name = Path::new(file_name).file_name().and_then(|n| n.to_str()).unwrap_or(file_name);
        let by_name = elb::by_name(name).or_else(|| cloudfront::is_file_name(name).then_some(Format::CloudFront));
        let by_content = || BY_CONTENT.into_iter().find(|(_, looks_like)| looks_like(head, settings));
        by_name.or_else(|| by_content().map(|(format, _)| format))
    }
}
