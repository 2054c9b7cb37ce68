use tests::suite::Test;

/// AliDNS in memory, judged by the vendor's two clients.
mod alidns;

/// Route53 in memory, driven by the vendor's Python client.
mod route53;

pub(crate) fn tests() -> Vec<Test> {
    [alidns::tests(), route53::tests()].into_iter().flatten().collect()
}
