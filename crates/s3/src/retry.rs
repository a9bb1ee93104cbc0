//! Trying again: which failures, how long to wait, and how often.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use crate::error::{Attempt, Error, Result};

/// How patient requests are.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How often a request is tried in all.
    pub attempts: u32,
    /// The wait before attempt *n + 1* is a random time below this times 2^(*n* - 1)...
    pub first_wait: Duration,
    /// ...and below this.
    pub longest_wait: Duration,
    /// For a connection to be made.
    pub connect: Duration,
    /// For a server that was asked, or that is in the middle of an answer, to send anything.
    pub silence: Duration,
}

impl Default for Limits {
    /// Some two minutes against a server that refuses everything at once: S3 itself needs about one to adapt to a new load.
    fn default() -> Limits {
        Limits {
            attempts: 10,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(20),
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// The wait after failure number `failures`: full jitter, so that many clients that failed together do not come back together.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let most = self.first_wait.saturating_mul(1 << (failures - 1).min(16)).min(self.longest_wait);
        let random = RandomState::new().hash_one(0) >> 11; // 53 bits, seeded anew by the system
        most.mul_f64(random as f64 / (1_u64 << 53) as f64)
    }

    /// Waits after failure number `failures` of a request, if it may be tried again; `false` if not.
    pub(crate) async fn again(&self, failures: u32, bucket: &str, key: &str, error: &str) -> bool {
        if failures >= self.attempts {
            // Whoever asked says so, too.
            tracing::info!(bucket, key, attempt = failures, error, "S3 request failed, giving up");
            return false;
        }
        let wait = self.wait(failures);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        // No warning: most often the next attempt succeeds, and the mail of a cron job must not be full of it.
        tracing::info!(bucket, key, attempt = failures, error, wait_ms, "S3 request failed, trying again");
        tokio::time::sleep(wait).await;
        true
    }

    /// Runs `attempt` until it succeeds, fails for good, or has failed too often.
    pub(crate) async fn retry<T, F>(&self, bucket: &str, key: &str, mut attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Attempt>>,
    {
        let mut failures = 0;
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(detail)) => {
                    failures += 1;
                    if !self.again(failures, bucket, key, &detail).await {
                        return Err(Error::Unavailable { attempts: failures, detail });
                    }
                }
            }
        }
    }
}

/// Whether an answer of this status may be another one next time.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 509)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_differ() {
        let limits = Limits::default();
        for failures in 1..100 {
            let most = 200 * 2_u128.pow(failures.min(20) - 1);
            assert!(limits.wait(failures).as_millis() <= most.min(20_000));
        }
        let waits: std::collections::HashSet<_> = (0..20).map(|_| limits.wait(5)).collect();
        assert!(waits.len() > 10);
    }

    #[tokio::test]
    async fn gives_up_in_the_end_and_at_once_where_it_is_hopeless() {
        let limits = Limits { first_wait: Duration::ZERO, ..Limits::default() };
        let mut tried = 0;
        let result: Result<()> = limits
            .retry("b", "k", || {
                tried += 1;
                std::future::ready(Err(Attempt::Again("503".into())))
            })
            .await;
        assert!(matches!(result, Err(Error::Unavailable { attempts: 10, .. })));
        assert_eq!(tried, 10);
        let result: Result<()> = limits.retry("b", "k", || std::future::ready(Err(Attempt::Final(Error::Gone)))).await;
        assert!(matches!(result, Err(Error::Gone)));
    }
}
