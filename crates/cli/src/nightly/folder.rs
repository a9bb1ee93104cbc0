//! The folder of a day: written beside its place, and put there whole.
//!
//! In the output folder are `2026-11-20` and so on; `.new-2026-11-20` while it is being written; `.old-2026-11-20` for a moment, where the file
//! system cannot exchange two folders; `.lock`; `.sent`. What begins with a dot is no business of readers.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::show::safe;
use crate::whole::WholeFile;

const NEW: &str = ".new-";
const OLD: &str = ".old-";

/// A folder that nobody sees yet.
pub(super) struct Folder {
    /// Where it is to be.
    place: PathBuf,
    new: PathBuf,
    old: PathBuf,
}

impl Folder {
    /// Makes the folder, empty. The lock must be held.
    pub(super) fn make(out: &Path, day: NaiveDate) -> Result<Folder> {
        let folder = Folder {
            place: out.join(day.to_string()),
            new: out.join(format!("{NEW}{day}")),
            old: out.join(format!("{OLD}{day}")),
        };
        fs::create_dir(&folder.new).with_context(|| format!("cannot make {}", safe(&folder.new.to_string_lossy())))?;
        Ok(folder)
    }

    /// A folder in it, made if it is missing.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.new.join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", safe(&path.to_string_lossy())))?;
        Ok(path)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.new.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", safe(&path.to_string_lossy())))
    }

    /// Takes it away, unseen.
    pub(super) fn discard(self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.new)?)
    }

    /// All files in it, sorted, as they are called from it.
    pub(super) fn files(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        walk(&self.new, &mut |path, is_file| {
            if is_file && let Ok(name) = path.strip_prefix(&self.new) {
                names.push(name.to_string_lossy().into_owned());
            }
            Ok(())
        })?;
        names.sort();
        Ok(names)
    }

    /// Puts it in its place, in one step; what is there goes. Returns the place. After that a loss of power does not undo it.
    pub(super) fn publish(self) -> Result<PathBuf> {
        let context = || format!("cannot put {} in its place", safe(&self.place.to_string_lossy()));
        walk(&self.new, &mut |path, _| File::open(path)?.sync_all()).with_context(context)?;
        File::open(&self.new)?.sync_all()?;
        if !self.place.exists() {
            fs::rename(&self.new, &self.place).with_context(context)?;
        } else if renameat_with(CWD, &self.new, CWD, &self.place, RenameFlags::EXCHANGE).is_ok() {
            self.sync_out()?;
            fs::remove_dir_all(&self.new).with_context(context)?;
        } else {
            // A file system without exchange: for a moment there is none, and `clean` puts the old one back after a crash.
            fs::rename(&self.place, &self.old).with_context(context)?;
            fs::rename(&self.new, &self.place).with_context(context)?;
            self.sync_out()?;
            fs::remove_dir_all(&self.old).with_context(context)?;
        }
        self.sync_out()?;
        Ok(self.place)
    }

    fn sync_out(&self) -> Result<()> {
        match self.place.parent() {
            Some(out) => Ok(File::open(out)?.sync_all()?),
            None => Ok(()),
        }
    }
}

/// Removes what nights left that did not end. The lock must be held.
pub(super) fn clean(out: &Path) -> Result<()> {
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(day) = name.strip_prefix(OLD)
            && !out.join(day).exists()
        {
            fs::rename(entry.path(), out.join(day))?;
            continue;
        }
        if name.starts_with(NEW) || name.starts_with(OLD) {
            tracing::info!(folder = name, "removed what an unfinished night left");
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// The folders of days, the earliest first.
pub(super) fn days(out: &Path) -> Result<Vec<(NaiveDate, PathBuf)>> {
    let mut days = Vec::new();
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(day) =
            name.to_str().and_then(|name| name.parse::<NaiveDate>().ok().filter(|day| day.to_string() == name))
        {
            days.push((day, entry.path()));
        }
    }
    days.sort();
    Ok(days)
}

/// Writes a file of a folder that is in its place already: whole or not at all, and durably.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.finish_durably()
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, bool) -> std::io::Result<()>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, visit)?;
            visit(&path, false)?;
        } else {
            visit(&path, true)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()
    }

    fn listed(out: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_day_is_replaced_as_a_whole() {
        let out = tempfile::tempdir().unwrap();
        for names in [&["a", "csv/b"][..], &["c"]] {
            let folder = Folder::make(out.path(), day()).unwrap();
            for name in names {
                folder.folder("csv").unwrap();
                folder.write(name, b"x").unwrap();
            }
            assert_eq!(folder.files().unwrap(), names);
            let place = folder.publish().unwrap();
            assert_eq!(listed(out.path()), ["2026-11-20"]);
            assert!(place.join(names[0]).exists());
        }
        assert!(!out.path().join("2026-11-20/a").exists());
        assert_eq!(days(out.path()).unwrap().len(), 1);
    }

    #[test]
    fn what_a_crash_left_is_cleaned() {
        let out = tempfile::tempdir().unwrap();
        for name in [".new-2026-11-20", ".old-2026-11-19", ".old-2026-11-18", "2026-11-18", ".sent"] {
            fs::create_dir(out.path().join(name)).unwrap();
            fs::write(out.path().join(name).join("of"), name).unwrap();
        }
        clean(out.path()).unwrap();
        assert_eq!(listed(out.path()), [".sent", "2026-11-18", "2026-11-19"]);
        assert_eq!(fs::read_to_string(out.path().join("2026-11-19/of")).unwrap(), ".old-2026-11-19");
        assert_eq!(fs::read_to_string(out.path().join("2026-11-18/of")).unwrap(), "2026-11-18");
    }
}
