use tests::suite::Test;

/// AliDNS in memory, judged by the vendor's two clients.
mod alidns;

pub(crate) fn tests() -> Vec<Test> {
    alidns::tests()
}
