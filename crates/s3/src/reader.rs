//! An object in ranges, fetched ahead and read in order.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::bucket::{Bucket, Object};
use crate::error::{Error, Result};

/// Bytes of a range. An object up to this size is one request.
pub(crate) const PART: u64 = 8 << 20;
/// Ranges that are fetched at once.
const PARTS: usize = 4;

/// See [`Bucket::reader`].
pub struct Reader {
    bucket: Bucket,
    object: Object,
    runtime: Handle,
    /// Where the next range begins.
    next: u64,
    running: VecDeque<Running>,
    /// The range that is being read, and what of it has been.
    current: Vec<u8>,
    read: usize,
    failed: bool,
}

/// A range on its way. It goes on while nobody looks, and ends when nobody wants it any more.
struct Running(JoinHandle<Result<Vec<u8>>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Future for Running {
    type Output = Result<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let stopped = |error| Error::Refused(format!("the download was stopped: {error}"));
        Pin::new(&mut self.0).poll(context).map(|joined| joined.map_err(stopped)?)
    }
}

impl Reader {
    pub(crate) fn new(bucket: Bucket, object: Object, runtime: Handle) -> Reader {
        let (running, current) = (VecDeque::new(), Vec::new());
        Reader { bucket, object, runtime, next: 0, running, current, read: 0, failed: false }
    }

    /// The next range, while those behind it are fetched; `None` at the end.
    async fn part(&mut self) -> Option<Result<Vec<u8>>> {
        while self.running.len() < PARTS && self.next < self.object.size {
            let range = self.next..self.object.size.min(self.next + PART);
            self.next = range.end;
            let (bucket, object) = (self.bucket.clone(), self.object.clone());
            self.running.push_back(Running(self.runtime.spawn(async move { bucket.range(&object, range).await })));
        }
        let first = self.running.pop_front()?;
        Some(first.await)
    }

    pub(crate) async fn whole(mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.object.size).unwrap_or(0));
        while let Some(part) = self.part().await {
            bytes.extend_from_slice(&part?);
        }
        Ok(bytes)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.current.len() {
            (self.current, self.read) = (Vec::new(), 0);
            if self.failed {
                return Err(io::Error::other("an earlier part could not be read"));
            }
            let runtime = self.runtime.clone();
            let part = runtime.block_on(self.part()).unwrap_or_else(|| Ok(Vec::new()));
            // What follows a part that is missing must not be taken for it.
            self.failed = part.is_err();
            self.current = part.map_err(io::Error::other)?;
        }
        let rest = &self.current[self.read..];
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.read += n;
        Ok(n)
    }
}
