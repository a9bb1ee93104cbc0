//! The two stories of `sample-data/layers`, followed.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use albatross_follow::{Layer, Link, Search, Subject, Trail, follow};
use albatross_formats::Settings;
use albatross_ingest::{Options, Window, ingest};
use albatross_lake::Lake;
use albatross_query::Session;
use tokio::runtime::Runtime;

struct Site {
    runtime: Runtime,
    session: Session,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let lake = runtime.block_on(Lake::open_or_create(folder.path().to_str().unwrap())).unwrap();
        let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/layers");
        let options = Options {
            inputs: vec![logs.to_str().unwrap().to_owned()],
            window: Window::default(),
            s3: Default::default(),
            threads: 1,
            memory_per_thread: 0,
            max_rejects: 0.0,
            shard: None,
            format: None,
            settings: Settings::default(),
            route_rules: "1".to_owned(),
        };
        let summary = ingest(runtime.handle(), &lake, &options, &AtomicBool::new(false), &|_| {}).unwrap();
        assert_eq!((summary.failures.len(), summary.counts.rejects), (0, 0), "{:?}", summary.failures);
        let session = runtime.block_on(Session::open(&lake)).unwrap();
        Site { runtime, session, _folder: folder }
    }

    fn follow(&self, subject: Subject) -> Trail {
        let search = Search { subject, from: None, to: None, limit: 20 };
        self.runtime.block_on(follow(&self.session, &search)).unwrap()
    }
}

fn layers(trail: &Trail) -> Vec<Vec<Layer>> {
    trail.journeys.iter().map(|journey| journey.steps.iter().map(|step| step.event.layer).collect()).collect()
}

#[test]
fn an_upload_dies_at_nginx() {
    let site = Site::new();
    let trail = site.follow(Subject::guess("203.0.113.77"));
    assert_eq!(layers(&trail), [[Layer::CloudFront, Layer::Alb, Layer::Nginx, Layer::NginxError]]);
    let journey = &trail.journeys[0];
    assert_eq!(
        (journey.ends_at, journey.verdict.as_str()),
        (
            Layer::Nginx,
            "nginx answered 413: body of 21,770,024 bytes over its limit (client_max_body_size); nothing reached the application"
        )
    );
    // From any of its layers the same journey is found.
    let trace = journey.steps.iter().find_map(|step| step.event.trace_id.clone()).unwrap();
    assert_eq!(layers(&site.follow(Subject::Trace(trace))), layers(&trail));
    let edge = journey.steps.iter().find_map(|step| step.event.request_id.clone()).unwrap();
    assert_eq!(layers(&site.follow(Subject::guess(&edge))), layers(&trail));
}

#[test]
fn an_order_goes_through_behind_a_failed_answer() {
    let site = Site::new();
    let trail = site.follow(Subject::guess("203.0.113.150"));
    assert_eq!(trail.journeys.len(), 1);
    let journey = &trail.journeys[0];
    assert_eq!(journey.ends_at, Layer::Lambda);
    assert!(
        journey
            .verdict
            .starts_with("the function was stopped at its limit of 15 s; before that it had written \"order "),
        "{}",
        journey.verdict
    );
    assert!(
        journey.verdict.ends_with("the client was told 502, but the work may have been done"),
        "{}",
        journey.verdict
    );
    let report = journey.steps.iter().find(|step| step.event.kind == "report").unwrap();
    assert_eq!((report.by, report.event.duration), (Link::Trace, Some(15.0)));
}

#[test]
fn quiet_requests_are_followed_one_by_one() {
    let site = Site::new();
    let trail = site.follow(Subject::Path("/api/albums/*".into()));
    assert!(trail.more && trail.journeys.len() >= 5, "{}", trail.journeys.len());
    for journey in &trail.journeys {
        let requests: Vec<Layer> =
            journey.steps.iter().filter(|step| step.event.kind == "request").map(|step| step.event.layer).collect();
        assert!(requests.is_sorted_by(|a, b| a < b), "one line a layer: {requests:?}");
        assert_eq!(journey.ends_at, Layer::Nginx, "{journey:?}");
        assert!(journey.verdict.starts_with("answered ") || journey.verdict.contains("404"), "{}", journey.verdict);
    }
    assert!(site.follow(Subject::Client("192.0.2.1".into())).journeys.is_empty());
}

#[test]
fn a_failed_handshake_is_a_journey_without_a_request() {
    let trail = Site::new().follow(Subject::Client("192.0.2.99".into()));
    assert_eq!(layers(&trail), [[Layer::AlbConnections]]);
    assert_eq!(trail.journeys[0].verdict, "the TLS handshake failed: no request was made");
}
