//! What is told of the federation over the API: its members, and what goes to them.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

/// Where the admin pages find the federation, once there is one.
#[derive(Clone, Default)]
pub struct FederationPage(Arc<OnceLock<Box<dyn Fn() -> Value + Send + Sync>>>);

// === impl FederationPage ===

impl FederationPage {
    /// What it is made of from now on; only the first counts.
    #[cfg(feature = "federation")]
    pub fn set(&self, make: impl Fn() -> Value + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(make));
    }

    /// `None` where there is no federation with an API of its own.
    pub fn value(&self) -> Option<Value> {
        self.0.get().map(|make| make())
    }
}
