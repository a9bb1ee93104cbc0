//! Files that fit into memory are read and decompressed whole: libdeflate is twice as fast as a streaming decoder.

use std::io::Read;

use xxhash_rust::xxh3::xxh3_128;

use crate::decompress::{Decompressed, GZIP_MAGIC, ZSTD_MAGIC};
use crate::gzip::Gunzip;
use crate::source::{Source, plain};

/// A stored file up to this size is read at once...
const MAX_STORED: u64 = 32 << 20;
/// ...if its text is not larger than this.
const MAX_RAW: usize = 72 << 20;

/// A whole file, uncompressed.
pub(crate) struct Text<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) stored_bytes: u64,
    /// xxh3-128 of the stored bytes.
    pub(crate) content_hash: u128,
}

/// Memory and decoder of one thread, reused from file to file.
#[derive(Default)]
pub(crate) struct Buffers {
    stored: Vec<u8>,
    raw: Vec<u8>,
    gunzip: Gunzip,
}

impl Buffers {
    /// Reads and decompresses `source`; `None` if it is too large for that.
    pub(crate) fn read(&mut self, source: &Source) -> Result<Option<Text<'_>>, String> {
        if !source.is_sized() || source.size > MAX_STORED {
            return Ok(None);
        }
        self.stored.clear();
        // One byte more than expected, so that a file that grows is noticed.
        let file = source.open().map_err(|e| plain(&e))?;
        file.take(source.size + 1).read_to_end(&mut self.stored).map_err(|e| plain(&e))?;
        check_size(source, self.stored.len() as u64)?;

        let is_gzip = self.stored.starts_with(&GZIP_MAGIC);
        let bytes = if !is_gzip && !self.stored.starts_with(&ZSTD_MAGIC) {
            self.stored.as_slice()
        } else if is_gzip && let Some(length) = self.gunzip.all_members(&self.stored, &mut self.raw, MAX_RAW) {
            &self.raw[..length]
        } else {
            // Zstandard, and gzip that libdeflate does not like; this also finds the words for what is wrong with it.
            self.raw.clear();
            let reader = Decompressed::new(self.stored.as_slice()).map_err(|e| e.to_string())?;
            let length = reader.take(MAX_RAW as u64 + 1).read_to_end(&mut self.raw).map_err(|e| e.to_string())?;
            if length > MAX_RAW {
                return Ok(None);
            }
            self.raw.as_slice()
        };
        if bytes.len() > MAX_RAW {
            return Ok(None);
        }
        Ok(Some(Text { bytes, stored_bytes: source.size, content_hash: xxh3_128(&self.stored) }))
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
