//! The pages of one column chunk, and what its metadata says of them.

use parquet::basic::BoundaryOrder;
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::{Chunk, Statistic};

/// A chunk is compressed if that takes off at least this share of its first page.
const WORTH_COMPRESSING: f64 = 0.03;

/// The compressor and its buffer, used again from chunk to chunk.
pub(super) struct Zstd {
    compressor: Compressor<'static>,
    compression: Compression,
    buffer: Vec<u8>,
}

impl Zstd {
    pub(super) fn new(level: i32) -> Result<Zstd> {
        let compression = Compression::ZSTD(ZstdLevel::try_new(level)?);
        Ok(Zstd { compressor: Compressor::new(level)?, compression, buffer: Vec::new() })
    }
}

pub(super) struct Pages<'a> {
    zstd: &'a mut Zstd,
    descriptor: ColumnDescPtr,
    statistic: Statistic,
    /// Told by the first page.
    is_compressed: Option<bool>,
    sink: TrackedWrite<Vec<u8>>,
    uncompressed: usize,
    has_dictionary: bool,
    data_page_offset: Option<u64>,
    data_pages: i32,
    encoding: Encoding,
    offsets: OffsetIndexBuilder,
    index: ColumnIndexBuilder,
    statistics: Option<Statistics>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(zstd: &'a mut Zstd, descriptor: ColumnDescPtr, statistic: Statistic) -> Pages<'a> {
        let index = ColumnIndexBuilder::new(descriptor.physical_type());
        Pages {
            zstd,
            descriptor,
            statistic,
            is_compressed: None,
            sink: TrackedWrite::new(Vec::new()),
            uncompressed: 0,
            has_dictionary: false,
            data_page_offset: None,
            data_pages: 0,
            encoding: Encoding::PLAIN,
            offsets: OffsetIndexBuilder::new(),
            index,
            statistics: None,
        }
    }

    /// The distinct values; comes first if at all.
    pub(super) fn dictionary(&mut self, values: &[u8], count: usize) -> Result<()> {
        self.has_dictionary = true;
        self.is_compressed = Some(true);
        let (num_values, encoding) = (count as u32, Encoding::PLAIN);
        self.write(values, |buf| Page::DictionaryPage { buf, num_values, encoding, is_sorted: false })?;
        Ok(())
    }

    /// Levels and values of the next rows.
    pub(super) fn data(&mut self, bytes: &[u8], rows: usize, encoding: Encoding) -> Result<()> {
        self.encoding = encoding;
        let (offset, size) = self.write(bytes, |buf| Page::DataPage {
            buf,
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })?;
        self.data_page_offset.get_or_insert(offset);
        self.data_pages += 1;
        self.offsets.append_row_count(rows as i64);
        self.offsets.append_offset_and_size(offset as i64, size as i32);
        self.offsets.append_unencoded_byte_array_data_bytes(None);
        Ok(())
    }

    /// Where the page lies in the chunk, and its size with its header.
    fn write(&mut self, bytes: &[u8], page: impl FnOnce(bytes::Bytes) -> Page) -> Result<(u64, usize)> {
        let Zstd { compressor, buffer, .. } = &mut *self.zstd;
        let mut stored = bytes;
        if self.is_compressed != Some(false) {
            let bound = zstd::zstd_safe::compress_bound(bytes.len());
            if buffer.len() < bound {
                buffer.resize(bound, 0);
            }
            let size = compressor.compress_to_buffer(bytes, buffer.as_mut_slice())?;
            let pays = (size as f64) < bytes.len() as f64 * (1.0 - WORTH_COMPRESSING);
            if *self.is_compressed.get_or_insert(pays) {
                stored = &buffer[..size];
            }
        }
        let page = CompressedPage::new(page(bytes::Bytes::copy_from_slice(stored)), bytes.len());
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed += written.uncompressed_size;
        Ok((written.offset, written.compressed_size))
    }

    pub(super) fn wants_statistics(&self) -> bool {
        self.statistic != Statistic::None
    }

    pub(super) fn statistics(&mut self, statistics: Statistics) {
        self.statistics = Some(statistics);
    }

    /// Of the page just written; its values come in ascending order.
    pub(super) fn page_bounds(&mut self, values: &[u64], nulls: usize) {
        if self.statistic == Statistic::Page {
            let bound = |value: Option<&u64>| value.map_or(Vec::new(), |v| v.to_le_bytes().to_vec());
            self.index.append(values.is_empty(), bound(values.first()), bound(values.last()), nulls as i64);
        }
    }

    pub(super) fn finish(mut self, rows: usize, nulls: usize) -> Result<Chunk> {
        let bytes = self.sink.into_inner()?;
        let data =
            PageEncodingStats { page_type: PageType::DATA_PAGE, encoding: self.encoding, count: self.data_pages };
        let mut encodings = vec![Encoding::RLE, self.encoding];
        let mut encoding_stats = vec![data];
        if self.has_dictionary {
            encodings.insert(0, Encoding::PLAIN);
            let page_type = PageType::DICTIONARY_PAGE;
            encoding_stats.insert(0, PageEncodingStats { page_type, encoding: Encoding::PLAIN, count: 1 });
        }
        let compression =
            if self.is_compressed == Some(false) { Compression::UNCOMPRESSED } else { self.zstd.compression };
        let mut metadata = ColumnChunkMetaData::builder(self.descriptor)
            .set_compression(compression)
            .set_encodings(encodings)
            .set_page_encoding_stats(encoding_stats)
            .set_num_values(rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_dictionary_page_offset(self.has_dictionary.then_some(0))
            .set_data_page_offset(self.data_page_offset.unwrap_or_default() as i64);
        if self.statistic != Statistic::None {
            let only_nulls = || Statistics::byte_array(None, None, None, Some(nulls as u64), false);
            metadata = metadata.set_statistics(self.statistics.unwrap_or_else(only_nulls));
        }
        let column_index = match self.statistic {
            Statistic::Page => {
                self.index.set_boundary_order(BoundaryOrder::ASCENDING);
                Some(self.index.build()?)
            }
            Statistic::None | Statistic::Chunk => None,
        };
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index,
            offset_index: Some(self.offsets.build()),
        };
        Ok(Chunk { bytes: bytes.into(), close })
    }
}
