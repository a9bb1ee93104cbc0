//! An S3 server over a folder, fast enough to measure an ingest against.
//!
//! What it does: ListObjectsV2 (prefix, the delimiter `/`, start-after, pages), HeadBucket, HeadObject, GetObject (one range, If-Match),
//! PutObject (If-None-Match: *, If-Match), DeleteObject, DeleteObjects. Everything else is 501. Nobody's signature is checked.
//! An object is held in memory while it is sent or stored.

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::folder::{self, Asked, Folder, Object, Page};
use crate::http::{self, Answer, Request};

/// As many as S3 gives at once.
const PAGE: usize = 1000;

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Loopback {
    port: u16,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Server {
    bucket: String,
    folder: Folder,
}

impl Loopback {
    /// Serves a folder as the one bucket there is, on a free port of this machine. Others may read and write the folder meanwhile; in it
    /// a hidden one is made for what is being stored. Fails if there is no such folder.
    pub async fn start(root: &Path, bucket: &str) -> io::Result<Loopback> {
        let server = Arc::new(Server { bucket: bucket.to_owned(), folder: Folder::new(root)? });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&server);
                tokio::spawn(async move { drop(serve(&server, stream).await) });
            }
        });
        Ok(Loopback { port, task })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection, as long as the client wants it.
async fn serve(server: &Arc<Server>, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?; // head and body are written one after the other
    let mut reader = BufReader::new(stream);
    while let Some(request) = http::read(&mut reader).await? {
        let head = request.method == "HEAD";
        let connection = if request.header("connection") == Some("close") { "close" } else { "keep-alive" };
        let server = Arc::clone(server);
        let answer = spawn_blocking(move || server.answer(&request)).await.map_err(io::Error::other)?;
        reader.write_all(&answer.head(connection, head)).await?;
        if !head {
            reader.write_all(&answer.body).await?;
        }
        if connection == "close" {
            break;
        }
    }
    Ok(())
}

impl Server {
    fn answer(&self, request: &Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        let query: Vec<(String, String)> = query.split('&').map(pair).collect();
        let asks = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        if decoded(bucket, false) != self.bucket {
            return Answer::error(404, "NoSuchBucket", "The specified bucket does not exist");
        }
        let key = decoded(key, false);
        let answer = match (request.method.as_str(), key.as_str()) {
            ("HEAD", "") => Ok(Answer::empty(200).with_header("x-amz-bucket-region", "us-east-1")),
            ("GET", "") if asks("list-type") == Some("2") => self.list(&asks),
            ("POST", "") if asks("delete").is_some() => self.delete_all(request),
            ("GET" | "HEAD", key) if !key.is_empty() => self.get(request, key),
            ("PUT", key) if !key.is_empty() && asks("partNumber").is_none() => self.put(request, key),
            ("DELETE", key) if !key.is_empty() => self.folder.delete(key).map(|()| Answer::empty(204)),
            _ => Ok(Answer::error(501, "NotImplemented", "This server does not know this request")),
        };
        answer.unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => Answer::error(404, "NoSuchKey", "The specified key does not exist."),
            // Trying again would not help: a key that cannot be a path, a disk that is full.
            _ => Answer::error(400, "InvalidRequest", &escaped(&error.to_string())),
        })
    }

    fn list<'a>(&self, asks: &dyn Fn(&str) -> Option<&'a str>) -> io::Result<Answer> {
        if asks("delimiter").is_some_and(|delimiter| delimiter != "/") || asks("encoding-type").is_some() {
            return Ok(Answer::error(
                501,
                "NotImplemented",
                "The delimiter is a slash, and keys are listed as they are",
            ));
        }
        let text = |name| asks(name).unwrap_or_default().to_owned();
        let asked = Asked {
            prefix: text("prefix"),
            folders: asks("delimiter").is_some(),
            after: text("continuation-token").max(text("start-after")),
            most: asks("max-keys").and_then(|n| n.parse().ok()).unwrap_or(PAGE).min(PAGE),
        };
        let Page { objects, folders, next } = self.folder.list(&asked)?;
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>{}</Name><KeyCount>{}</KeyCount>\
             <MaxKeys>{}</MaxKeys><IsTruncated>{}</IsTruncated>",
            escaped(&self.bucket),
            objects.len() + folders.len(),
            asked.most,
            next.is_some()
        );
        if let Some(next) = next {
            xml += &format!("<NextContinuationToken>{}</NextContinuationToken>", escaped(&next));
        }
        for object in objects {
            xml += &format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
                escaped(&object.key),
                utc(object.modified).to_rfc3339_opts(SecondsFormat::Millis, true),
                escaped(&object.etag()),
                object.size
            );
        }
        for folder in folders {
            xml += &format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(&folder));
        }
        Ok(Answer::xml(xml + "</ListBucketResult>"))
    }

    fn get(&self, request: &Request, key: &str) -> io::Result<Answer> {
        let (object, mut file) = self.folder.open(key)?;
        if !wanted(request, Some(&object)) {
            return Ok(precondition_failed());
        }
        let whole = 0..object.size;
        let (status, range) = match request.header("range").map(|text| range(text, object.size)) {
            None => (200, whole),
            Some(Some(range)) => (206, range),
            Some(None) => return Ok(Answer::error(416, "InvalidRange", "The requested range is not satisfiable")),
        };
        let length = range.end - range.start;
        let mut answer = described(status, &object).with_header("content-length", &length.to_string());
        if status == 206 {
            let text = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
            answer = answer.with_header("content-range", &text);
        }
        if request.method == "GET" {
            answer.body = folder::read(&mut file, range)?;
        }
        Ok(answer)
    }

    fn put(&self, request: &Request, key: &str) -> io::Result<Answer> {
        if ["x-amz-copy-source", "transfer-encoding"].iter().any(|name| request.header(name).is_some())
            || request.header("content-encoding").is_some_and(|encoding| encoding.contains("aws-chunked"))
        {
            return Ok(Answer::error(501, "NotImplemented", "Only whole objects with a length are taken"));
        }
        let put = self.folder.put(key, &request.body, &|there| wanted(request, there))?;
        Ok(put.map_or_else(precondition_failed, |object| described(200, &object)))
    }

    fn delete_all(&self, request: &Request) -> io::Result<Answer> {
        let body = std::str::from_utf8(&request.body).map_err(io::Error::other)?;
        let keys = body.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeleteResult>".to_owned();
        for (key, _) in keys {
            xml += &match self.folder.delete(&unescaped(key)) {
                Ok(()) => format!("<Deleted><Key>{key}</Key></Deleted>"),
                Err(error) => format!(
                    "<Error><Key>{key}</Key><Code>InvalidRequest</Code><Message>{}</Message></Error>",
                    escaped(&error.to_string())
                ),
            };
        }
        Ok(Answer::xml(xml + "</DeleteResult>"))
    }
}

/// What a request demands of the object that is there now.
fn wanted(request: &Request, there: Option<&Object>) -> bool {
    let absent = request.header("if-none-match") != Some("*") || there.is_none();
    let same = request.header("if-match").is_none_or(|etag| there.is_some_and(|there| there.etag() == etag));
    absent && same
}

fn precondition_failed() -> Answer {
    Answer::error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

fn described(status: u16, object: &Object) -> Answer {
    Answer::empty(status)
        .with_header("etag", &object.etag())
        .with_header("last-modified", &utc(object.modified).format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .with_header("accept-ranges", "bytes")
}

fn utc(time: SystemTime) -> DateTime<Utc> {
    time.into()
}

/// `bytes=0-9`, `bytes=10-` or `bytes=-10`, as far as the object goes; `None` if nothing of it is there.
fn range(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => first..size.min(last.checked_add(1)?),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return None,
    };
    (range.start < range.end).then_some(range)
}

/// A part of a query.
fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (decoded(name, true), decoded(value, true))
}

/// Percent-encoded text as it was; what is no encoding stays. In queries a `+` is a space.
fn decoded(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = behind.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(if query && *first == b'+' { b' ' } else { *first });
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const ENTITIES: [(&str, &str); 5] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&apos;")];

fn escaped(text: &str) -> String {
    ENTITIES.iter().fold(text.to_owned(), |text, (plain, entity)| text.replace(plain, entity))
}

fn unescaped(text: &str) -> String {
    ENTITIES.iter().rev().fold(text.to_owned(), |text, (plain, entity)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(range("bytes=0-9", 100), Some(0..10));
        assert_eq!(range("bytes=90-200", 100), Some(90..100));
        assert_eq!(range("bytes=90-", 100), Some(90..100));
        assert_eq!(range("bytes=-10", 100), Some(90..100));
        assert_eq!(range("bytes=-200", 100), Some(0..100));
        for nothing in ["bytes=100-", "bytes=9-8", "bytes=-0", "bytes=-", "bytes=a-b", "lines=0-9", "bytes=0-1,3-4"] {
            assert_eq!(range(nothing, 100), None, "{nothing}");
        }
    }

    #[test]
    fn names_in_urls_and_in_xml() {
        assert_eq!(decoded("day%3D2026-11-19/a+b%20c%2B%C3%A4%2", false), "day=2026-11-19/a+b c+ä%2");
        assert_eq!(pair("prefix=a+b%2Fc"), ("prefix".to_owned(), "a b/c".to_owned()));
        let text = "<a & \"b\" &amp; 'c'>";
        assert_eq!((escaped("a&b"), unescaped(&escaped(text))), ("a&amp;b".to_owned(), text.to_owned()));
    }
}
