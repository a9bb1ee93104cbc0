//! A bucket: listing and reading.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::RequestPayer;
use object_store::ObjectStore;
use tokio::runtime::Handle;

use crate::Limits;
use crate::connect::Settings;
use crate::error::{Answer, Asked, Attempt, Error, Result, Use, chain, policy};
use crate::reader::{PART, Reader};
use crate::store;

/// Cheap to clone; clones share everything. Two are equal if they have the same name.
#[derive(Clone)]
pub struct Bucket(Arc<Inner>);

struct Inner {
    name: String,
    region: String,
    client: Client,
    settings: Arc<Settings>,
    runtime: Handle,
    /// A policy is long: it is said once.
    policy_said: AtomicBool,
}

/// An object as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    /// As S3 has it, with its quotes; empty where a store has none.
    pub etag: String,
    /// Bytes.
    pub size: u64,
}

/// What stands below a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of their keys.
    pub objects: Vec<Object>,
    /// With a slash at the end. Empty unless asked for.
    pub folders: Vec<String>,
}

impl Bucket {
    pub(crate) async fn open(settings: Arc<Settings>, name: &str) -> Result<Bucket> {
        let region = region(&settings, name).await?;
        Ok(Bucket(Arc::new(Inner {
            name: name.to_owned(),
            client: settings.client(&region),
            region,
            settings,
            runtime: Handle::current(),
            policy_said: AtomicBool::new(false),
        })))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// All objects whose keys begin with `prefix`; with `folders` only those that have no further slash, and the folders of the others.
    pub async fn list(&self, prefix: &str, folders: bool) -> Result<Listing> {
        let mut listing = Listing::default();
        let mut token = None;
        loop {
            let page = self.page(prefix, folders, None, token.take()).await?;
            listing.objects.extend(page.contents().iter().filter_map(object));
            listing.folders.extend(page.common_prefixes().iter().filter_map(|p| p.prefix().map(str::to_owned)));
            token = page.next_continuation_token().map(str::to_owned);
            if !page.is_truncated().unwrap_or(false) || token.is_none() {
                return Ok(listing);
            }
        }
    }

    /// The first object whose key begins with `prefix`.
    pub async fn first(&self, prefix: &str) -> Result<Option<Object>> {
        Ok(self.page(prefix, false, Some(1), None).await?.contents().iter().find_map(object))
    }

    async fn page(
        &self,
        prefix: &str,
        folders: bool,
        most: Option<i32>,
        token: Option<String>,
    ) -> Result<aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output> {
        let request = self.0.client.list_objects_v2().bucket(&self.0.name).prefix(prefix);
        let request = request.set_delimiter(folders.then(|| "/".to_owned())).set_max_keys(most);
        let request = request.set_continuation_token(token).set_request_payer(self.payer());
        let result = self.limits().retry(&self.0.name, prefix, || {
            let answer = request.clone().send();
            async move { asked(self.limits(), self.asked("s3:ListBucket", prefix), answer).await }
        });
        result.await.map_err(|error| match error {
            Error::Gone => Error::NoSuchBucket { bucket: self.0.name.clone(), hint: String::new() },
            error => self.with_policy(error, prefix),
        })
    }

    /// Reads an object into memory: larger ones in ranges, some at once. Fails if it is no longer the version that was listed.
    pub async fn get(&self, object: &Object) -> Result<Vec<u8>> {
        if object.size <= PART {
            return self.range(object, 0..object.size).await;
        }
        Reader::new(self.clone(), object.clone(), self.0.runtime.clone()).whole().await
    }

    /// Reads an object of any size in order, fetching ahead. Must not be read on a thread of the runtime.
    ///
    /// Memory: five ranges of 8 MiB.
    pub fn reader(&self, object: &Object) -> Reader {
        Reader::new(self.clone(), object.clone(), self.0.runtime.clone())
    }

    pub(crate) async fn range(&self, object: &Object, range: Range<u64>) -> Result<Vec<u8>> {
        let request = self.0.client.get_object().bucket(&self.0.name).key(&object.key);
        let request = request.set_if_match(Some(object.etag.clone()).filter(|etag| !etag.is_empty()));
        let size = range.end - range.start;
        let header = (size < object.size).then(|| format!("bytes={}-{}", range.start, range.end - 1));
        let request = request.set_range(header).set_request_payer(self.payer());
        let result = self.limits().retry(&self.0.name, &object.key, || {
            let answer = request.clone().send();
            async move {
                let answer = asked(self.limits(), self.asked("s3:GetObject", &object.key), answer).await?;
                self.body(answer.body, size).await
            }
        });
        // The policy is for what lies beside the object, too.
        let folder = object.key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let prefix = folder.split_inclusive("AWSLogs/").next().unwrap_or_default();
        result.await.map_err(|error| self.with_policy(error, prefix))
    }

    async fn body(&self, mut body: ByteStream, size: u64) -> Result<Vec<u8>, Attempt> {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let silence = self.limits().silence;
        loop {
            match tokio::time::timeout(silence, body.try_next()).await {
                Err(_) => {
                    return Err(Attempt::Again(format!("the server sent nothing for {} s", silence.as_secs_f32())));
                }
                Ok(Err(error)) => {
                    let (got, why) = (bytes.len(), chain(&error));
                    return Err(Attempt::Again(format!("the answer ended after {got} of {size} bytes: {why}")));
                }
                Ok(Ok(Some(chunk))) => bytes.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
            }
            if bytes.len() as u64 > size {
                break;
            }
        }
        match bytes.len() as u64 {
            got if got == size => Ok(bytes),
            got => Err(Attempt::Again(format!("the answer has {got} bytes instead of {size}"))),
        }
    }

    /// The bucket for Delta and DataFusion. Requests are retried as all are here.
    ///
    /// `prefix` is where the lake is: policies speak of it. An answer is held in memory as a whole.
    pub fn object_store(&self, prefix: &str) -> Result<Arc<dyn ObjectStore>> {
        store::build(&self.0.settings, &self.0.name, &self.0.region, prefix)
    }

    fn limits(&self) -> &Limits {
        &self.0.settings.limits
    }

    fn payer(&self) -> Option<RequestPayer> {
        self.0.settings.request_payer.then_some(RequestPayer::Requester)
    }

    fn asked<'a>(&'a self, action: &'static str, key: &'a str) -> Asked<'a> {
        Asked { action, bucket: &self.0.name, key, region: &self.0.region }
    }

    fn with_policy(&self, error: Error, prefix: &str) -> Error {
        match error {
            Error::Denied(text) if !self.0.policy_said.swap(true, Ordering::Relaxed) => {
                let policy = policy(Use::Source, self.asked("s3:GetObject", ""), prefix, text.contains("kms:"));
                Error::Denied(format!("{text}. The smallest policy that would do: {policy}"))
            }
            error => error,
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({} in {})", self.0.name, self.0.region)
    }
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Bucket) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Bucket {}

/// Waits for an answer, except for the content of an object. The SDK itself waits for ever if one breaks off in its middle.
async fn asked<T, E>(
    limits: &Limits,
    asked: Asked<'_>,
    answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Attempt>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let limit = limits.connect + limits.silence * 2;
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| Attempt::of_sdk(error, asked)),
        Err(_) => Err(Attempt::Again(format!("no whole answer within {} s", limit.as_secs_f32()))),
    }
}

/// `None` for the empty objects that stand for folders.
fn object(object: &aws_sdk_s3::types::Object) -> Option<Object> {
    let key = object.key()?;
    let size = u64::try_from(object.size().unwrap_or(0)).unwrap_or(0);
    (size > 0 || !key.ends_with('/')).then(|| Object {
        key: key.to_owned(),
        etag: object.e_tag().unwrap_or_default().to_owned(),
        size,
    })
}

/// Where the bucket is. S3 says so whichever region is asked, even to those who may not do anything else.
async fn region(settings: &Settings, name: &str) -> Result<String> {
    let here = settings.region.as_str();
    let client = settings.client(here);
    let asked = Asked { action: "s3:ListBucket", bucket: name, key: "", region: here };
    let attempt = async || {
        // The answer to HEAD has no body that could break off.
        let error = match client.head_bucket().bucket(name).send().await {
            Ok(answer) => return Ok(answer.bucket_region().map(str::to_owned)),
            Err(error) => error,
        };
        let raw = error.raw_response();
        if let Some(region) = raw.and_then(|raw| raw.headers().get("x-amz-bucket-region")) {
            return Ok(Some(region.to_owned()));
        }
        match raw.map(|raw| raw.status().as_u16()) {
            Some(404) => {
                let code = Answer { status: 404, code: "NoSuchBucket", message: "" };
                Err(Attempt::of_answer(code, asked))
            }
            // A store that does not know this request, or a user who may not make it: what is really wanted decides.
            Some(status) if status < 500 && status != 429 => Ok(None),
            _ => Err(Attempt::of_sdk(error, asked)),
        }
    };
    match settings.limits.retry(name, "", &attempt).await {
        Ok(region) => Ok(region.filter(|region| !region.is_empty()).unwrap_or_else(|| here.to_owned())),
        Err(Error::NoSuchBucket { bucket, .. }) => {
            let hint = settings.endpoint.as_ref().map_or(String::new(), |endpoint| format!(" at {endpoint}"));
            Err(Error::NoSuchBucket { bucket, hint })
        }
        Err(error) => Err(error),
    }
}
