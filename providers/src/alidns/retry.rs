//! Trying again: how often one call may be, and how often an account's calls together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::{Class, Error};
use super::nonce::Nonces;
use crate::clock::Clock;
use crate::throttle::{Backoff, Throttle, TokenBucket};

/// A pause that AliDNS asks for is kept up to this.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// Bounds of trying again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts at one call, the first included.
    pub attempts_max: u32,
    /// One call is not tried again beyond this time since its start.
    pub elapsed_max: Duration,
    pub backoff: Backoff,
    /// Repetitions that all calls together may make at once, ...
    pub budget: u32,
    /// ... and those that come back in a second.
    pub budget_per_second: f64,
}

/// What all calls of an account share for trying again.
pub(super) struct Retry {
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    budget: Mutex<TokenBucket>,
    /// The failure of a call that is being tried again; `None` after a success.
    trouble: Mutex<Option<String>>,
    random: Nonces,
}

/// The attempts at one call.
pub(super) struct Attempts<'a> {
    retry: &'a Retry,
    throttle: &'a Throttle,
    failures: u32,
    started: Instant,
}

// === impl RetryPolicy ===

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 6,
            elapsed_max: Duration::from_secs(120),
            backoff: Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) },
            budget: 30,
            budget_per_second: 0.2,
        }
    }
}

// === impl Retry ===

impl Retry {
    pub(super) fn new(policy: RetryPolicy, clock: Arc<dyn Clock>) -> Self {
        let now = clock.monotonic();
        let budget = Mutex::new(TokenBucket::new(policy.budget_per_second, policy.budget, now));
        let trouble = Mutex::default();
        Self { policy, clock, budget, trouble, random: Nonces::default() }
    }

    pub(super) fn attempts<'a>(&'a self, throttle: &'a Throttle) -> Attempts<'a> {
        Attempts { retry: self, throttle, failures: 0, started: self.clock.monotonic() }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn take_from_budget(&self) -> bool {
        let now = self.clock.monotonic();
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).try_take(now)
    }
}

// === impl Attempts ===

impl Attempts<'_> {
    /// After a failure: waits and returns when the call is to be tried again.
    ///
    /// # Errors
    ///
    /// The failure itself, if it is not one that passes or enough has been tried.
    pub(super) async fn again(&mut self, error: Error) -> Result<(), Error> {
        if error.class() != Class::Retry {
            return Err(error);
        }
        let wait = self.wait_for(&error);
        if error.is_throttling() {
            // Also for the calls of others: each would be refused, and prolong it.
            self.throttle.close_for(wait);
        }
        let Retry { policy, clock, .. } = self.retry;
        self.failures += 1;
        let elapsed = clock.monotonic().saturating_duration_since(self.started);
        let spent = self.failures >= policy.attempts_max || elapsed + wait > policy.elapsed_max;
        if spent || !self.retry.take_from_budget() {
            return Err(error);
        }
        // Being asked to go slower once is no trouble yet.
        if !error.is_throttling() || self.failures > 1 {
            self.retry.set_trouble(Some(error.to_string()));
        }
        tracing::debug!(attempt = self.failures, ?wait, "AliDNS call failed, tried again: {error}");
        if !error.is_throttling() {
            clock.sleep(wait).await;
        }
        Ok(())
    }

    fn wait_for(&self, error: &Error) -> Duration {
        let wait = self.retry.policy.backoff.delay(self.failures, self.retry.random.random());
        wait.max(error.retry_after().unwrap_or_default().min(PAUSE_MAX))
    }
}

#[cfg(test)]
mod tests;
