//! Locks that a failing test cannot spoil for the others.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks although another test may have panicked with the lock in hand: nothing here is ever left
/// half done under one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
