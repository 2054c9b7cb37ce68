use tests::suite::Test;

/// A federation with its members, and the propagator between them.
mod federation;

/// What is made, changed and deleted in the federation is so in its members.
mod objects;

pub(crate) fn tests() -> Vec<Test> {
    [objects::tests()].into_iter().flatten().collect()
}
