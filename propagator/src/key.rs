//! Which object.

use crate::kinds::{KindId, Kinds};
use crate::status::ObjectName;

/// One object of the federation, and its copies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: KindId,
    /// Empty for objects without a namespace.
    pub namespace: String,
    pub name: String,
}

// === impl Key ===

impl Key {
    pub fn for_people(&self, kinds: &Kinds) -> ObjectName {
        ObjectName {
            kind: kinds.get(self.kind).name().to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// The object that is this one's namespace; `namespaces` is the kind of those.
    pub fn namespace_key(&self, namespaces: KindId) -> Self {
        Self { kind: namespaces, namespace: String::new(), name: self.namespace.clone() }
    }

    /// `NAMESPACE/NAME`, or the name alone.
    pub fn path(&self) -> String {
        match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}/{}", self.name),
        }
    }
}
