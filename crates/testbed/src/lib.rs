//! For tests: an S3 server on this machine, and a proxy before it that misbehaves on purpose. Not shipped.
//!
//! The server is moto's, from the Python that `make test` sets up and names in ALBATROSS_TEST_PYTHON.
#![allow(clippy::print_stderr)] // a test that is skipped says so

mod http;
mod moto;
mod proxy;

pub use http::{Answer, Request};
pub use moto::Moto;
pub use proxy::{Fault, Faults, Proxy};
