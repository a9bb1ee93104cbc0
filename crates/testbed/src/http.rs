//! As much of HTTP/1.1 as S3 clients and moto speak: bodies with a length, in chunks or to the end; no pipelining.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer that a test makes up, or that the server gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }
}

impl Answer {
    /// An error as S3 words it.
    pub fn error(status: u16, code: &str, message: &str) -> Answer {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>TESTBED</RequestId></Error>"
        );
        Answer { status, ..Answer::xml(body) }
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn xml(text: String) -> Answer {
        Answer { body: text.into_bytes(), ..Answer::empty(200) }.with_header("content-type", "application/xml")
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// All of it, on a connection that ends with it. The answer to HEAD has the length of a body and no body.
    pub(crate) fn bytes(&self, head: bool) -> Vec<u8> {
        let mut bytes = self.head("close", head);
        if !head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }

    /// All that stands before the body.
    pub(crate) fn head(&self, connection: &str, head: bool) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} Testbed\r\nconnection: {connection}\r\n", self.status);
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "connection" | "transfer-encoding" | "content-length") {
                text += &format!("{name}: {value}\r\n");
            }
        }
        let length = value(&self.headers, "content-length").filter(|_| head).map(str::to_owned);
        if self.status != 204 {
            text += &format!("content-length: {}\r\n", length.unwrap_or_else(|| self.body.len().to_string()));
        }
        (text + "\r\n").into_bytes()
    }
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Reads a request. `None` if the connection is closed without one.
pub(crate) async fn read<S: AsyncRead + AsyncWrite + Unpin>(reader: &mut BufReader<S>) -> io::Result<Option<Request>> {
    let Some((first, headers)) = head(reader).await? else { return Ok(None) };
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if value(&headers, "expect").is_some() {
        reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let length = value(&headers, "content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(Some(Request { method, target, headers, body }))
}

/// Sends a request to a server and reads the whole answer.
pub(crate) async fn ask(server: (&str, u16), request: &Request) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(server).await?;
    let mut text = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        if name != "connection" && name != "expect" {
            text += &format!("{name}: {value}\r\n");
        }
    }
    stream.write_all((text + "\r\n").as_bytes()).await?;
    stream.write_all(&request.body).await?;
    let mut reader = BufReader::new(&mut stream);
    loop {
        let Some((first, headers)) = head(&mut reader).await? else {
            return Err(io::Error::other("the server closed the connection"));
        };
        let status = first.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
        if status == 100 {
            continue;
        }
        let mut body = Vec::new();
        if request.method != "HEAD" {
            if value(&headers, "transfer-encoding") == Some("chunked") {
                chunks(&mut reader, &mut body).await?;
            } else if let Some(length) = value(&headers, "content-length").and_then(|n| n.parse().ok()) {
                body.resize(length, 0);
                reader.read_exact(&mut body).await?;
            } else {
                reader.read_to_end(&mut body).await?;
            }
        }
        return Ok(Answer { status, headers, body });
    }
}

async fn chunks(reader: &mut BufReader<&mut TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let begin = body.len();
        body.resize(begin + size, 0);
        reader.read_exact(&mut body[begin..]).await?;
        reader.read_line(&mut line).await?;
        if size == 0 {
            return Ok(());
        }
    }
}

type Head = (String, Vec<(String, String)>);

async fn head<S: AsyncRead + Unpin>(reader: &mut BufReader<S>) -> io::Result<Option<Head>> {
    let mut first = String::new();
    if reader.read_line(&mut first).await? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 || line.trim_end().is_empty() {
            return Ok(Some((first.trim_end().to_owned(), headers)));
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}
