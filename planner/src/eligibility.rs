//! Which clusters count for a spread of replicas, and how many fit into each: with delay and hysteresis.
//!
//! - [`Attendance`]: one cluster; it stops to count some time after contact is lost, and counts again
//!   some time after it is back, the longer the more often it went
//! - [`CapacityEstimate`]: one object in one cluster; how many replicas fit, as far as pods
//!   that no node takes, or that its API refuses, have shown
//!
//! Both are given the time and say when to look again, so that one timer is enough.

mod attendance;
mod capacity;

pub use attendance::{Attendance, Contact, Presence};
pub use capacity::{CapacityEstimate, CapacityView, MemberPods};

/// Delays, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EligibilitySettings {
    /// How long contact with a cluster is lost before its replicas are planned elsewhere. Default 60.
    pub leave_after_seconds: u64,
    /// How long a cluster is back before it counts again. Default 20; it doubles with each time that
    /// the cluster leaves again before `calm_after_seconds`.
    pub return_after_seconds: u64,
    /// The longest that the doubling leads to. Default 600.
    pub return_after_seconds_max: u64,
    /// How long a cluster must count, or a capacity be unlimited, before earlier trouble is forgotten.
    /// Default 3600.
    pub calm_after_seconds: u64,
    /// How long no node takes a pod, or the cluster's API refuses it, before it counts as one that does not
    /// fit. Default 60.
    pub unschedulable_after_seconds: u64,
    /// How long a capacity counts after the last pod that did not fit. Then replicas may come back.
    /// Default 300; it doubles with each time that they did not fit again.
    pub retry_after_seconds: u64,
    /// The longest that the doubling leads to. Default 3600.
    pub retry_after_seconds_max: u64,
}

impl Default for EligibilitySettings {
    fn default() -> Self {
        Self {
            leave_after_seconds: 60,
            return_after_seconds: 20,
            return_after_seconds_max: 600,
            calm_after_seconds: 3600,
            unschedulable_after_seconds: 60,
            retry_after_seconds: 300,
            retry_after_seconds_max: 3600,
        }
    }
}

/// `seconds` doubled `times` times, up to `max`.
fn doubled(seconds: u64, times: u32, max: u64) -> u64 {
    let factor = 1_u64.checked_shl(times).unwrap_or(u64::MAX);
    seconds.saturating_mul(factor).min(max)
}
