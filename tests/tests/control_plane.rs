use tests::suite::Test;

/// What the command line refuses, and what it prints without changing anything.
mod words;

/// A control plane in containers.
mod init;

/// Done again, it changes what differs; and an etcd of somebody else's.
mod again;

/// An etcd without a volume loses what it has.
mod lost;

/// Clusters with what a federation leaves in them.
mod stage;

/// While it is in use its processes die, all parts get another version, and the provider another key.
mod in_use;

/// What it answers meanwhile.
mod asked;

/// Another zone for the same federation.
mod zone;

/// Its leader, asked from afar.
mod reach;

/// A federation is taken away, whole or what is left of it.
mod delete;

/// Its records at Route53 go by the key that `init` was given.
mod route53;

/// What is not the federation's, when that goes.
mod others;

pub(crate) fn tests() -> Vec<Test> {
    [
        words::tests(),
        init::tests(),
        again::tests(),
        lost::tests(),
        in_use::tests(),
        zone::tests(),
        reach::tests(),
        delete::tests(),
        route53::tests(),
        others::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
