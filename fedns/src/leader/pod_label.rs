//! Keeps the label of this process's pod: it is there while the process writes.

use std::time::Duration;

use clusters::holder_pod::{HolderPod, LEADER_LABEL};
use clusters::lease::Holding;
use tokio::sync::watch;
use tracing::warn;

/// Before a label that could not be set is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// Follows the holding until its sender is gone. A pod may have the label from a run that was killed,
/// so the first look always tells.
pub async fn keep(pod: HolderPod, mut holding: watch::Receiver<Holding>) {
    let mut told = None;
    let mut failing = false;
    loop {
        let is_holder = matches!(&*holding.borrow_and_update(), Holding::Held { .. });
        let mut wait = Duration::MAX;
        if told != Some(is_holder) {
            match pod.label(is_holder).await {
                Ok(()) => (told, failing) = (Some(is_holder), false),
                Err(why) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!("the label {LEADER_LABEL} of this pod is not as it should be: {why}");
                    }
                    wait = RETRY;
                }
            }
        }
        if !changed(&mut holding, told, wait).await {
            return;
        }
    }
}

/// Waits until another label is wanted than the one that was told, or for the time to try again. False
/// where nobody asks any more.
async fn changed(
    holding: &mut watch::Receiver<Holding>,
    told: Option<bool>,
    wait: Duration,
) -> bool {
    let other = |now: &Holding| Some(matches!(now, Holding::Held { .. })) != told;
    match told {
        // It failed: only time helps.
        _ if wait != Duration::MAX => tokio::select! {
            () = tokio::time::sleep(wait) => true,
            ended = ended(holding) => ended,
        },
        _ => holding.wait_for(other).await.is_ok(),
    }
}

/// False once nobody tells of the holding any more.
async fn ended(holding: &mut watch::Receiver<Holding>) -> bool {
    while holding.changed().await.is_ok() {}
    false
}
