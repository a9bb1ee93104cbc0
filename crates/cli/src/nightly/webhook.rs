//! Messages to a webhook, each of them once if the receiver answers.
//!
//! A night's messages are a file in its folder, so they are committed with it before any is sent. A message that the receiver has taken (2xx) gets
//! a marker of its own, `.sent/ID`, on the disk before the next one goes out. What has no marker is sent again: by the next
//! attempt, or by the next night. An answer that gets lost may so mean a message twice; both have the same `Idempotency-Key`.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode, redirect};
use serde_json::json;

use super::findings::{Message, Messages};
use super::folder;
use crate::config::Webhook;
use crate::exit::UsageError;
use crate::show::safe;

/// In the folder of each day.
pub(super) const FILE: &str = "messages.json";
/// In the output folder: a marker for each message that was taken.
const SENT: &str = ".sent";
/// Older messages are news no more.
const NEWS: TimeDelta = TimeDelta::days(7);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What became of the messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) sent: u64,
    /// Not taken; they stay for the next night.
    pub(super) failed: u64,
}

/// The messages of all days that no marker is there for, the oldest first.
pub(super) fn pending(out: &Path, now: DateTime<Utc>) -> Result<Vec<Message>> {
    let mut pending = Vec::new();
    let mut known = HashSet::new();
    for (_, day) in folder::days(out)? {
        let Ok(text) = fs::read_to_string(day.join(FILE)) else { continue };
        let file = day.join(FILE);
        let messages: Messages =
            serde_json::from_str(&text).with_context(|| format!("cannot read {}", safe(&file.to_string_lossy())))?;
        if messages.created < now - NEWS {
            continue;
        }
        let not_sent = |message: &Message| is_id(&message.id) && !out.join(SENT).join(&message.id).exists();
        pending.extend(messages.messages.into_iter().filter(|m| not_sent(m) && known.insert(m.id.clone())));
    }
    Ok(pending)
}

/// It becomes the name of a file.
fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Sends what is pending. What the receiver refuses does not keep the others back; what it cannot be reached for does, until the next night.
///
/// # Errors
/// The address is none, or a marker cannot be written; then no more is sent.
pub(super) async fn deliver(out: &Path, hook: &Webhook, now: DateTime<Utc>) -> Result<Delivered> {
    let url = address(hook)?; // even if there is nothing to send: the first incident is no time to find it wrong
    let pending = pending(out, now)?;
    let mut delivered = Delivered::default();
    if pending.is_empty() {
        return Ok(delivered);
    }
    let client = Client::builder()
        .timeout(hook.timeout)
        .connect_timeout(hook.timeout)
        .redirect(redirect::Policy::none()) // the address is a secret, and its receiver is who was meant
        .user_agent(concat!("albatross/", env!("CARGO_PKG_VERSION")))
        .build()?;
    fs::create_dir_all(out.join(SENT))?;
    let all = pending.len() as u64;
    for message in pending {
        match send(&client, &url, hook, &message).await {
            Ok(()) => {
                let marker = json!({ "sent": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true) });
                folder::replace(&out.join(SENT).join(&message.id), format!("{marker}\n").as_bytes())
                    .context("a message was taken, but its marker cannot be written; no more are sent")?;
                delivered.sent += 1;
                tracing::info!(id = message.id, "message sent");
            }
            Err(Refusal { reason, of_all }) => {
                delivered.failed += 1;
                if of_all {
                    delivered.failed = all - delivered.sent;
                    let reason = match delivered.failed {
                        1 => reason,
                        waiting => format!("{reason}; {waiting} messages wait for the next night"),
                    };
                    tracing::warn!(source = "webhook", id = message.id, reason, "messages not sent");
                    break;
                }
                tracing::warn!(source = "webhook", id = message.id, reason, "message not sent");
            }
        }
    }
    Ok(delivered)
}

/// The address, from the file or from the variable that the file names.
pub(super) fn address(hook: &Webhook) -> Result<reqwest::Url> {
    let problem = |what: String| anyhow::Error::from(UsageError(format!("[webhook]: {what}")));
    let text = match (&hook.url, &hook.url_env) {
        (Some(url), _) => url.clone(),
        (None, Some(name)) => {
            let text = std::env::var(name).ok().filter(|text| !text.trim().is_empty());
            text.ok_or_else(|| problem(format!("the variable {} is not set or empty", safe(name))))?
        }
        (None, None) => String::new(),
    };
    // Nothing of it may be said: it is a secret.
    let url = reqwest::Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| problem("the address is no http:// or https:// URL".to_owned()))
}

/// Whether it is the address that the receiver refuses, not what the message says.
fn is_about_the_address(status: StatusCode) -> bool {
    use StatusCode as S;
    let of_address = [S::UNAUTHORIZED, S::FORBIDDEN, S::NOT_FOUND, S::METHOD_NOT_ALLOWED, S::GONE];
    status.is_redirection() || of_address.contains(&status)
}

struct Refusal {
    reason: String,
    /// The next message would fare no better.
    of_all: bool,
}

async fn send(client: &Client, url: &reqwest::Url, hook: &Webhook, message: &Message) -> Result<(), Refusal> {
    let body = json!({ "text": message.text }).to_string();
    let mut failures = 0;
    loop {
        let request = client
            .post(url.clone())
            .header("content-type", "application/json")
            .header("idempotency-key", &message.id)
            .body(body.clone());
        let (reason, asked_wait) = match request.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                let status = answer.status();
                let passing = status.is_server_error()
                    || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
                let reason = format!("the receiver answers {}", status.as_u16());
                if !passing {
                    return Err(Refusal { reason, of_all: is_about_the_address(status) });
                }
                let after = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
                (reason, after.map(Duration::from_secs))
            }
            Err(error) => (unanswered(error), None),
        };
        failures += 1;
        if failures >= hook.attempts {
            return Err(Refusal { reason: format!("{reason} (tried {failures} times)"), of_all: true });
        }
        let wait = asked_wait.map_or_else(|| wait(failures), |asked| asked.min(LONGEST_WAIT));
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(id = message.id, attempt = failures, error = reason, wait_ms, "message not taken, trying again");
        tokio::time::sleep(wait).await;
    }
}

/// Why there was no answer, without the address.
fn unanswered(error: reqwest::Error) -> String {
    let what = match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () => "the connection broke",
    };
    let mut text = what.to_owned();
    let error = error.without_url();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Full jitter, so that many that failed together do not come back together.
fn wait(failures: u32) -> Duration {
    let most = FIRST_WAIT.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST_WAIT);
    let random = RandomState::new().hash_one(0) >> 11; // 53 bits, seeded anew by the system
    most.mul_f64(random as f64 / (1_u64 << 53) as f64)
}
