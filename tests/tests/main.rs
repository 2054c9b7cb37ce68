//! All tests that run fedns and its rooms against the outside world, in one binary.

use std::process::ExitCode;

/// The harness itself: clusters start, fail and end as told.
mod harness;

/// fedns on real API servers and on folders: what happens there becomes an answer.
mod live;

/// The members of a federation are objects in its API.
mod members;

/// Lists and watches, played by an API server that says what a real one says rarely.
mod listing;

/// A federation from the first `join` to the last `delete`.
mod story;

/// The stories of examples/seeds, typed as their pages show them.
mod seeds;

/// The control plane of a federation, put into a host cluster.
mod control_plane;

/// Zones at providers: what fedns puts there, keeps there, and leaves alone.
mod mirror;

/// How the world reaches a zone that fedns answers itself, with a parent that others wrote.
mod preflight;

/// The manifests and units in deploy/.
mod deploy;

/// The command line: every format, every error, every exit code.
mod cli;

/// One kubeconfig out of many, from files and from hosts, judged by kubectl.
mod kubeconfig;

/// Records as text: what any command prints, other name servers read.
mod master_files;

/// What fedns says of configs, good and bad.
mod configs;

/// README and its companions: what they show is what happens.
mod readme;

/// What a person decides: a held reload, another cluster in a member's place.
mod orders;

/// A running federation, asked with a context of kubectl.
mod reach;

/// Several servers of the same zones: one of them writes, and its pod can be found.
mod replicas;

/// Zones go to secondaries that others wrote.
mod secondaries;

/// One process takes the place of another while queries arrive.
mod replace;

/// Secondaries learn our zones from their catalog.
mod catalog;

/// DNS over TLS, HTTPS and QUIC, asked by clients that others wrote.
mod encrypted;

/// Clients that others wrote ask for federated names.
mod clients;

/// A resolver finds federated names from the root.
mod resolvers;

/// The answers of fedns are those of the servers that others wrote.
mod differential;

/// fedns started again on a state that is damaged.
mod restarts;

/// `fedns serve` on folders of manifests: its start, its end, and all between.
mod serve;

/// The clouds of our own, judged by their vendors' clients.
mod fakes;

/// Our clients of clouds, on fakes.
mod providers;

/// What every provider must do, judged by others' software.
mod table;

/// What is made in a federation appears in its members: the propagator between API servers.
mod propagation;
/// Clusters join a federation, and leave it.
mod membership;

/// A federation lives on: what grows old, what is replaced, what dies and comes back.
mod resilience;

/// Kinds that are enabled by command, and copies that lost their object.
mod kinds;

/// The crates import one another only downwards.
mod structure;

fn main() -> ExitCode {
    tests::suite::run(
        [
            structure::tests(),
            fakes::tests(),
            providers::tests(),
            table::tests(),
            readme::tests(),
            configs::tests(),
            cli::tests(),
            kubeconfig::tests(),
            master_files::tests(),
            serve::tests(),
            secondaries::tests(),
            replace::tests(),
            catalog::tests(),
            encrypted::tests(),
            clients::tests(),
            resolvers::tests(),
            differential::tests(),
            harness::tests(),
            live::tests(),
            members::tests(),
            listing::tests(),
            story::tests(),
            seeds::tests(),
            control_plane::tests(),
            mirror::tests(),
            preflight::tests(),
            deploy::tests(),
            orders::tests(),
            restarts::tests(),
            replicas::tests(),
            reach::tests(),
            propagation::tests(),
            membership::tests(),
            resilience::tests(),
            kinds::tests(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    )
}
