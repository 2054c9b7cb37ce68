//! Until the control plane says what it sees of a member.

use std::time::Duration;

use kube::Api;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::federation::cluster_object::{ClusterObject, ClusterStatus, Phase};
use crate::federation::steps::{Party, limited};

const PERIOD: Duration = Duration::from_millis(500);

/// What the control plane has said when the wait came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Ready {
        message: String,
    },
    /// It looked, and cannot use the member.
    Unready {
        phase: Phase,
        message: String,
    },
    /// It says nothing: perhaps no fedns runs there.
    Nothing,
}

/// Waits until the member is ready, at most for `limit`.
///
/// # Errors
///
/// Why the federation could not be asked.
pub async fn until_ready(
    federation: &Party,
    cluster: &str,
    limit: Duration,
) -> Result<Seen, Failure> {
    let api = Api::<ClusterObject>::all(federation.client());
    let request = federation.request::<ClusterObject>("get", cluster);
    let end = Instant::now() + limit;
    loop {
        let object = limited(&request, api.get(cluster)).await?;
        let seen = seen(object.status.as_ref());
        if matches!(seen, Seen::Ready { .. }) || Instant::now() >= end {
            return Ok(seen);
        }
        sleep(PERIOD).await;
    }
}

fn seen(status: Option<&ClusterStatus>) -> Seen {
    let Some((phase, status)) = status.and_then(|status| Some((status.phase?, status))) else {
        return Seen::Nothing;
    };
    // `Offline` is the condition that counts where it holds; else `Ready` says why and why not.
    let wanted = if phase == Phase::Offline { "Offline" } else { "Ready" };
    let condition = status.conditions.iter().find(|condition| condition.kind == wanted);
    let message = condition.map(|condition| condition.message.clone()).unwrap_or_default();
    match phase {
        Phase::Ready => Seen::Ready { message },
        phase => Seen::Unready { phase, message },
    }
}
