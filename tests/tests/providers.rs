use tests::suite::Test;

/// Our client of AliDNS, on the fake.
mod alidns;

/// Our client of dynamic updates, on name servers that others wrote.
mod rfc2136;

/// Our client of webhooks, on ExternalDNS's own server and on ones that answer oddly.
mod webhook;

pub(crate) fn tests() -> Vec<Test> {
    [alidns::tests(), rfc2136::tests(), webhook::tests()].into_iter().flatten().collect()
}
