//! Whole-buffer gzip decompression with libdeflate, about twice as fast as any streaming decoder.
//!
//! The safe wrapper crate stops after the first member and does not tell how much input it used, and busy load balancers write
//! several members into one file; hence the C function is called here.
#![allow(unsafe_code)] // one FFI type, below

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use libdeflate_sys as c;
use memmap2::MmapMut;

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
    /// Decompresses the first member of `input` into `out[..written]`; `out` grows as needed up to `cap` bytes.
    ///
    /// `None` if the member is broken or does not fit: the streaming decoder then says what exactly is wrong, or copes.
    pub(crate) fn member(&mut self, input: &[u8], out: &mut Text, cap: usize) -> Option<Member> {
        // Of a file with one member this is its size; of others it is that of the last member, which is as good a guess.
        let size_of_last = input.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n) as usize);
        out.grow(FIRST_GUESS.min(cap));
        loop {
            let (mut read, mut written) = (0, 0);
            // SAFETY: both pointers are valid for the lengths given with them, and libdeflate writes no further.
            let result = unsafe {
                c::libdeflate_gzip_decompress_ex(
                    self.0.as_ptr(),
                    input.as_ptr().cast(),
                    input.len(),
                    out.as_mut_ptr().cast(),
                    out.len(),
                    &mut read,
                    &mut written,
                )
            };
            match result {
                c::libdeflate_result_LIBDEFLATE_SUCCESS if read > 0 => return Some(Member { read, written }),
                c::libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE if out.len() < cap => {
                    let larger = if size_of_last > out.len() { size_of_last } else { out.len() * 2 };
                    out.grow(larger.min(cap));
                }
                _ => return None,
            }
        }
    }
}

/// What a member took and gave, in bytes.
pub(crate) struct Member {
    pub(crate) read: usize,
    pub(crate) written: usize,
}

const FIRST_GUESS: usize = 1 << 20;

/// Room for text, used again from file to file, in huge pages where the system gives them: half a file's text is written at
/// places that no nearer cache knows, and with small pages the processor also looks up each place.
#[derive(Default)]
pub(crate) struct Text(Option<MmapMut>);

impl Text {
    /// Makes room for `len` bytes, if there is none; what stood here is lost then.
    pub(crate) fn grow(&mut self, len: usize) {
        if self.len() < len {
            self.0 = None;
            let map = MmapMut::map_anon(len).expect("out of memory");
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            self.0 = Some(map);
        }
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl DerefMut for Text {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().unwrap_or_default()
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
    fn members_one_by_one_and_broken_data() {
        let (a, b) = (vec![b'a'; 3_000_000], b"second".to_vec());
        let mut gunzip = Gunzip::default();
        let mut out = Text::default();
        let both = [member(&a), member(&b)].concat();
        let first = gunzip.member(&both, &mut out, 1 << 24).unwrap();
        assert_eq!(out[..first.written], a);
        let second = gunzip.member(&both[first.read..], &mut out, 1 << 24).unwrap();
        assert_eq!(out[..second.written], b);
        assert_eq!(first.read + second.read, both.len());
        assert_eq!(gunzip.member(&member(b""), &mut out, 10).unwrap().written, 0);
        assert!(gunzip.member(&member(&a), &mut Text::default(), 1000).is_none());
        assert!(gunzip.member(&both[..first.read - 3], &mut out, 1 << 24).is_none());
        assert!(gunzip.member(b"junk", &mut out, 1 << 24).is_none());
    }
}
