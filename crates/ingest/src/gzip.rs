//! Whole-buffer gzip decompression with libdeflate, about twice as fast as any streaming decoder.
//!
//! The safe wrapper crate stops after the first member and does not tell how much input it used, and busy load balancers write
//! several members into one file; hence the C function is called here.
#![allow(unsafe_code)] // one FFI type, below

use std::ptr::NonNull;

use libdeflate_sys as c;

/// libdeflate's state; one per thread, reused.
pub(crate) struct Gunzip(NonNull<c::libdeflate_decompressor>);

// SAFETY: the state is plain memory without thread affinity, and all use goes through `&mut self`.
unsafe impl Send for Gunzip {}

impl Default for Gunzip {
    fn default() -> Gunzip {
        // SAFETY: no precondition; NULL only when out of memory.
        let state = unsafe { c::libdeflate_alloc_decompressor() };
        Gunzip(NonNull::new(state).expect("out of memory"))
    }
}

impl Gunzip {
    /// Decompresses all members of `input` into `out[..n]` and returns `n`; `out` grows as needed up to `cap` bytes.
    ///
    /// `None` if the data is broken, does not fit, or has anything behind its last member: the streaming decoder then says what
    /// exactly is wrong, or copes.
    pub(crate) fn all_members(&mut self, input: &[u8], out: &mut Vec<u8>, cap: usize) -> Option<usize> {
        let trailer = input.last_chunk::<4>().map(|n| u32::from_le_bytes(*n) as usize)?;
        if trailer > cap {
            return None;
        }
        grow(out, trailer.max(1));
        let (mut read, mut written) = (0, 0);
        while read < input.len() {
            let (mut used, mut made) = (0, 0);
            // SAFETY: both pointers are valid for the lengths given with them, and libdeflate writes no further.
            let result = unsafe {
                c::libdeflate_gzip_decompress_ex(
                    self.0.as_ptr(),
                    input[read..].as_ptr().cast(),
                    input.len() - read,
                    out[written..].as_mut_ptr().cast(),
                    out.len() - written,
                    &mut used,
                    &mut made,
                )
            };
            match result {
                c::libdeflate_result_LIBDEFLATE_SUCCESS if used > 0 => {
                    read += used;
                    written += made;
                }
                c::libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE if out.len() < cap => {
                    let larger = (out.len() * 2).clamp(1 << 20, cap);
                    grow(out, larger);
                }
                _ => return None,
            }
        }
        Some(written)
    }
}

fn grow(out: &mut Vec<u8>, len: usize) {
    if out.len() < len {
        out.resize(len, 0);
    }
}

impl Drop for Gunzip {
    fn drop(&mut self) {
        // SAFETY: allocated by libdeflate_alloc_decompressor and freed once.
        unsafe { c::libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn one_member_many_members_and_broken_data() {
        let (a, b) = (vec![b'a'; 3_000_000], b"second".to_vec());
        let mut gunzip = Gunzip::default();
        let mut out = Vec::new();
        let both = [member(&a), member(&b)].concat();
        let n = gunzip.all_members(&both, &mut out, 1 << 24).unwrap();
        assert_eq!(out[..n], [a.clone(), b].concat());
        assert_eq!(gunzip.all_members(&member(b""), &mut out, 10), Some(0));
        assert_eq!(gunzip.all_members(&member(&a), &mut Vec::new(), 1000), None);
        assert_eq!(gunzip.all_members(&both[..both.len() - 3], &mut out, 1 << 24), None);
        assert_eq!(gunzip.all_members(&[both, b"junk".to_vec()].concat(), &mut out, 1 << 24), None);
    }
}
