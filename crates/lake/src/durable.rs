//! What `fsync` is for: on a local disk, data must be safe before the commit that names it, and the commit before
//! we say so. Object stores do this themselves.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

/// Forces files under `folder`, and the directories on the way to them, to the disk.
///
/// Does nothing for a folder that is not local. Fails with the path that is missing or cannot be read.
pub(crate) async fn sync(folder: &Url, paths: Vec<String>) -> Result<(), (String, io::Error)> {
    if folder.scheme() != "file" {
        return Ok(());
    }
    let Ok(folder) = folder.to_file_path() else { return Ok(()) };
    let work = move || {
        let mut names = BTreeSet::new();
        for path in paths {
            let file = folder.join(&path);
            names.extend(directories(&file, &folder));
            File::open(&file).and_then(|file| file.sync_all()).map_err(|e| (path, e))?;
        }
        for directory in names {
            sync_directory(&directory).map_err(|e| (directory.display().to_string(), e))?;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err((String::new(), io::Error::other(e))))
}

/// The directories from the file up to the one that holds `folder`: any of them may be new.
fn directories(file: &Path, folder: &Path) -> Vec<PathBuf> {
    let top = folder.parent().unwrap_or(folder);
    let upwards = file.ancestors().skip(1).take_while(|directory| directory.starts_with(top));
    upwards.map(Path::to_path_buf).collect()
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
