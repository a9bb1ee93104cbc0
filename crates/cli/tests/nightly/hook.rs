//! A receiver of messages that does as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy)]
pub(crate) enum Reply {
    Status(u16),
    /// The message was taken, and the connection breaks.
    Lost,
    /// Nothing, until the sender has enough.
    Silent,
}

pub(crate) const OK: Reply = Reply::Status(200);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) key: String,
    pub(crate) text: String,
}

pub(crate) struct Hook {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl Hook {
    /// Replies so, one after the other, then always with 200.
    pub(crate) fn new(replies: &[Reply]) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/services/T0/B0/secret", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(replies.iter().copied().collect::<VecDeque<_>>()));
        let (into, from) = (Arc::clone(&got), Arc::clone(&replies));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (into, from) = (Arc::clone(&into), Arc::clone(&from));
                std::thread::spawn(move || serve(stream, &into, &from));
            }
        });
        Hook { url, got, replies }
    }

    pub(crate) fn then(&self, replies: &[Reply]) {
        *self.replies.lock().unwrap() = replies.iter().copied().collect();
    }

    /// What has come since the last call.
    pub(crate) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    /// For the config, in a variable.
    pub(crate) fn variable(&self) -> (String, String) {
        ("HOOK".to_owned(), self.url.clone())
    }
}

fn serve(stream: TcpStream, got: &Mutex<Vec<Got>>, replies: &Mutex<VecDeque<Reply>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut key, mut first) = (0, String::new(), true);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if std::mem::take(&mut first) {
                assert!(line.starts_with("POST /services/T0/B0/secret "), "{line}");
            }
            match line.trim_end().split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())) {
                Some((name, value)) if name == "content-length" => length = value.parse().unwrap(),
                Some((name, value)) if name == "idempotency-key" => key = value,
                _ => {}
            }
            if line.trim_end().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1, "Slack knows no other: {body}");
        got.lock().unwrap().push(Got { key, text: body["text"].as_str().unwrap().to_owned() });
        let reply = replies.lock().unwrap().pop_front().unwrap_or(OK);
        match reply {
            Reply::Status(status) => {
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok");
                if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Lost => return,
            Reply::Silent => {
                let _ = reader.read(&mut [0]);
                return;
            }
        }
    }
}
