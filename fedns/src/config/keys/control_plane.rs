//! The key `controlPlane`: a federation with an API of its own, where members and objects stand.

use clusters::KubeconfigAccess;
use clusters::federation::names::SYSTEM_NAMESPACE;

use crate::config::ControlPlane;
use crate::config::read::{MapReader, Reader};

/// Without kubeconfig and context each is found as kubectl does; in a pod, the host is the pod's cluster.
pub(super) fn control_plane(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
) -> Option<ControlPlane> {
    let has_clusters = map.peek("clusters").is_some();
    let node = map.take("controlPlane")?;
    if cfg!(not(feature = "federation")) {
        let message = "this build of fedns has no federation; build it with --features federation";
        reader.value_problem(node, message);
        return None;
    }
    if has_clusters {
        let message = "with \"controlPlane\" the members are the Cluster objects of the federation: take the \
                       key \"clusters\" out, and use `fedns join`";
        reader.problem(node.place, message);
    }
    let mut map = reader.map(node, "a map like {kubeconfig: ./federation.kubeconfig, host: {}}");
    let access = access(reader, &mut map);
    let wanted = "the control plane's namespace, like federation-system";
    let namespace = map.take("namespace").map(|node| reader.label(node, wanted));
    let host = map.take("host").map(|node| {
        let mut map =
            reader.map(node, "a map like {kubeconfig: ~/.kube/config, context: hangzhou}");
        let access = self::access(reader, &mut map);
        reader.finish(map);
        access
    });
    reader.finish(map);
    let namespace = match namespace {
        Some(label) => label?.to_string(),
        None => SYSTEM_NAMESPACE.to_owned(),
    };
    Some(ControlPlane { access, host: host.unwrap_or_default(), namespace })
}

fn access(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> KubeconfigAccess {
    let path = map.take("kubeconfig").and_then(|node| reader.path(node));
    let context = map.take("context").and_then(|node| reader.text(node, "a context's name"));
    KubeconfigAccess { path, context: context.map(str::to_owned) }
}
