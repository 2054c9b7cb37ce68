//! Memory that the process was given and does not use any more.

/// Gives pages of the heap that nothing stands on back to the system: what is read from a large zone
/// file leaves far more of them behind than the zone that is served needs.
///
/// It looks at the whole heap once, so it belongs behind what has filled and left much of it.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, and may be called at any time by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
