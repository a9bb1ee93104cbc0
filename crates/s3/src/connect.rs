//! Which S3, where, and as whom.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, SharedCredentialsProvider};
use tokio::sync::{Mutex, OnceCell};

use crate::credentials::Kept;
use crate::error::{Error, Result, chain};
use crate::{Bucket, CloudWatch, Limits};

/// What a user may say about S3. What is not said comes from AWS's environment variables and files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Of an S3-compatible store: `http://127.0.0.1:9000`. Else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile, or AWS.
    pub endpoint: Option<String>,
    /// Else AWS_REGION, AWS_DEFAULT_REGION, the profile; a bucket of AWS in another region is found there in any case.
    pub region: Option<String>,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`. Unless given: where there is an endpoint.
    pub path_style: Option<bool>,
    /// Agree to pay for requests, which some buckets insist on.
    pub request_payer: bool,
    /// Else AWS_PROFILE.
    pub profile: Option<String>,
    /// Id and secret, instead of the credential chain.
    pub access_key: Option<AccessKey>,
    pub limits: Limits,
}

/// A key that was given, not found.
#[derive(Clone)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({})", self.id)
    }
}

/// S3 as one user sees it. Cheap to clone; clones share credentials and connections.
///
/// Nothing is looked up before the first bucket is opened.
#[derive(Clone, Default)]
pub struct S3(Arc<Inner>);

#[derive(Default)]
struct Inner {
    options: Options,
    settings: OnceCell<Arc<Settings>>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// What was found out about the surroundings.
pub(crate) struct Settings {
    sdk: SdkConfig,
    pub(crate) credentials: Kept,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: String,
    pub(crate) path_style: bool,
    pub(crate) request_payer: bool,
    pub(crate) limits: Limits,
}

impl S3 {
    pub fn new(options: Options) -> S3 {
        S3(Arc::new(Inner { options, ..Inner::default() }))
    }

    /// Opens a bucket, once: finds its region, and that it is there. Must be called on a tokio runtime, which then does the work
    /// for all readers of this bucket.
    pub async fn bucket(&self, name: &str) -> Result<Bucket> {
        let mut buckets = self.0.buckets.lock().await;
        if let Some(bucket) = buckets.get(name) {
            return Ok(bucket.clone());
        }
        let bucket = Bucket::open(self.settings().await?, name).await?;
        buckets.insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }

    /// CloudWatch of a region, else of the one that S3 is in unless a bucket says otherwise. Its endpoint is AWS_ENDPOINT_URL_CLOUDWATCH,
    /// AWS_ENDPOINT_URL, the profile's, or AWS's own.
    pub async fn cloudwatch(&self, region: Option<&str>) -> Result<CloudWatch> {
        CloudWatch::new(self.settings().await?, region)
    }

    async fn settings(&self) -> Result<Arc<Settings>> {
        self.0.settings.get_or_try_init(|| Settings::find(&self.0.options)).await.cloned()
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3").field(&self.0.options).finish()
    }
}

impl Settings {
    async fn find(options: &Options) -> Result<Arc<Settings>> {
        let profile = options.profile.as_deref();
        let mut region_of_profile = ProfileFileRegionProvider::builder();
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(profile) = profile {
            region_of_profile = region_of_profile.profile_name(profile);
            loader = loader.profile_name(profile);
        }
        // The machine's metadata service is not asked for a region: where there is none that takes seconds, and the bucket's own
        // region is asked of S3.
        let region = RegionProviderChain::first_try(options.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(region_of_profile.build())
            .or_else("us-east-1")
            .region()
            .await;
        let region = region.map_or_else(|| "us-east-1".to_owned(), |region| region.to_string());
        if let Some(key) = &options.access_key {
            loader = loader.credentials_provider(Credentials::new(&key.id, &key.secret, None, None, "given"));
        }
        let sdk = loader.region(Region::new(region.clone())).load().await;
        let Some(chain_of_providers) = sdk.credentials_provider() else {
            return Err(Error::Credentials("no provider is set up".into()));
        };
        let credentials = Kept::new(chain_of_providers);
        // Asked once now, so that this fault has a sentence of its own.
        credentials.get().await.map_err(|error| {
            let hint = "set AWS_PROFILE or --profile, log in (aws sso login), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
            Error::Credentials(format!("{hint} ({})", chain(&error)))
        })?;
        let endpoint = options.endpoint.clone().or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok());
        let endpoint = endpoint.or_else(|| sdk.endpoint_url().map(str::to_owned)).filter(|url| !url.is_empty());
        let endpoint = endpoint.map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = endpoint.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            return Err(Error::Refused(format!("the S3 endpoint `{url}` is no http:// or https:// URL")));
        }
        Ok(Arc::new(Settings {
            credentials,
            region,
            path_style: options.path_style.unwrap_or(endpoint.is_some()),
            endpoint,
            request_payer: options.request_payer,
            limits: options.limits,
            sdk,
        }))
    }

    /// What AWS's variables and files name instead of the service's own address; `variable` is that of the service.
    pub(crate) fn endpoint_of(&self, variable: &str) -> Option<String> {
        let endpoint = std::env::var(variable).ok().or_else(|| self.sdk.endpoint_url().map(str::to_owned));
        endpoint.filter(|url| !url.is_empty()).map(|url| url.trim_end_matches('/').to_owned())
    }

    /// A client for a region that does no more than send requests: trying again is ours.
    pub(crate) fn client(&self, region: &str) -> Client {
        let limits = &self.limits;
        let timeouts = TimeoutConfig::builder().connect_timeout(limits.connect).read_timeout(limits.silence).build();
        let mut config = aws_sdk_s3::config::Builder::from(&self.sdk)
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .force_path_style(self.path_style);
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Client::from_conf(config.build())
    }
}
