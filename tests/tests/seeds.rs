use tests::suite::Test;

/// Whoever types what a page shows.
mod user;

/// A cluster that holds a control plane and web servers.
mod cluster;

/// Two clusters at Alibaba Cloud.
mod alicloud;

/// Clusters of two clouds, and a ReplicaSet with settings.
mod kubefed;

pub(crate) fn tests() -> Vec<Test> {
    [alicloud::tests(), kubefed::tests()].into_iter().flatten().collect()
}
