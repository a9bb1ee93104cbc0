//! The steps of a night: told as they go, timed, and counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::exit::{self, Exit};

/// How a step ended, and what it did, as numbers by name.
pub(super) struct Did {
    exit: Exit,
    numbers: Map<String, Value>,
}

impl Did {
    pub(super) fn new(exit: Exit, numbers: Value) -> Did {
        let numbers = if let Value::Object(numbers) = numbers { numbers } else { Map::new() };
        Did { exit, numbers }
    }
}

pub(super) struct Steps<'a> {
    stop: &'a AtomicBool,
    exit: Exit,
    done: Vec<Value>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(stop: &'a AtomicBool) -> Steps<'a> {
        Steps { stop, exit: Exit::Fine, done: Vec::new() }
    }

    /// Runs a step, unless the night was stopped. One that fails is told and does not end the night.
    pub(super) fn run(&mut self, step: &'static str, work: impl FnOnce() -> Result<Did>) {
        if self.stop.load(Ordering::Relaxed) {
            return;
        }
        let started = Instant::now();
        tracing::info!(step, "step begun");
        let (exit, numbers, error) = match work() {
            Ok(did) => (did.exit, did.numbers, None),
            Err(error) => {
                let text = exit::chain(&error);
                tracing::warn!(source = step, reason = text, "step failed");
                (exit::of(&error), Map::new(), Some(text))
            }
        };
        let said = Value::Object(numbers.clone()).to_string();
        tracing::info!(step, exit = exit as u64, ms = started.elapsed().as_millis() as u64, said, "step finished");
        let mut done = Map::new();
        done.insert("step".into(), step.into());
        done.insert("exit".into(), (exit as u8).into());
        done.insert("seconds".into(), seconds(started));
        done.extend(numbers);
        if let Some(error) = error {
            done.insert("error".into(), error.into());
        }
        self.done.push(done.into());
        self.exit = self.exit.max(exit);
    }

    /// The worst of all.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether this step did nothing of what it should: usage and failure.
    pub(super) fn failed(&self, step: &str) -> bool {
        self.done.iter().any(|done| done["step"] == step && done.get("error").is_some())
    }

    /// As in `nightly.json`.
    pub(super) fn done(&self) -> &[Value] {
        &self.done
    }

    /// What was found, for people: `2 incidents, 1 budget failed`.
    pub(super) fn text(&self) -> String {
        let number = |name: &str| self.done.iter().find_map(|done| done.get(name)?.as_u64());
        let mut parts = vec![match number("incidents") {
            Some(n) => crate::show::plural(n, "incident"),
            None => "no diagnosis".to_owned(),
        }];
        if let Some(n) = number("budgets_failed").filter(|n| *n > 0) {
            parts.push(format!("{} failed", crate::show::plural(n, "budget")));
        }
        let failed: Vec<&str> = self
            .done
            .iter()
            .filter(|done| done.get("error").is_some())
            .filter_map(|done| done["step"].as_str())
            .collect();
        if !failed.is_empty() {
            parts.push(format!("failed: {}", failed.join(", ")));
        }
        parts.join(", ")
    }
}

/// To a millisecond.
pub(super) fn seconds(since: Instant) -> Value {
    json!(since.elapsed().as_millis() as f64 / 1000.0)
}
