use std::collections::BTreeSet;

use model::Name;

use super::{Mirror, MirrorSettings};
use crate::sync::change::{Change, ChangeKind};
use crate::sync::claim::{claim_name, withdrawn_claim};
use crate::sync::diff::Identity;

impl Mirror {
    /// From now on everything of ours goes that is in our pattern, its markers too, and with it the claim of
    /// whoever wrote for this owner. Returns the names outside the pattern that were imported: they stay.
    /// Only behind a listing.
    pub fn withdraw(&mut self) -> BTreeSet<Name> {
        let Some(hosted) = &self.hosted else { return BTreeSet::new() };
        let MirrorSettings { scope, .. } = &self.settings;
        let is_outside = |name: &&Name| scope.level(name).is_none();
        let stays: BTreeSet<Name> = hosted.our_names().filter(is_outside).cloned().collect();
        self.dirty.retain(|name| !stays.contains(name));
        self.withdraws = true;
        stays
    }

    /// The claim goes behind all names.
    pub(super) fn with_claim_withdrawn(&self, mut changes: Vec<Change>) -> Vec<Change> {
        let MirrorSettings { scope, identity: Identity { owner, .. }, policy, .. } = &self.settings;
        if let (Some(hosted), Some(at)) = (&self.hosted, claim_name(scope, owner))
            && policy.allows(ChangeKind::Tidy)
        {
            changes.extend(withdrawn_claim(hosted, &at, owner));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use model::UnixTime;

    use super::super::tests::{apply, hosted, name, settings, text_of};
    use super::*;
    use crate::sync::change::Policy;
    use crate::sync::registry::Registry;

    const OURS: &str = "300 TXT heritage=fedns;owner=eu;resource=service/default/web";
    const CLAIM: &str = "3600 TXT heritage=fedns;owner=eu;writer=w1";

    fn standing(registry: Registry) -> Mirror {
        let mut mirror = Mirror::new(settings(registry), false);
        mirror.listed(
            hosted(&[
                ("web", "300 A 192.0.2.1"),
                ("fedns-web", OURS),
                ("other", "300 A 192.0.2.2"),
                ("fedns-other", "300 TXT heritage=fedns;owner=us;resource=service/default/other"),
                ("by-hand", "300 A 192.0.2.3"),
            ]),
            UnixTime(0),
        );
        mirror
    }

    #[test]
    fn what_is_ours_goes_and_what_is_of_others_stays() {
        let mut mirror = standing(Registry::Compact);
        assert!(mirror.withdraw().is_empty());
        let text = text_of(&mirror.plan(UnixTime(0)));
        assert!(text.contains("delete web A: 300 192.0.2.1 -> -\n"), "{text}");
        assert!(!text.contains("other") && !text.contains("by-hand"), "{text}");
        apply(&mut mirror);
        assert_eq!(mirror.owned(), 0);
        assert_eq!(text_of(&mirror.plan(UnixTime(0))), "");
    }

    #[test]
    fn the_claim_of_any_writer_goes_last() {
        let mut mirror = Mirror::new(settings(Registry::Compact), false);
        let MirrorSettings { scope, identity, .. } = mirror.settings.clone();
        let at = claim_name(&scope, &identity.owner).unwrap();
        let mut listing = hosted(&[("web", "300 A 192.0.2.1"), ("fedns-web", OURS), ("c", CLAIM)]);
        listing.last_mut().unwrap().name = at.clone();
        mirror.listed(listing, UnixTime(0));
        mirror.withdraw();
        let plan = mirror.plan(UnixTime(0));
        let names: Vec<&Name> = plan.changes.iter().map(|change| &change.name).collect();
        assert_eq!(names, [&name("web"), &at]);
        apply(&mut mirror);
        assert_eq!(text_of(&mirror.plan(UnixTime(0))), "");
    }

    #[test]
    fn a_policy_that_deletes_nothing_is_kept() {
        let upsert_only =
            MirrorSettings { policy: Policy::UpsertOnly, ..settings(Registry::Compact) };
        let mut mirror = standing(Registry::Compact);
        mirror.settings = upsert_only;
        mirror.withdraw();
        assert!(mirror.plan(UnixTime(0)).is_empty());
        assert_eq!(mirror.not_allowed().iter().collect::<Vec<_>>(), [&name("web")]);
    }
}
