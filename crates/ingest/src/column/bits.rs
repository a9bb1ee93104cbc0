//! How Parquet packs integers.

/// Shorter runs are packed like other values.
const MIN_RUN: usize = 16;

/// The hybrid of runs and bit-packed groups of eight.
pub(super) fn hybrid(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let same = |from: usize, value: u32| {
        let group = values[from..].first_chunk::<8>();
        group.is_some_and(|group| group.iter().fold(0, |differing, v| differing | (v ^ value)) == 0)
    };
    let mut literals = 0; // begin of the values that wait to be packed, whole groups of them
    let mut at = 0;
    while at < values.len() {
        let value = values[at];
        let mut end = at;
        while same(end, value) {
            end += 8;
        }
        if end - at >= MIN_RUN {
            end += values[end..].iter().take_while(|&&v| v == value).count();
            groups(&values[literals..at], width, out);
            run(value, end - at, width, out);
            literals = end;
            at = end;
        } else {
            at += 8;
        }
    }
    groups(&values[literals..], width, out);
}

/// A run: twice its length, then the value.
pub(super) fn run(value: u32, length: usize, width: u32, out: &mut Vec<u8>) {
    varint((length as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Groups of eight values: twice their number plus one, then the values' bits, the last group filled up with zeros.
fn groups(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint(((groups as u64) << 1) | 1, out);
    let end = out.len() + groups * width as usize;
    match width {
        8 => out.extend(values.iter().map(|&v| v as u8)),
        16 => values.iter().for_each(|&v| out.extend_from_slice(&(v as u16).to_le_bytes())),
        _ => pack(values.iter().map(|&v| u64::from(v)), width, out),
    }
    out.resize(end, 0);
}

/// The lowest `width` bits (at most 64) of each value, one behind the other, the lowest first; the last byte filled up with zeros.
fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut bits, mut held) = (0u64, 0);
    for value in values {
        bits |= value << held;
        held += width;
        if held >= 64 {
            out.extend_from_slice(&bits.to_le_bytes());
            held -= 64;
            bits = if held == 0 { 0 } else { value >> (width - held) };
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..held.div_ceil(8) as usize]);
}

/// Values per block of differences, and per part of it with a width of its own.
const BLOCK: usize = 128;
const PART: usize = 32;

/// DELTA_BINARY_PACKED.
/// Signed 64-bit values, here as their bits.
pub(super) fn delta(values: &[u64], out: &mut Vec<u8>) {
    varint(BLOCK as u64, out);
    varint((BLOCK / PART) as u64, out);
    varint(values.len() as u64, out);
    varint(zigzag(values.first().map_or(0, |v| *v as i64)), out);
    let mut differences = [0i64; BLOCK];
    let mut at = 1;
    while at < values.len() {
        let count = BLOCK.min(values.len() - at);
        let block = &mut differences[..count];
        for (difference, pair) in block.iter_mut().zip(values[at - 1..].windows(2)) {
            *difference = pair[1].wrapping_sub(pair[0]) as i64;
        }
        let min = block.iter().copied().min().unwrap_or(0);
        varint(zigzag(min), out);
        let widths = out.len();
        out.extend_from_slice(&[0; BLOCK / PART]);
        for (i, part) in block.chunks(PART).enumerate() {
            let above = |difference: &i64| difference.wrapping_sub(min) as u64;
            let width = u64::BITS - part.iter().map(above).fold(0, |all, v| all | v).leading_zeros();
            out[widths + i] = width as u8;
            let end = out.len() + PART / 8 * width as usize;
            pack(part.iter().map(above), width, out);
            out.resize(end, 0);
        }
        at += count;
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
