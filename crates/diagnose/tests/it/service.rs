//! A service behind a load balancer, line by line, in which one thing can be made to go wrong.

use std::fmt::Write;
use std::sync::atomic::AtomicBool;

use albatross_diagnose::{Diagnosis, Window, diagnose};
use albatross_ingest::{Options, ingest};
use albatross_lake::Lake;
use albatross_query::Session;
use albatross_s3::S3;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

pub(crate) const TARGETS: usize = 6;
/// What the load balancer waits for a target, seconds.
pub(crate) const IDLE_TIMEOUT: f64 = 60.0;

/// Method, path with `{}` for a number, template, share of the requests, median seconds, bytes sent, bytes received.
pub(crate) const ROUTES: [(&str, &str, &str, f64, f64, f64, f64); 12] = [
    ("GET", "/", "/", 20.0, 0.02, 9000.0, 300.0),
    ("GET", "/api/articles/{}", "/api/articles/:id", 18.0, 0.04, 4000.0, 350.0),
    ("GET", "/api/search", "/api/search", 9.0, 0.35, 20_000.0, 380.0),
    ("POST", "/api/carts/{}/items", "/api/carts/:id/items", 8.0, 0.09, 700.0, 900.0),
    ("POST", "/api/orders", "/api/orders", 3.0, 0.25, 900.0, 2200.0),
    ("GET", "/api/users/{}/orders", "/api/users/:id/orders", 5.0, 0.12, 6000.0, 350.0),
    ("GET", "/api/reports/{}", "/api/reports/:id", 1.5, 0.8, 2500.0, 350.0),
    ("POST", "/api/photos", "/api/photos", 2.0, 0.5, 400.0, 900_000.0),
    ("GET", "/api/feed", "/api/feed", 14.0, 0.08, 30_000.0, 400.0),
    ("POST", "/api/login", "/api/login", 6.0, 0.15, 500.0, 600.0),
    ("PUT", "/api/users/{}", "/api/users/:id", 2.5, 0.07, 600.0, 1200.0),
    ("GET", "/api/previews/{}", "/api/previews/:id", 3.0, 0.1, 60_000.0, 350.0),
];
/// The route whose target is a function.
pub(crate) const FUNCTION: usize = 11;

pub(crate) fn route_name(route: usize) -> String {
    format!("{} {}", ROUTES[route].0, ROUTES[route].2)
}

/// Numbers that look random, the same for a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1))
    }

    /// 0 to 1.
    pub(crate) fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.roll() * (high - low)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.roll() * n as f64) as usize
    }

    /// Around 1, log-normal.
    pub(crate) fn spread(&mut self, sigma: f64) -> f64 {
        let (a, b) = (self.roll().max(1e-12), self.roll());
        (sigma * (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()).exp()
    }
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Got {
    /// The target's answer.
    Answer(u16),
    /// The load balancer's, before the request was sent.
    Refused(u16),
    /// The load balancer's, after it was sent.
    Cut(u16),
    /// The load balancer's; there was no target.
    NoTarget(u16),
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Seconds since the start.
    pub(crate) at: f64,
    pub(crate) route: usize,
    pub(crate) target: usize,
    pub(crate) duration: f64,
    pub(crate) got: Got,
    pub(crate) received: f64,
    pub(crate) reason: Option<&'static str>,
    pub(crate) client: usize,
    /// Instead of the route's own.
    pub(crate) path: Option<String>,
}

pub(crate) struct Service {
    pub(crate) seed: u64,
    pub(crate) minutes: usize,
    pub(crate) per_minute: f64,
    pub(crate) has_cpu: bool,
}

impl Default for Service {
    fn default() -> Service {
        Service { seed: 1, minutes: 90, per_minute: 500.0, has_cpu: true }
    }
}

impl Service {
    /// Runs it: `traffic` is a factor by minute, `fault` changes requests, `cpu` gives average and maximum of a minute. Returns the diagnosis.
    pub(crate) fn run(
        &self,
        traffic: impl Fn(f64) -> f64,
        mut fault: impl FnMut(&mut Request, &mut Dice),
        cpu: impl Fn(f64) -> (f64, f64),
        more: Vec<Request>,
    ) -> Diagnosis {
        let mut dice = Dice::new(self.seed);
        let weights: f64 = ROUTES.iter().map(|route| route.3).sum();
        let mut requests = more;
        for minute in 0..self.minutes {
            let mean = self.per_minute * traffic(minute as f64);
            let count = (mean * dice.between(0.93, 1.07)) as usize;
            for _ in 0..count {
                let mut left = dice.roll() * weights;
                let route = ROUTES.iter().position(|route| {
                    left -= route.3;
                    left <= 0.0
                });
                let route = route.unwrap_or(0);
                let mut request = Request {
                    at: 60.0 * (minute as f64 + dice.roll()),
                    route,
                    target: dice.below(TARGETS),
                    duration: ROUTES[route].4 * dice.spread(0.5),
                    got: Got::Answer(200),
                    received: ROUTES[route].6 * dice.spread(0.6),
                    reason: None,
                    client: (dice.roll().powi(2) * 400.0) as usize,
                    path: None,
                };
                match dice.roll() * 20_000.0 {
                    x if x < 0.4 => request.got = Got::Cut(502),
                    x if x < 0.7 => request.got = Got::Answer(500),
                    x if x < 1.0 => request.got = Got::Cut(460),
                    x if x < 300.0 => request.got = Got::Answer(404),
                    _ => {}
                }
                fault(&mut request, &mut dice);
                if request.duration > IDLE_TIMEOUT && matches!(request.got, Got::Answer(_)) {
                    request.duration = IDLE_TIMEOUT + dice.between(0.0, 0.01);
                    request.got = Got::Cut(504);
                }
                requests.push(request);
            }
        }
        requests.sort_by(|a, b| (a.at + a.duration).total_cmp(&(b.at + b.duration)));
        let mut log = String::with_capacity(requests.len() * 420);
        requests.iter().for_each(|request| line(&mut log, request));
        log.push_str("https 2026-11-19T18:00:0 torn\n");
        let mut series = "time,resource,average,maximum\n".to_owned();
        for minute in 0..if self.has_cpu { self.minutes } else { 0 } {
            let (average, maximum) = cpu(minute as f64);
            let _ = writeln!(series, "{},web,{average:.2},{maximum:.2}", iso(60.0 * minute as f64));
        }
        of_files(&[("access.log", &log), ("cpu.csv", &series)])
    }
}

fn start() -> DateTime<Utc> {
    "2026-11-19T18:00:00Z".parse().unwrap()
}

/// The moment so many seconds after the start.
pub(crate) fn moment(seconds: f64) -> DateTime<Utc> {
    start() + TimeDelta::microseconds((seconds * 1e6) as i64)
}

fn iso(seconds: f64) -> String {
    moment(seconds).to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn line(log: &mut String, request: &Request) {
    let Request { at, route, target, duration, got, received, reason, client, path } = request;
    let (method, own_path, _, _, _, sent, _) = ROUTES[*route];
    let path = path.clone().unwrap_or_else(|| own_path.replace("{}", &(client * 7919 % 100_000).to_string()));
    let is_function = *route == FUNCTION && path.starts_with("/api/previews");
    let host = format!("10.0.{}.{}:8080", target % 3, 10 + target);
    let host = if is_function || matches!(got, Got::NoTarget(_)) { "-".to_owned() } else { host };
    let (times, status, target_status) = match got {
        Got::Answer(status) => (format!("0.001 {:.3} 0.000", (duration - 0.001).max(0.0)), status, status.to_string()),
        Got::Refused(status) | Got::NoTarget(status) => ("-1 -1 -1".to_owned(), status, "-".to_owned()),
        Got::Cut(status) => ("0.001 -1 -1".to_owned(), status, "-".to_owned()),
    };
    let sent = if *status < 400 { sent } else { 280.0 };
    let (end, arrival) = (iso(at + duration), iso(*at));
    let reason = reason.unwrap_or("-");
    let _ = writeln!(
        log,
        "https {end} app/shop/50dc6c495c0c9188 203.0.{}.{}:4{client:04} {host} {times} {status} {target_status} {received:.0} {sent:.0} \
         \"{method} https://shop.example.com:443{path} HTTP/1.1\" \"Mozilla/5.0\" TLS_AES_128_GCM_SHA256 TLSv1.3 \
         arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1 \"Root=1-673cd6f0-{:024x}\" \"shop.example.com\" \
         \"session-reused\" 1 {arrival} \"forward\" \"-\" \"{reason}\" \"{host}\" \"{target_status}\" \"-\" \"-\" TID_{client:016x} \
         \"-\" \"-\" \"-\" 10.0.0.9 - -",
        100 + client % 20,
        client / 20,
        (at * 1e6) as u64,
    );
}

/// Ingests files and diagnoses the lake.
pub(crate) fn of_files(files: &[(&str, &str)]) -> Diagnosis {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    for (name, text) in files {
        std::fs::write(logs.join(name), text).unwrap();
    }
    of_folder(logs.to_str().unwrap())
}

/// Ingests a folder and diagnoses the lake.
pub(crate) fn of_folder(logs: &str) -> Diagnosis {
    of_window(logs, None)
}

/// Ingests a folder and diagnoses this time of the lake, or all of it.
pub(crate) fn of_window(logs: &str, window: Option<Window>) -> Diagnosis {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lake = runtime.block_on(Lake::open_or_create(folder.path().join("lake").to_str().unwrap())).unwrap();
    let options = Options {
        inputs: vec![logs.to_owned()],
        window: albatross_ingest::Window::default(),
        s3: S3::default(),
        threads: 1,
        memory_per_thread: 0,
        max_rejects: 1.0,
        shard: None,
        format: None,
        settings: albatross_formats::Settings::default(),
        route_rules: String::new(),
    };
    ingest(runtime.handle(), &lake, &options, &AtomicBool::new(false), &|_| {}).unwrap();
    runtime.block_on(async {
        let session = Session::open(&lake).await.unwrap();
        let (from, last) = session.span().unwrap();
        let window = window.unwrap_or(Window { from, to: last + TimeDelta::milliseconds(1) });
        diagnose(&session, window).await.unwrap()
    })
}
