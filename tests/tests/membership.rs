use tests::suite::Test;

/// Three clusters for one test.
mod stage;

/// Clusters become members.
mod join;

/// What speaks against a join is said, and nothing is changed.
mod refusals;

/// Clusters leave, whether they answer or not.
mod unjoin;

/// A member's CoreDNS, asked to ask fedns.
mod coredns;

pub(crate) fn tests() -> Vec<Test> {
    [join::tests(), refusals::tests(), unjoin::tests(), coredns::tests()]
        .into_iter()
        .flatten()
        .collect()
}
