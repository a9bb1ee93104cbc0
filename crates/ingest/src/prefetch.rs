//! Small objects are fetched before a thread asks for them, many at once: the time to the first byte, which is what a small
//! object costs, passes while others are decoded.
//!
//! Memory: 64 MB of objects that are on their way or wait, at most 64 of them; beside what the threads hold.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use albatross_s3::{Bucket, Object};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use crate::source::{Source, uri_of};

/// Objects on their way or waiting.
const OBJECTS: usize = 64;
/// Their bytes, in units of [`UNIT`].
const UNITS: usize = 1024;
const UNIT: u64 = 64 << 10;

/// Fetches the small objects among some sources, in their order. Stops when it is dropped.
pub(crate) struct Prefetch {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// By URI.
    ready: Mutex<HashMap<String, Fetched>>,
    more: Condvar,
}

struct Fetched {
    result: Result<Vec<u8>, String>,
    /// Given back once somebody has taken it.
    _room: [OwnedSemaphorePermit; 2],
}

/// An object on its way. Whatever becomes of it, whoever waits for it is told.
struct Coming {
    uri: String,
    fetched: Option<Fetched>,
    shared: Arc<Shared>,
}

impl Drop for Coming {
    fn drop(&mut self) {
        if let Some(fetched) = self.fetched.take() {
            self.shared.ready().insert(std::mem::take(&mut self.uri), fetched);
            self.shared.more.notify_all();
        }
    }
}

impl Shared {
    fn ready(&self) -> MutexGuard<'_, HashMap<String, Fetched>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prefetch {
    pub(crate) fn start(runtime: &Handle, sources: &[Source]) -> Prefetch {
        let shared = Arc::<Shared>::default();
        let wanted: Vec<_> = sources.iter().filter_map(Source::small_object).collect();
        let task = (!wanted.is_empty()).then(|| runtime.spawn(fetch_all(wanted, Arc::clone(&shared))));
        Prefetch { shared, task }
    }

    /// The bytes of a source that is fetched here, each once; `None` for one that is not, and when `stopping`.
    ///
    /// Waits for it. That cannot be forever: sources are asked for in their order, so whatever takes up the room before this one has
    /// been or is being taken.
    pub(crate) fn take(&self, source: &Source, stopping: impl Fn() -> bool) -> Option<Result<Vec<u8>, String>> {
        source.small_object()?;
        let mut ready = self.shared.ready();
        while !stopping() {
            if let Some(fetched) = ready.remove(&source.uri) {
                return Some(fetched.result);
            }
            let wait = Duration::from_millis(200);
            ready = self.shared.more.wait_timeout(ready, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn fetch_all(wanted: Vec<(Bucket, Arc<Object>)>, shared: Arc<Shared>) {
    let (objects, units) = (Arc::new(Semaphore::new(OBJECTS)), Arc::new(Semaphore::new(UNITS)));
    let mut running = JoinSet::new();
    for (bucket, object) in wanted {
        let size = u32::try_from(object.size.div_ceil(UNIT).clamp(1, UNITS as u64)).unwrap_or(1);
        // Neither is ever closed.
        let Ok(one) = Arc::clone(&objects).acquire_owned().await else { return };
        let Ok(bytes) = Arc::clone(&units).acquire_many_owned(size).await else { return };
        let stopped = Err("the download stopped: this is a fault of the program".to_owned());
        let mut coming = Coming {
            uri: uri_of(&bucket, &object),
            fetched: Some(Fetched { result: stopped, _room: [one, bytes] }),
            shared: Arc::clone(&shared),
        };
        running.spawn(async move {
            let result = bucket.get(&object).await.map_err(|error| error.to_string());
            if let Some(fetched) = &mut coming.fetched {
                fetched.result = result;
            }
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}
