//! Log formats: bytes in, columns out.
//!
//! This crate is pure: it opens no file, starts no thread and prints nothing. A caller pushes bytes of one source file into a [`Reader`] in
//! whatever pieces it has; lines become rows of a columnar batch, and what cannot be a row becomes a counted
//! [`Reject`] or a counted skip. For every source, `rows + rejects + skipped = lines`.

pub mod alb;
pub mod alb_connections;
pub mod alb_health_checks;
pub mod apache;
pub mod clb;
pub mod cloudfront;
pub mod lambda;
pub mod metrics;
pub mod nginx;
pub mod nginx_error;
pub mod nlb;

mod cause;
mod columns;
mod elb;
mod fields;
mod format;
mod json;
mod lines;
mod percent;
mod places;
mod reader;
mod reject;
mod route;
mod settings;
mod url;
mod value;
mod web;

pub use cause::{AnsweredBy, Cause};
pub use columns::{Keys, NULL_INT, NULL_KEY, NULL_LONG, Rows, Strings, Text, Values};
pub use format::Format;
pub use lines::MAX_LINE_BYTES;
pub use reader::Reader;
pub use reject::{Counts, MAX_KEPT_REJECTS, Outcome, Reject, Skip};
pub use route::{RULES_VERSION, Routes, RoutesError};
pub use settings::Settings;
pub use web::cause::WebCause;
