//! A bucket as an `object_store`, for Delta and DataFusion.
//!
//! `object_store` signs requests and understands answers; its own retries are off, for they do not cover conditional writes, lost
//! connections while an answer is read, and silence. They are made below it, one HTTP request at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{Method, StatusCode, header};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use crate::Limits;
use crate::connect::Settings;
use crate::error::{Answer, Asked, Attempt, Error, Result, Use, chain, policy};
use crate::retry::is_passing;

/// An upload that is slower than this many bytes a second counts as stuck.
const SLOWEST_UPLOAD: u64 = 256 << 10;

pub(crate) fn build(settings: &Settings, bucket: &str, region: &str, prefix: &str) -> Result<Arc<dyn ObjectStore>> {
    // TLS certificates cover one label before `s3.<region>`.
    let path_style = settings.path_style || bucket.contains('.');
    let no_retries = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let client = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(settings.limits.connect)
        .with_allow_http(settings.endpoint.as_ref().is_some_and(|url| url.starts_with("http:")));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_credentials(Arc::new(settings.credentials.clone()))
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_request_payer(settings.request_payer)
        .with_virtual_hosted_style_request(!path_style)
        .with_retry(no_retries)
        .with_client_options(client)
        .with_http_connector(Connector(Place {
            limits: settings.limits,
            bucket: bucket.to_owned(),
            region: region.to_owned(),
            prefix: prefix.to_owned(),
            path_style,
        }));
    // `object_store` knows one domain of AWS.
    let china = || region.starts_with("cn-").then(|| format!("https://s3.{region}.amazonaws.com.cn"));
    if let Some(endpoint) = settings.endpoint.clone().or_else(china) {
        let with_bucket = || endpoint.replacen("://", &format!("://{bucket}."), 1);
        builder = builder.with_endpoint(if path_style { endpoint } else { with_bucket() });
    }
    let store = builder.build().map_err(|error| Error::Refused(chain(&error)))?;
    Ok(Arc::new(store))
}

#[derive(Debug, Clone)]
struct Place {
    limits: Limits,
    bucket: String,
    region: String,
    prefix: String,
    path_style: bool,
}

#[derive(Debug)]
struct Connector(Place);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Patient { inner, place: self.0.clone(), policy_said: AtomicBool::new(false) }))
    }
}

/// A client that tries again. An answer is handed on once all of it is there.
#[derive(Debug)]
struct Patient {
    inner: HttpClient,
    place: Place,
    policy_said: AtomicBool,
}

#[async_trait]
impl HttpService for Patient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let mut failures = 0;
        loop {
            let detail = match self.attempt(HttpRequest::from_parts(parts.clone(), body.clone())).await {
                Ok(response) => return Ok(response),
                Err(detail) => detail,
            };
            failures += 1;
            let key = self.key(&parts);
            if !self.place.limits.again(failures, &self.place.bucket, key, &detail).await {
                let error = Error::Unavailable { attempts: failures, detail };
                return Err(HttpError::new(HttpErrorKind::Unknown, error));
            }
        }
    }
}

impl Patient {
    /// One request and its whole answer, or why it is to be made again.
    async fn attempt(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        let method = request.method().clone();
        let (action, key) = (action(&request), self.key_of(&request).to_owned());
        let conditional = request.headers().contains_key(header::IF_NONE_MATCH);
        let silence = self.place.limits.silence;
        let upload = Duration::from_secs(request.body().content_length() as u64 / SLOWEST_UPLOAD);
        let nothing = |limit: Duration| format!("the server sent nothing for {} s", limit.as_secs_f32());

        let answer = tokio::time::timeout(silence + upload, self.inner.execute(request)).await;
        let (parts, body) = answer.map_err(|_| nothing(silence + upload))?.map_err(|error| chain(&error))?.into_parts();
        let expected = parts.headers.get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<usize>().ok());
        let mut bytes = BytesMut::new();
        let mut stream = body.bytes_stream();
        loop {
            match tokio::time::timeout(silence, stream.next()).await {
                Err(_) => return Err(nothing(silence)),
                Ok(Some(Err(error))) => {
                    return Err(format!("the answer ended after {} bytes: {}", bytes.len(), chain(&error)));
                }
                Ok(Some(Ok(chunk))) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
            }
        }
        if method != Method::HEAD && expected.is_some_and(|expected| expected != bytes.len()) {
            return Err(format!("the answer ended after {} bytes", bytes.len()));
        }
        let text = String::from_utf8_lossy(&bytes);
        // 409: somebody else is in the middle of writing or deleting the same key, so it is open what is there.
        let busy = conditional && parts.status == StatusCode::CONFLICT;
        // Some answers begin with 200 before their outcome is known.
        let late = method == Method::POST && ["InternalError", "SlowDown"].iter().any(|code| text.contains(code));
        if is_passing(parts.status.as_u16()) || busy || late {
            return Err(format!("{} {}", parts.status.as_u16(), xml(&text, "Code")).trim_end().to_owned());
        }
        if parts.status == StatusCode::FORBIDDEN || parts.status == StatusCode::UNAUTHORIZED {
            let said = self.denied(parts.status.as_u16(), action, &key, &text);
            return Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(Bytes::from(said))));
        }
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(bytes.freeze())))
    }

    /// `object_store` shows the body of such an answer: it gets a sentence instead of XML.
    fn denied(&self, status: u16, action: &'static str, key: &str, body: &str) -> String {
        let Place { bucket, region, prefix, .. } = &self.place;
        let asked = Asked { action, bucket, key, region };
        let (code, message) = (xml(body, "Code"), xml(body, "Message"));
        let sentence = match Attempt::of_answer(Answer { status, code, message }, asked) {
            Attempt::Again(detail) => detail,
            Attempt::Final(error) => error.to_string(),
        };
        if self.policy_said.swap(true, Ordering::Relaxed) {
            return sentence;
        }
        let policy = policy(Use::Lake, asked, prefix, sentence.contains("kms:"));
        format!("{sentence}. The smallest policy that would do: {policy}")
    }

    fn key<'a>(&self, parts: &'a http::request::Parts) -> &'a str {
        self.in_bucket(parts.uri.path())
    }

    fn key_of<'a>(&self, request: &'a HttpRequest) -> &'a str {
        self.in_bucket(request.uri().path())
    }

    fn in_bucket<'a>(&self, path: &'a str) -> &'a str {
        let path = path.trim_start_matches('/');
        if !self.place.path_style {
            return path;
        }
        path.strip_prefix(self.place.bucket.as_str()).map_or(path, |key| key.trim_start_matches('/'))
    }
}

/// The permission that a request needs.
fn action(request: &HttpRequest) -> &'static str {
    let query = request.uri().query().unwrap_or_default();
    match *request.method() {
        Method::GET if query.contains("list-type=") => "s3:ListBucket",
        Method::GET | Method::HEAD => "s3:GetObject",
        Method::DELETE => "s3:DeleteObject",
        Method::POST if query.starts_with("delete") => "s3:DeleteObject",
        _ => "s3:PutObject",
    }
}

/// The text of the first element of this name.
fn xml<'a>(text: &'a str, name: &str) -> &'a str {
    let inner = || text.split_once(&format!("<{name}>"))?.1.split_once(&format!("</{name}>"));
    inner().map_or("", |(text, _)| text)
}
