//! A new data file of the lake, while it is written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use albatross_lake::{Lake, NewFile, Table};
use bytes::Bytes;
use chrono::NaiveDate;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::file::metadata::ParquetMetaData;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{Error, tell};

/// What a Parquet writer writes to; clones are the same file. Unless it is stored, nothing stays of it.
///
/// On a local disk it is a file beside its place, renamed when it is complete: bytes go to the kernel while they are in the
/// processor's cache, and take no memory. For other stores it is in memory, in pieces, so that it is never copied as a whole.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<Unstored>>);

struct Unstored {
    table: Table,
    day: Option<NaiveDate>,
    /// Relative to the table.
    path: String,
    size: u64,
    since: Instant,
    to: To,
}

enum To {
    Disk(OnDisk),
    Memory(Vec<Vec<u8>>),
}

struct OnDisk {
    place: PathBuf,
    /// There from the first write on. A writer's own pieces are of 8 KB, which the kernel is slow to take.
    file: Option<BufWriter<File>>,
}

const MEMORY_PIECE: usize = 4 << 20;
const DISK_PIECE: usize = 256 << 10;

impl Output {
    /// Nothing is made before the first write.
    pub(crate) fn new(lake: &Lake, table: Table, day: Option<NaiveDate>) -> Output {
        let name = Uuid::new_v4();
        let path = day.map_or_else(|| format!("{name}.parquet"), |day| format!("day={day}/{name}.parquet"));
        let to = match lake.local_path(table, &path) {
            Some(place) => To::Disk(OnDisk { place, file: None }),
            None => To::Memory(Vec::new()),
        };
        Output(Arc::new(Mutex::new(Unstored { table, day, path, size: 0, since: Instant::now(), to })))
    }

    fn lock(&self) -> MutexGuard<'_, Unstored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what was written in its place. It is not committed.
    pub(crate) fn store(self, runtime: &Handle, lake: &Lake, metadata: &ParquetMetaData) -> Result<NewFile, Error> {
        let mut unstored = self.lock();
        let table = unstored.table;
        let new = NewFile::from_parquet(&unstored.path, unstored.size, unstored.day, metadata);
        match &mut unstored.to {
            To::Disk(disk) => disk.store().map_err(|error| Error::Disk { path: disk.place.clone(), error })?,
            To::Memory(pieces) => {
                let payload: PutPayload = std::mem::take(pieces).into_iter().map(Bytes::from).collect();
                runtime.block_on(lake.object_store().put(&lake.location(table, &new.path), payload))?;
            }
        }
        tracing::info!(
            table = table.name(),
            file = new.path,
            rows = new.rows,
            bytes = new.size,
            ms = tell::ms(unstored.since),
            "file written"
        );
        Ok(new)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut unstored = self.lock();
        let count = match &mut unstored.to {
            To::Disk(disk) => disk.write(bytes)?,
            To::Memory(pieces) => {
                if pieces.last().is_none_or(|last| last.len() == MEMORY_PIECE) {
                    pieces.push(Vec::with_capacity(MEMORY_PIECE));
                }
                let last = pieces.last_mut().ok_or(io::ErrorKind::OutOfMemory)?;
                let count = bytes.len().min(MEMORY_PIECE - last.len());
                last.extend_from_slice(&bytes[..count]);
                count
            }
        };
        unstored.size += count as u64;
        Ok(count)
    }

    /// Nobody would read it yet.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OnDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let path = temporary(&self.place);
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                none.insert(BufWriter::with_capacity(DISK_PIECE, File::create_new(path)?))
            }
        };
        file.write(bytes)
    }

    fn store(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.flush()?;
            fs::rename(temporary(&self.place), &self.place)?;
            self.file = None;
        }
        Ok(())
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(temporary(&self.place));
        }
    }
}

/// Named as object stores on a disk name theirs, so that listings hide it, and the clean-up finds that of a killed process.
fn temporary(place: &Path) -> PathBuf {
    let mut path = place.as_os_str().to_owned();
    path.push("#1");
    path.into()
}

/// Deletes files that will never be committed. Failing to do so leaves dead files, which a later clean-up finds: no reason to stop.
pub(crate) fn discard(runtime: &Handle, lake: &Lake, table: Table, files: &[NewFile]) {
    for file in files {
        tracing::debug!(table = table.name(), file = file.path, "file discarded");
        let _ = runtime.block_on(lake.object_store().delete(&lake.location(table, &file.path)));
    }
}
