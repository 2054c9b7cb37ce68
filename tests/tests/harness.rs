use tests::suite::Test;

/// Waiting, processes, ports, needs: what requires nothing but this machine.
mod basics;

/// One API server: its objects, its users, its end and its return.
mod api_server;

/// Workloads that become Ready on nodes with regions and zones.
mod kwok;

/// Containers that run, on a node with a network of its own.
mod real_cluster;

/// Every way in which the proxy can misbehave.
mod fault_proxy;

pub(crate) fn tests() -> Vec<Test> {
    [
        basics::tests(),
        api_server::tests(),
        kwok::tests(),
        real_cluster::tests(),
        fault_proxy::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
