//! The types of numbers that columns have.

use albatross_formats::{NULL_INT, NULL_LONG};
use parquet::basic::Encoding;
use parquet::file::statistics::Statistics;

pub(super) trait Number: Copy + PartialOrd {
    const NULL: Self;
    /// Of data pages where there is no dictionary.
    const ENCODING: Encoding;
    fn bits(self) -> u64;
    fn from_bits(bits: u64) -> Self;
    /// The most distinct values of a dictionary that pays, of so many rows.
    fn max_distinct(rows: usize) -> usize;
    fn plain(self, out: &mut Vec<u8>);
    fn bounds(min: Option<Self>, max: Option<Self>, nulls: u64) -> Statistics;
}

pub(super) fn statistics<T: Number>(values: impl Iterator<Item = T>, nulls: usize) -> Statistics {
    let bounds = values.fold(None, |bounds: Option<(T, T)>, v| match bounds {
        None => Some((v, v)),
        Some((min, max)) => Some((if v < min { v } else { min }, if v > max { v } else { max })),
    });
    let (min, max) = bounds.unzip();
    T::bounds(min, max, nulls as u64)
}

impl Number for i32 {
    const NULL: i32 = NULL_INT;
    const ENCODING: Encoding = Encoding::PLAIN;

    fn bits(self) -> u64 {
        u64::from(self as u32)
    }

    fn from_bits(bits: u64) -> i32 {
        bits as i32
    }

    /// More of them (ports) are smaller as they are.
    fn max_distinct(_: usize) -> usize {
        4096
    }

    fn plain(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn bounds(min: Option<i32>, max: Option<i32>, nulls: u64) -> Statistics {
        Statistics::int32(min, max, None, Some(nulls), false)
    }
}

impl Number for i64 {
    const NULL: i64 = NULL_LONG;
    const ENCODING: Encoding = Encoding::DELTA_BINARY_PACKED;

    fn bits(self) -> u64 {
        self as u64
    }

    fn from_bits(bits: u64) -> i64 {
        bits as i64
    }

    fn max_distinct(rows: usize) -> usize {
        rows / 8
    }

    fn plain(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn bounds(min: Option<i64>, max: Option<i64>, nulls: u64) -> Statistics {
        Statistics::int64(min, max, None, Some(nulls), false)
    }
}

impl Number for f64 {
    const NULL: f64 = f64::NAN;
    const ENCODING: Encoding = Encoding::PLAIN;

    fn bits(self) -> u64 {
        self.to_bits()
    }

    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }

    fn max_distinct(rows: usize) -> usize {
        rows / 3 * 2
    }

    fn plain(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    /// Zero has two forms, and readers may take either for the smaller one.
    fn bounds(min: Option<f64>, max: Option<f64>, nulls: u64) -> Statistics {
        let min = min.map(|v| if v == 0.0 { -0.0 } else { v });
        let max = max.map(|v| if v == 0.0 { 0.0 } else { v });
        Statistics::double(min, max, None, Some(nulls), false)
    }
}
