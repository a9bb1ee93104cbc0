//! moto's server, of S3 and CloudWatch, for as long as a test holds it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::{self, Answer, Request};

/// Killed when dropped.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    port: u16,
}

impl Moto {
    /// Starts a server with this bucket in it and waits until it answers. `None`, and a line on stderr, where there is no Python for it;
    /// under `make test` there is.
    ///
    /// # Panics
    /// If there is a Python and it cannot run moto.
    pub async fn start(bucket: &str) -> Option<Moto> {
        let Ok(python) = std::env::var("ALBATROSS_TEST_PYTHON") else {
            eprintln!("skipped: ALBATROSS_TEST_PYTHON is not set (make test sets it)");
            return None;
        };
        // Somebody else may take the port between our look and moto's start.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
            let mut moto = Moto { child: spawn(&python, port), port };
            if moto.wait().await {
                let made = moto.ask("PUT", &format!("/{bucket}"), b"").await;
                assert_eq!(made.status, 200, "{made:?}");
                return Some(moto);
            }
        }
        panic!("moto does not start with {python}: is moto[server] installed there?");
    }

    async fn wait(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) && matches!(self.child.try_wait(), Ok(None)) {
            let request =
                Request { method: "GET".into(), target: "/moto-api/".into(), headers: Vec::new(), body: Vec::new() };
            if http::ask(("127.0.0.1", self.port), &request).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A request to S3 that needs no signature, as nothing does here.
    pub async fn ask(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.ask_service("us-east-1/s3", "application/octet-stream", method, target, body).await
    }

    /// moto tells services apart by what a signature is for.
    async fn ask_service(&self, scope: &str, form: &str, method: &str, target: &str, body: &[u8]) -> Answer {
        let headers = [
            ("host", format!("127.0.0.1:{}", self.port)),
            ("content-length", body.len().to_string()),
            ("content-type", form.to_owned()),
            ("authorization", format!("AWS4-HMAC-SHA256 Credential=test/20260101/{scope}/aws4_request")),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        let request = Request { method: method.into(), target: target.into(), headers, body: body.to_vec() };
        http::ask(("127.0.0.1", self.port), &request).await.expect("moto answers")
    }

    /// Puts minutes of a metric into CloudWatch: when, average and maximum, each minute as two values that have these.
    pub async fn put_metric(
        &self,
        region: &str,
        (namespace, metric): (&str, &str),
        dimensions: &[(&str, &str)],
        minutes: &[(String, f64, f64)],
    ) {
        for some in minutes.chunks(100) {
            let mut form = format!("Action=PutMetricData&Version=2010-08-01&Namespace={}", encoded(namespace));
            let values = some.iter().flat_map(|(at, average, maximum)| [(at, *maximum), (at, 2.0 * average - maximum)]);
            for (n, (at, value)) in values.enumerate() {
                let datum = format!("MetricData.member.{}", n + 1);
                form +=
                    &format!("&{datum}.MetricName={metric}&{datum}.Timestamp={}&{datum}.Value={value}", encoded(at));
                for (d, (name, value)) in dimensions.iter().enumerate() {
                    let dimension = format!("{datum}.Dimensions.member.{}", d + 1);
                    form += &format!("&{dimension}.Name={}&{dimension}.Value={}", encoded(name), encoded(value));
                }
            }
            let (scope, kind) = (format!("{region}/monitoring"), "application/x-www-form-urlencoded");
            let answer = self.ask_service(&scope, kind, "POST", "/", form.as_bytes()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }

    /// Stores an object; `key` as it stands in a URL.
    pub async fn put(&self, bucket: &str, key: &str, body: &[u8]) {
        let answer = self.ask("PUT", &format!("/{bucket}/{key}"), body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Stores all files below a folder, under `prefix` and their paths in it.
    pub async fn put_folder(&self, bucket: &str, prefix: &str, folder: &Path) {
        let mut folders = vec![folder.to_path_buf()];
        while let Some(at) = folders.pop() {
            for entry in std::fs::read_dir(&at).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder).expect("below it").to_string_lossy().into_owned();
                    self.put(bucket, &format!("{prefix}{name}"), &std::fs::read(&path).expect("a file")).await;
                }
            }
        }
    }
}

fn encoded(text: &str) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// Ends when its standard input does, so that it does not outlive a test that is killed.
const SERVER: &str = "
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(sys.argv[1:])
";

fn spawn(python: &str, port: u16) -> Child {
    let mut command = Command::new(python);
    command.args(["-c", SERVER, "-H", "127.0.0.1", "-p", &port.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|e| panic!("{python}: {e}"))
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
