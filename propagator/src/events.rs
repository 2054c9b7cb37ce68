//! Events of the federation: what was done where, after it was done.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clusters::federation::cluster_object::ClusterObject;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use kube_runtime::events::{Event, EventType, Recorder, Reporter};
use model::ClusterName;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::kinds::Kind;
use crate::object::Federated;

/// How many wait at most: objects are written first, and that they were is seen there.
const WAITING_MAX: usize = 4096;
/// How many notes are remembered.
const NOTES_MAX: usize = 4096;
/// Bytes of a note before its ellipsis.
const NOTE_LENGTH_MAX: usize = 1000;

/// Where Events are given to be written.
#[derive(Clone)]
pub struct Events {
    waiting: Sender<News>,
    dropped: Arc<AtomicU64>,
}

/// One Event.
#[derive(Clone, Debug)]
pub struct News {
    pub regarding: ObjectReference,
    pub cluster: Option<ClusterName>,
    pub is_warning: bool,
    pub reason: &'static str,
    /// Tells Events of one reason apart.
    pub action: &'static str,
    pub note: String,
}

// === impl Events ===

impl Events {
    pub fn start(endpoint: Endpoint) -> (Self, impl Future<Output = ()>) {
        let (waiting, queue) = channel(WAITING_MAX);
        (Self { waiting, dropped: Arc::default() }, write(endpoint, queue))
    }

    pub fn tell(&self, news: News) {
        if self.waiting.try_send(news).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

pub fn reference(kind: &Kind, key: &Key, object: &Federated) -> ObjectReference {
    ObjectReference {
        api_version: Some(kind.resource.api_version.clone()),
        kind: Some(kind.resource.kind.clone()),
        namespace: (!key.namespace.is_empty()).then(|| key.namespace.clone()),
        name: Some(key.name.clone()),
        uid: Some(object.uid.clone()),
        ..ObjectReference::default()
    }
}

async fn write(endpoint: Endpoint, mut queue: Receiver<News>) {
    let mut written = Written::default();
    while let Some(news) = queue.recv().await {
        if let Err(trouble) = publish(&endpoint, &mut written, &news).await {
            tracing::debug!(note = news.note, "no Event was written: {}", trouble.words());
        }
    }
}

/// What was written lately.
#[derive(Default)]
struct Written {
    /// Counts in an Event that it wrote what happens again, whatever the note says then.
    recorder: Option<Recorder>,
    notes: HashMap<Subject, String>,
}

/// What an Event that happens again is known by: object, cluster, reason and action.
type Subject = (Option<String>, Option<ClusterName>, &'static str, &'static str);

impl Written {
    /// False where the recorder would tell other words than these.
    fn takes(&mut self, news: &News) -> bool {
        let News { regarding, cluster, reason, action, note, .. } = news;
        if self.notes.len() >= NOTES_MAX {
            self.notes.clear();
            return false;
        }
        let subject = (regarding.uid.clone(), cluster.clone(), *reason, *action);
        let before = self.notes.insert(subject, note.clone());
        before.is_none_or(|before| before == *note)
    }
}

async fn publish(endpoint: &Endpoint, written: &mut Written, news: &News) -> Result<(), Trouble> {
    if !written.takes(news) || written.recorder.is_none() || endpoint.is_outdated().await {
        let client = endpoint.client().await.map_err(Trouble::Failed)?;
        written.recorder = Some(Recorder::new(client, Reporter::from("fedns")));
    }
    let Some(recorder) = &written.recorder else { return Ok(()) };
    let event = Event {
        type_: if news.is_warning { EventType::Warning } else { EventType::Normal },
        reason: news.reason.into(),
        note: Some(shortened(&news.note)),
        action: news.action.into(),
        secondary: news.cluster.as_ref().map(cluster_reference),
    };
    endpoint.call("create events", recorder.publish(&event, &news.regarding)).await
}

fn cluster_reference(cluster: &ClusterName) -> ObjectReference {
    ObjectReference {
        api_version: Some(ClusterObject::api_version(&()).into_owned()),
        kind: Some(ClusterObject::kind(&()).into_owned()),
        name: Some(cluster.to_string()),
        ..ObjectReference::default()
    }
}

/// The API takes notes of 1 KiB at most. What a member's webhook said may be in any script.
fn shortened(note: &str) -> String {
    if note.len() <= NOTE_LENGTH_MAX {
        return note.to_owned();
    }
    let ends = note.char_indices().map(|(start, letter)| start + letter.len_utf8());
    let end = ends.take_while(|end| *end <= NOTE_LENGTH_MAX).last().unwrap_or(0);
    format!("{}…", &note[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_are_told_anew() {
        let news = |cluster: &str, note: &str| News {
            regarding: ObjectReference::default(),
            cluster: Some(ClusterName::new(cluster)),
            is_warning: true,
            reason: "InvalidOverride",
            action: "InvalidOverride",
            note: note.to_owned(),
        };
        let mut written = Written::default();
        assert!(written.takes(&news("beijing", "one")));
        assert!(written.takes(&news("hangzhou", "two")));
        assert!(written.takes(&news("beijing", "one")));
        assert!(!written.takes(&news("beijing", "two")));
        assert!(written.takes(&news("beijing", "two")));
    }

    #[test]
    fn a_long_note_is_cut_between_letters() {
        assert_eq!(shortened("cluster beijing: 不可以"), "cluster beijing: 不可以");
        for (text, kept) in
            [("a".repeat(2000), 1000), ("不".repeat(700), 333), ("é".repeat(600), 500)]
        {
            let note = shortened(&text);
            assert_eq!(note.chars().count(), kept + 1);
            assert!(note.len() <= 1024 && note.ends_with('…'), "{}", note.len());
        }
    }
}
