//! The key in use, renewed by one task at a time.
//!
//! Temporary keys are renewed while the old one still works, so a call waits for a renewal only when
//! there is no key that works. A key that AliDNS refuses is dropped, and its source asked anew.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{CredentialSource, Credentials, CredentialsError, read_config_file};
use crate::clock::Clock;

/// A key is renewed this long before it expires.
const RENEW_BEFORE_SECONDS: u64 = 15 * 60;
/// A key that expires sooner is not used any more: the call takes time, and clocks differ.
const USABLE_SECONDS: u64 = 60;
/// The service gives the same key until shortly before its end: it is not asked for each call.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(60);

pub(in crate::alidns) struct CredentialStore {
    source: CredentialSource,
    clock: Arc<dyn Clock>,
    current: Mutex<Option<Arc<Credentials>>>,
    /// Held by the one task that renews; holds when it last did.
    renewed: tokio::sync::Mutex<Option<Instant>>,
}

// === impl CredentialStore ===

impl CredentialStore {
    pub(in crate::alidns) fn new(source: CredentialSource, clock: Arc<dyn Clock>) -> Self {
        let renewed = tokio::sync::Mutex::new(None);
        Self { source, clock, current: Mutex::new(None), renewed }
    }

    /// A key to sign with.
    pub(in crate::alidns) async fn get(&self) -> Result<Arc<Credentials>, CredentialsError> {
        if let Some(fresh) = self.lasting(RENEW_BEFORE_SECONDS) {
            return Ok(fresh);
        }
        if let Some(usable) = self.lasting(USABLE_SECONDS) {
            // Another task renews it, or it was tried just now.
            let Ok(mut renewed) = self.renewed.try_lock() else {
                return Ok(usable);
            };
            let now = self.clock.monotonic();
            if renewed.is_some_and(|last| now.duration_since(last) < BETWEEN_RENEWALS) {
                return Ok(usable);
            }
            *renewed = Some(now);
            return match self.fetch().await {
                Ok(credentials) => Ok(self.keep(credentials)),
                Err(error) => {
                    tracing::warn!("the key in use goes on: {error}");
                    Ok(usable)
                }
            };
        }
        let mut renewed = self.renewed.lock().await;
        // The task that held the lock before may have brought one.
        if let Some(usable) = self.lasting(USABLE_SECONDS) {
            return Ok(usable);
        }
        *renewed = Some(self.clock.monotonic());
        Ok(self.keep(self.fetch().await?))
    }

    /// Drops a key that was refused. True if asking again may bring another.
    pub(in crate::alidns) fn refused(&self, credentials: &Arc<Credentials>) -> bool {
        if matches!(self.source, CredentialSource::Fixed(_)) {
            return false;
        }
        let mut current = self.lock();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, credentials)) {
            *current = None;
        }
        true
    }

    fn lasting(&self, seconds: u64) -> Option<Arc<Credentials>> {
        let now = self.clock.unix().0;
        let current = self.lock().clone()?;
        let lasts = current.expires.is_none_or(|expires| expires.0 > now + seconds);
        lasts.then_some(current)
    }

    fn keep(&self, credentials: Credentials) -> Arc<Credentials> {
        let credentials = Arc::new(credentials);
        *self.lock() = Some(Arc::clone(&credentials));
        credentials
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        match &self.source {
            CredentialSource::Fixed(credentials) => Ok(credentials.clone()),
            CredentialSource::File(path) => from_file(path),
            CredentialSource::EcsRole(role) => role.fetch().await,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Credentials>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn from_file(path: &Path) -> Result<Credentials, CredentialsError> {
    read_config_file(path)?.credentials.ok_or_else(|| CredentialsError::File {
        path: path.display().to_string(),
        problem: "names no key any more".to_owned(),
    })
}
