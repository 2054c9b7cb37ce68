//! Kinds come and go while objects are propagated.

use std::sync::Arc;

use clusters::federation::enabled;
use tokio::sync::watch;

use crate::kinds::KindId;
use crate::member::Standing;
use crate::object::Federated;
use crate::watch::Watch;

use super::{Engine, Message};

impl Engine {
    /// Which kinds are enabled stands in the host.
    pub(super) fn follow_enabled_kinds(&mut self) {
        let (sender, receiver) = watch::channel(Vec::new());
        let settings = &self.settings;
        let (host, namespace) = (settings.host_access.clone(), settings.host_namespace.clone());
        self.watches.spawn(enabled::follow(host, namespace, sender));
        self.enabled = receiver;
    }

    /// Takes over which kinds are enabled now. What is known of others stays as it is.
    pub(super) fn sync_kinds(&mut self) {
        let next = Arc::new(self.kinds.with_enabled(&self.enabled.borrow_and_update()));
        let before = std::mem::replace(&mut self.kinds, next);
        for id in self.kinds.ids_with(&before) {
            match (before.is_watched(id), self.kinds.is_watched(id)) {
                (false, true) => self.begin_kind(id),
                (true, false) => self.end_kind(id),
                (true, true) => {
                    self.touched.extend(self.objects.of_kind(id).map(|it| it.0.clone()))
                }
                (false, false) => {}
            }
        }
        // Debts of kinds that were not known can be read now.
        self.read_debts_of_all();
        self.has_news = true;
    }

    fn begin_kind(&mut self, id: KindId) {
        self.watch_federation(id);
        let (kinds, label) = (&self.kinds, &self.settings.federation);
        for state in self.members.values_mut() {
            state.watch_kind(id, kinds, label, &self.messages.0);
        }
    }

    fn end_kind(&mut self, id: KindId) {
        if let Some(end) = self.watch_ends.remove(&id) {
            end.abort();
        }
        let of_kind = self.objects.of_kind(id).map(|(key, _)| key.clone());
        for key in of_kind.collect::<Vec<_>>() {
            self.queue.set(&key, None);
            self.told.remove(&key);
            self.members.values_mut().for_each(|state| state.queue.set(&key, None));
        }
        self.objects.forget_kind(id);
        self.touched.retain(|key| key.kind != id);
        self.members.values_mut().for_each(|state| state.forget_kind(id));
    }

    pub(super) fn watch_federation(&mut self, id: KindId) {
        let watch = Watch {
            endpoint: self.federation.clone(),
            id,
            kind: self.kinds.get(id).clone(),
            label_selector: None,
            convert: Arc::new(Federated::new),
            standing: watch::channel(Standing::Ready).1,
            again: self.again.subscribe(),
        };
        let tell = self.messages.0.clone();
        let end = self.watches.spawn(watch.run(tell, move |seen| Message::Federation(id, seen)));
        self.watch_ends.insert(id, end);
    }
}
