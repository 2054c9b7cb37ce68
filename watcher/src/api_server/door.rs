//! Before anything is opened after a failure: is it still the same cluster that answers?
//!
//! During an outage one task of a cluster knocks for all of them.

use std::sync::{Mutex, PoisonError};

use clusters::Failure;
use clusters::identity::{Identity, identify};
use kube::Client;

use crate::freshness::Trouble;

#[derive(Debug)]
pub(crate) struct Door {
    /// The UID of the cluster that is watched, once it is known.
    uid: Mutex<Option<String>>,
    /// Held by whoever knocks.
    pub(crate) gate: tokio::sync::Mutex<()>,
}

/// What was found behind the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The cluster as known, or one that has never told who it is.
    Same,
    /// It told its UID for the first time.
    New(String),
}

// === impl Door ===

impl Door {
    pub(crate) fn new(uid: Option<String>) -> Self {
        Self { uid: Mutex::new(uid), gate: tokio::sync::Mutex::new(()) }
    }

    pub(crate) async fn knock(&self, client: &Client) -> Result<Found, Trouble> {
        match identify(client).await.map_err(Trouble::Failure)? {
            Identity::Unreadable(refusal) => self.admit_unknown(refusal),
            Identity::Uid(uid) => self.admit(uid),
        }
    }

    /// Any cluster may come next.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    fn admit(&self, found: String) -> Result<Found, Trouble> {
        let mut uid = self.lock();
        match &*uid {
            Some(known) if *known == found => Ok(Found::Same),
            Some(known) => Err(Trouble::ClusterChanged(format!(
                "the UID of its kube-system namespace was {known} and is {found}"
            ))),
            None => {
                *uid = Some(found.clone());
                Ok(Found::New(found))
            }
        }
    }

    /// A cluster that has told its UID before and does not now may be another one: what its users may
    /// do is one of the things in which clusters differ.
    fn admit_unknown(&self, refusal: Failure) -> Result<Found, Trouble> {
        match *self.lock() {
            None => Ok(Found::Same),
            Some(_) => Err(Trouble::Failure(refusal)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.uid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_uid_is_another_cluster_until_it_is_accepted() {
        let door = Door::new(None);
        assert_eq!(door.admit("a".to_owned()), Ok(Found::New("a".to_owned())));
        assert_eq!(door.admit("a".to_owned()), Ok(Found::Same));
        let Err(Trouble::ClusterChanged(line)) = door.admit("b".to_owned()) else { panic!() };
        assert_eq!(line, "the UID of its kube-system namespace was a and is b");
        assert_eq!(door.admit("a".to_owned()), Ok(Found::Same));
        door.forget();
        assert_eq!(door.admit("b".to_owned()), Ok(Found::New("b".to_owned())));
    }

    #[test]
    fn only_a_cluster_that_never_told_its_uid_need_not_tell_it() {
        let refusal = Failure::Forbidden("get namespace kube-system: 403".to_owned());
        let door = Door::new(None);
        assert_eq!(door.admit_unknown(refusal.clone()), Ok(Found::Same));
        assert_eq!(door.admit("a".to_owned()), Ok(Found::New("a".to_owned())));
        let refused = Err(Trouble::Failure(refusal.clone()));
        assert_eq!(door.admit_unknown(refusal), refused);
    }

    #[test]
    fn the_uid_of_a_run_before_counts() {
        let door = Door::new(Some("a".to_owned()));
        assert!(door.admit("b".to_owned()).is_err());
    }
}
