//! An object that somebody deleted: what becomes of its copies, and when it may go.
//!
//! No garbage collector runs in the federation, so its finalizers are answered here as well.

use clusters::federation::names::PROPAGATED_FINALIZER;

use crate::object::{Federated, Owner};

use super::{Action, Cascade, Decision, MemberSituation, Owed, Reach, Situation};

/// Finalizers of the API's own, by which `kubectl delete --cascade` says what it means.
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// How far the deletion is in one member.
enum Progress {
    Done,
    /// Nothing to do but to wait.
    Waits,
    Act(Action),
    Owe(Owed),
}

pub(super) fn decide(situation: &Situation<'_>) -> Decision {
    let Situation { object, members, .. } = situation;
    let mut decision = Decision::default();
    if situation.has_content {
        // What is in it goes first, each object as its own deletion says.
        return decision;
    }
    let cascade = match (object.has_finalizer(ORPHAN), object.has_finalizer(FOREGROUND)) {
        (true, _) => Cascade::Orphan,
        (false, true) => Cascade::Foreground,
        (false, false) => Cascade::Background,
    };
    let mut is_done = true;
    if object.has_finalizer(PROPAGATED_FINALIZER) {
        for (name, there) in members {
            match progress(there, cascade) {
                Progress::Done => continue,
                Progress::Waits => {}
                Progress::Act(action) => drop(decision.actions.insert((*name).clone(), action)),
                Progress::Owe(_) if there.is_owed => continue,
                Progress::Owe(owed) => drop(decision.owed.insert((*name).clone(), owed)),
            }
            is_done = false;
        }
    }
    if is_done {
        decision.finalizers = without(object, &[PROPAGATED_FINALIZER, ORPHAN, FOREGROUND]);
    }
    decision
}

/// An object of a kind that is being disabled: nobody waits for its copies, which stay.
pub(super) fn let_go(object: &Federated) -> Decision {
    let answered: &[&str] = match object.is_deleted {
        true => &[PROPAGATED_FINALIZER, ORPHAN, FOREGROUND],
        false => &[PROPAGATED_FINALIZER],
    };
    Decision { finalizers: without(object, answered), ..Decision::default() }
}

/// The finalizers of others, where there are some of these, too.
fn without(object: &Federated, answered: &[&str]) -> Option<Vec<String>> {
    let of_others = |name: &&String| !answered.contains(&name.as_str());
    let rest: Vec<String> = object.finalizers.iter().filter(of_others).cloned().collect();
    (rest != object.finalizers).then_some(rest)
}

fn progress(there: &MemberSituation<'_>, cascade: Cascade) -> Progress {
    match seen(there, cascade) {
        // Nobody else would own its deletion, and the object need not wait for it.
        Progress::Done if there.may_come_late && there.reach != Reach::NotServed => {
            Progress::Owe(Owed { uid: None, cascade })
        }
        progress => progress,
    }
}

/// By the copy alone, as it was seen.
fn seen(there: &MemberSituation<'_>, cascade: Cascade) -> Progress {
    let ours = there.copy.filter(|copy| copy.owner == Owner::Us);
    match (there.reach, ours) {
        (Reach::Unknown, _) => Progress::Waits,
        (Reach::NotServed, None) => Progress::Done,
        (Reach::Known, None) if there.is_unsure => Progress::Act(Action::end(None, cascade)),
        (Reach::Away { .. }, None) if there.is_unsure => Progress::Owe(Owed { uid: None, cascade }),
        (Reach::Known | Reach::Away { was_known: true }, None) => Progress::Done,
        (Reach::Away { was_known: false }, None) => Progress::Owe(Owed { uid: None, cascade }),
        (Reach::Away { .. } | Reach::NotServed, Some(copy)) => {
            Progress::Owe(Owed { uid: Some(copy.uid.clone()), cascade })
        }
        (Reach::Known, Some(copy)) if copy.is_deleted => match cascade {
            Cascade::Foreground => Progress::Waits,
            Cascade::Background | Cascade::Orphan => Progress::Done,
        },
        (Reach::Known, Some(copy)) => Progress::Act(Action::end(Some(copy.uid.clone()), cascade)),
    }
}
