//! Where bytes stand in a line: all of them found in one pass, 64 bytes at a time.
//!
//! A search for each begins anew some sixty times in a line of JSON, which takes longer than the reading between them.

/// Appends the places of every `a` and `b`, in order.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // calls to code that is made for what this processor was found to have
#[inline]
pub(crate) fn places(line: &[u8], a: u8, b: u8, to: &mut Vec<u32>) {
    if is_x86_feature_detected!("bmi1") {
        if is_x86_feature_detected!("avx512bw") {
            // SAFETY: it was just found.
            return unsafe { places_avx512(line, a, b, to) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: it was just found.
            return unsafe { places_avx2(line, a, b, to) };
        }
    }
    places_by(line, to, |block| mask(block, a, b));
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn places(line: &[u8], a: u8, b: u8, to: &mut Vec<u32>) {
    places_by(line, to, |block| mask(block, a, b));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,bmi1")]
#[allow(unsafe_code)] // a load
fn places_avx512(line: &[u8], a: u8, b: u8, to: &mut Vec<u32>) {
    use std::arch::x86_64::{_mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_set1_epi8};
    let (a, b) = (_mm512_set1_epi8(a as i8), _mm512_set1_epi8(b as i8));
    places_by(line, to, |block| {
        // SAFETY: a block has 64 bytes, and this load needs no alignment.
        let block = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        _mm512_cmpeq_epi8_mask(block, a) | _mm512_cmpeq_epi8_mask(block, b)
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1")]
#[allow(unsafe_code)] // two loads
fn places_avx2(line: &[u8], a: u8, b: u8, to: &mut Vec<u32>) {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    };
    let (a, b) = (_mm256_set1_epi8(a as i8), _mm256_set1_epi8(b as i8));
    places_by(line, to, |block| {
        let at: *const __m256i = block.as_ptr().cast();
        // SAFETY: a block has 64 bytes, and these loads need no alignment.
        let (low, high) = unsafe { (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))) };
        let either = |part| {
            let found = _mm256_or_si256(_mm256_cmpeq_epi8(part, a), _mm256_cmpeq_epi8(part, b));
            _mm256_movemask_epi8(found) as u32
        };
        u64::from(either(high)) << 32 | u64::from(either(low))
    });
}

#[inline(always)]
fn places_by(line: &[u8], to: &mut Vec<u32>, mask: impl Fn(&[u8; 64]) -> u64) {
    let mut padded = [0; 64];
    to.reserve(line.len() / 4); // more than lines have, mostly
    for (i, part) in line.chunks(64).enumerate() {
        let mut found = match part.try_into() {
            Ok(block) => mask(block),
            Err(_) => {
                padded[..part.len()].copy_from_slice(part);
                mask(&padded) & ((1 << part.len()) - 1)
            }
        };
        while found != 0 {
            to.push((i * 64) as u32 + found.trailing_zeros());
            found &= found - 1;
        }
    }
}

/// One bit per byte of a block, the first byte lowest; for processors that are not known better.
fn mask(block: &[u8; 64], a: u8, b: u8) -> u64 {
    block.iter().enumerate().fold(0, |mask, (i, byte)| mask | u64::from(*byte == a || *byte == b) << i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_however_long_the_line() {
        let text: Vec<u8> = (0..400u32).map(|i| b"a\"b\\,\0\n"[(i * i % 97 % 7) as usize]).collect();
        for length in 0..text.len() {
            let line = &text[..length];
            for (a, b) in [(b'"', b'\\'), (b'a', b'a'), (0, b',')] {
                let want: Vec<u32> = (0..length as u32).filter(|i| [a, b].contains(&line[*i as usize])).collect();
                let mut found = vec![7];
                places(line, a, b, &mut found);
                assert_eq!(found[1..], want);
                found.clear();
                places_by(line, &mut found, |block| mask(block, a, b));
                assert_eq!(found, want);
            }
        }
    }
}
