//! Moments.

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01 UTC. The clock is read at the edge and handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);
