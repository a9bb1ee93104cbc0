//! For tests: S3 servers on this machine, and a proxy before them that misbehaves on purpose. Not shipped.
//!
//! One server is moto's, from the Python that `make test` sets up and names in ALBATROSS_TEST_PYTHON: somebody else's idea of S3. The
//! other one, [`Loopback`], serves a folder and is as fast as that allows; the program `loopback-s3` is it.
#![allow(clippy::print_stderr)] // a test that is skipped says so

mod folder;
mod http;
mod loopback;
mod moto;
mod proxy;

pub use http::{Answer, Request};
pub use loopback::Loopback;
pub use moto::Moto;
pub use proxy::{Fault, Faults, Proxy};
