//! Code for what most processors of servers have.
#![allow(unsafe_code)] // loads and stores

use std::arch::x86_64::*;

use super::{AT_A_TIME, Edges, Masks, Shape, scan_by, write_edges};

/// Bytes ahead that are fetched into the cache: text that was just inflated lies in memory, and what fetches ahead by itself stops at
/// each page.
const AHEAD: usize = 2048;

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt,pclmulqdq")]
pub(super) fn scan_avx512<const N: usize>(edges: &mut Edges, text: &[u8]) -> Shape {
    let [space, quote, backslash, newline] = [b' ', b'"', b'\\', b'\n'].map(|byte| _mm512_set1_epi8(byte as i8));
    let numbers: [u8; 64] = std::array::from_fn(|i| i as u8);
    // SAFETY: 64 bytes are loaded of 64.
    let numbers = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
    let masks = |block: &[u8; 64]| {
        // SAFETY: 64 bytes are loaded of 64, and to fetch ahead is no access.
        let block = unsafe {
            _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(AHEAD).cast());
            _mm512_loadu_si512(block.as_ptr().cast())
        };
        Masks {
            spaces: _mm512_cmpeq_epi8_mask(block, space),
            quotes: _mm512_cmpeq_epi8_mask(block, quote),
            backslashes: _mm512_cmpeq_epi8_mask(block, backslash),
            newlines: _mm512_cmpeq_epi8_mask(block, newline),
            // The highest bit of each byte.
            beyond_ascii: _mm512_movepi8_mask(block),
        }
    };
    // The numbers of the separators' bytes, side by side.
    let write = |edges: &mut Edges, count: usize, separators: u64, at: usize, most: usize| {
        let places = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(_mm512_maskz_compress_epi8(separators, numbers)));
        let places = _mm512_add_epi32(places, _mm512_set1_epi32(at as i32));
        if let (Some(ends), Some(starts)) = (
            edges.ends[count..].first_chunk_mut::<AT_A_TIME>(),
            edges.starts[count + 1..].first_chunk_mut::<AT_A_TIME>(),
        ) {
            // SAFETY: 16 numbers are stored to 16.
            unsafe {
                _mm512_storeu_si512(ends.as_mut_ptr().cast(), places);
                _mm512_storeu_si512(starts.as_mut_ptr().cast(), _mm512_add_epi32(places, _mm512_set1_epi32(1)));
            }
        }
        if separators.count_ones() as usize > AT_A_TIME {
            let mut rest = separators;
            (0..AT_A_TIME).for_each(|_| rest &= rest - 1);
            write_edges(edges, count + AT_A_TIME, rest, at, most);
        }
    };
    scan_by::<N>(edges, text, masks, |bits| prefix_xor(bits), write)
}

#[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
pub(super) fn scan_avx2<const N: usize>(edges: &mut Edges, text: &[u8]) -> Shape {
    let [space, quote, backslash, newline] = [b' ', b'"', b'\\', b'\n'].map(|byte| _mm256_set1_epi8(byte as i8));
    let masks = |block: &[u8; 64]| {
        let at: *const __m256i = block.as_ptr().cast();
        // SAFETY: twice 32 bytes are loaded of 64, and to fetch ahead is no access.
        let (low, high) = unsafe {
            _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(AHEAD).cast());
            (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)))
        };
        let bits = |low: __m256i, high: __m256i| {
            let (low, high) = (_mm256_movemask_epi8(low) as u32, _mm256_movemask_epi8(high) as u32);
            u64::from(high) << 32 | u64::from(low)
        };
        let equal = |to: __m256i| bits(_mm256_cmpeq_epi8(low, to), _mm256_cmpeq_epi8(high, to));
        Masks {
            spaces: equal(space),
            quotes: equal(quote),
            backslashes: equal(backslash),
            newlines: equal(newline),
            beyond_ascii: bits(low, high),
        }
    };
    scan_by::<N>(edges, text, masks, |bits| prefix_xor(bits), write_edges)
}

/// As the portable one: a product without carries with a number that is all ones.
#[target_feature(enable = "pclmulqdq")]
#[inline]
fn prefix_xor(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set_epi64x(0, -1));
    _mm_cvtsi128_si64(product) as u64
}
