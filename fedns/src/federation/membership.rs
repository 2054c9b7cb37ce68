//! From what was found in a federation to clusters that are watched.

use std::collections::BTreeSet;

use clusters::{Access, Cluster, Source};
use model::ClusterName;

/// Who is to be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Sorted by name.
    pub clusters: Vec<Cluster>,
    /// Those that leave because somebody said so: nothing of theirs is kept, and nobody is asked.
    pub leaving: BTreeSet<ClusterName>,
    /// False while there may be members that nobody knows of: then no name counts as gone.
    pub is_complete: bool,
}

impl Membership {
    /// Where all members stand in the config: there are no others, and nobody leaves by itself.
    pub fn of_config() -> Self {
        Self { is_complete: true, ..Self::default() }
    }

    /// While nothing is known of the members: each cluster of which state was saved counts as one that
    /// cannot be reached.
    pub fn saved(saved: &[ClusterName]) -> Self {
        let clusters = saved.iter().map(not_listed).collect();
        Self { clusters, leaving: BTreeSet::new(), is_complete: false }
    }

    /// A member whose credentials cannot be read now is watched with those that were read before.
    pub fn keeping_usable(mut self, before: &[Cluster]) -> Self {
        for cluster in &mut self.clusters {
            let known = before.iter().find(|it| it.name == cluster.name);
            if let (true, Some(known)) = (is_unusable(cluster), known.filter(|it| !is_unusable(it)))
            {
                // Together: which cluster is meant is known of those credentials.
                cluster.source = known.source.clone();
                cluster.uid.clone_from(&known.uid);
            }
        }
        self
    }
}

/// How another cluster takes a member's place: which one is meant, the federation says to all of its
/// servers at once.
pub fn join_again(cluster: &ClusterName) -> String {
    format!(
        "{cluster} is a member of a federation: `fedns join {cluster}` again takes the cluster that answers \
         now; of a member that was joined by hand, set the annotation fedns.io/cluster-uid of its Cluster \
         object to the UID of the namespace kube-system there"
    )
}

fn is_unusable(cluster: &Cluster) -> bool {
    matches!(cluster.source, Source::ApiServer(Access::Unusable(_)))
}

fn not_listed(name: &ClusterName) -> Cluster {
    let why = "the federation's members have not been read yet".to_owned();
    let source = Source::ApiServer(Access::Unusable(why));
    Cluster { name: name.clone(), source, topology: None, uid: None }
}

#[cfg(feature = "federation")]
mod found {
    use clusters::federation::members::{FoundMember, MemberStanding, Members};

    use super::*;

    impl Membership {
        /// `saved`: clusters of which state was saved; until the members have been listed, each counts
        /// as one that cannot be reached.
        pub fn of(members: &Members, saved: &[ClusterName]) -> Self {
            let is_leaving = |member: &FoundMember| member.standing == MemberStanding::Leaving;
            let stays = members.found.iter().filter(|(_, member)| !is_leaving(member));
            let mut clusters: Vec<Cluster> = stays.map(|(name, it)| cluster(name, it)).collect();
            if !members.is_complete {
                let unknown = saved.iter().filter(|name| !members.found.contains_key(*name));
                clusters.extend(unknown.map(not_listed));
            }
            clusters.sort_by(|one, other| one.name.cmp(&other.name));
            let leaving = members.found.iter().filter(|(_, member)| is_leaving(member));
            Self {
                clusters,
                leaving: leaving.map(|(name, _)| name.clone()).collect(),
                is_complete: members.is_complete,
            }
        }
    }

    fn cluster(name: &ClusterName, member: &FoundMember) -> Cluster {
        let FoundMember { access, topology, uid, .. } = member.clone();
        Cluster { name: name.clone(), source: Source::ApiServer(access), topology, uid }
    }

    #[cfg(test)]
    mod tests {
        use std::collections::BTreeMap;

        use super::*;

        fn check(
            found: &[(&str, MemberStanding)],
            is_complete: bool,
            saved: &[&str],
            expect: &[&str],
        ) {
            let member = |standing| FoundMember {
                access: Access::Unusable(String::new()),
                labels: BTreeMap::new(),
                topology: None,
                uid: None,
                credential: None,
                standing,
                join: None,
                is_held: true,
            };
            let found = found.iter().map(|(name, it)| (ClusterName::new(name), member(*it)));
            let members = Members { found: found.collect(), is_complete, troubles: vec![] };
            let saved: Vec<_> = saved.iter().map(|name| ClusterName::new(name)).collect();
            let membership = Membership::of(&members, &saved);
            let names: Vec<&str> = membership.clusters.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(names, expect);
        }

        use MemberStanding::{Joined, Leaving, WithoutObject};

        #[test]
        fn members_stay_until_they_leave() {
            check(&[("a", Joined), ("b", WithoutObject), ("c", Leaving)], true, &[], &["a", "b"]);
        }

        #[test]
        fn what_was_saved_counts_until_all_are_listed() {
            check(&[("b", Joined), ("c", Leaving)], false, &["a", "b", "c"], &["a", "b"]);
            check(&[("b", Joined)], true, &["a", "b"], &["b"]);
        }
    }
}
