//! Streaming decompression by magic bytes: gzip with any number of members, zstd, plain; Parquet becomes text. The output is capped.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use xxhash_rust::xxh3::Xxh3;

use crate::parquet_text::{PARQUET_MAGIC, ParquetText};

/// A file may expand to this many times its size (logs reach 30, deflate ends at 1032)...
const MAX_EXPANSION: u64 = 200;
/// ...and to this many bytes in any case.
const ALWAYS_ALLOWED: u64 = 1 << 30;

const BUFFER: usize = 256 << 10;

/// Stored bytes on their way in: counted and hashed.
pub(crate) struct Stored<R> {
    inner: R,
    hash: Xxh3,
    bytes: u64,
}

impl<R: Read> Stored<R> {
    pub(crate) fn new(inner: R) -> Stored<R> {
        Stored { inner, hash: Xxh3::new(), bytes: 0 }
    }

    /// xxh3-128 of the bytes read so far.
    pub(crate) fn content_hash(&self) -> u128 {
        self.hash.digest128()
    }
}

impl<R: Read> Read for Stored<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
}

/// The uncompressed bytes of a source.
pub(crate) struct Decompressed<R: Read> {
    kind: Kind<R>,
    produced: u64,
    /// Output that is not yet suspicious.
    always_allowed: u64,
}

enum Kind<R: Read> {
    Plain(BufReader<Stored<R>>),
    /// `None` only while one member ends and the next begins.
    Gzip(Option<Box<GzDecoder<BufReader<Stored<R>>>>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Stored<R>>>),
    Parquet(Box<ParquetText>, BufReader<Stored<R>>),
    End(BufReader<Stored<R>>),
}

pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
pub(crate) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

impl<R: Read> Decompressed<R> {
    pub(crate) fn new(source: R) -> io::Result<Decompressed<R>> {
        let mut reader = BufReader::with_capacity(BUFFER, Stored::new(source));
        let head = reader.fill_buf()?;
        let kind = if head.starts_with(&GZIP_MAGIC) {
            Kind::Gzip(Some(Box::new(GzDecoder::new(reader))))
        } else if head.starts_with(&ZSTD_MAGIC) {
            Kind::Zstd(zstd::stream::read::Decoder::with_buffer(reader)?)
        } else if head.starts_with(&PARQUET_MAGIC) {
            Kind::Parquet(Box::new(ParquetText::new(&mut reader)?), reader)
        } else {
            Kind::Plain(reader)
        };
        Ok(Decompressed { kind, produced: 0, always_allowed: ALWAYS_ALLOWED })
    }

    /// Goes on behind a gzip member that ended at byte `at` of the file.
    pub(crate) fn behind_member(source: R, at: u64) -> io::Result<Decompressed<R>> {
        let mut stored = Stored::new(source);
        stored.bytes = at;
        let kind = next_member(BufReader::with_capacity(BUFFER, stored))?;
        Ok(Decompressed { kind, produced: 0, always_allowed: ALWAYS_ALLOWED })
    }

    fn stored(&self) -> &Stored<R> {
        match &self.kind {
            Kind::Plain(reader) | Kind::End(reader) | Kind::Parquet(_, reader) => reader.get_ref(),
            Kind::Gzip(decoder) => decoder.as_ref().expect("between members").get_ref().get_ref(),
            Kind::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    /// Stored bytes read so far (a buffer ahead of what was decompressed).
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored().bytes
    }

    /// xxh3-128 of the stored bytes; of all of them once `read` has returned 0.
    pub(crate) fn content_hash(&self) -> u128 {
        self.stored().content_hash()
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.kind {
                Kind::Plain(reader) => return reader.read(buffer),
                Kind::Parquet(text, _) => return text.read(buffer),
                Kind::Zstd(decoder) => return decoder.read(buffer).map_err(|e| broken("zstd", e)),
                Kind::End(_) => return Ok(0),
                Kind::Gzip(decoder) => {
                    let n = decoder.as_mut().expect("between members").read(buffer).map_err(|e| broken("gzip", e))?;
                    if n > 0 || buffer.is_empty() {
                        return Ok(n);
                    }
                    let reader = decoder.take().expect("between members").into_inner();
                    self.kind = next_member(reader)?;
                }
            }
        }
    }
}

/// Behind a gzip member stands another one, nothing, or padding with zeros.
fn next_member<R: Read>(mut reader: BufReader<Stored<R>>) -> io::Result<Kind<R>> {
    loop {
        let rest = reader.fill_buf()?;
        match rest.iter().position(|&b| b != 0) {
            _ if rest.is_empty() => return Ok(Kind::End(reader)),
            Some(0) if rest[0] == GZIP_MAGIC[0] => return Ok(Kind::Gzip(Some(Box::new(GzDecoder::new(reader))))),
            Some(0) => {
                let at = reader.get_ref().bytes - reader.buffer().len() as u64;
                let what = format!("gzip: bytes that are not gzip follow the data at byte {at} of the file");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            Some(zeros) => reader.consume(zeros),
            None => {
                let zeros = rest.len();
                reader.consume(zeros);
            }
        }
    }
}

fn broken(format: &str, error: io::Error) -> io::Error {
    // What S3 could not give is no fault of the data.
    if error.get_ref().is_some_and(|cause| cause.is::<albatross_s3::Error>()) {
        return error;
    }
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("{format}: the data ends in the middle: the file is truncated"),
        _ if error.to_string().contains("incomplete frame") => {
            format!("{format}: the data ends in the middle: the file is truncated")
        }
        _ if error.to_string().contains("checksum") => format!("{format}: the checksum is wrong: the file is damaged"),
        _ => format!("{format}: the file is damaged: {error}"),
    };
    io::Error::new(error.kind(), what)
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.read_some(buffer)?;
        self.produced += n as u64;
        if self.produced > self.always_allowed && self.produced / MAX_EXPANSION > self.stored_bytes() {
            let what = format!("expands to over {MAX_EXPANSION} times its size: this is no log");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(stored: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut reader = Decompressed::new(stored).map_err(|e| e.to_string())?;
        reader.read_to_end(&mut out).map_err(|e| e.to_string())?;
        assert_eq!(reader.content_hash(), xxhash_rust::xxh3::xxh3_128(stored));
        Ok(out)
    }

    #[test]
    fn all_kinds() {
        let text = b"line\n".repeat(100_000);
        assert_eq!(read(&text).unwrap(), text);
        assert_eq!(read(b"").unwrap(), b"");
        assert_eq!(read(&gzip(&text)).unwrap(), text);
        assert_eq!(
            read(&[gzip(b"a\n"), gzip(b""), gzip(&text)].concat()).unwrap(),
            [b"a\n".as_slice(), &text].concat()
        );
        assert_eq!(read(&[gzip(b"a"), vec![0; 700_000]].concat()).unwrap(), b"a");
        let zst = zstd::stream::encode_all(text.as_slice(), 1).unwrap();
        assert_eq!(read(&[zst.clone(), zst].concat()).unwrap(), [text.clone(), text].concat());
    }

    #[test]
    fn broken_data_says_how() {
        let gz = gzip(&b"line\n".repeat(100_000));
        assert!(read(&gz[..gz.len() / 2]).unwrap_err().contains("truncated"));
        assert!(read(&gz[..gz.len() - 4]).unwrap_err().contains("truncated"));
        let mut crc = gz.clone();
        let at = crc.len() - 6;
        crc[at] ^= 1;
        assert!(read(&crc).unwrap_err().contains("checksum is wrong"), "{:?}", read(&crc));
        assert!(read(&[gz, b"junk".to_vec()].concat()).unwrap_err().contains("not gzip"));
        let zst = zstd::stream::encode_all(b"line\n".repeat(100_000).as_slice(), 1).unwrap();
        assert!(read(&zst[..zst.len() - 2]).unwrap_err().contains("truncated"));
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 8 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert_eq!(read(&bomb).unwrap().len(), 8 << 20);
        let mut reader = Decompressed::new(bomb.as_slice()).unwrap();
        reader.always_allowed = 1 << 20;
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("no log"), "{error}");
    }
}
