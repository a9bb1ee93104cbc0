//! A log file that begins anew when it is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes of a file before it becomes `FILE.1`.
pub(super) const MAX_BYTES: u64 = 16 << 20;
/// Files kept beside the current one: `FILE.1`, the youngest, to `FILE.5`.
pub(super) const KEPT: u32 = 5;

/// `FILE`, `FILE.1` ... `FILE.5`. Several processes may write at once: lines are appended whole.
///
/// Not `tracing-appender`: to keep to its limit it deletes whatever in the folder begins and ends as the file's name does, and a day's
/// file may grow without limit.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    max_bytes: u64,
}

impl LogFile {
    pub(super) fn open(path: &Path, max_bytes: u64) -> io::Result<LogFile> {
        Ok(LogFile { path: path.to_owned(), file: append(path)?, max_bytes })
    }

    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        // Asked of the file, because others may write to it.
        let size = self.file.metadata()?.len();
        if size > 0 && size + line.len() as u64 > self.max_bytes {
            self.renew()?;
        }
        self.file.write_all(line)
    }

    fn renew(&mut self) -> io::Result<()> {
        // Another process may have done it a moment ago: then its new file is ours too.
        if fs::metadata(&self.path).is_ok_and(|current| current.len() >= self.max_bytes / 2) {
            for n in (1..KEPT).rev() {
                let _ = fs::rename(numbered(&self.path, n), numbered(&self.path, n + 1)); // most often there is none
            }
            fs::rename(&self.path, numbered(&self.path, 1))?;
        }
        self.file = append(&self.path)?;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_anew_when_full_and_keeps_so_many_and_nothing_else_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(folder.path().join("a.log.old"), "mine").unwrap();
        let (mut one, mut other) = (LogFile::open(&path, 100).unwrap(), LogFile::open(&path, 100).unwrap());
        for i in 0..50 {
            let log = if i % 2 == 0 { &mut one } else { &mut other };
            log.write(format!("{i:029}\n").as_bytes()).unwrap(); // three fit
        }
        let mut names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["a.log", "a.log.1", "a.log.2", "a.log.3", "a.log.4", "a.log.5", "a.log.old"]);
        assert!(fs::metadata(&path).unwrap().len() <= 100);
        let kept: String = (1..=5).rev().map(|n| fs::read_to_string(numbered(&path, n)).unwrap()).collect();
        let lines: Vec<u32> =
            (kept + &fs::read_to_string(&path).unwrap()).lines().map(|l| l.parse().unwrap()).collect();
        let mut sorted = lines.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (50 - lines.len() as u32..50).collect::<Vec<_>>(), "no line is lost but the oldest");
    }
}
