//! A proxy that fails as S3 and networks do.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::http::{self, Answer, Request};

/// What can go wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// 503 SlowDown; the server never sees the request.
    SlowDown,
    /// 500 InternalError; the server never sees the request.
    InternalError,
    /// The connection is reset before anything is answered; the server never sees the request.
    Reset,
    /// Nothing is answered, and the connection stays; the server never sees the request.
    Stall,
    /// Half of the body comes, then the connection is closed.
    ShortBody,
    /// Half of the body comes, then nothing, and the connection stays.
    StallInBody,
    /// A PUT, POST or DELETE succeeds, and the connection is reset before the answer.
    LostAnswer,
    /// A PUT, POST or DELETE succeeds, and the answer is 500.
    FalseError,
}

impl Fault {
    pub const ALL: [Fault; 8] = [
        Fault::SlowDown,
        Fault::InternalError,
        Fault::Reset,
        Fault::Stall,
        Fault::ShortBody,
        Fault::StallInBody,
        Fault::LostAnswer,
        Fault::FalseError,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::SlowDown => "slow-down",
            Fault::InternalError => "internal-error",
            Fault::Reset => "reset",
            Fault::Stall => "stall",
            Fault::ShortBody => "short-body",
            Fault::StallInBody => "stall-in-body",
            Fault::LostAnswer => "lost-answer",
            Fault::FalseError => "false-error",
        }
    }
}

/// How often requests fail, and which way. What happens to the *n*-th request for one thing depends on the seed, the thing and
/// *n* alone, however requests interleave.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub seed: u64,
    /// Probabilities; their sum is at most 1.
    pub faults: Vec<(Fault, f64)>,
}

type Rule = dyn Fn(&mut Request) -> Option<Answer> + Send + Sync;

/// Listens until it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    server: u16,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    faults: Faults,
    rule: Option<Arc<Rule>>,
    requests: Vec<Request>,
    asked: HashMap<(String, String), u64>,
    done: HashMap<Fault, u64>,
}

impl Proxy {
    /// Starts a proxy before a server on this machine, on a free port. It does nothing wrong until it is told to.
    pub async fn start(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared { server, state: Mutex::default() });
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move { drop(shared.serve(stream).await) });
                }
            }
        });
        Proxy { port, shared, task }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on.
    pub fn set(&self, faults: Faults) {
        self.shared.state().faults = faults;
    }

    /// A rule may change a request, or answer it itself.
    pub fn rule(&self, rule: impl Fn(&mut Request) -> Option<Answer> + Send + Sync + 'static) {
        self.shared.state().rule = Some(Arc::new(rule));
    }

    /// All requests so far, without their bodies, and forgets them.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.state().requests)
    }

    /// How often each fault was made.
    pub fn done(&self) -> HashMap<Fault, u64> {
        self.shared.state().done.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let Some(mut request) = http::read(&mut BufReader::new(&mut stream)).await? else { return Ok(()) };
        let head = request.method == "HEAD";
        let (rule, fault) = {
            let mut state = self.state();
            state.requests.push(Request { body: Vec::new(), ..request.clone() });
            (state.rule.clone(), state.next(&request))
        };
        if let Some(answer) = rule.and_then(|rule| rule(&mut request)) {
            return stream.write_all(&answer.bytes(head)).await;
        }
        let changes = !matches!(request.method.as_str(), "GET" | "HEAD");
        let fault = match fault {
            Some(Fault::LostAnswer | Fault::FalseError) if !changes => None,
            Some(Fault::ShortBody | Fault::StallInBody) if request.method != "GET" => None,
            fault => fault,
        };
        if let Some(fault) = fault {
            *self.state().done.entry(fault).or_default() += 1;
        }
        match fault {
            Some(Fault::SlowDown) => {
                let answer = Answer::error(503, "SlowDown", "Please reduce your request rate.");
                stream.write_all(&answer.bytes(head)).await
            }
            Some(Fault::InternalError) => {
                let answer = Answer::error(500, "InternalError", "We encountered an internal error. Please try again.");
                stream.write_all(&answer.bytes(head)).await
            }
            Some(Fault::Reset) => reset(stream),
            Some(Fault::Stall) => stall(stream).await,
            Some(Fault::ShortBody) => {
                let answer = self.forward(&request).await?.bytes(head);
                stream.write_all(&answer[..shortened(&answer)]).await
            }
            Some(Fault::StallInBody) => {
                let answer = self.forward(&request).await?.bytes(head);
                stream.write_all(&answer[..shortened(&answer)]).await?;
                stall(stream).await
            }
            Some(Fault::LostAnswer) => {
                self.forward(&request).await?;
                reset(stream)
            }
            Some(Fault::FalseError) => {
                self.forward(&request).await?;
                let answer = Answer::error(500, "InternalError", "We encountered an internal error. Please try again.");
                stream.write_all(&answer.bytes(head)).await
            }
            None => {
                let answer = self.forward(&request).await?;
                stream.write_all(&answer.bytes(head)).await
            }
        }
    }

    async fn forward(&self, request: &Request) -> io::Result<Answer> {
        http::ask(("127.0.0.1", self.server), request).await
    }
}

impl State {
    /// Draws the fate of a request.
    fn next(&mut self, request: &Request) -> Option<Fault> {
        let range = request.header("range").unwrap_or_default();
        let thing = (request.method.clone(), format!("{} {range}", request.target));
        let times = self.asked.entry(thing.clone()).or_default();
        *times += 1;
        let text = format!("{} {} {times}", thing.0, thing.1);
        let draw = xxh3_64_with_seed(text.as_bytes(), self.faults.seed) >> 11;
        let mut draw = draw as f64 / (1_u64 << 53) as f64;
        for &(fault, probability) in &self.faults.faults {
            if draw < probability {
                return Some(fault);
            }
            draw -= probability;
        }
        None
    }
}

/// Closes with RST, as a server does that crashed.
fn reset(stream: TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// Until the client gives up.
async fn stall(stream: TcpStream) -> io::Result<()> {
    let mut byte = [0];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut byte) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
}

/// The head and half of the body.
fn shortened(answer: &[u8]) -> usize {
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
    head + (answer.len() - head) / 2
}
