//! One writer: a TXT record that says which process writes to the zone for an owner.
//!
//! `_fedns-OWNER.FEDERATION.svc.ZONE` holds `heritage=fedns;owner=OWNER;writer=ID`. It is written before
//! the first change and goes after the last one. Where another's id stands, nothing is written: two
//! writers would undo each other's changes. It is read again with every listing, and so it notices a
//! second writer, but does not exclude it as a lease does.

use model::{Level, Name, RecordSet, RecordType};
use sha2::{Digest, Sha256};

use super::change::{Change, ChangeKind, Role, SetChange};
use super::diff::Identity;
use super::hosted_zone::HostedZone;
use super::scope::Scope;
use crate::txt;

/// A label holds so many bytes (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;
/// Of records that say something of us, and that nobody waits for.
pub(super) const TTL: u32 = 3600;

/// What stands in the claim's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody writes.
    Free,
    Ours,
    /// By another: what was found.
    Taken(String),
    /// What was found is no claim.
    Blocked(String),
}

/// Where the claim of an owner stands; `None` where the name would be too long.
pub fn claim_name(scope: &Scope, owner: &str) -> Option<Name> {
    scope.services().ok()?.child(owner_label("_fedns-", owner).as_bytes()).ok()
}

/// A label that begins like this and tells the owner. One that is too long is hashed; so is one with a
/// dot, which not every provider can tell from the end of a label.
pub(super) fn owner_label(begin: &str, owner: &str) -> String {
    if begin.len() + owner.len() <= LABEL_MAX && !owner.contains('.') {
        return format!("{begin}{owner}");
    }
    let digest = Sha256::digest(owner);
    digest[..8].iter().fold(begin.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Whose claim stands there.
pub fn claim(hosted: &HostedZone, at: &Name, owner: &str, writer: &str) -> Claim {
    let sets = hosted.at(at);
    if sets.is_empty() {
        return Claim::Free;
    }
    let ours = text(owner, writer);
    let found = sets.iter().find_map(|set| text_of(set.records()?));
    match found {
        Some(found) if found == ours => Claim::Ours,
        Some(found) => Claim::Taken(found),
        None => Claim::Blocked(format!("a {} record", sets[0].record_type)),
    }
}

/// The owners that this process has claims for, besides `owner`, below `origin`.
pub fn old_owners(hosted: &HostedZone, origin: &Name, owner: &str, writer: &str) -> Vec<String> {
    let claims = hosted.names().filter(|name| name.parent().as_ref() == Some(origin));
    let texts = claims.flat_map(|name| hosted.at(name)).filter_map(|set| text_of(set.records()?));
    let owner_of = |text: String| {
        let (owner, by) = text.strip_prefix("heritage=fedns;owner=")?.split_once(";writer=")?;
        (by == writer).then(|| owner.to_owned())
    };
    texts.filter_map(owner_of).filter(|other| other != owner).collect()
}

/// The change that takes or gives up the claim.
pub fn claim_change(
    hosted: &HostedZone,
    at: &Name,
    identity: &Identity,
    writer: &str,
    is_taken: bool,
) -> Change {
    let before = hosted.at(at).iter().find_map(|set| set.records().cloned());
    let after = is_taken.then(|| {
        let rdata = txt::rdata(text(&identity.owner, writer).as_bytes());
        RecordSet::single(RecordType::TXT, TTL, rdata)
    });
    let kind = if is_taken { ChangeKind::Register } else { ChangeKind::Tidy };
    let set = SetChange {
        name: at.clone(),
        record_type: RecordType::TXT,
        role: Role::Marker,
        before,
        after,
    };
    Change { name: at.clone(), level: Level::Global, kind, sets: vec![set] }
}

/// The change that removes the claim of whoever wrote for this owner, if one stands.
pub fn withdrawn_claim(hosted: &HostedZone, at: &Name, owner: &str) -> Option<Change> {
    let is_of_owner =
        |set: &RecordSet| text_of(set).is_some_and(|found| found.starts_with(&text(owner, "")));
    let before = hosted.at(at).iter().find_map(|set| set.records().filter(|it| is_of_owner(it)))?;
    let set = SetChange {
        name: at.clone(),
        record_type: RecordType::TXT,
        role: Role::Marker,
        before: Some(before.clone()),
        after: None,
    };
    let (name, level, kind) = (at.clone(), Level::Global, ChangeKind::Tidy);
    Some(Change { name, level, kind, sets: vec![set] })
}

fn text(owner: &str, writer: &str) -> String {
    format!("heritage=fedns;owner={owner};writer={writer}")
}

fn text_of(set: &RecordSet) -> Option<String> {
    let [rdata] = set.values() else { return None };
    (set.record_type == RecordType::TXT)
        .then(|| txt::bytes(rdata))
        .flatten()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
