//! A clock that never goes back and goes on while the machine sleeps (CLOCK_BOOTTIME).

use std::time::Duration;

/// Time since the machine started, sleep included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(Duration);

impl BootTime {
    pub fn now() -> Self {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a timespec of ours that lives across the call.
        let result = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
        assert_eq!(result, 0, "every Linux since 2.6.39 has this clock");
        // Neither is below zero, as the kernel says.
        Self(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }

    pub fn has_passed(self) -> bool {
        Self::now() >= self
    }
}
