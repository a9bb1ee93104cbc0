use std::fmt;

use xxhash_rust::xxh3::Xxh3;

/// The identity of a source file: what makes ingesting it twice a no-op.
///
/// It is the `appId` of a Delta `txn` action, written as 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxnId(u128);

impl TxnId {
    /// A 128-bit hash of a file's address, its version there (`etag`, empty where the store has none) and its size in
    /// bytes.
    ///
    /// The result is stored in lakes: it must never change for the same three values.
    pub fn of_source(uri: &str, etag: &str, size: u64) -> TxnId {
        let mut hash = Xxh3::new();
        for part in [uri, etag] {
            hash.update(&(part.len() as u64).to_le_bytes()); // so that ("ab", "c") is not ("a", "bc")
            hash.update(part.as_bytes());
        }
        hash.update(&size.to_le_bytes());
        TxnId(hash.digest128())
    }

    /// Reads what [`Display`](fmt::Display) writes; `None` for anything else, such as the ids of other programs.
    pub fn from_hex(hex: &str) -> Option<TxnId> {
        let ours = hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        ours.then(|| u128::from_str_radix(hex, 16).ok())?.map(TxnId)
    }
}

impl fmt::Display for TxnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_source_never_changes() {
        let id = TxnId::of_source("s3://logs/a.log.gz", "\"9b2cf535\"", 1234);
        assert_eq!(id.to_string(), "63c73f809388ebd86777deef65f1db05");
    }

    #[test]
    fn every_part_counts() {
        let ids = [
            TxnId::of_source("ab", "c", 1),
            TxnId::of_source("a", "bc", 1),
            TxnId::of_source("abc", "", 1),
            TxnId::of_source("ab", "c", 2),
        ];
        for (i, a) in ids.iter().enumerate() {
            assert!(ids[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn hex_goes_both_ways_and_foreign_ids_are_none() {
        let id = TxnId(0xab);
        assert_eq!(TxnId::from_hex(&id.to_string()), Some(id));
        for foreign in
            ["", "ab", "albatross-compaction", "000000000000000000000000000000AB", "+00000000000000000000000000000ab"]
        {
            assert_eq!(TxnId::from_hex(foreign), None, "{foreign}");
        }
    }
}
