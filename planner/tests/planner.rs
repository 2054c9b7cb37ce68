//! The planner's tests, one binary.

/// Single decisions that the first federation's tests pin, and where ours are better.
#[path = "planner/golden.rs"]
mod golden;
/// What must hold for every sequence of changes.
#[path = "planner/properties.rs"]
mod properties;
/// Stories told as scripts, in planner/scenarios.
#[path = "planner/scenarios.rs"]
mod scenarios;
#[path = "planner/support.rs"]
mod support;

/// Which clusters an object goes to.
#[path = "planner/placement.rs"]
mod placement;
/// How replicas, Jobs and autoscalers are divided among clusters.
#[path = "planner/replicas.rs"]
mod replicas;
/// What must hold for every spread of replicas.
#[path = "planner/replicas_properties.rs"]
mod replicas_properties;
/// What annotations may hold, and what is said of those that do not.
#[path = "planner/preferences.rs"]
mod preferences;
/// What differs in one cluster.
#[path = "planner/overrides.rs"]
mod overrides;
/// The annotation with all load balancers' addresses, and the federated status.
#[path = "planner/ingresses.rs"]
mod ingresses;
/// Clusters that come and go, and fill up, through time.
#[path = "planner/eligibility.rs"]
mod eligibility;
/// Sums of what members report.
#[path = "planner/member_status.rs"]
mod member_status;
