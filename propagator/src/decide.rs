//! What is to be done for one object: in each member, and to the object itself. Pure.
//!
//! ```text
//!  lives    [ finalizer ] -> [ create | update | delete where it is not selected ]
//!  deleted  [ delete, or let go, in each member ] -> [ gone, or noted as a debt ] -> [ no finalizer ]
//! ```

mod deletion;
mod existing;
mod share;
mod status;
mod condition;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use model::{ClusterName, UnixTime};
use serde_json::Value;

use crate::compare::Difference;
use crate::endpoint::Trouble;
use crate::key::Key;
use crate::kinds::{Coverage, Kind};
use crate::member::Member;
use crate::object::{Copy, Federated};
use crate::table::Unlisted;

pub use condition::conflict_since;

/// All that a decision looks at.
#[derive(Debug)]
pub struct Situation<'a> {
    pub key: &'a Key,
    pub kind: &'a Kind,
    /// The federation's label.
    pub federation: &'a str,
    pub object: &'a Federated,
    /// Nothing more is to be expected of its namespace: it stands wherever it is to be made.
    pub is_namespace_settled: bool,
    /// A namespace with objects in it that is deleted.
    pub has_content: bool,
    /// A federated HorizontalPodAutoscaler is about it.
    pub is_autoscaled: bool,
    pub now: UnixTime,
    /// There are no members beside these.
    pub has_all_members: bool,
    pub members: BTreeMap<&'a ClusterName, MemberSituation<'a>>,
}

/// What is known of the object's copy in one member.
#[derive(Debug)]
pub struct MemberSituation<'a> {
    pub member: &'a Member,
    pub reach: Reach,
    /// Why its objects of the kind cannot be listed.
    pub unlisted: Option<&'a Unlisted>,
    /// An object of somebody else stands where the copy should be.
    pub conflict: Option<&'a Trouble>,
    /// As it was seen last.
    pub copy: Option<&'a Copy>,
    /// Replicas are planned for the cluster.
    pub counts: bool,
    /// Of the object's replicas.
    pub standing: planner::replicas::Standing,
    /// Of an object that is divided and adopts: what stands where its copy is to be.
    pub sought: Option<&'a Sought>,
    /// Of a Service: whether it has anybody to send to.
    pub has_ready_endpoint: bool,
    /// Whether objects can be made in the object's namespace; true for those without one.
    pub has_namespace: bool,
    /// What our latest write left, which the API of the member made of what was wanted.
    pub settled: Option<Settled>,
    /// A write that may make the copy is under way, or had no answer.
    pub is_unsure: bool,
    /// What was begun before may make a copy yet, where none is now.
    pub may_come_late: bool,
    /// The deletion of the copy is noted as owed.
    pub is_owed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It answers, and its objects of the kind are known.
    Known,
    /// It answers, and its objects of the kind are not known yet.
    Unknown,
    /// It answers, and does not know the kind: nothing of it can be there.
    NotServed,
    /// It does not answer, or does not tell.
    Away {
        /// Its objects of the kind were known before.
        was_known: bool,
    },
}

/// An object of somebody else, to be adopted.
#[derive(Clone, Debug, PartialEq)]
pub enum Sought {
    UnderWay,
    Nothing,
    Found(Arc<Copy>),
}

/// What becomes of an object of somebody else that stands where a copy is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    Never,
    /// Whatever it is.
    Always,
    /// Only if it asks for as many replicas as the spread was decided with; `None`: not if one is there.
    WithReplicas(Option<u32>),
}

/// A difference that stays whatever is written: it is not written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub wanted: u64,
    pub left: Option<Difference>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What is to be done in members; nothing in those that are not in it.
    pub actions: BTreeMap<ClusterName, Action>,
    /// What the object's finalizers shall be, if something else.
    pub finalizers: Option<Vec<String>>,
    /// What annotations of ours shall be, if something else.
    pub annotations: BTreeMap<&'static str, String>,
    /// A merge patch of the status.
    pub status: Option<Value>,
    /// Deletions to be noted before the object goes.
    pub owed: BTreeMap<ClusterName, Owed>,
    pub problems: Vec<Problem>,
}

/// One write to a member.
#[derive(Clone, PartialEq)]
pub enum Action {
    Create {
        body: Arc<Value>,
        adoption: Adoption,
    },
    Update {
        body: Arc<Value>,
        uid: String,
    },
    /// Without a UID, whatever copy of ours is there.
    Delete {
        uid: Option<String>,
        cascade: Cascade,
    },
    /// The copy stays and is ours no more.
    LetGo {
        uid: Option<String>,
    },
}

/// What becomes of what depends on a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cascade {
    Background,
    Foreground,
    Orphan,
}

/// The deletion of a copy in a member that cannot be reached, or of one that may come late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// `None`: it is not known whether there is a copy.
    pub uid: Option<String>,
    pub cascade: Cascade,
}

/// Why an object does not go where it should.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The member in which it is, where it is in one.
    pub cluster: Option<ClusterName>,
    /// The reason of the Event.
    pub reason: &'static str,
    pub detail: String,
}

pub fn decide(situation: &Situation<'_>) -> Decision {
    if situation.kind.coverage == Coverage::Leaving {
        deletion::let_go(situation.object)
    } else if !situation.has_all_members {
        // What is done in some members may be wrong as soon as the others are known, and an object
        // that is deleted would go without a word to them.
        Decision::default()
    } else if situation.object.is_deleted {
        deletion::decide(situation)
    } else {
        existing::decide(situation)
    }
}

// === impl Action ===

/// Bodies may hold secrets, which no debug output shows.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { adoption, .. } => write!(f, "Create(adoption: {adoption:?})"),
            Self::Update { uid, .. } => write!(f, "Update({uid})"),
            Self::Delete { uid, cascade } => write!(f, "Delete({uid:?}, {cascade:?})"),
            Self::LetGo { uid } => write!(f, "LetGo({uid:?})"),
        }
    }
}

impl Action {
    /// What ends a copy.
    pub fn end(uid: Option<String>, cascade: Cascade) -> Self {
        match cascade {
            Cascade::Orphan => Self::LetGo { uid },
            Cascade::Background | Cascade::Foreground => Self::Delete { uid, cascade },
        }
    }
}

// === impl Cascade ===

impl Cascade {
    pub fn word(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Foreground => "foreground",
            Self::Orphan => "orphan",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Background, Self::Foreground, Self::Orphan].into_iter().find(|it| it.word() == word)
    }
}
