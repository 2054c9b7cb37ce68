//! Until the control plane says what it sees of a member. What it said of an earlier join does not count.

use std::time::Duration;

use kube::Api;
use tokio::time::{Instant, sleep};

use super::mark::Mark;
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
    /// What it says is of an earlier join.
    Outdated,
    /// It says nothing: perhaps no fedns runs there.
    Nothing,
}

/// Waits until the member is ready as `mark`'s join left it, at most for `limit`.
///
/// # Errors
///
/// Why the federation could not be asked.
pub async fn until_ready(
    federation: &Party,
    cluster: &str,
    mark: &Mark,
    limit: Duration,
) -> Result<Seen, Failure> {
    let api = Api::<ClusterObject>::all(federation.client());
    let request = federation.request::<ClusterObject>("get", cluster);
    let end = Instant::now() + limit;
    loop {
        let object = limited(&request, api.get(cluster)).await?;
        let seen = seen(object.status.as_ref(), mark);
        if matches!(seen, Seen::Ready { .. }) || Instant::now() >= end {
            return Ok(seen);
        }
        sleep(PERIOD).await;
    }
}

fn seen(status: Option<&ClusterStatus>, mark: &Mark) -> Seen {
    let Some((phase, status)) = status.and_then(|status| Some((status.phase?, status))) else {
        return Seen::Nothing;
    };
    if status.join != mark.to_string() {
        return Seen::Outdated;
    }
    // `Offline` is the condition that counts where it holds; else `Ready` says why and why not.
    let wanted = if phase == Phase::Offline { "Offline" } else { "Ready" };
    let condition = status.conditions.iter().find(|condition| condition.kind == wanted);
    let message = condition.map(|condition| condition.message.clone()).unwrap_or_default();
    match phase {
        Phase::Ready => Seen::Ready { message },
        phase => Seen::Unready { phase, message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::cluster_object::Condition;

    fn check(phase: Option<Phase>, join: &str, expect: Seen) {
        let condition = |kind: &str| Condition {
            kind: kind.to_owned(),
            status: "True".to_owned(),
            last_probe_time: None,
            last_transition_time: None,
            reason: String::new(),
            message: format!("what {kind} says"),
        };
        let conditions = ["Ready", "Offline"].map(condition).into();
        let status =
            ClusterStatus { phase, conditions, join: join.to_owned(), ..ClusterStatus::default() };
        let mark = Mark::parse("7@now").expect("a mark");
        assert_eq!(seen(Some(&status), &mark), expect);
    }

    #[test]
    fn only_what_is_said_of_this_join_counts() {
        let message = |kind: &str| format!("what {kind} says");
        let unready = |phase, kind| Seen::Unready { phase, message: message(kind) };
        check(Some(Phase::Ready), "7@now", Seen::Ready { message: message("Ready") });
        check(Some(Phase::NotReady), "7@now", unready(Phase::NotReady, "Ready"));
        check(Some(Phase::Offline), "7@now", unready(Phase::Offline, "Offline"));
        check(Some(Phase::Ready), "7@before", Seen::Outdated);
        check(Some(Phase::Ready), "", Seen::Outdated);
        check(None, "", Seen::Nothing);
        assert_eq!(seen(None, &Mark::parse("7@now").expect("a mark")), Seen::Nothing);
    }
}
