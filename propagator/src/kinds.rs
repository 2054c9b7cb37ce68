//! The kinds that are propagated, and what is particular about each.

use clusters::federation::enabled::EnabledKind;
use clusters::federation::kinds::FEDERATED;
use kube::core::{ApiResource, GroupVersionKind};

/// All kinds that are propagated. What holds others comes first: namespaces.
///
/// Invariant: a kind keeps its place, also when it is propagated no more.
#[derive(Clone, Debug)]
pub struct Kinds(Vec<Kind>);

/// The place of a kind in [`Kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(usize);

/// The place of what is watched beside the kinds that are propagated.
pub const BESIDE: KindId = KindId(usize::MAX);

#[derive(Clone, Debug)]
pub struct Kind {
    pub resource: ApiResource,
    pub has_namespace: bool,
    pub role: Role,
    pub coverage: Coverage,
}

/// Whether objects of a kind go to members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    Always,
    /// Somebody enabled it.
    Enabled,
    /// It is being disabled: objects are let go, and nothing is done in members.
    Leaving,
    /// It is not even looked at.
    Off,
}

/// What the rules about copies and statuses look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Namespace,
    Secret,
    Service,
    Deployment,
    ReplicaSet,
    DaemonSet,
    StatefulSet,
    Ingress,
    Job,
    HorizontalPodAutoscaler,
    /// Nothing: it is copied as it is.
    Plain,
}

// === impl Kinds ===

impl Default for Kinds {
    fn default() -> Self {
        let kinds = FEDERATED.map(|it| {
            let gvk = GroupVersionKind::gvk(it.group, it.version, it.kind);
            let resource = ApiResource::from_gvk_with_plural(&gvk, it.plural);
            Kind {
                resource,
                has_namespace: it.is_namespaced,
                role: Role::of(it.kind),
                coverage: Coverage::Always,
            }
        });
        Self(kinds.into())
    }
}

impl Kinds {
    /// The same with these, and no others, beside the kinds that are always propagated.
    pub fn with_enabled(&self, enabled: &[EnabledKind]) -> Self {
        let mut kinds = self.clone();
        for kind in kinds.0.iter_mut().filter(|kind| kind.coverage != Coverage::Always) {
            kind.coverage = Coverage::Off;
        }
        for kind in enabled {
            kinds.enable(kind);
        }
        kinds
    }

    fn enable(&mut self, enabled: &EnabledKind) {
        let resource = enabled.resource();
        let coverage = if enabled.is_leaving { Coverage::Leaving } else { Coverage::Enabled };
        let is_it = |kind: &&mut Kind| {
            kind.resource == resource && kind.has_namespace == enabled.is_namespaced
        };
        match self.0.iter_mut().find(is_it) {
            // What somebody wrote by hand does not end what is always so.
            Some(known) if known.coverage == Coverage::Always => {}
            Some(known) => known.coverage = coverage,
            None => self.0.push(Kind {
                resource,
                has_namespace: enabled.is_namespaced,
                role: Role::Plain,
                coverage,
            }),
        }
    }

    pub fn get(&self, id: KindId) -> &Kind {
        &self.0[id.0]
    }

    /// Those that are looked at.
    pub fn ids(&self) -> impl Iterator<Item = KindId> {
        (0..self.0.len()).map(KindId).filter(|id| self.is_watched(*id))
    }

    pub fn is_watched(&self, id: KindId) -> bool {
        self.0.get(id.0).is_some_and(|kind| kind.coverage != Coverage::Off)
    }

    /// All that ever were, and are in `self` or in `other`.
    pub fn ids_with(&self, other: &Self) -> impl Iterator<Item = KindId> + use<> {
        (0..self.0.len().max(other.0.len())).map(KindId)
    }

    pub fn of_role(&self, role: Role) -> Option<KindId> {
        self.0.iter().position(|kind| kind.role == role).map(KindId)
    }

    /// As the API writes it in `apiVersion` and `kind`.
    pub fn named(&self, api_version: &str, kind: &str) -> Option<KindId> {
        let is_it = |it: &Kind| {
            it.coverage != Coverage::Off
                && it.resource.api_version == api_version
                && it.resource.kind == kind
        };
        self.0.iter().position(is_it).map(KindId)
    }
}

// === impl Role ===

impl Role {
    fn of(kind: &str) -> Self {
        match kind {
            "Namespace" => Self::Namespace,
            "Secret" => Self::Secret,
            "Service" => Self::Service,
            "Deployment" => Self::Deployment,
            "ReplicaSet" => Self::ReplicaSet,
            "DaemonSet" => Self::DaemonSet,
            "StatefulSet" => Self::StatefulSet,
            "Ingress" => Self::Ingress,
            "Job" => Self::Job,
            "HorizontalPodAutoscaler" => Self::HorizontalPodAutoscaler,
            _ => Self::Plain,
        }
    }
}

// === impl Kind ===

impl Kind {
    pub fn name(&self) -> &str {
        &self.resource.kind
    }

    /// `PLURAL.GROUP`; of the core group the plural alone.
    pub fn full_name(&self) -> String {
        let ApiResource { plural, group, .. } = &self.resource;
        if group.is_empty() { plural.clone() } else { format!("{plural}.{group}") }
    }

    /// Its objects are definitions of further kinds.
    pub fn is_of_definitions(&self) -> bool {
        self.resource.kind == "CustomResourceDefinition"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widgets(is_leaving: bool) -> EnabledKind {
        EnabledKind {
            group: "example.com".into(),
            version: "v1".into(),
            kind: "Widget".into(),
            plural: "widgets".into(),
            is_namespaced: true,
            is_leaving,
        }
    }

    #[test]
    fn a_kind_keeps_its_place_when_it_comes_back() {
        let always = Kinds::default();
        let with = always.with_enabled(&[widgets(false)]);
        let id = with.named("example.com/v1", "Widget").unwrap();
        assert_eq!(with.get(id).coverage, Coverage::Enabled);
        assert_eq!(with.ids().count(), always.ids().count() + 1);
        let leaving = with.with_enabled(&[widgets(true)]);
        assert_eq!(leaving.get(id).coverage, Coverage::Leaving);
        let without = leaving.with_enabled(&[]);
        assert!(!without.is_watched(id) && without.named("example.com/v1", "Widget").is_none());
        assert_eq!(without.ids().count(), always.ids().count());
        let again = without.with_enabled(&[widgets(false)]);
        assert_eq!(again.named("example.com/v1", "Widget"), Some(id));
    }

    #[test]
    fn what_is_always_propagated_stays_so() {
        let secrets = EnabledKind {
            group: String::new(),
            version: "v1".into(),
            kind: "Secret".into(),
            plural: "secrets".into(),
            is_namespaced: true,
            is_leaving: true,
        };
        let kinds = Kinds::default().with_enabled(&[secrets]);
        let id = kinds.of_role(Role::Secret).unwrap();
        assert_eq!(kinds.get(id).coverage, Coverage::Always);
        assert_eq!(kinds.ids().count(), Kinds::default().ids().count());
    }
}
