//! Files that fit into memory. gzip is decompressed by libdeflate, twice as fast as a streaming decoder, member by member: the
//! members of busy load balancers' files are small enough to be decoded while they are in the processor's cache.

use std::io::Read;

use xxhash_rust::xxh3::xxh3_128;

use crate::decompress::{Decompressed, GZIP_MAGIC, ZSTD_MAGIC};
use crate::done::Trouble;
use crate::gzip::{Gunzip, Room};
use crate::parquet_text::PARQUET_MAGIC;
use crate::pool::Shared;
use crate::source::{Source, plain};

/// A stored file up to this size is read at once, if there is [`Room`] for its text.
pub(crate) const MAX_STORED: u64 = 32 << 20;
/// What a thread holds for one file at most.
pub(crate) const MAX_BYTES: usize = MAX_STORED as usize + Room::BYTES;
/// What is decompressed at once where there are no members.
const PIECE: usize = 1 << 20;

/// Memory and decoder of one thread, reused from file to file.
#[derive(Default)]
pub(crate) struct Buffers {
    stored: Vec<u8>,
    raw: Room,
    gunzip: Gunzip,
}

/// A file as it is stored, read whole.
pub(crate) struct Stored<'a> {
    bytes: &'a [u8],
    raw: &'a mut Room,
    gunzip: &'a mut Gunzip,
}

impl Buffers {
    /// Bytes held.
    pub(crate) fn size_bytes(&self) -> usize {
        self.stored.capacity() + self.raw.size_bytes()
    }

    /// Reads `source`; `None` if it is too large for that.
    pub(crate) fn load(&mut self, source: &Source, shared: &Shared<'_>) -> Result<Option<Stored<'_>>, Trouble> {
        if !source.is_sized() || source.size > MAX_STORED {
            return Ok(None);
        }
        if let Some(bytes) = shared.prefetch.take(source, || shared.stopping()) {
            self.stored = bytes?;
            return Ok(Some(Stored { bytes: &self.stored, raw: &mut self.raw, gunzip: &mut self.gunzip }));
        }
        if shared.stopping() {
            return Err(Trouble::Stopped);
        }
        self.stored.clear();
        // One byte more than expected, so that a file that grows is noticed.
        let file = source.open().map_err(|e| plain(&e))?;
        file.take(source.size + 1).read_to_end(&mut self.stored).map_err(|e| plain(&e))?;
        check_size(source, self.stored.len() as u64)?;
        Ok(Some(Stored { bytes: &self.stored, raw: &mut self.raw, gunzip: &mut self.gunzip }))
    }
}

impl Stored<'_> {
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// xxh3-128 of the stored bytes.
    pub(crate) fn content_hash(&self) -> u128 {
        xxh3_128(self.bytes)
    }

    /// Gives the uncompressed text to `sink` in pieces, cut anywhere, none of them empty.
    ///
    /// `Ok(false)` if there is more than fits into memory; `sink` has then seen a part of it. So it has when an error is
    /// returned, by `sink` or because the file is broken.
    pub(crate) fn each_piece<E: From<String>>(
        &mut self,
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut rest = self.bytes;
        let mut total = 0;
        if ![&GZIP_MAGIC[..], &ZSTD_MAGIC, &PARQUET_MAGIC].iter().any(|magic| rest.starts_with(magic)) {
            if rest.len() > Room::BYTES {
                return Ok(false);
            }
            return if rest.is_empty() { Ok(true) } else { sink(rest).map(|()| true) };
        }
        while rest.starts_with(&GZIP_MAGIC)
            && let Some(member) = self.gunzip.member(rest, self.raw.get())
        {
            rest = &rest[member.read..];
            total += member.written;
            if total > Room::BYTES {
                return Ok(false);
            }
            if member.written > 0 {
                sink(self.raw.text(member.written))?;
            }
        }
        if rest.is_empty() {
            return Ok(true);
        }
        if rest.starts_with(&GZIP_MAGIC) {
            // Nobody knows how much of it was filled.
            *self.raw = Room::default();
        }
        // Zstandard, Parquet, and gzip that libdeflate does not like; this also finds the words for what is wrong with it.
        let at = self.len() - rest.len() as u64;
        let reader = if at == 0 { Decompressed::new(rest) } else { Decompressed::behind_member(rest, at) };
        let mut reader = reader.map_err(|e| e.to_string())?;
        loop {
            let read = reader.read(&mut self.raw.get()[..PIECE]).map_err(|e| e.to_string())?;
            total += read;
            match read {
                0 => return Ok(true),
                _ if total > Room::BYTES => return Ok(false),
                _ => sink(self.raw.text(read))?,
            }
        }
    }
}

/// A file that is still being written must not be marked as done.
pub(crate) fn check_size(source: &Source, read: u64) -> Result<(), String> {
    if !source.is_sized() || read == source.size {
        return Ok(());
    }
    let (size, change) = (source.size, if read > source.size { "grew" } else { "shrank" });
    Err(format!("it {change} while it was read (it had {size} bytes when listed): run again when it is complete"))
}
