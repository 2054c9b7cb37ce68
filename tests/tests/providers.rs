use tests::suite::Test;

/// Our client of AliDNS, on the fake.
mod alidns;

pub(crate) fn tests() -> Vec<Test> {
    alidns::tests()
}
