//! What lists and watches tell.

use model::ClusterName;

use crate::key::Key;
use crate::kinds::{KindId, Role};
use crate::object::{Copy, Federated};
use crate::slices::Slice;
use crate::table::Seen;

use super::Engine;

impl Engine {
    pub(super) fn federation_seen(&mut self, kind: KindId, seen: Seen<Federated>) {
        if !self.kinds.is_watched(kind) {
            return;
        }
        if self.kinds.get(kind).is_of_definitions() && is_news(&seen) {
            self.again.send_modify(|count| *count += 1);
        }
        let was_listed = self.objects.is_listed(kind);
        if let Seen::Listed(key, object) | Seen::Changed(key, object) | Seen::Deleted(key, object) =
            &seen
        {
            self.touched.extend(self.target_of(key, object));
        }
        self.touched.extend(self.objects.see(kind, seen));
        if !was_listed && self.objects.is_listed(kind) {
            // Debts for objects that are not there can be paid now, and what is autoscaled is known.
            self.touch_all();
        }
    }

    /// What an autoscaler is about.
    fn target_of(&self, key: &Key, object: &Federated) -> Option<Key> {
        if self.kinds.get(key.kind).role != Role::HorizontalPodAutoscaler {
            return None;
        }
        let target = &object.body["spec"]["scaleTargetRef"];
        let (version, kind) = (target["apiVersion"].as_str()?, target["kind"].as_str()?);
        let kind = self.kinds.named(version, kind)?;
        let name = target["name"].as_str()?.to_owned();
        Some(Key { kind, namespace: key.namespace.clone(), name })
    }

    pub(super) fn member_seen(
        &mut self,
        cluster: &ClusterName,
        generation: u64,
        kind: KindId,
        seen: Seen<Copy>,
    ) {
        let namespaces = self.namespace_kind();
        let Some(state) = self.members.get_mut(cluster) else { return };
        if state.generation != generation || !self.kinds.is_watched(kind) {
            return;
        }
        if self.kinds.get(kind).is_of_definitions() && is_news(&seen) {
            state.list_again();
        }
        let may_unblock = matches!(seen, Seen::ListEnds | Seen::Failed(_));
        let was = state.reach(kind, &self.kinds);
        let has_list = matches!(seen, Seen::ListEnds);
        let touched = state.copies.see(kind, seen);
        state.unsure.retain(|key| key.kind != kind || !has_list && !touched.contains(key));
        if may_unblock && state.reach(kind, &self.kinds) != was {
            // What is not there, and what is owed, is known now.
            let everything = namespaces == Some(kind);
            let of_kind = self.objects.iter().map(|(key, _)| key);
            let owed = state.ledger.wanted.iter().flat_map(|debts| debts.owed.keys());
            let keys = of_kind.chain(owed).filter(|key| everything || key.kind == kind);
            self.touched.extend(keys.cloned());
        }
        if namespaces == Some(kind) {
            let names: Vec<&str> = touched.iter().map(|key| key.name.as_str()).collect();
            let inside = self.objects.iter().map(|(key, _)| key);
            let inside = inside.filter(|key| names.contains(&key.namespace.as_str()));
            self.touched.extend(inside.cloned());
        }
        self.touched.extend(touched);
    }

    pub(super) fn slice_seen(&mut self, cluster: &ClusterName, generation: u64, seen: Seen<Slice>) {
        let Some(services) = self.kinds.of_role(Role::Service) else { return };
        let Some(state) = self.members.get_mut(cluster) else { return };
        if state.generation != generation {
            return;
        }
        match &seen {
            Seen::Listed(key, slice) | Seen::Changed(key, slice) | Seen::Deleted(key, slice) => {
                self.touched.insert(slice.service_key(key, services));
            }
            Seen::Failed(_) if state.slices.failure().is_some() => {}
            Seen::ListEnds | Seen::Failed(_) => {
                let keys = self.objects.of_kind(services).map(|(key, _)| key);
                self.touched.extend(keys.cloned());
            }
            Seen::ListBegins => {}
        }
        state.slices.see(seen);
    }
}

/// Something was made or changed: of a definition, its kind may be served now.
fn is_news<T>(seen: &Seen<T>) -> bool {
    matches!(seen, Seen::Listed(..) | Seen::Changed(..))
}
