use tests::suite::Test;

/// What happens to Services, pods and nodes becomes answers.
mod services;

/// Whatever happens to an API server, no name is lost, and it is told why.
mod failures;

/// Started again, with clusters down, fedns answers as before.
mod restarts;

/// The zone as served is the zone as planned, name by name.
mod equality;

/// `fedns explain` says why.
mod explain;

pub(crate) fn tests() -> Vec<Test> {
    [services::tests(), failures::tests(), restarts::tests(), equality::tests(), explain::tests()]
        .into_iter()
        .flatten()
        .collect()
}
