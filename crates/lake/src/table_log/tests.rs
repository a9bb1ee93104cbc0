//! Commits on a store that fails at the worst moment.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
};

use super::*;

const WORKS: u8 = 0;
const FAILS: u8 = 1;
const LOSES_ANSWERS: u8 = 2;

/// A store whose puts fail, or succeed and then report a failure.
#[derive(Debug, Default)]
struct Flaky {
    store: InMemory,
    puts: AtomicU8,
    /// Puts so far.
    tried: AtomicU32,
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flaky")
    }
}

#[async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> StoreResult<PutResult> {
        self.tried.fetch_add(1, Ordering::Relaxed);
        let broken = || StoreError::Generic { store: "Flaky", source: "the connection broke".into() };
        match self.puts.load(Ordering::Relaxed) {
            FAILS => Err(broken()),
            LOSES_ANSWERS => self.store.put_opts(path, payload, options).await.and(Err(broken())),
            _ => self.store.put_opts(path, payload, options).await,
        }
    }

    async fn put_multipart_opts(&self, p: &Path, o: PutMultipartOptions) -> StoreResult<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(p, o).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.store.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.store.copy_opts(from, to, options).await
    }
}

fn table(store: &Arc<Flaky>) -> TableLog {
    let url = Url::parse("memory:///lake/").unwrap();
    TableLog::new(Table::Rejects, &url, store.clone(), &Path::from("lake")).unwrap()
}

fn ids(name: &str) -> [TxnId; 1] {
    [TxnId::of_source(name, "", 0)]
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_counts_as_ours() {
    let store = Arc::new(Flaky::default());
    let ours = table(&store);
    ours.create().await.unwrap();
    store.puts.store(LOSES_ANSWERS, Ordering::Relaxed);
    assert_eq!(ours.commit(&ids("a"), &[]).await.unwrap(), Commit::Committed { version: 1 });
    assert_eq!(ours.commit(&ids("a"), &[]).await.unwrap(), Commit::AlreadyThere(ids("a").to_vec()));
    assert_eq!(ours.commit(&ids("b"), &[]).await.unwrap(), Commit::Committed { version: 2 });
}

#[tokio::test]
async fn who_has_fallen_behind_loses_one_race_and_not_each() {
    let store = Arc::new(Flaky::default());
    let (ours, others) = (table(&store), table(&store));
    ours.create().await.unwrap();
    ours.commit(&ids("first"), &[]).await.unwrap();
    for i in 0..9 {
        others.commit(&ids(&i.to_string()), &[]).await.unwrap();
    }
    let before = store.tried.load(Ordering::Relaxed);
    assert_eq!(ours.commit(&ids("last"), &[]).await.unwrap(), Commit::Committed { version: 11 });
    assert_eq!(store.tried.load(Ordering::Relaxed) - before, 2);
    assert_eq!(ours.commit(&ids("4"), &[]).await.unwrap(), Commit::AlreadyThere(ids("4").to_vec()));
}

#[tokio::test]
async fn a_commit_that_failed_leaves_nothing_and_can_be_tried_again() {
    let store = Arc::new(Flaky::default());
    let ours = table(&store);
    ours.create().await.unwrap();
    store.puts.store(FAILS, Ordering::Relaxed);
    assert!(matches!(ours.commit(&ids("a"), &[]).await, Err(Error::Delta(_))));
    store.puts.store(WORKS, Ordering::Relaxed);
    assert!(ours.txns().await.unwrap().is_empty());
    assert_eq!(ours.commit(&ids("a"), &[]).await.unwrap(), Commit::Committed { version: 1 });
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_does_not_fail_the_commit() {
    let store = Arc::new(Flaky::default());
    let ours = table(&store);
    for i in 1..=CHECKPOINT_INTERVAL {
        if i == CHECKPOINT_INTERVAL {
            store.puts.store(LOSES_ANSWERS, Ordering::Relaxed); // the checkpoint fails, the commit is there
        }
        assert_eq!(ours.commit(&ids(&i.to_string()), &[]).await.unwrap(), Commit::Committed { version: i });
    }
    store.puts.store(WORKS, Ordering::Relaxed);
    assert_eq!(table(&store).txns().await.unwrap().len() as u64, CHECKPOINT_INTERVAL);
}
