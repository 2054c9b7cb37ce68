use tests::suite::Test;

/// A server whose zone goes to AliDNS.
mod alidns;

/// A server whose zone goes to Cloud DNS.
mod clouddns;

/// Two clusters with their API servers, and what becomes of a Service at the provider.
mod clusters;

/// ExternalDNS beside us in the same zone.
mod external_dns;

/// A server whose zone goes to name servers that others wrote.
mod rfc2136;

/// A server whose zone goes to Route53.
mod route53;

/// A server whose zone goes to webhooks for ExternalDNS, with ExternalDNS's own server behind them.
mod webhook;

/// One process takes the place of another, and none writes what the other has written.
mod hot_restart;

/// Outages that users of other tools had, and that must not be ours.
mod acceptance;

pub(crate) fn tests() -> Vec<Test> {
    [
        acceptance::tests(),
        alidns::tests(),
        clouddns::tests(),
        clusters::tests(),
        external_dns::tests(),
        hot_restart::tests(),
        rfc2136::tests(),
        route53::tests(),
        webhook::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
