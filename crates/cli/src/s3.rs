//! The options that say where S3 is. What is not given comes from AWS's environment variables and files.

use albatross_s3::{Options, S3};
use clap::Args;

#[derive(Args, Clone, Default)]
#[command(next_help_heading = "S3")]
pub(crate) struct S3Args {
    /// Of an S3-compatible store, such as http://127.0.0.1:9000; else AWS_ENDPOINT_URL, else AWS.
    #[arg(long, value_name = "URL", global = true)]
    s3_endpoint: Option<String>,
    /// Else AWS_REGION or the profile's; a bucket in another region is found there.
    #[arg(long, value_name = "REGION", global = true)]
    s3_region: Option<String>,
    /// URLs with the bucket in the path; true where there is an endpoint, unless given.
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", global = true)]
    s3_path_style: Option<bool>,
    /// Agree to pay for requests, where a bucket's owner wants that.
    #[arg(long, global = true)]
    request_payer: bool,
    /// Profile of ~/.aws/config to take credentials and region from; else AWS_PROFILE.
    #[arg(long, value_name = "NAME", global = true)]
    profile: Option<String>,
}

impl S3Args {
    /// Nothing is looked up before a bucket is opened.
    pub(crate) fn s3(&self) -> S3 {
        S3::new(Options {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            path_style: self.s3_path_style,
            request_payer: self.request_payer,
            profile: self.profile.clone(),
            ..Options::default()
        })
    }

    /// What is missing here is taken from `other`.
    pub(crate) fn or(self, other: &S3Args) -> S3Args {
        S3Args {
            s3_endpoint: self.s3_endpoint.or_else(|| other.s3_endpoint.clone()),
            s3_region: self.s3_region.or_else(|| other.s3_region.clone()),
            s3_path_style: self.s3_path_style.or(other.s3_path_style),
            request_payer: self.request_payer || other.request_payer,
            profile: self.profile.or_else(|| other.profile.clone()),
        }
    }
}
