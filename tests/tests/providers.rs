use tests::suite::Test;

/// Our client of AliDNS, on the fake.
mod alidns;

/// Our client of dynamic updates, on name servers that others wrote.
mod rfc2136;

pub(crate) fn tests() -> Vec<Test> {
    alidns::tests().into_iter().chain(rfc2136::tests()).collect()
}
