use model::Name;

use super::{Mirror, MirrorSettings};
use crate::sync::change::Change;
use crate::sync::claim::{Claim, claim, claim_name};
use crate::sync::diff::Identity;

impl Mirror {
    /// After a listing, since every name of ours is looked at.
    pub(super) fn look_for_stray_marker(&mut self) {
        let Some(hosted) = &self.hosted else { return };
        let is_stray = |name: &&Name| self.level(hosted, name).is_none();
        self.stray_marker = hosted.our_names().find(is_stray).cloned();
    }

    /// Why nothing may be written, as far as what stands at the provider tells.
    pub fn blocked(&self) -> Option<String> {
        let hosted = self.hosted.as_ref()?;
        let Identity { owner, .. } = &self.settings.identity;
        if let Some(name) = &self.stray_marker {
            return Some(format!(
                "owner {owner:?} has a marker of {name}, which is no name of this federation: another tool \
                 uses this owner, or the federation had another name; choose another owner, or remove that \
                 marker"
            ));
        }
        let (at, writer) = self.claim_at()?;
        match claim(hosted, &at, owner, writer) {
            Claim::Free | Claim::Ours => None,
            Claim::Taken(_) if self.takes_over => None,
            Claim::Taken(found) => Some(format!(
                "another process writes here for owner {owner:?} (TXT {at} holds {found:?}); stop it, or \
                 choose another owner; if it is gone for good, stop this server and take its place: fedns \
                 apply --take-over"
            )),
            Claim::Blocked(found) => Some(format!(
                "{found} stands at {at}, where this process would say that it writes for owner {owner:?}; \
                 remove it"
            )),
        }
    }

    /// What the claim of another writer than this one says, if there is one.
    pub fn other_writer(&self, writer: &str) -> Option<String> {
        let MirrorSettings { scope, identity, .. } = &self.settings;
        let at = claim_name(scope, &identity.owner)?;
        match claim(self.hosted.as_ref()?, &at, &identity.owner, writer) {
            Claim::Taken(found) => Some(found),
            Claim::Free | Claim::Ours | Claim::Blocked(_) => None,
        }
    }

    /// From now on another writer's claim is in nobody's way: the next plan replaces it. Returns what
    /// it says.
    pub fn take_over(&mut self) -> Option<String> {
        self.takes_over = true;
        let (at, writer) = self.claim_at()?;
        match claim(self.hosted.as_ref()?, &at, &self.settings.identity.owner, writer) {
            Claim::Taken(found) => Some(found),
            Claim::Free | Claim::Ours | Claim::Blocked(_) => None,
        }
    }

    /// True for the change that takes or gives up the claim.
    pub fn is_claim(&self, change: &Change) -> bool {
        claim_name(&self.settings.scope, &self.settings.identity.owner).as_ref()
            == Some(&change.name)
    }

    pub(super) fn claim_at(&self) -> Option<(Name, &str)> {
        let MirrorSettings { scope, identity, writer, .. } = &self.settings;
        Some((claim_name(scope, &identity.owner)?, writer.as_deref()?))
    }
}
