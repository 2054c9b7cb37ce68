//! In a build without federations: there is none.

use std::collections::BTreeSet;

use clusters::lease::Holding;
use model::ClusterName;
use tokio::sync::watch;

use super::Membership;
use super::page::FederationPage;
use crate::config::Config;
use crate::pipeline::PipelineHandle;
use crate::state::StateFolder;

/// No value of it exists.
pub enum Federation {}

impl Federation {
    /// There are no copies of the state.
    pub async fn restore_state(_config: &Config, _folder: &StateFolder) {}

    /// The config has no control plane: its key was refused.
    pub fn start(
        _config: &Config,
        _saved: Vec<ClusterName>,
        _pipeline: &PipelineHandle,
        _lease: Option<watch::Receiver<Holding>>,
        _page: &FederationPage,
    ) -> Option<Self> {
        None
    }

    pub fn membership(&self) -> Membership {
        match *self {}
    }

    pub async fn changed(federation: &mut Option<Self>) {
        match federation {
            Some(it) => match *it {},
            None => std::future::pending().await,
        }
    }

    pub fn left(&mut self, _clusters: &BTreeSet<ClusterName>) {
        match *self {}
    }

    pub async fn stop(self) {
        match self {}
    }
}
