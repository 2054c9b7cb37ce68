//! How many replicas each cluster gets, and why.
//!
//! - [`Preferences`]: what the annotation says: minimum, maximum and weight of each cluster
//! - [`spread()`]: replicas of Deployments and ReplicaSets
//! - [`split_job`]: parallelism and completions of Jobs
//! - [`split_autoscaler`]: the bounds of HorizontalPodAutoscalers
//!
//! StatefulSets and DaemonSets are not divided: every selected cluster gets the whole object.

mod preferences;
mod spread;
mod apportion;
mod job;
mod autoscaler;

pub use autoscaler::{AutoscalerShare, split_autoscaler};
pub use job::{JobRequest, JobShare, JobSplit, split_job};
pub use preferences::{ClusterPreference, Preferences};
pub use spread::{ClusterSpread, Spread, SpreadReason, SpreadRequest, Standing, spread};
