//! A data file of the lake, open for reading.

use std::fs::File;
use std::io::{self, Read};

use albatross_lake::Lake;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStoreExt};
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

/// On a disk read where it is needed; from elsewhere whole, for a request per page would take long.
#[derive(Debug)]
pub(crate) enum LakeFile {
    Disk(File),
    Memory(Bytes),
}

pub(crate) async fn open(lake: &Lake, location: &Path) -> object_store::Result<LakeFile> {
    let found = lake.object_store().get(location).await?;
    match found.payload {
        GetResultPayload::File(file, _) => Ok(LakeFile::Disk(file)),
        GetResultPayload::Stream(_) => Ok(LakeFile::Memory(found.bytes().await?)),
    }
}

impl LakeFile {
    /// The same file once more.
    pub(crate) fn again(&self) -> io::Result<LakeFile> {
        Ok(match self {
            LakeFile::Disk(file) => LakeFile::Disk(file.try_clone()?),
            LakeFile::Memory(bytes) => LakeFile::Memory(bytes.clone()),
        })
    }
}

impl Length for LakeFile {
    fn len(&self) -> u64 {
        match self {
            LakeFile::Disk(file) => Length::len(file),
            LakeFile::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for LakeFile {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Box<dyn Read>> {
        Ok(match self {
            LakeFile::Disk(file) => Box::new(file.get_read(start)?),
            LakeFile::Memory(bytes) => Box::new(ChunkReader::get_read(bytes, start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            LakeFile::Disk(file) => file.get_bytes(start, length),
            LakeFile::Memory(bytes) => ChunkReader::get_bytes(bytes, start, length),
        }
    }
}
