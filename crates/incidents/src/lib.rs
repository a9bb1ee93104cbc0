//! Incidents to be judged by: access logs and CPU of a service behind an ALB in which one known thing goes wrong.
//!
//! Statistical: each request is drawn from the distributions of its route, and changed by the incident as it is at that moment.
//! Nothing queues, and nothing follows from anything else. `crates/simulate` does it the other way, with a queue per target;
//! the two share no code, so that what reads both has seen two views of the world. Not shipped.

mod clients;
mod cpu;
mod dice;
mod exchange;
mod faults;
mod files;
mod line;
mod routes;
mod run;
mod service;
mod time;
mod traffic;

pub use faults::KINDS;
pub use run::{Options, generate};
