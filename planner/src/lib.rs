//! The decisions of fedns, all pure: values in, values out, with reasons.
//!
//! - [`names`]: how a federated name is composed and taken apart
//! - [`ladder`]: one service's records at its global, region and zone names
//! - [`rungs`]: the regions and availability zones that names are made for
//! - [`settings`]: what decides a zone beside the state
//! - [`base`]: what stands in a zone before any service: apex, name servers, static records
//! - [`federation`]: the state that all of it is decided from: clusters, services, shards
//! - [`planner`]: state and settings together; turns a change of state into a change of each zone
//! - [`explain()`]: the decision about one name, told from the state
//!
//! The decisions about federated objects, which are propagated to clusters (feature `federation`):
//!
//! - [`annotations`]: the annotations that steer them, and what is wrong with one
//! - [`placement`]: which clusters an object goes to
//! - [`replicas`]: how many replicas each cluster gets
//! - [`eligibility`]: which clusters count for that, and how many replicas fit, through time
//! - [`overrides`]: what differs in one cluster
//! - [`ingresses`]: what the load balancers of all clusters give, as annotation and status
//! - [`member_status`]: the status of a federated workload, from those of its members
//!
//! ```text
//! [ ClusterChange ] -> [ Federation ] -> [ ladder of each touched service ] -> [ ZoneDiff ]
//!                                             ^ [ Rungs ]  ^ [ ZoneSettings ]
//! ```

pub mod base;
pub mod explain;
pub mod federation;
pub mod ladder;
mod addresses;
pub mod names;
pub mod planner;
pub mod rungs;
pub mod settings;

#[cfg(feature = "federation")]
pub mod annotations;
#[cfg(feature = "federation")]
pub mod placement;
#[cfg(feature = "federation")]
pub mod replicas;
#[cfg(feature = "federation")]
pub mod eligibility;
#[cfg(feature = "federation")]
pub mod overrides;
#[cfg(feature = "federation")]
pub mod ingresses;
#[cfg(feature = "federation")]
pub mod member_status;

pub use base::{BaseError, NameServer, base_contents, unserved_contents};
pub use explain::{Explanation, explain};
pub use federation::{ClusterEntry, ClusterId, Federation, ServiceEntry};
pub use ladder::{LeftOutName, NameReason, PlannedName, ServicePlan};
pub use names::{FederatedName, Place};
pub use planner::{Effects, Planner};
pub use rungs::Rungs;
pub use settings::ZoneSettings;
