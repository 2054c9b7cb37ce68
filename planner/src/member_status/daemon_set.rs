//! DaemonSets.

use serde::{Deserialize, Serialize};

use super::{Summary, is_zero};

/// `.status` of a DaemonSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DaemonSetStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    pub current_number_scheduled: u32,
    pub number_misscheduled: u32,
    pub desired_number_scheduled: u32,
    pub number_ready: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub updated_number_scheduled: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub number_available: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub number_unavailable: u32,
}

/// Sums over the nodes of all clusters.
pub fn sum_daemon_sets(summary: &Summary<'_, DaemonSetStatus>) -> DaemonSetStatus {
    DaemonSetStatus {
        observed_generation: summary.observed_generation(|status| status.observed_generation),
        current_number_scheduled: summary.sum(|status| status.current_number_scheduled),
        number_misscheduled: summary.sum(|status| status.number_misscheduled),
        desired_number_scheduled: summary.sum(|status| status.desired_number_scheduled),
        number_ready: summary.sum(|status| status.number_ready),
        updated_number_scheduled: summary.sum(|status| status.updated_number_scheduled),
        number_available: summary.sum(|status| status.number_available),
        number_unavailable: summary.sum(|status| status.number_unavailable),
    }
}
