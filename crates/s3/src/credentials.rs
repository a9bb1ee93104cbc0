//! One source of credentials for the AWS SDK and for `object_store`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

/// Credentials are renewed this long before they expire: a request that is under way must not be overtaken.
const MARGIN: Duration = Duration::from_secs(300);
/// What does not say when it expires may still be changed by somebody (files in containers).
const UNKNOWN: Duration = Duration::from_secs(900);

/// What the chain gave last, kept until shortly before it expires.
#[derive(Debug, Clone)]
pub(crate) struct Kept(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    chain: SharedCredentialsProvider,
    last: Mutex<Option<(Credentials, SystemTime)>>,
}

impl Kept {
    pub(crate) fn new(chain: SharedCredentialsProvider) -> Kept {
        Kept(Arc::new(Inner { chain, last: Mutex::default() }))
    }

    pub(crate) async fn get(&self) -> provider::Result {
        // Who comes while they are being fetched waits, instead of asking a second time.
        let mut last = self.0.last.lock().await;
        let now = SystemTime::now();
        if let Some((credentials, until)) = &*last
            && now < *until
        {
            return Ok(credentials.clone());
        }
        match self.0.chain.provide_credentials().await {
            Ok(credentials) => {
                let until = credentials.expiry().map_or(now + UNKNOWN, |expiry| expiry - MARGIN);
                *last = Some((credentials.clone(), until));
                Ok(credentials)
            }
            // A failed renewal is no harm while the old ones are good.
            Err(error) => match &*last {
                Some((credentials, _)) if credentials.expiry().is_none_or(|expiry| now < expiry) => {
                    tracing::warn!(error = %error, "AWS credentials could not be renewed yet");
                    Ok(credentials.clone())
                }
                _ => Err(error),
            },
        }
    }
}

impl ProvideCredentials for Kept {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.get())
    }
}

#[async_trait]
impl CredentialProvider for Kept {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let credentials = self.get().await.map_err(|error: CredentialsError| object_store::Error::Unauthenticated {
            path: String::new(),
            source: Box::new(error),
        })?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Gives credentials that live so long, and counts how often.
    #[derive(Debug)]
    struct Counting(Arc<AtomicU32>, Duration);

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::ready(Ok(Credentials::new(
                "id",
                "secret",
                None,
                Some(SystemTime::now() + self.1),
                "test",
            )))
        }
    }

    #[tokio::test]
    async fn are_kept_until_shortly_before_they_expire() {
        for (lifetime, expected) in [(Duration::from_secs(3600), 1), (Duration::from_secs(60), 3)] {
            let count = Arc::new(AtomicU32::new(0));
            let kept = Kept::new(SharedCredentialsProvider::new(Counting(Arc::clone(&count), lifetime)));
            kept.get().await.unwrap();
            kept.provide_credentials().await.unwrap();
            assert_eq!(kept.get_credential().await.unwrap().key_id, "id");
            assert_eq!(count.load(Ordering::Relaxed), expected);
        }
    }
}
