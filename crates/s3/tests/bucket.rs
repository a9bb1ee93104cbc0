//! Reading from an S3 server, through a network that fails.

use std::fmt::{Debug, Write};
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use albatross_s3::{AccessKey, Bucket, Error, Limits, Options, S3};
use albatross_testbed::{Answer, Fault, Faults, Moto, Proxy};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

fn options(endpoint: &str) -> Options {
    Options {
        endpoint: Some(endpoint.to_owned()),
        access_key: Some(AccessKey { id: "test".into(), secret: "test".into() }),
        limits: Limits {
            attempts: 10,
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_millis(50),
            connect: Duration::from_secs(1),
            silence: Duration::from_millis(800),
        },
        ..Options::default()
    }
}

async fn bucket(proxy: &Proxy) -> Bucket {
    S3::new(options(&proxy.endpoint())).bucket("logs").await.unwrap()
}

/// Bytes without a period.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_come_in_ranges_and_in_order() {
    let Some(moto) = Moto::start("logs").await else { return };
    let proxy = Proxy::start(moto.port()).await;
    let bytes = noise(27 << 20);
    moto.put("logs", "large", &bytes).await;
    let bucket = bucket(&proxy).await;
    // Also the answer to a listing may break off.
    proxy.set(Faults { seed: 4, faults: vec![(Fault::StallInBody, 0.6)] });
    let object = bucket.first("large").await.unwrap().unwrap();
    proxy.set(Faults::default());
    assert!(proxy.done()[&Fault::StallInBody] > 0);
    assert_eq!(object.size, bytes.len() as u64);
    proxy.take_requests();

    assert!(bucket.get(&object).await.unwrap() == bytes);
    let requests = proxy.take_requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|r| r.header("if-match") == Some(&object.etag)), "{requests:?}");
    let mut ranges: Vec<_> = requests.iter().map(|r| r.header("range").unwrap().to_owned()).collect();
    ranges.sort();
    assert_eq!(ranges[0], "bytes=0-8388607");

    for (seed, fault) in [(1, Fault::ShortBody), (2, Fault::StallInBody), (3, Fault::Reset)] {
        proxy.set(Faults { seed, faults: vec![(fault, 0.4)] });
        let mut reader = bucket.reader(&object);
        let read = tokio::task::spawn_blocking(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read)?;
            assert_eq!(reader.read(&mut [0; 10])?, 0, "the end stays the end");
            Ok::<_, std::io::Error>(read)
        });
        assert!(read.await.unwrap().unwrap() == bytes, "{fault:?}");
        assert!(proxy.done()[&fault] > 0);
    }

    proxy.set(Faults::default());
    proxy.rule(|request| {
        let second = request.header("range").is_some_and(|range| range.starts_with("bytes=8388608-"));
        second.then(|| Answer::error(412, "PreconditionFailed", "x"))
    });
    let mut reader = bucket.reader(&object);
    let read = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        assert!(reader.read_to_end(&mut read).unwrap_err().to_string().contains("overwritten"));
        assert!(reader.read(&mut [0; 10]).is_err(), "and a failure a failure");
        read.len()
    });
    assert_eq!(read.await.unwrap(), 8 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_overwritten_or_deleted_is_noticed_at_once() {
    let Some(moto) = Moto::start("logs").await else { return };
    let proxy = Proxy::start(moto.port()).await;
    moto.put("logs", "a", b"first").await;
    let bucket = bucket(&proxy).await;
    let object = bucket.first("a").await.unwrap().unwrap();
    assert_eq!(bucket.get(&object).await.unwrap(), b"first");
    moto.put("logs", "a", b"other").await;
    proxy.take_requests();
    assert!(matches!(bucket.get(&object).await, Err(Error::Changed)));
    moto.ask("DELETE", "/logs/a", b"").await;
    assert!(matches!(bucket.get(&object).await, Err(Error::Gone)));
    assert_eq!(proxy.take_requests().len(), 2, "no second attempt");
    assert_eq!(bucket.first("a").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_found_in_its_region() {
    let Some(moto) = Moto::start("logs").await else { return };
    let proxy = Proxy::start(moto.port()).await;
    moto.put("logs", "a", b"first").await;
    proxy.rule(|request| {
        let here = request.header("authorization").is_some_and(|a| a.contains("/eu-south-2/s3/"));
        let elsewhere = Answer::error(301, "PermanentRedirect", "The bucket must be addressed at another endpoint.");
        (!here).then(|| elsewhere.with_header("x-amz-bucket-region", "eu-south-2"))
    });
    let bucket = bucket(&proxy).await;
    assert_eq!(bucket.list("", false).await.unwrap().objects.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_allowed_is_said_clearly() {
    let Some(moto) = Moto::start("logs").await else { return };
    let proxy = Proxy::start(moto.port()).await;
    moto.put("logs", "p/AWSLogs/1/a", b"first").await;
    let error = S3::new(options(&proxy.endpoint())).bucket("other").await.unwrap_err();
    assert_eq!(error.to_string(), format!("there is no bucket `other` at {}", proxy.endpoint()));

    let bucket = bucket(&proxy).await;
    let object = bucket.first("p/").await.unwrap().unwrap();
    proxy.rule(|_| Some(Answer::error(403, "AccessDenied", "Access Denied")));
    let error = bucket.list("p/AWSLogs/", true).await.unwrap_err().to_string();
    assert!(
        error.starts_with("permission s3:ListBucket on arn:aws:s3:::logs is missing. The smallest policy"),
        "{error}"
    );
    assert!(error.contains(r#""Resource":"arn:aws:s3:::logs/p/AWSLogs/*""#), "{error}");
    let error = bucket.get(&object).await.unwrap_err().to_string();
    assert_eq!(error, "permission s3:GetObject on arn:aws:s3:::logs/p/AWSLogs/1/a is missing");

    let nobody = Options { endpoint: Some("http://127.0.0.1:1".into()), ..options("") };
    let error = S3::new(nobody).bucket("logs").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { attempts: 10, .. }), "{error}");
}

/// Keeps told as text.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::INFO && metadata.target().starts_with("albatross")
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

// On one thread, where the subscriber is.
#[tokio::test]
async fn every_retry_is_told_with_its_object() {
    let told = Told::default();
    let _guard = tracing::subscriber::set_default(told.clone());
    let Some(moto) = Moto::start("logs").await else { return };
    let proxy = Proxy::start(moto.port()).await;
    moto.put("logs", "a/b", b"first").await;
    let bucket = bucket(&proxy).await;
    let object = bucket.first("a/").await.unwrap().unwrap();
    proxy.set(Faults { seed: 5, faults: vec![(Fault::SlowDown, 0.7)] });
    bucket.get(&object).await.unwrap();
    let store = bucket.object_store("").unwrap();
    object_store::ObjectStoreExt::get(&store, &"a/b".into()).await.unwrap();
    let made = proxy.done()[&Fault::SlowDown];
    let told = told.0.lock().unwrap();
    assert_eq!(told.len() as u64, made, "{told:#?}");
    let first = "bucket=\"logs\" key=\"a/b\" attempt=1 error=\"503 SlowDown";
    assert!(told.iter().any(|event| event.contains(first)), "{told:#?}");
}
