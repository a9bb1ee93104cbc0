//! Parquet column chunks from strings that are already numbered.
//!
//! Arrow's own writer finds the distinct values of every string column again: it hashes each row's bytes and compares them
//! with the smallest and largest so far, also where the array is a dictionary. Half the columns of a log are dictionaries built while
//! decoding; here only their keys are rewritten, and statistics look at each distinct value once.
//!
//! The form is plain Parquet 1.0: a dictionary page (PLAIN) and data pages (RLE_DICTIONARY), zstd. Source: Apache Parquet,
//! "Encodings" (the RLE / bit-packing hybrid).

use arrow::array::{Array, AsArray, DictionaryArray, StringArray, UInt32Array};
use arrow::datatypes::UInt32Type;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

/// Rows per data page, as in Arrow's writer: pages of all columns then cover about the same rows.
const PAGE_ROWS: usize = 20_000;
/// Longer values have no minimum and maximum: nobody asks for a range of them.
const MAX_STATISTICS_BYTES: usize = 64;

/// A column chunk in memory, for `SerializedRowGroupWriter::append_column`.
pub(crate) struct Chunk {
    pub(crate) bytes: Bytes,
    pub(crate) close: ColumnCloseResult,
}

/// Encodes the rows of `column` that `order` names, in that order. `None` if its values hardly repeat: then a dictionary does
/// not pay.
pub(crate) fn encode(
    column: &DictionaryArray<UInt32Type>,
    order: &[u32],
    descriptor: ColumnDescPtr,
    with_statistics: bool,
    level: i32,
) -> Result<Option<Chunk>> {
    let values = column.values().as_string::<i32>();
    let Numbered { ids, valid, distinct } = number(column.keys(), order, values.len());
    if distinct.len() > 1000 && distinct.len() * 2 > ids.len() {
        return Ok(None);
    }
    let mut compressor = Compressor::new(level)?;
    let mut sink = TrackedWrite::new(Vec::new());
    let mut offsets = OffsetIndexBuilder::new();
    let mut uncompressed = 0;
    let mut pages = 0;
    let width = u32::BITS - (distinct.len().saturating_sub(1).max(1) as u32).leading_zeros();

    let mut writer = SerializedPageWriter::new(&mut sink);
    let dictionary = plain(values, &distinct);
    let page = Page::DictionaryPage {
        buf: compressor.compress(&dictionary)?.into(),
        num_values: distinct.len() as u32,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    let dictionary_page = writer.write_page(CompressedPage::new(page, dictionary.len()))?;
    uncompressed += dictionary_page.uncompressed_size;

    let mut data = Vec::new();
    let mut data_page_offset = None;
    let mut ids = ids.as_slice();
    for start in (0..order.len()).step_by(PAGE_ROWS) {
        let rows = PAGE_ROWS.min(order.len() - start);
        data.clear();
        let here = match &valid {
            Some(valid) => {
                let levels = &valid[start..start + rows];
                with_length(&mut data, |data| hybrid(levels, 1, data));
                levels.iter().map(|&level| level as usize).sum()
            }
            None => {
                with_length(&mut data, |data| run(1, rows, 1, data));
                rows
            }
        };
        let (page_ids, rest) = ids.split_at(here);
        ids = rest;
        data.push(width as u8);
        hybrid(page_ids, width, &mut data);
        let page = Page::DataPage {
            buf: compressor.compress(&data)?.into(),
            num_values: rows as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = writer.write_page(CompressedPage::new(page, data.len()))?;
        data_page_offset.get_or_insert(written.offset);
        uncompressed += written.uncompressed_size;
        pages += 1;
        offsets.append_row_count(rows as i64);
        offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
        offsets.append_unencoded_byte_array_data_bytes(None);
    }
    writer.close()?;

    let bytes = sink.into_inner()?;
    let nulls = order.len() - valid.as_ref().map_or(order.len(), |v| v.iter().map(|&level| level as usize).sum());
    let mut metadata = ColumnChunkMetaData::builder(descriptor)
        .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::try_new(level)?))
        .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
        .set_page_encoding_stats(vec![
            PageEncodingStats { page_type: PageType::DICTIONARY_PAGE, encoding: Encoding::PLAIN, count: 1 },
            PageEncodingStats { page_type: PageType::DATA_PAGE, encoding: Encoding::RLE_DICTIONARY, count: pages },
        ])
        .set_num_values(order.len() as i64)
        .set_total_compressed_size(bytes.len() as i64)
        .set_total_uncompressed_size(uncompressed as i64)
        .set_dictionary_page_offset(Some(0))
        .set_data_page_offset(data_page_offset.unwrap_or_default() as i64);
    if with_statistics {
        metadata = metadata.set_statistics(statistics(values, &distinct, nulls as u64));
    }
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: order.len() as u64,
        metadata: metadata.build()?,
        bloom_filter: None,
        column_index: None,
        offset_index: Some(offsets.build()),
    };
    Ok(Some(Chunk { bytes: bytes.into(), close }))
}

struct Numbered {
    /// For each row that is not NULL the number of its value.
    ids: Vec<u32>,
    /// For each row 1 or 0 for NULL; `None` if no row is NULL.
    valid: Option<Vec<u32>>,
    /// The keys of the values, by number.
    distinct: Vec<u32>,
}

/// Numbers the values that occur in `order` anew, in the order of their appearance.
fn number(keys: &UInt32Array, order: &[u32], values: usize) -> Numbered {
    const NEW: u32 = u32::MAX;
    let mut numbers = vec![NEW; values];
    let mut distinct = Vec::new();
    let mut number = |key: u32| {
        let number = &mut numbers[key as usize];
        if *number == NEW {
            *number = distinct.len() as u32;
            distinct.push(key);
        }
        *number
    };
    let raw = keys.values();
    let (ids, valid) = match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => (order.iter().map(|&row| number(raw[row as usize])).collect(), None),
        // Many columns are for rare cases only.
        Some(nulls) if nulls.null_count() == keys.len() => (Vec::new(), Some(vec![0; order.len()])),
        Some(nulls) => {
            let valid: Vec<u32> = order.iter().map(|&row| u32::from(nulls.is_valid(row as usize))).collect();
            let present = order.iter().zip(&valid).filter(|(_, valid)| **valid == 1);
            (present.map(|(&row, _)| number(raw[row as usize])).collect(), Some(valid))
        }
    };
    Numbered { ids, valid, distinct }
}

/// PLAIN: each value behind its length.
fn plain(values: &StringArray, distinct: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    for &key in distinct {
        let value = values.value(key as usize).as_bytes();
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(value);
    }
    out
}

fn statistics(values: &StringArray, distinct: &[u32], nulls: u64) -> Statistics {
    let all = || distinct.iter().map(|&key| values.value(key as usize));
    let short = |value: Option<&str>| value.filter(|v| v.len() <= MAX_STATISTICS_BYTES).map(ByteArray::from);
    let (min, max) = (short(all().min()), short(all().max()));
    if min.is_some() && max.is_some() {
        Statistics::byte_array(min, max, None, Some(nulls), false)
    } else {
        Statistics::byte_array(None, None, None, Some(nulls), false)
    }
}

/// Writes what `encode` appends behind its length.
fn with_length(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    encode(out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// The hybrid of runs and bit-packed groups of eight.
fn hybrid(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut literals = 0; // begin of the values that wait to be packed
    let mut at = 0;
    while at < values.len() {
        let value = values[at];
        let length = values[at..].iter().take_while(|&&v| v == value).count();
        // Groups are whole: the run first fills the one before it.
        let fill = (at - literals).next_multiple_of(8) - (at - literals);
        if length >= fill + 8 {
            pack(&values[literals..at + fill], width, out);
            run(value, length - fill, width, out);
            literals = at + length;
        }
        at += length;
    }
    pack(&values[literals..], width, out);
}

/// A run: twice its length, then the value.
fn run(value: u32, length: usize, width: u32, out: &mut Vec<u8>) {
    varint((length as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Groups of eight values: twice their number plus one, then the values' bits, the last group filled up with zeros.
fn pack(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint(((groups as u64) << 1) | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut held) = (0u64, 0);
    for &value in values {
        bits |= u64::from(value) << held;
        held += width;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push(bits as u8);
    }
    out.resize(end, 0);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parquet_file;
    use arrow::array::{ArrayRef, RecordBatch};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use std::sync::Arc;

    /// What Arrow's reader makes of rows in the given order.
    fn read_back(column: DictionaryArray<UInt32Type>, order: &[u32]) -> (Vec<Option<String>>, Statistics) {
        let batch = RecordBatch::try_from_iter([("c", Arc::new(column) as ArrayRef)]).unwrap();
        let encoded = parquet_file::encode_in_order(&batch, &UInt32Array::from(order.to_vec())).unwrap();
        let statistics = encoded.metadata.row_group(0).column(0).statistics().unwrap().clone();
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(encoded.bytes)).unwrap();
        let rows = builder.with_batch_size(1 << 20).build().unwrap().map(Result::unwrap).flat_map(|batch| {
            let values = batch.column(0).as_string::<i32>().clone();
            (0..values.len()).map(|i| values.is_valid(i).then(|| values.value(i).to_string())).collect::<Vec<_>>()
        });
        (rows.collect(), statistics)
    }

    #[test]
    fn arrow_reads_what_was_written() {
        // Runs, alternation, NULLs and every width of keys, over several pages.
        for distinct in [1u32, 2, 3, 9, 255, 256, 257, 5000] {
            let text = |row: u32| -> Option<String> {
                match row % 1000 {
                    0..300 => Some(format!("value {}", row / 1000 % distinct)),
                    300..320 => None,
                    _ if distinct == 9 => Some(format!("value {}", row / 7 % distinct)),
                    _ => Some(format!("value {}", row.wrapping_mul(2_654_435_761) % distinct)),
                }
            };
            let rows: Vec<Option<String>> = (0..50_003).map(text).collect();
            let column: DictionaryArray<UInt32Type> = rows.iter().map(Option::as_deref).collect();
            let order: Vec<u32> = (0..rows.len() as u32).rev().filter(|row| row % 5 != 0).collect();
            let (got, statistics) = read_back(column, &order);
            let want: Vec<Option<String>> = order.iter().map(|&row| rows[row as usize].clone()).collect();
            assert!(got == want, "{distinct} distinct values");
            assert_eq!(statistics.null_count_opt(), Some(want.iter().filter(|v| v.is_none()).count() as u64));
            assert_eq!(statistics.min_bytes_opt(), want.iter().flatten().min().map(String::as_bytes));
            assert_eq!(statistics.max_bytes_opt(), want.iter().flatten().max().map(String::as_bytes));
        }
    }

    #[test]
    fn nothing_but_nulls_and_values_that_never_repeat() {
        let column: DictionaryArray<UInt32Type> = std::iter::repeat_n(None::<&str>, 30_000).collect();
        let order: Vec<u32> = (0..30_000).collect();
        assert!(read_back(column, &order).0.iter().all(Option::is_none));
        let rows: Vec<String> = (0..30_000).map(|i| format!("unique {i}")).collect();
        let column: DictionaryArray<UInt32Type> = rows.iter().map(|r| Some(r.as_str())).collect();
        let (got, _) = read_back(column, &order);
        assert!(got.into_iter().map(Option::unwrap).eq(rows));
    }
}
