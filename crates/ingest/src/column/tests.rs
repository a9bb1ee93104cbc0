//! What Arrow's reader makes of our column chunks.

use std::sync::Arc;

use albatross_formats::{Keys, NULL_INT, NULL_KEY, NULL_LONG};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::compute::{concat, take};
use arrow::datatypes::{Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::*;
use crate::parquet_file;

const ROWS: u32 = 50_003;

/// All rows but every fifth, backwards.
fn order() -> Vec<u32> {
    (0..ROWS).rev().filter(|row| row % 5 != 0).collect()
}

fn mixed(row: u32) -> u32 {
    let mut z = (u64::from(row) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z >> 31) as u32
}

/// Runs, alternation, chance and NULLs, of some number of values.
fn pattern(row: u32, distinct: u32) -> Option<u32> {
    match row % 1000 {
        0..300 => Some(row / 1000 % distinct),
        300..320 => None,
        320..340 if row < 30_000 => None,
        340..600 => Some(row / 7 % distinct),
        _ => Some(mixed(row) % distinct),
    }
}

/// Encodes one column and reads it back; checks it against `all`, the rows as they were before they got their order.
fn check(values: Values<'_>, all: ArrayRef) -> ParquetMetaData {
    check_in(order(), values, all)
}

/// The same of all rows, where keys may be taken as they are.
fn check_whole(values: Values<'_>, all: ArrayRef) -> ParquetMetaData {
    check_in((0..ROWS).rev().collect(), values, all)
}

fn check_in(order: Vec<u32>, values: Values<'_>, all: ArrayRef) -> ParquetMetaData {
    let schema = Schema::new(vec![Field::new("c", all.data_type().clone(), true)]);
    let mut encoder = Encoder::new(1).unwrap();
    // The second time its memory is used again.
    parquet_file::encode(Vec::new(), &schema, &[values], &order[..7], &mut encoder).unwrap();
    let mut bytes = Vec::new();
    let metadata = parquet_file::encode(&mut bytes, &schema, &[values], &order, &mut encoder).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    let batches: Vec<ArrayRef> =
        reader.with_batch_size(7_777).build().unwrap().map(|batch| batch.unwrap().column(0).clone()).collect();
    let got = concat(&batches.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>()).unwrap();
    let want = take(&all, &arrow::array::UInt32Array::from(order), None).unwrap();
    assert_eq!(&got, &want);
    let statistics = metadata.row_group(0).column(0).statistics().unwrap();
    assert_eq!(statistics.null_count_opt(), Some(want.null_count() as u64));
    metadata
}

fn encodings(metadata: &ParquetMetaData) -> Vec<Encoding> {
    metadata.row_group(0).column(0).encodings().collect()
}

#[test]
fn strings_of_every_width_of_keys() {
    for distinct in [1, 2, 3, 9, 17, 255, 256, 257, 5000, 66_000] {
        let rows: Vec<Option<String>> =
            (0..ROWS).map(|row| pattern(row, distinct).map(|v| format!("value {v}"))).collect();
        let mut strings = Strings::default();
        let keys: Vec<u32> =
            rows.iter().map(|v| v.as_ref().map_or(NULL_KEY, |v| strings.intern(v.as_bytes()).0)).collect();
        let all: ArrayRef = Arc::new(StringArray::from(rows));
        let keys = Keys { rows: &keys, of_group: None, all_used: false };
        let alike: Vec<u32> =
            (0..strings.len() as u32).map(|id| if id == 7 { NULL_KEY } else { mixed(id) % 50 }).collect();
        check(Values::AlikeStrings(keys, &strings, &alike), all.clone());
        let whole = Keys { all_used: true, ..keys };
        check_whole(Values::AlikeStrings(whole, &strings, &alike), all.clone());
        check_whole(Values::Strings(whole, &strings), all.clone());
        let metadata = check(Values::Strings(keys, &strings), all.clone());
        let taken = order().into_iter().map(|row| all.as_string::<i32>().iter().nth(row as usize).flatten());
        if distinct < 10 {
            let statistics = metadata.row_group(0).column(0).statistics().unwrap();
            assert_eq!(statistics.min_bytes_opt(), taken.clone().flatten().min().map(str::as_bytes));
            assert_eq!(statistics.max_bytes_opt(), taken.flatten().max().map(str::as_bytes));
        }
        assert!(encodings(&metadata).contains(&Encoding::RLE_DICTIONARY), "{distinct}");
    }
}

#[test]
fn strings_that_never_repeat_and_nothing_but_nulls() {
    let mut strings = Strings::default();
    let rows: Vec<String> = (0..ROWS).map(|row| format!("unique {row}")).collect();
    let keys: Vec<u32> = rows.iter().map(|v| strings.intern(v.as_bytes()).0).collect();
    let metadata = check(
        Values::Strings(Keys { rows: &keys, of_group: None, all_used: false }, &strings),
        Arc::new(StringArray::from(rows)),
    );
    assert!(!encodings(&metadata).contains(&Encoding::RLE_DICTIONARY));
    let nulls = vec![NULL_KEY; ROWS as usize];
    let all = Arc::new(StringArray::new_null(ROWS as usize));
    check(Values::Strings(Keys { rows: &nulls, of_group: None, all_used: false }, &Strings::default()), all);
}

#[test]
fn parts_of_groups() {
    let groups: Vec<u32> = (0..ROWS).map(|row| pattern(row, 6).unwrap_or(NULL_KEY)).collect();
    let of_group = [2, 0, NULL_KEY, 1, 0, 2];
    let keys = Keys { rows: &groups, of_group: Some(&of_group), all_used: false };
    let value = |row: &u32| of_group.get(*row as usize).copied().filter(|key| *key != NULL_KEY);
    let distinct = [-7, 443, 8080];
    let ints: Int32Array = groups.iter().map(|g| value(g).map(|key| distinct[key as usize])).collect();
    check(Values::Ints(keys, &distinct), Arc::new(ints.clone()));
    check_whole(Values::Ints(Keys { all_used: true, ..keys }, &distinct), Arc::new(ints));
    let mut strings = Strings::default();
    for value in ["a", "", "c"] {
        strings.intern(value.as_bytes());
    }
    let texts: StringArray = groups.iter().map(|g| value(g).map(|key| ["a", "", "c"][key as usize])).collect();
    check(Values::Strings(keys, &strings), Arc::new(texts.clone()));
    check_whole(Values::Strings(Keys { all_used: true, ..keys }, &strings), Arc::new(texts));
}

#[test]
fn numbers_with_and_without_a_dictionary() {
    for distinct in [1, 5, 300, 40_000, u32::MAX] {
        let ints: Vec<Option<i32>> = (0..ROWS).map(|row| pattern(row, distinct).map(|v| v as i32 - 3)).collect();
        let values: Vec<i32> = ints.iter().map(|v| v.unwrap_or(NULL_INT)).collect();
        check(Values::Int(&values), Arc::new(Int32Array::from(ints)));
        let longs: Vec<Option<i64>> =
            (0..ROWS).map(|row| pattern(row, distinct).map(|v| i64::from(v) << 20 | 7)).collect();
        let values: Vec<i64> = longs.iter().map(|v| v.unwrap_or(NULL_LONG)).collect();
        check(Values::Long(&values), Arc::new(Int64Array::from(longs)));
        let floats: Vec<Option<f64>> =
            (0..ROWS).map(|row| pattern(row, distinct).map(|v| f64::from(v) / 1e3)).collect();
        let values: Vec<f64> = floats.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        let metadata = check(Values::Float(&values), Arc::new(Float64Array::from(floats)));
        let statistics = metadata.row_group(0).column(0).statistics().unwrap();
        assert_eq!(statistics.min_bytes_opt(), Some((-0.0f64).to_le_bytes().as_slice()));
    }
}

#[test]
fn sequences_and_the_bounds_of_their_pages() {
    let step = |row: u32| 1_763_000_000_000_000 - i64::from(row) * 1_000_003 + i64::from(mixed(row) % 5000);
    let extremes = |row: u32| if row.is_multiple_of(2) { i64::MAX - i64::from(row) } else { i64::MIN + 1 };
    for value in [&step as &dyn Fn(u32) -> i64, &extremes] {
        for nulls in [false, true] {
            let rows: Vec<Option<i64>> =
                (0..ROWS).map(|row| (!nulls || pattern(row, 3).is_some()).then(|| value(row))).collect();
            let values: Vec<i64> = rows.iter().map(|v| v.unwrap_or(NULL_LONG)).collect();
            let metadata = check(Values::Sequence(&values), Arc::new(Int64Array::from(rows)));
            assert_eq!(encodings(&metadata), [Encoding::RLE, Encoding::DELTA_BINARY_PACKED]);
            assert_eq!(metadata.offset_index().unwrap()[0][0].page_locations().len(), 3);
        }
    }
}

#[test]
fn front_coded_text() {
    let texts = |row: u32| match row % 1000 {
        7 => None,
        8 => Some(String::new()),
        9 => Some("Self=1-x;Root=1-y".to_string()),
        _ => Some(format!(
            "Root=1-{:08x}-{:08x}{:016x}",
            0x6920_0000 + row / 300,
            mixed(row),
            u64::from(mixed(row)) << 20
        )),
    };
    let rows: Vec<Option<String>> = (0..ROWS).map(texts).collect();
    let mut text = Text::default();
    rows.iter().for_each(|v| text.push(v.as_deref().unwrap_or("-").as_bytes()));
    let metadata = check(Values::Text(&text), Arc::new(StringArray::from(rows)));
    assert_eq!(encodings(&metadata), [Encoding::RLE, Encoding::DELTA_BYTE_ARRAY]);
}

#[test]
fn what_zstd_does_not_shrink_stays_as_it_is() {
    let chance: Vec<i64> = (0..ROWS).map(|row| i64::from(mixed(row))).collect();
    let metadata = check(Values::Sequence(&chance), Arc::new(Int64Array::from(chance.clone())));
    assert_eq!(metadata.row_group(0).column(0).compression(), Compression::UNCOMPRESSED);
}
