//! What `fsync` is for: on a local disk, data must be safe before the commit that names it, and the commit before
//! we say so. Object stores do this themselves.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

/// Forces files of one folder to the disk.
pub(crate) struct Durable {
    /// `None` if it is not local: then there is nothing to do.
    folder: Option<PathBuf>,
    /// Directories of which the disk is known to hold the name.
    named: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Durable {
    pub(crate) fn new(folder: &Url) -> Durable {
        let local = (folder.scheme() == "file").then(|| folder.to_file_path().ok()).flatten();
        Durable { folder: local, named: Arc::default() }
    }

    /// Where a file of the folder is on the disk.
    pub(crate) fn local(&self, path: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(path))
    }

    /// Forces files to the disk, and the directories on the way to them. `paths` are relative to the folder.
    ///
    /// Fails with the path that is missing or cannot be read.
    pub(crate) async fn sync(&self, paths: Vec<String>) -> Result<(), (String, io::Error)> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        let named = Arc::clone(&self.named);
        let work = move || {
            let mut changed = HashSet::new();
            let mut new_names = Vec::new();
            for path in paths {
                let file = folder.join(&path);
                File::open(&file).and_then(|file| file.sync_all()).map_err(|e| (path, e))?;
                changed.extend(file.parent().map(Path::to_path_buf));
                // Any directory from there up to the one that holds the folder may be new.
                for directory in file.ancestors().skip(1).take_while(|directory| directory.starts_with(&folder)) {
                    if !named.lock().unwrap_or_else(PoisonError::into_inner).contains(directory) {
                        changed.extend(directory.parent().map(Path::to_path_buf));
                        new_names.push(directory.to_path_buf());
                    }
                }
            }
            for directory in changed {
                sync_directory(&directory).map_err(|e| (directory.display().to_string(), e))?;
            }
            named.lock().unwrap_or_else(PoisonError::into_inner).extend(new_names);
            Ok(())
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err((String::new(), io::Error::other(e))))
    }
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a directory cannot be opened; its file system keeps names itself.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
