use tests::suite::Test;

/// A federation's API, a host and members, with fedns on them.
mod stage;

/// Credentials of members grow old, and are renewed.
mod rotation;

/// Another cluster takes a member's place.
mod identity;

/// One writes among several, whatever happens to it.
mod replicas;

/// Parts of the control plane, and members, are away and come back.
mod outages;

/// With nothing to do, next to nothing is written.
mod idle;

/// The certificates and credentials of the control plane are renewed.
mod certificates;

/// Joins that somebody interrupts, or that cannot be.
mod joining;

/// What pods are told by their cluster's DNS.
mod pods;

/// Whatever is printed, nothing of it is secret.
mod secrets;

pub(crate) fn tests() -> Vec<Test> {
    [
        rotation::tests(),
        identity::tests(),
        replicas::tests(),
        outages::tests(),
        idle::tests(),
        certificates::tests(),
        joining::tests(),
        pods::tests(),
        secrets::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
