//! What reading needs to know besides the bytes.

use chrono_tz::Tz;

use crate::{Routes, apache, nginx};

/// What the user says about the logs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The user's own route rules.
    pub routes: Routes,
    /// Where logs without a zone were written; UTC unless said.
    pub zone: Tz,
    /// When logs without a year were written.
    pub year: Option<i32>,
    /// What lines of nginx access logs look like. Without it each line is read as what it is most like.
    pub nginx_log_format: Option<nginx::LogFormat>,
    /// What lines of Apache access logs look like.
    pub apache_log_format: Option<apache::LogFormat>,
}
