//! The table of cases: what every provider must do, each column with whoever judges it.
//!
//! | column | judge |
//! |---|---|
//! | `alidns` | our strict fake, read and changed by the vendor's Python client |
//! | `clouddns_fake` | our strict fake, read and changed by Google's Python client |
//! | `clouddns_helper` | LocalDnsHelper, which Google wrote, read and changed by Google's Python client |
//! | `route53_fake` | our strict fake, read and changed by botocore |
//! | `route53_moto` | moto, which checks each signature, read and changed by botocore |
//! | `webhook` | ExternalDNS's webhook server and in-memory provider, each call held against the protocol's description |
//! | `webhook_before_bind` | the same server before ExternalDNS's provider of dynamic updates; dig reads, nsupdate changes |
//! | `bind`, `knot`, `power_dns` | the name server, read by dig and changed by nsupdate |

use tests::judge::{
    AliDnsJudge, BindJudge, FakeCloudDnsJudge, FakeRoute53Judge, KnotJudge, LocalDnsHelperJudge,
    MotoJudge, PowerDnsJudge, WebhookBeforeBindJudge, WebhookJudge,
};
use tests::need::{DIG, KNOTD, NAMED, NSUPDATE, Need, PDNS_SERVER, SQLITE3};
use tests::suite::Test;

/// A case by its name.
type Case = (&'static str, fn());

/// Names the cases of a group, each a function of the judge.
macro_rules! cases {
    ($judge:ident: $bound:path => $($case:ident),+ $(,)?) => {
        pub(super) fn cases<$judge: $bound>() -> Vec<crate::table::Case> {
            vec![$((stringify!($case), $case::<$judge> as fn())),+]
        }
    };
}

/// Record sets of our own, changed in every way.
mod ours;

/// What others have in the zone.
mod theirs;

/// Calls that fail.
mod faults;

/// Ten thousand records, and how often the provider is called for them.
mod many;

/// The zone with its judge, the mirror at it, and what both hold.
mod fixture;

/// Lists the cases once for each column.
macro_rules! columns {
    ($($column:ident: $judge:ident, [$($need:expr),+], [$($group:ident),+];)+) => {
        $(mod $column {
            use super::*;

            const NEEDS: &[Need] = &[$($need),+];

            pub(super) fn tests() -> Vec<Test> {
                let cases = [$($group::cases::<$judge>()),+].into_iter().flatten();
                cases.map(|(name, run)| Test::new(module_path!(), name, NEEDS, run)).collect()
            }
        })+

        pub(crate) fn tests() -> Vec<Test> {
            [$($column::tests()),+].into_iter().flatten().collect()
        }
    };
}

columns! {
    alidns: AliDnsJudge, [Need::Peers], [ours, theirs, faults, many];
    clouddns_fake: FakeCloudDnsJudge, [Need::Peers], [ours, theirs, faults, many];
    clouddns_helper: LocalDnsHelperJudge, [Need::Peers, Need::CloudDnsPeer], [ours, theirs, many];
    route53_fake: FakeRoute53Judge, [Need::Peers], [ours, theirs, faults, many];
    route53_moto: MotoJudge, [Need::Peers], [ours, theirs, many];
    webhook: WebhookJudge, [Need::ExternalDns], [ours, theirs, faults, many];
    // That provider lists some types only.
    webhook_before_bind: WebhookBeforeBindJudge, [Need::ExternalDns, NAMED, DIG, NSUPDATE], [ours, faults, many];
    bind: BindJudge, [NAMED, DIG, NSUPDATE], [ours, theirs, faults, many];
    knot: KnotJudge, [KNOTD, DIG, NSUPDATE], [ours, theirs, faults, many];
    power_dns: PowerDnsJudge, [PDNS_SERVER, SQLITE3, DIG, NSUPDATE], [ours, theirs, faults, many];
}
