//! One way into one API server: a context with its cluster and its user.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::List;
use super::document::{Document, entries, find};
use super::error::Fault;
use super::node::Node;

/// A context with its cluster and its user, each with all keys that it has in its file.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    context: Node,
    cluster: Node,
    /// `None` for a context that names no user.
    user: Option<Node>,
}

/// How to reach an API server, for a context of our own making.
pub struct Access {
    /// The API server's URL.
    pub server: String,
    /// PEM.
    pub certificate_authority: Vec<u8>,
    pub credentials: Credentials,
}

/// Who the API server takes a client for.
pub enum Credentials {
    Token(String),
    /// PEM, both.
    ClientCertificate {
        certificate: Vec<u8>,
        key: Vec<u8>,
    },
}

/// A file that an entry refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    list: List,
    /// The key that names the file.
    pub key: &'static str,
    /// As it is written; relative to the folder of the kubeconfig.
    pub path: String,
    data_key: &'static str,
}

/// Keys that name files, and those that hold the same as data.
const REFERENCES: [(List, &str, &str); 4] = [
    (List::Clusters, "certificate-authority", "certificate-authority-data"),
    (List::Users, "client-certificate", "client-certificate-data"),
    (List::Users, "client-key", "client-key-data"),
    (List::Users, TOKEN_FILE, "token"),
];
const TOKEN_FILE: &str = "tokenFile";

/// Keys that [`Access`] decides about. All others of an entry are its user's.
const OURS_IN_CONTEXT: &[&str] = &["cluster", "user"];
const OURS_IN_CLUSTER: &[&str] =
    &["server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"];
const OURS_IN_USER: &[&str] = &[
    "token",
    TOKEN_FILE,
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "username",
    "password",
    "exec",
    "auth-provider",
];

// === impl Entry ===

impl Entry {
    /// A context, a cluster and a user of one name.
    pub fn new(name: &str, access: &Access) -> Self {
        let Access { server, certificate_authority, credentials } = access;
        let data = |bytes: &[u8]| Node::text(STANDARD.encode(bytes));
        let cluster = Node::map([
            ("certificate-authority-data", data(certificate_authority)),
            ("server", Node::text(server)),
        ]);
        let user = match credentials {
            Credentials::Token(token) => Node::map([("token", Node::text(token))]),
            Credentials::ClientCertificate { certificate, key } => Node::map([
                ("client-certificate-data", data(certificate)),
                ("client-key-data", data(key)),
            ]),
        };
        let context = Node::map([("cluster", Node::text(name)), ("user", Node::text(name))]);
        let named =
            |list: List, node| Node::map([(list.item_key(), node), ("name", Node::text(name))]);
        Self {
            context: named(List::Contexts, context),
            cluster: named(List::Clusters, cluster),
            user: Some(named(List::Users, user)),
        }
    }

    /// Finds a context in a kubeconfig's text; without a name, its current one.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, or what is not in it.
    pub fn find(text: &str, context: Option<&str>) -> Result<Self, Fault> {
        let root = Document::new(text.to_owned())?.node();
        let known = || {
            let contexts = entries(&root, List::Contexts).iter();
            contexts.filter_map(|it| it.text_of("name")).map(str::to_owned).collect()
        };
        let context = context
            .or_else(|| root.text_of("current-context"))
            .ok_or_else(|| Fault::NoCurrentContext { known: known() })?;
        let found = find(&root, List::Contexts, context).cloned();
        let found = found
            .ok_or_else(|| Fault::NoContext { context: context.to_owned(), known: known() })?;
        let part = |list: List| -> Result<Option<Node>, Fault> {
            let content = found.get(List::Contexts.item_key());
            let Some(name) = content.and_then(|it| it.text_of(list.item_key())) else {
                return Ok(None);
            };
            let missing = || Fault::Missing {
                context: context.to_owned(),
                kind: list.item_key(),
                name: name.to_owned(),
                list: list.key(),
            };
            find(&root, list, name).cloned().map(Some).ok_or_else(missing)
        };
        let no_server = || Fault::NoServer { context: context.to_owned() };
        let (cluster, user) = (part(List::Clusters)?, part(List::Users)?);
        let entry = Self { context: found, cluster: cluster.ok_or_else(no_server)?, user };
        if entry.server().is_empty() { Err(no_server()) } else { Ok(entry) }
    }

    /// The same under other names: the context `NAME`, its cluster and its user each with `-NAME`
    /// behind their own, unless they end in it already.
    pub fn renamed(mut self, name: &str) -> Self {
        let suffix = format!("-{name}");
        let longer = |known: &str| match known.ends_with(&suffix) {
            true => known.to_owned(),
            false => format!("{known}{suffix}"),
        };
        for list in [List::Clusters, List::Users] {
            let Some(old) = self.name(list).map(longer) else { continue };
            let new = Node::text(old);
            self.context.map_at(List::Contexts.item_key()).set(list.item_key(), new.clone());
            self.part_mut(list).into_iter().for_each(|part| part.set("name", new.clone()));
        }
        self.context.set("name", Node::text(name));
        self
    }

    pub fn name(&self, list: List) -> Option<&str> {
        self.part(list)?.text_of("name")
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        let cluster = self.cluster.get(List::Clusters.item_key());
        cluster.and_then(|cluster| cluster.text_of("server")).unwrap_or_default()
    }

    /// The program that gives the user's credentials, if one does.
    pub fn plug_in(&self) -> Option<&str> {
        self.user.as_ref()?.get(List::Users.item_key())?.get("exec")?.text_of("command")
    }

    /// A plug-in that is named relative to the kubeconfig's folder is named in full.
    pub fn locate_plug_in(&mut self, folder: &Path) {
        let Some(command) = self.plug_in() else { return };
        if command.contains('/') && !command.starts_with('/') {
            let command = Node::text(folder.join(command).to_string_lossy());
            let user = self.user.as_mut().expect("it has a plug-in");
            user.map_at(List::Users.item_key()).map_at("exec").set("command", command);
        }
    }

    /// The files that have to be read and [inlined](Self::inline) before the entry can leave its
    /// place.
    pub fn references(&self) -> Vec<Reference> {
        let reference = |&(list, key, data_key): &(List, &'static str, &'static str)| {
            let content = self.part(list)?.get(list.item_key())?;
            // Data wins over a file; of tokens, the file's does.
            let is_file_used = key == TOKEN_FILE || content.text_of(data_key).is_none();
            let path = content.text_of(key).filter(|_| is_file_used)?.to_owned();
            Some(Reference { list, key, path, data_key })
        };
        REFERENCES.iter().filter_map(reference).collect()
    }

    /// Puts what a file holds in the place of its name.
    ///
    /// # Errors
    ///
    /// A token that is empty or no text.
    pub fn inline(&mut self, reference: &Reference, content: &[u8]) -> Result<(), Fault> {
        let Reference { list, key, path, data_key } = reference;
        let data = match *key {
            TOKEN_FILE => token(content)
                .ok_or_else(|| Fault::NoToken { path: path.clone(), key: TOKEN_FILE })?,
            _ => STANDARD.encode(content),
        };
        if let Some(part) = self.part_mut(*list) {
            let part = part.map_at(list.item_key());
            part.set(data_key, Node::text(data));
            part.remove(key);
        }
        Ok(())
    }

    /// Without names of files whose content stands there as data too.
    pub fn without_unused_files(mut self) -> Self {
        for (list, key, data_key) in REFERENCES.into_iter().filter(|(_, key, _)| *key != TOKEN_FILE)
        {
            let Some(part) = self.part_mut(list) else { continue };
            let content = part.map_at(list.item_key());
            if content.text_of(data_key).is_some() {
                content.remove(key);
            }
        }
        self
    }

    pub(super) fn part(&self, list: List) -> Option<&Node> {
        match list {
            List::Contexts => Some(&self.context),
            List::Clusters => Some(&self.cluster),
            List::Users => self.user.as_ref(),
        }
    }

    fn part_mut(&mut self, list: List) -> Option<&mut Node> {
        match list {
            List::Contexts => Some(&mut self.context),
            List::Clusters => Some(&mut self.cluster),
            List::Users => self.user.as_mut(),
        }
    }
}

/// What stands there, with what [`Access`] decides about as in `ours`.
pub(super) fn updated(list: List, mut standing: Node, ours: &Node) -> Node {
    let keys = match list {
        List::Contexts => OURS_IN_CONTEXT,
        List::Clusters => OURS_IN_CLUSTER,
        List::Users => OURS_IN_USER,
    };
    let content = standing.map_at(list.item_key());
    let wanted = ours.get(list.item_key());
    for key in keys {
        match wanted.and_then(|wanted| wanted.get(key)) {
            Some(node) => content.set(key, node.clone()),
            None => content.remove(key),
        }
    }
    standing
}

fn token(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("context", &self.name(List::Contexts))
            .field("cluster", &self.name(List::Clusters))
            .field("user", &self.name(List::Users))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
