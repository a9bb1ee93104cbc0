//! Where a lake is: a folder on a disk, or a prefix in a bucket.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use albatross_s3::{Address, S3};
use futures::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use url::Url;
use uuid::Uuid;

use crate::{Error, Result};

/// The root of a lake.
pub(crate) struct Place {
    /// Ends in `/`.
    pub(crate) root: Url,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The root in the store.
    pub(crate) path: Path,
}

impl Place {
    /// A place that may hold a lake or not.
    pub(crate) async fn find(location: &str, s3: &S3) -> Result<Place> {
        if Address::is_s3(location) {
            return in_bucket(location, s3).await;
        }
        let folder = local_path(location)?.canonicalize();
        let folder = folder.ok().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| Error::NotALake { location: location.to_owned() })?;
        let place = on_disk(location, folder)?;
        place.refuse_table(location).await?;
        Ok(place)
    }

    /// A place that can be written to.
    pub(crate) async fn make(location: &str, s3: &S3) -> Result<Place> {
        let place = if Address::is_s3(location) {
            let place = in_bucket(location, s3).await?;
            place.probe(location).await?;
            place
        } else {
            let path = local_path(location)?;
            let refused = |e: io::Error| refuse(location, e.to_string());
            std::fs::create_dir_all(&path).map_err(refused)?;
            on_disk(location, path.canonicalize().map_err(refused)?)?
        };
        place.refuse_table(location).await?;
        Ok(place)
    }

    /// Nothing but a lake's root can be here.
    async fn refuse_table(&self, location: &str) -> Result<()> {
        match self.store.list(Some(&self.path.clone().join("_delta_log"))).next().await.transpose()? {
            Some(_) => Err(refuse(location, "it is a Delta table itself; a lake is the folder above its tables")),
            None => Ok(()),
        }
    }

    /// Refuses a store that overwrites where it was told not to: two ingests at once would lose each other's commits.
    async fn probe(&self, location: &str) -> Result<()> {
        // Hidden, so that an ingest of the same bucket does not take it for a log.
        let key = self.path.clone().join(format!(".probe-{}", Uuid::new_v4()));
        let put = |n: u8| {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            self.store.put_opts(&key, PutPayload::from(vec![n]), options)
        };
        let first = put(1).await;
        let second = match first {
            // That it is there already can only be our own doing: the first answer was lost.
            Ok(_) | Err(StoreError::AlreadyExists { .. }) => put(2).await,
            Err(_) => first,
        };
        let _ = self.store.delete(&key).await; // at worst a byte stays
        let refused = matches!(second, Err(StoreError::AlreadyExists { .. }));
        tracing::info!(lake = location, refused, "store probed with two conditional writes");
        let ignores = "the store ignores `If-None-Match: *`, so that two ingests at once would lose data; \
                       S3 itself, MinIO and R2 can hold a lake";
        match second {
            Err(StoreError::AlreadyExists { .. }) => Ok(()),
            Ok(_) | Err(StoreError::NotImplemented { .. }) => Err(refuse(location, ignores)),
            Err(error) if error.to_string().contains("501") => Err(refuse(location, ignores)),
            Err(error) => Err(error.into()),
        }
    }
}

fn on_disk(location: &str, folder: PathBuf) -> Result<Place> {
    let root = Url::from_directory_path(folder).map_err(|()| refuse(location, "it has no URL"))?;
    let path = Path::from_url_path(root.path()).map_err(|e| refuse(location, e.to_string()))?;
    Ok(Place { root, store: Arc::new(LocalFileSystem::new()), path })
}

async fn in_bucket(location: &str, s3: &S3) -> Result<Place> {
    let s3_error = |error| Error::S3 { location: location.to_owned(), source: error };
    let address = Address::parse(location).map_err(s3_error)?;
    let prefix = address.key.trim_end_matches('/');
    let path = Path::parse(prefix).map_err(|e| refuse(location, e.to_string()))?;
    let mut root = Url::parse(&format!("s3://{}/", address.bucket)).map_err(|e| refuse(location, e.to_string()))?;
    if !prefix.is_empty() {
        root.path_segments_mut()
            .map_err(|()| refuse(location, "it has no URL"))?
            .clear()
            .extend(path.parts().map(|p| p.as_ref().to_owned()))
            .push("");
    }
    let bucket = s3.bucket(&address.bucket).await.map_err(s3_error)?;
    let store = bucket.object_store(&address.key).map_err(s3_error)?;
    Ok(Place { root, store, path })
}

fn local_path(location: &str) -> Result<PathBuf> {
    if location.is_empty() {
        return Err(refuse(location, "the path is empty"));
    }
    if !location.contains("://") {
        return Ok(PathBuf::from(location));
    }
    let url = Url::parse(location).map_err(|e| refuse(location, e.to_string()))?;
    match url.scheme() {
        "file" => url.to_file_path().map_err(|()| refuse(location, "the URL is not that of a local path")),
        _ => Err(refuse(location, "only paths, file: and s3: URLs are supported")),
    }
}

fn refuse(location: &str, reason: impl Into<String>) -> Error {
    Error::Location { location: location.to_owned(), reason: reason.into() }
}
