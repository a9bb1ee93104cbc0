//! Percent-encoding, taken off once.

use std::borrow::Cow;

use crate::reject::escape_invalid_utf8;

/// `%XX` becomes its byte; what is no such escape stays. Bytes that are no UTF-8 then are written `\xHH`.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let Some(mut at) = memchr::memchr(b'%', bytes) else { return Cow::Borrowed(text) };
    let mut decoded = Vec::with_capacity(bytes.len());
    decoded.extend_from_slice(&bytes[..at]);
    while let Some(&byte) = bytes.get(at) {
        let escape = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        match escape.and_then(|digits| hex(digits[0])?.checked_mul(16)?.checked_add(hex(digits[1])?)) {
            Some(escaped) => {
                decoded.push(escaped);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8(decoded).unwrap_or_else(|e| escape_invalid_utf8(e.as_bytes())))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_are_taken_off_once() {
        for (text, want) in [
            ("/plain", "/plain"),
            ("/a%20b", "/a b"),
            ("/a%2520b", "/a%20b"),
            ("%E2%82%ac", "€"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%+1%-1", "%+1%-1"),
            ("/%FF/%C3%A9", "/\\xFF/é"),
        ] {
            assert_eq!(decode(text), want, "{text}");
        }
    }
}
