//! What the propagator is told at its start.

use clusters::Access;
use planner::eligibility::EligibilitySettings;

/// Where the federation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The federation's label in DNS names, which marks its copies in members.
    pub federation: String,
    /// The federation's own API.
    pub federation_access: Access,
    /// The cluster that holds the control plane: debts are kept there.
    pub host_access: Access,
    /// The namespace of the control plane in the host cluster.
    pub host_namespace: String,
    /// When replicas leave a cluster, and when they come back.
    pub eligibility: EligibilitySettings,
}
