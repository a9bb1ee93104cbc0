//! New files of the lake: in memory until they are complete, in pieces, so that they are never copied as a whole.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use albatross_lake::{Lake, NewFile, Table};
use bytes::Bytes;
use chrono::NaiveDate;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::file::metadata::ParquetMetaData;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::Error;

const PIECE: usize = 4 << 20;

/// Where a Parquet writer writes to; clones share the bytes.
#[derive(Clone, Default)]
pub(super) struct Sink(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pieces.last().is_none_or(|last| last.len() == PIECE) {
            pieces.push(Vec::with_capacity(PIECE));
        }
        let last = pieces.last_mut().ok_or(io::ErrorKind::OutOfMemory)?;
        let count = bytes.len().min(PIECE - last.len());
        last.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    /// Stores what was written as a new file of the table. It is not committed.
    pub(super) fn store(
        self,
        runtime: &Handle,
        lake: &Lake,
        table: Table,
        day: Option<NaiveDate>,
        metadata: &ParquetMetaData,
    ) -> Result<NewFile, Error> {
        let pieces = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let size = pieces.iter().map(|piece| piece.len() as u64).sum();
        let name = Uuid::new_v4();
        let path = day.map_or_else(|| format!("{name}.parquet"), |day| format!("day={day}/{name}.parquet"));
        let file = NewFile::from_parquet(&path, size, day, metadata);
        let payload: PutPayload = pieces.into_iter().map(Bytes::from).collect();
        runtime.block_on(lake.object_store().put(&lake.location(table, &path), payload))?;
        Ok(file)
    }
}

/// Deletes files that will never be committed. Failing to do so leaves dead files, which a later clean-up finds.
pub(super) fn discard(runtime: &Handle, lake: &Lake, table: Table, files: &[NewFile]) {
    for file in files {
        let _ = runtime.block_on(lake.object_store().delete(&lake.location(table, &file.path)));
    }
}
