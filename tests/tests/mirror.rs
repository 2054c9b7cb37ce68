use tests::suite::Test;

/// A server whose zone goes to AliDNS.
mod alidns;

pub(crate) fn tests() -> Vec<Test> {
    alidns::tests()
}
