//! Whole-buffer gzip decompression with libdeflate, about twice as fast as any streaming decoder.
//!
//! The safe wrapper crate stops after the first member and does not tell how much input it used, and busy load balancers write
//! several members into one file; hence the C function is called here.
#![allow(unsafe_code)] // one FFI type, below

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
    /// Decompresses the first member of `input` to the beginning of `out`, as far as it has room.
    ///
    /// `None` if the member is broken or does not fit: the streaming decoder then says what exactly is wrong, or copes.
    pub(crate) fn member(&mut self, input: &[u8], out: &mut [u8]) -> Option<Member> {
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
        (result == c::libdeflate_result_LIBDEFLATE_SUCCESS && read > 0).then_some(Member { read, written })
    }
}

/// What a member took and gave, in bytes.
pub(crate) struct Member {
    pub(crate) read: usize,
    pub(crate) written: usize,
}

/// Room for text, used again from file to file, in huge pages where the system gives them: half a file's text is written at
/// places that no nearer cache knows, and with small pages the processor also looks up each place.
///
/// All the room that may be needed is asked for once, and what was never written takes no memory. To grow from file to file instead,
/// as far as each needs, took 4 % of an ingest: the system clears what it gives.
#[derive(Default)]
pub(crate) struct Room {
    map: Option<MmapMut>,
    /// So much was written at most.
    filled: usize,
}

impl Room {
    pub(crate) const BYTES: usize = 72 << 20;

    /// All of it.
    pub(crate) fn get(&mut self) -> &mut [u8] {
        self.map.get_or_insert_with(|| {
            let map = MmapMut::map_anon(Room::BYTES).expect("out of memory");
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            map
        })
    }

    /// The text that was just written.
    pub(crate) fn text(&mut self, len: usize) -> &[u8] {
        self.filled = self.filled.max(len);
        self.map.as_ref().map_or(&[], |map| &map[..len])
    }

    /// Bytes of memory.
    pub(crate) fn size_bytes(&self) -> usize {
        self.filled
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
        let mut out = vec![0; 1 << 24];
        let both = [member(&a), member(&b)].concat();
        let first = gunzip.member(&both, &mut out).unwrap();
        assert_eq!(out[..first.written], a);
        let second = gunzip.member(&both[first.read..], &mut out).unwrap();
        assert_eq!(out[..second.written], b);
        assert_eq!(first.read + second.read, both.len());
        assert_eq!(gunzip.member(&member(b""), &mut []).unwrap().written, 0);
        assert!(gunzip.member(&member(&a), &mut out[..1000]).is_none());
        assert!(gunzip.member(&both[..first.read - 3], &mut out).is_none());
        assert!(gunzip.member(b"junk", &mut out).is_none());
    }

    #[test]
    fn room_is_counted_once_it_is_filled() {
        let mut room = Room::default();
        room.get()[..3].copy_from_slice(b"one");
        assert_eq!(room.size_bytes(), 0);
        assert_eq!(room.text(3), b"one");
        room.get()[..2].copy_from_slice(b"tw");
        assert_eq!(room.text(2), b"tw");
        assert_eq!(room.size_bytes(), 3);
    }
}
