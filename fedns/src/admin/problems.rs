//! What is wrong with the sources, as their watchers see it: it comes round the pipeline, for it
//! changes no answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::ClusterName;
use watcher::Problems;

/// The problems of each source that is watched. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SourceProblems(Arc<Mutex<BTreeMap<ClusterName, Problems>>>);

impl SourceProblems {
    /// Takes over the sources that are watched now.
    pub fn replace(&self, sources: BTreeMap<ClusterName, Problems>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sources;
    }

    /// What is wrong now, one line each.
    pub fn lines(&self) -> BTreeMap<ClusterName, Vec<String>> {
        let sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sources.iter().map(|(cluster, problems)| (cluster.clone(), problems.lines())).collect()
    }
}
