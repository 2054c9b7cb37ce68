use tests::suite::Test;

/// A server whose zone goes to AliDNS.
mod alidns;

/// Two clusters with their API servers, and what becomes of a Service at the provider.
mod clusters;

pub(crate) fn tests() -> Vec<Test> {
    [alidns::tests(), clusters::tests()].into_iter().flatten().collect()
}
