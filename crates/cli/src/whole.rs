//! Files that others find whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::NamedTempFile;
use tokio::signal::unix::{SignalKind, signal};

/// A file that is written beside its place and then put there; if that is not reached, nothing stays of it. Two at once are in nobody's
/// way: the later one stays. A link is followed; what is no regular file (a device, a pipe) is written as it is.
pub(crate) enum WholeFile {
    Beside { part: NamedTempFile, place: PathBuf, listed: Listed },
    Straight(File),
}

impl WholeFile {
    pub(crate) fn create(path: &Path) -> io::Result<WholeFile> {
        let found = fs::metadata(path).ok();
        let place = match &found {
            Some(found) if !found.is_file() && !found.is_dir() => {
                return Ok(WholeFile::Straight(OpenOptions::new().write(true).open(path)?));
            }
            Some(_) => fs::canonicalize(path)?,
            None => path.to_owned(),
        };
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{name}.");
        builder.prefix(&prefix).suffix(".part");
        // As any new file, not as a temporary one; an old one keeps what it has.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let part = builder.tempfile_in(folder)?;
        if let Some(found) = found {
            part.as_file().set_permissions(found.permissions())?;
        }
        let listed = Listed::new(part.path());
        Ok(WholeFile::Beside { part, place, listed })
    }

    /// Puts it in its place.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            WholeFile::Beside { part, place, listed } => {
                let done = part.persist(place).map(drop).map_err(|e| e.error);
                drop(listed);
                done
            }
            WholeFile::Straight(mut file) => file.flush(),
        }
    }

    /// As [`WholeFile::finish`], and the disk has it.
    pub(crate) fn finish_durably(self) -> io::Result<()> {
        let WholeFile::Beside { part, place, .. } = &self else { return self.finish() };
        part.as_file().sync_all()?;
        let folder = place.parent().map(Path::to_owned);
        self.finish()?;
        match folder {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// The files that are half written: a signal ends the process without dropping anything.
static HALF_WRITTEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A place among the files that are half written.
pub(crate) struct Listed(PathBuf);

impl Listed {
    fn new(part: &Path) -> Listed {
        if let Ok(mut list) = HALF_WRITTEN.lock() {
            list.push(part.to_owned());
        }
        Listed(part.to_owned())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Ok(mut list) = HALF_WRITTEN.lock() {
            list.retain(|path| *path != self.0);
        }
    }
}

/// From now on each of these signals removes what is half written and ends the process. For commands that have no other use for them.
pub(crate) fn end_on(signals: &[SignalKind]) {
    for &kind in signals {
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
            runtime.block_on(async {
                if let Ok(mut signal) = signal(kind)
                    && signal.recv().await.is_some()
                {
                    // Kept locked, so that no file is begun meanwhile.
                    let list = HALF_WRITTEN.lock();
                    for part in list.iter().flat_map(|list| list.iter()) {
                        let _ = fs::remove_file(part);
                    }
                    std::process::exit(128 + kind.as_raw_value());
                }
            });
        });
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            WholeFile::Beside { part, .. } => part.write(bytes),
            WholeFile::Straight(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            WholeFile::Beside { part, .. } => part.flush(),
            WholeFile::Straight(file) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut file = WholeFile::create(path)?;
        file.write_all(text.as_bytes())?;
        file.finish()
    }

    #[test]
    fn whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.csv");
        let mut slow = WholeFile::create(&place).unwrap();
        slow.write_all(b"slow").unwrap();
        write(&place, "quick").unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "quick");
        slow.finish().unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "slow");
        WholeFile::create(&place).unwrap().write_all(b"given up").unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "slow");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays beside it");
        assert!(write(folder.path(), "a folder").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_and_modes_and_devices_stay() {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (place, link) = (folder.path().join("a.csv"), folder.path().join("link.csv"));
        fs::write(&place, "old").unwrap();
        fs::set_permissions(&place, PermissionsExt::from_mode(0o600)).unwrap();
        symlink(&place, &link).unwrap();
        write(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&place).unwrap(), "new");
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);

        let device = folder.path().join("null");
        symlink("/dev/null", &device).unwrap();
        write(&device, "nowhere").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        assert!(fs::symlink_metadata(&device).unwrap().is_symlink());
    }
}
