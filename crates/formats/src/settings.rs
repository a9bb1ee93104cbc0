//! What reading needs to know besides the bytes.

use chrono_tz::Tz;

use crate::Routes;

/// What the user says about the logs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The user's own route rules.
    pub routes: Routes,
    /// Where logs without a zone were written; UTC unless said.
    pub zone: Tz,
    /// When logs without a year were written.
    pub year: Option<i32>,
}
