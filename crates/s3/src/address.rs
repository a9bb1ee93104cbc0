use std::fmt;

use crate::{Error, Result};

/// `s3://bucket/key`. The key is as S3 has it: nothing in it is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub bucket: String,
    /// A key or the beginning of keys, without a slash before it; may be empty.
    pub key: String,
}

impl Address {
    /// Whether a text means S3 at all.
    pub fn is_s3(text: &str) -> bool {
        text.starts_with("s3://")
    }

    pub fn parse(text: &str) -> Result<Address> {
        let refuse = |reason| Err(Error::Address { text: text.to_owned(), reason });
        let Some(rest) = text.strip_prefix("s3://") else {
            return refuse("it does not begin with s3://");
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.starts_with("arn:") {
            return refuse("give an access point's alias instead of its ARN");
        }
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(legal) {
            return refuse(
                "the part after s3:// is no bucket name (3 to 63 lower-case letters, digits, dots and hyphens)",
            );
        }
        Ok(Address { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parse = |text| Address::parse(text).map(|a| (a.bucket, a.key));
        assert_eq!(parse("s3://logs/AWSLogs/a%20b").unwrap(), ("logs".into(), "AWSLogs/a%20b".into()));
        assert_eq!(parse("s3://logs").unwrap(), ("logs".into(), "".into()));
        assert_eq!(parse("s3://logs/").unwrap(), ("logs".into(), "".into()));
        for bad in ["logs", "s3://", "s3:///key", "s3://Logs/", "s3://arn:aws:s3:::x/", "s3://a b/"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Address::parse("s3://logs/a").unwrap().to_string(), "s3://logs/a");
    }
}
