//! What S3 answers, as sentences for a person.

use std::error::Error as StdError;
use std::fmt::Write;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use serde_json::json;

use crate::retry::is_passing;

/// What can go wrong with S3. Which object or bucket was meant is known to the caller, unless it is said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("`{text}` is no S3 address: {reason}")]
    Address { text: String, reason: &'static str },

    #[error("no AWS credentials: {0}")]
    Credentials(String),

    #[error("there is no bucket `{bucket}`{hint}")]
    NoSuchBucket { bucket: String, hint: String },

    #[error("it was deleted after it was listed")]
    Gone,

    #[error("it was overwritten while it was read: run again")]
    Changed,

    /// The text names the permission that is missing and, once per bucket, the smallest policy that has it.
    #[error("{0}")]
    Denied(String),

    /// It may work later.
    #[error("{detail} (tried {attempts} times)")]
    Unavailable { attempts: u32, detail: String },

    /// It will not work later either.
    #[error("{0}")]
    Refused(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How one attempt failed.
#[derive(Debug)]
pub(crate) enum Attempt {
    Again(String),
    Final(Error),
}

/// What was asked for, as far as it matters for permissions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// `s3:GetObject`
    pub(crate) action: &'static str,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) region: &'a str,
}

/// What is used: reading needs less than writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Source,
    Lake,
}

/// An error answer of S3.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
}

impl Attempt {
    pub(crate) fn of_sdk<E>(error: SdkError<E, HttpResponse>, asked: Asked<'_>) -> Attempt
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match &error {
            SdkError::ServiceError(service) => {
                let (status, meta) = (service.raw().status().as_u16(), service.err().meta());
                let answer = Answer {
                    status,
                    code: meta.code().unwrap_or_default(),
                    message: meta.message().unwrap_or_default(),
                };
                Attempt::of_answer(answer, asked)
            }
            other => match credentials_error(other) {
                Some(error) => Attempt::Final(Error::Credentials(error)),
                None if matches!(other, SdkError::ConstructionFailure(_)) => {
                    Attempt::Final(Error::Refused(chain(other)))
                }
                None => Attempt::Again(chain(other)),
            },
        }
    }

    pub(crate) fn of_answer(answer: Answer<'_>, asked: Asked<'_>) -> Attempt {
        let Answer { status, code, message } = answer;
        if is_passing(status) || matches!(code, "SlowDown" | "RequestTimeout" | "InternalError") {
            return Attempt::Again(said(answer));
        }
        Attempt::Final(match (status, code) {
            (_, "NoSuchBucket") => Error::NoSuchBucket { bucket: asked.bucket.to_owned(), hint: String::new() },
            (404, _) => Error::Gone,
            (412, _) => Error::Changed,
            (_, "InvalidAccessKeyId") => {
                Error::Credentials("S3 does not know the access key; is it of another account or endpoint?".into())
            }
            (_, "SignatureDoesNotMatch") => Error::Credentials("the secret access key is wrong".into()),
            (_, "ExpiredToken" | "TokenRefreshRequired") => {
                Error::Credentials("the session has expired; log in again".into())
            }
            (_, "InvalidToken") => Error::Credentials("the session token is not valid".into()),
            (_, "RequestTimeTooSkewed") => Error::Refused("this machine's clock is more than 15 minutes wrong".into()),
            (_, "InvalidObjectState") => {
                Error::Refused("it is in an archive (Glacier): restore it first, then run again".into())
            }
            (401 | 403, _) => Error::Denied(denied(answer, asked)),
            (301 | 307, _) | (400, "AuthorizationHeaderMalformed") => Error::Refused(format!(
                "bucket `{}` is not in region {}: give --s3-region or AWS_REGION ({})",
                asked.bucket,
                asked.region,
                said(answer)
            )),
            _ => Error::Refused(if message.is_empty() { said(answer) } else { format!("S3: {}", said(answer)) }),
        })
    }
}

/// `503 SlowDown: Please reduce your request rate.`
fn said(answer: Answer<'_>) -> String {
    let mut text = answer.status.to_string();
    for (before, part) in [(" ", answer.code), (": ", answer.message)] {
        if !part.is_empty() {
            let _ = write!(text, "{before}{part}");
        }
    }
    text
}

/// Which permission is missing. AWS often says so itself: for objects that are encrypted by KMS it is `kms:Decrypt` on the key.
fn denied(answer: Answer<'_>, asked: Asked<'_>) -> String {
    let named = answer.message.split_once("is not authorized to perform: ").and_then(|(_, rest)| {
        let (action, rest) = rest.split_once(' ')?;
        let resource = rest.split_once("on resource: ").map(|(_, r)| r.split_whitespace().next().unwrap_or_default());
        Some((action.trim_matches('"'), resource.map(|r| r.trim_matches('"')).filter(|r| r.starts_with("arn:"))))
    });
    let (action, resource) = named.unwrap_or((asked.action, None));
    let own = if action == "s3:ListBucket" { arn(asked, "") } else { arn(asked, asked.key) };
    let mut text = format!("permission {action} on {} is missing", resource.unwrap_or(&own));
    if named.is_none() && answer.message.to_ascii_lowercase().contains("kms") {
        let _ = write!(text, ", or kms:Decrypt on the key that encrypts it ({})", answer.message);
    }
    text
}

/// `arn:aws:s3:::bucket/key`
fn arn(asked: Asked<'_>, key: &str) -> String {
    let slash = if key.is_empty() { "" } else { "/" };
    format!("arn:{}:s3:::{}{slash}{key}", partition(asked.region), asked.bucket)
}

fn partition(region: &str) -> &'static str {
    match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The smallest IAM policy for a use of the keys below `prefix`.
pub(crate) fn policy(usage: Use, asked: Asked<'_>, prefix: &str, kms: bool) -> String {
    let (bucket, objects) = (arn(asked, ""), arn(asked, &format!("{prefix}*")));
    let actions: &[&str] = match usage {
        Use::Source => &["s3:GetObject"],
        Use::Lake => &["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    };
    let mut list = json!({ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket });
    if !prefix.is_empty() {
        list["Condition"] = json!({ "StringLike": { "s3:prefix": format!("{prefix}*") } });
    }
    let mut statements = vec![list, json!({ "Effect": "Allow", "Action": actions, "Resource": objects })];
    if kms {
        statements.push(json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "the key's ARN" }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// Whether the fault lies with the credentials.
fn credentials_error(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return Some(chain(error));
        }
        cause = error.source();
    }
    None
}

/// An error and its causes, without saying the same twice.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            let _ = write!(text, ": {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'static> =
        Asked { action: "s3:GetObject", bucket: "logs", key: "AWSLogs/a.gz", region: "eu-central-1" };

    fn answer(status: u16, code: &str, message: &str) -> String {
        match Attempt::of_answer(Answer { status, code, message }, ASKED) {
            Attempt::Again(detail) => format!("again: {detail}"),
            Attempt::Final(error) => error.to_string(),
        }
    }

    #[test]
    fn answers_as_sentences() {
        assert_eq!(answer(503, "SlowDown", "Reduce your rate"), "again: 503 SlowDown: Reduce your rate");
        assert_eq!(answer(500, "", ""), "again: 500");
        assert_eq!(answer(400, "RequestTimeout", ""), "again: 400 RequestTimeout");
        assert_eq!(answer(404, "NoSuchKey", "x"), "it was deleted after it was listed");
        assert_eq!(answer(404, "NoSuchBucket", "x"), "there is no bucket `logs`");
        assert!(answer(412, "PreconditionFailed", "x").contains("overwritten"));
        assert_eq!(
            answer(403, "AccessDenied", "Access Denied"),
            "permission s3:GetObject on arn:aws:s3:::logs/AWSLogs/a.gz is missing"
        );
        assert_eq!(
            answer(
                403,
                "AccessDenied",
                "User: arn:aws:iam::1:user/a is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-central-1:1:key/k because no identity-based policy allows it"
            ),
            "permission kms:Decrypt on arn:aws:kms:eu-central-1:1:key/k is missing"
        );
        assert!(answer(403, "ExpiredToken", "x").contains("expired"));
        assert!(answer(403, "InvalidObjectState", "x").contains("Glacier"));
        assert!(answer(301, "PermanentRedirect", "x").contains("region eu-central-1"));
    }

    #[test]
    fn the_smallest_policy() {
        let policy = policy(Use::Source, Asked { region: "cn-north-1", ..ASKED }, "AWSLogs/", false);
        let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
        assert_eq!(policy["Statement"][0]["Resource"], "arn:aws-cn:s3:::logs");
        assert_eq!(policy["Statement"][0]["Condition"]["StringLike"]["s3:prefix"], "AWSLogs/*");
        assert_eq!(policy["Statement"][1]["Resource"], "arn:aws-cn:s3:::logs/AWSLogs/*");
    }
}
