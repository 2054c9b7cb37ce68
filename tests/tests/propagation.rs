use tests::suite::Test;

/// A federation with its members, and the propagator between them.
mod federation;

/// What is made, changed and deleted in the federation is so in its members.
mod objects;

/// Whose an object is, and where it goes.
mod ownership;

/// Kinds that somebody enabled.
mod enabled;

/// What deleting means, in reach and out of it.
mod deletion;

/// Replicas are spread, statuses summed, addresses told.
mod workloads;

/// With controllers and pods, and without contact to them.
mod alive;

/// A member or a lease is lost, and nothing else.
mod failures;

pub(crate) fn tests() -> Vec<Test> {
    [
        objects::tests(),
        ownership::tests(),
        enabled::tests(),
        deletion::tests(),
        workloads::tests(),
        alive::tests(),
        failures::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
