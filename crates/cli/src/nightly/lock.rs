//! One night at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::show::safe;

const NAME: &str = ".lock";

/// Held until it is dropped or the process ends, however it ends: the kernel keeps it.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder.
    ///
    /// # Errors
    /// Another process holds it; then who and since when is said.
    pub(super) fn take(folder: &Path) -> Result<Lock> {
        let path = folder.join(NAME);
        let context = || format!("cannot open the lock {}", safe(&path.to_string_lossy()));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                bail!("another night is at work in {}: {}", safe(&folder.to_string_lossy()), holder(&text));
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let holder = json!({ "pid": std::process::id(), "host": host(), "since": since });
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "{holder}")?;
        Ok(Lock { _file: file })
    }
}

fn holder(text: &str) -> String {
    let holder: Value = serde_json::from_str(text).unwrap_or_default();
    match (holder["pid"].as_u64(), holder["since"].as_str()) {
        (Some(pid), Some(since)) => {
            format!("process {pid} on {} since {}", safe(holder["host"].as_str().unwrap_or("?")), safe(since))
        }
        // It has just begun.
        _ => "it has not said who it is yet".to_owned(),
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "this machine".to_owned() } else { name.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(refused.contains(&format!("process {} on ", std::process::id())), "{refused}");
        drop(first);
        Lock::take(folder.path()).unwrap();
    }
}
