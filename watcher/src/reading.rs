//! From an object to what an index keeps of it; the object itself is dropped at once.

use std::sync::{Arc, Mutex, PoisonError};

use crate::entry::{Entry, PortLists, read_service};
use crate::object::{EndpointSlice, Object, ObjectKey};
use crate::settings::ServiceSettings;
use crate::topology::{NodePlace, read_node};

/// One object as an index takes it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) key: ObjectKey,
    /// None for an object that is on its way out: it counts as deleted.
    pub(crate) content: Option<Content>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Service(Entry),
    EndpointSlice(Slice),
    Node(NodePlace),
}

/// What counts of an EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The Service that its label names; the namespace is that of the slice.
    pub(crate) service: Option<Box<str>>,
    pub(crate) is_ready: bool,
}

/// Reads objects under one cluster's settings.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) settings: Arc<ServiceSettings>,
    port_lists: Mutex<PortLists>,
}

// === impl Reader ===

impl Reader {
    pub(crate) fn new(settings: Arc<ServiceSettings>) -> Self {
        Self { settings, port_lists: Mutex::default() }
    }

    pub(crate) fn read(&self, object: &Object) -> Reading {
        let content = (!object.is_deleted()).then(|| match object {
            Object::Service(service) => {
                let mut port_lists = self.port_lists.lock().unwrap_or_else(PoisonError::into_inner);
                Content::Service(read_service(service, &self.settings, &mut port_lists))
            }
            Object::EndpointSlice(slice) => Content::EndpointSlice(read_slice(slice)),
            Object::Node(node) => Content::Node(read_node(node)),
        });
        Reading { key: object.key(), content }
    }
}

fn read_slice(slice: &EndpointSlice) -> Slice {
    let service = slice.metadata.labels.service_name.clone();
    Slice { service: service.filter(|name| !name.is_empty()), is_ready: slice.is_ready() }
}
