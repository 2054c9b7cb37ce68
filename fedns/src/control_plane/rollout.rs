//! Whether the pods of a control plane run as wanted, still may, or never will; pure.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

/// Waiting for these is in vain until somebody changes something.
const HOPELESS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "CreateContainerConfigError",
    "RunContainerError",
];

/// What is seen of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    Ready,
    /// And what it waits for.
    Waiting(String),
    /// And why; no wait helps.
    Hopeless(String),
}

pub fn of_deployment(deployment: &Deployment, pods: &[Pod]) -> Progress {
    let wanted = deployment.spec.replicas.unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let counts = [status.replicas, status.updated_replicas, status.available_replicas];
    let is_seen = status.observed_generation == deployment.metadata.generation;
    let images = images(deployment.spec.template.spec.as_ref());
    judge(is_seen && counts == [Some(wanted); 3], &images, pods)
}

pub fn of_stateful_set(set: &StatefulSet, pods: &[Pod]) -> Progress {
    let wanted = set.spec.replicas.unwrap_or(1);
    let status = set.status.clone().unwrap_or_default();
    let is_seen = status.observed_generation == set.metadata.generation;
    let is_new = status.current_revision == status.update_revision;
    let images = images(set.spec.template.spec.as_ref());
    judge(is_seen && is_new && status.ready_replicas == Some(wanted), &images, pods)
}

fn images(spec: Option<&k8s_openapi::api::core::v1::PodSpec>) -> Vec<String> {
    let containers = spec.into_iter().flat_map(|spec| &spec.containers);
    containers.filter_map(|container| container.image.clone()).collect()
}

fn judge(is_done: bool, images: &[String], pods: &[Pod]) -> Progress {
    if is_done {
        return Progress::Ready;
    }
    // Pods of an earlier try have other images, and are on their way out.
    let is_current = |pod: &&Pod| {
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        containers.filter_map(|it| it.image.as_ref()).all(|image| images.contains(image))
    };
    let mut waiting = None;
    for pod in pods.iter().filter(is_current) {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        for status in pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten()) {
            let Some((reason, message)) = trouble(status) else { continue };
            let words = format!("pod {name}: {reason}{message}");
            if HOPELESS.contains(&reason.as_str()) {
                return Progress::Hopeless(words);
            }
            waiting = Some(words);
        }
        waiting = waiting.or_else(|| unscheduled(pod).map(|why| format!("pod {name}: {why}")));
    }
    Progress::Waiting(waiting.unwrap_or_else(|| "its pods are not ready yet".to_owned()))
}

/// Why a container does not run, with what the kubelet says of it.
fn trouble(status: &ContainerStatus) -> Option<(String, String)> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.clone()?;
    if matches!(reason.as_str(), "ContainerCreating" | "PodInitializing") {
        return None;
    }
    let ended = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let message = match (&waiting.message, ended) {
        (Some(message), None) => format!(": {message}"),
        (_, Some(ended)) => format!(": it ended with exit code {}", ended.exit_code),
        (None, None) => String::new(),
    };
    Some((reason, message))
}

fn unscheduled(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let found = conditions.iter().find(|it| it.type_ == "PodScheduled" && it.status == "False")?;
    found.message.clone()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(replicas: i32, available: i32) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"generation": 2},
            "spec": {
                "replicas": replicas,
                "selector": {},
                "template": {"spec": {"containers": [{"name": "c", "image": "new:1"}]}},
            },
            "status": {
                "observedGeneration": 2, "replicas": replicas, "updatedReplicas": replicas,
                "availableReplicas": available,
            },
        }))
        .unwrap()
    }

    fn pod(image: &str, reason: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": image}]},
            "status": {"containerStatuses": [{
                "name": "c", "image": image, "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": reason, "message": "no such host"}},
            }]},
        }))
        .unwrap()
    }

    #[test]
    fn ready_is_all_new_pods_and_no_old_one() {
        assert_eq!(of_deployment(&deployment(2, 2), &[]), Progress::Ready);
        let mut unseen = deployment(2, 2);
        unseen.metadata.generation = Some(3);
        assert!(matches!(of_deployment(&unseen, &[]), Progress::Waiting(_)));
        let mut old = deployment(1, 1);
        old.status.as_mut().unwrap().replicas = Some(2);
        assert!(matches!(of_deployment(&old, &[]), Progress::Waiting(_)));
    }

    #[test]
    fn an_image_that_cannot_be_pulled_ends_the_wait_with_the_kubelets_words() {
        let progress = of_deployment(&deployment(1, 0), &[pod("new:1", "ErrImagePull")]);
        let expected = "pod p: ErrImagePull: no such host".to_owned();
        assert_eq!(progress, Progress::Hopeless(expected));
    }

    #[test]
    fn a_pod_of_an_earlier_try_says_nothing() {
        let progress = of_deployment(&deployment(1, 0), &[pod("old:1", "ImagePullBackOff")]);
        assert_eq!(progress, Progress::Waiting("its pods are not ready yet".to_owned()));
    }

    #[test]
    fn a_crash_may_pass() {
        let progress = of_deployment(&deployment(1, 0), &[pod("new:1", "CrashLoopBackOff")]);
        assert!(matches!(progress, Progress::Waiting(words) if words.contains("CrashLoopBackOff")));
    }
}
