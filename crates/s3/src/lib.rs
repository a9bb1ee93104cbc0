//! Where S3 is and how to talk to it, and to CloudWatch. The only crate that knows AWS.
//!
//! - **One credential chain** for everything: environment, profiles, SSO, web identity, containers, IMDS, as `aws-config` finds them.
//! - **Every request is retried here** and nowhere else, with backoff and full jitter, a limited number of times. Each retry is a
//!   `tracing` event with bucket, key, attempt and error.
//! - **Silence is an error.** No request waits for a server that says nothing for [`Limits::silence`]; there is no limit on how long
//!   an answer may take that keeps coming.
//! - **One version of an object.** Reads ask for the ETag that was listed, so that an object that is overwritten meanwhile is noticed.
//!
//! Sources are read with [`Bucket`], by keys as S3 has them. A lake is an [`object_store`](Bucket::object_store): that is what Delta
//! and DataFusion take.
//!
//! Not supported: access point ARNs (their aliases work), buckets of S3 Express, requests without credentials.

mod address;
mod bucket;
mod cloudwatch;
mod connect;
mod credentials;
mod error;
mod reader;
mod retry;
mod store;

pub use address::Address;
pub use bucket::{Bucket, Listing, Object};
pub use cloudwatch::{CloudWatch, KEPT, METRICS_PER_CALL, Measured, Metric, Minutes};
pub use connect::{AccessKey, Options, S3};
pub use error::{Error, Result};
pub use reader::Reader;
pub use retry::Limits;
