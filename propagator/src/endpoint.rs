//! One API server: its client, renewed as credentials change, and the permission to write.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clusters::lease::Holding;
use clusters::{Access, Connection, Failure};
use kube::Client;
use kube::api::Api;
use kube::core::DynamicObject;
use tokio::sync::{Mutex, watch};

use crate::kinds::Kind;

/// For one call.
pub const LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Endpoint {
    access: Access,
    connection: Arc<Mutex<Option<Connection>>>,
    holding: watch::Receiver<Holding>,
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another process writes.
    NotHeld,
    /// The object is not any more what the call was made for (409).
    Outrun(String),
    /// The object, or its namespace, is not there (404).
    Missing(String),
    /// Another's object stands in the place.
    Foreign(String),
    /// It is refused as long as nobody changes something: rights, or what is written (403, 422).
    Refused(String),
    Failed(String),
}

// === impl Endpoint ===

impl Endpoint {
    pub fn new(access: Access, holding: watch::Receiver<Holding>) -> Self {
        Self { access, connection: Arc::default(), holding }
    }

    pub async fn client(&self) -> Result<Client, String> {
        let mut connection = self.connection.lock().await;
        match &*connection {
            Some(known) if !known.is_outdated() => Ok(known.client.clone()),
            _ => {
                let new = Connection::new(&self.access).await.map_err(|error| error.to_string())?;
                Ok(connection.insert(new).client.clone())
            }
        }
    }

    /// True once a watch should begin anew with other credentials.
    pub async fn is_outdated(&self) -> bool {
        self.connection.lock().await.as_ref().is_none_or(Connection::is_outdated)
    }

    /// All objects of a kind, or those of one namespace.
    pub async fn api(&self, kind: &Kind, namespace: &str) -> Result<Api<DynamicObject>, Trouble> {
        let client = self.client().await.map_err(Trouble::Failed)?;
        Ok(match (kind.has_namespace, namespace) {
            (false, _) | (true, "") => Api::all_with(client, &kind.resource),
            (true, namespace) => Api::namespaced_with(client, namespace, &kind.resource),
        })
    }

    /// Makes one call, if this process is the one that writes. `request` is for people.
    pub async fn call<T>(
        &self,
        request: &str,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Trouble> {
        if !may_write(&self.holding) {
            return Err(Trouble::NotHeld);
        }
        match tokio::time::timeout(LIMIT, call).await {
            Ok(result) => result.map_err(|error| Trouble::new(request, &error)),
            Err(_) => Err(Trouble::Failed(Failure::timed_out(request).to_string())),
        }
    }
}

/// Whether the lease is held at this moment.
pub fn may_write(holding: &watch::Receiver<Holding>) -> bool {
    matches!(&*holding.borrow(), Holding::Held { until } if !until.has_passed())
}

// === impl Trouble ===

impl Trouble {
    fn new(request: &str, error: &kube::Error) -> Self {
        let line = Failure::new(request, error).to_string();
        match error {
            kube::Error::Api(status) => match status.code {
                404 => Self::Missing(line),
                409 => Self::Outrun(line),
                401 | 403 | 422 => Self::Refused(line),
                _ => Self::Failed(line),
            },
            _ => Self::Failed(line),
        }
    }

    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Foreign(_))
    }

    /// It lasts as long as nobody changes something.
    pub fn is_standing(&self) -> bool {
        matches!(self, Self::Foreign(_) | Self::Refused(_))
    }

    /// One word that tells kinds of trouble apart.
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotHeld => "NotHeld",
            Self::Outrun(_) => "Outrun",
            Self::Missing(_) => "Missing",
            Self::Foreign(_) => "Conflict",
            Self::Refused(_) => "Refused",
            Self::Failed(_) => "Failed",
        }
    }

    pub fn words(&self) -> &str {
        match self {
            Self::NotHeld => "another process writes",
            Self::Outrun(words) | Self::Missing(words) | Self::Foreign(words) => words,
            Self::Refused(words) | Self::Failed(words) => words,
        }
    }
}
