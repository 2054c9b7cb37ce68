//! Texts that no other call has: AliDNS refuses a signature that it has seen.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Unlike in each process, as the keys of `RandomState` are, and in each call.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    random: RandomState,
    calls: AtomicU64,
}

// === impl Nonces ===

impl Nonces {
    /// 32 hexadecimal digits.
    pub(super) fn next(&self) -> String {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let half = |which: u8| self.random.hash_one((call, which));
        format!("{:016x}{:016x}", half(0), half(1))
    }

    /// For jitter.
    pub(super) fn random(&self) -> u64 {
        self.random.hash_one((self.calls.fetch_add(1, Ordering::Relaxed), 2_u8))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_are_equal() {
        let (one, two) = (Nonces::default(), Nonces::default());
        let all: BTreeSet<String> = (0..500).flat_map(|_| [one.next(), two.next()]).collect();
        assert_eq!(all.len(), 1_000);
        assert!(all.iter().all(|nonce| nonce.len() == 32));
    }
}
