use tests::suite::Test;

/// AliDNS in memory, judged by the vendor's two clients.
mod alidns;

/// Cloud DNS in memory, driven by Google's Python clients.
mod clouddns;

/// Route53 in memory, driven by the vendor's Python client.
mod route53;

pub(crate) fn tests() -> Vec<Test> {
    [alidns::tests(), clouddns::tests(), route53::tests()].into_iter().flatten().collect()
}
