//! A policy that may be put in place of another while threads answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::policy::Policy;

pub(crate) struct SharedPolicy {
    current: Mutex<Arc<Policy>>,
    /// One more with each policy.
    version: AtomicU64,
}

/// One thread's view of it: a look at a number each time, a lock only after a change.
pub(crate) struct PolicyReader {
    shared: Arc<SharedPolicy>,
    version: u64,
    policy: Arc<Policy>,
}

// === impl SharedPolicy ===

impl SharedPolicy {
    pub fn new(policy: Policy) -> Arc<Self> {
        Arc::new(Self { current: Mutex::new(Arc::new(policy)), version: AtomicU64::new(0) })
    }

    pub fn set(&self, policy: Policy) {
        // A policy is put there whole, whatever happened to another thread.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(policy);
        self.version.fetch_add(1, Ordering::Release);
    }

    pub fn reader(self: &Arc<Self>) -> PolicyReader {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // The version changes only under the lock.
        let version = self.version.load(Ordering::Acquire);
        PolicyReader { shared: Arc::clone(self), version, policy: Arc::clone(&current) }
    }
}

// === impl PolicyReader ===

impl PolicyReader {
    /// Looks whether there is another policy now; true where there is.
    #[inline]
    pub fn refresh(&mut self) -> bool {
        let is_new = self.shared.version.load(Ordering::Acquire) != self.version;
        if is_new {
            *self = self.shared.reader();
        }
        is_new
    }

    /// The policy that the last refresh found.
    #[inline]
    pub fn get(&self) -> &Policy {
        &self.policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_the_newest_policy_once_it_looks() {
        let named = |nsid: &[u8]| Policy { nsid: Some(nsid.into()), ..Policy::PLAIN };
        let shared = SharedPolicy::new(Policy::PLAIN);
        let mut reader = shared.reader();
        assert!(!reader.refresh());
        shared.set(named(b"a"));
        shared.set(named(b"b"));
        assert_eq!(*reader.get(), Policy::PLAIN);
        assert!(reader.refresh());
        assert_eq!(*reader.get(), named(b"b"));
        assert!(!reader.refresh());
    }
}
