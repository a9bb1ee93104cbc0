//! AWS Application Load Balancer access logs (S3 delivery, and as CloudWatch Logs delivers them, in JSON or W3C).
//!
//! Source: AWS, "Access logs for your Application Load Balancer". The format grew from 18 fields (2016) to 36 (2026) and grows on at
//! its end: lines from 18 fields up are read, what stands behind the 36th field is kept in `extra`.
//!
//! ```text
//! https 2026-11-19T19:42:07.163041Z app/shop/50dc6c495c0c9188 203.0.113.7:49120 10.0.1.5:8080 0.001 0.012 0.000 200 200 512 2048
//! "GET https://shop.example.com:443/api/users/4711/badges HTTP/1.1" "curl/8.5.0" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:... "Root=1-..." ...
//! ```

mod line;
mod rows;

pub(crate) use line::LAYOUT;
pub use rows::{Rows, docs, schema};

use crate::Settings;
use crate::elb::{self, Elb};
use crate::reader::{LineReader, Reader};
use crate::reject::Skip;

pub(crate) fn reader(settings: &Settings) -> Box<dyn Reader> {
    Box::new(LineReader::new(Elb::of(&LAYOUT, line::append), Rows::new(settings.routes.clone())))
}

/// Whether the beginning of an uncompressed file holds a line of this format.
pub(crate) fn recognise(head: &[u8]) -> bool {
    elb::recognise(head, Skip::RequestLog)
}
