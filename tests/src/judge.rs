//! Providers as the table of cases meets them: we write, and somebody else's software says what stands.

mod alidns;
mod clouddns;
mod rfc2136;
mod route53;
mod webhook;

use std::sync::Arc;

use futures::future::BoxFuture;
use model::Name;
use providers::Provider;
use providers::provider::Failure;

use crate::fakes::clock::VirtualClock;

pub use alidns::AliDnsJudge;
pub use clouddns::{FakeCloudDnsJudge, LocalDnsHelperJudge};
pub use rfc2136::{BindJudge, KnotJudge, PowerDnsJudge};
pub use route53::{FakeRoute53Judge, MotoJudge};
pub use webhook::{WebhookBeforeBindJudge, WebhookJudge};

/// Connects on whichever runtime the mirror has.
pub type Connect =
    Box<dyn FnOnce() -> BoxFuture<'static, Result<Arc<dyn Provider>, Failure>> + Send>;

/// A zone that somebody else's software looks after, empty at its start.
pub trait Judge {
    /// A TXT value with what is hard to write and what the provider takes all the same.
    const ODD_TEXT: &str = r#""say \"hello\" and \\ go, a=b c/d+e.~*^!""#;

    fn start(clock: Arc<VirtualClock>) -> Self;

    /// The zone's name, with its final dot.
    fn zone(&self) -> Name;

    /// Our client of the zone.
    fn connect(&self) -> Connect;

    /// Our client, told to use a zone that is not there.
    fn connect_elsewhere(&self) -> Connect;

    /// Every record but SOA and NS, as somebody else's client reads it: `name ttl type value`, sorted, a
    /// TXT value as in a master file (RFC 1035 section 5.1).
    fn records(&self) -> Vec<String>;

    /// Adds records of these lines with somebody else's client, those of one name and type together.
    fn put(&self, lines: &[&str]);

    /// Calls so far that change something, or are to.
    fn writes(&self) -> usize;

    /// All calls so far.
    fn calls(&self) -> usize;
}

/// One whose calls can be made to fail.
pub trait Faulty: Judge {
    /// The next of our writes is told to come later, and so are the two after it.
    fn throttle(&self);

    /// The next of our writes is carried out, and we never hear of it.
    fn lose_answer(&self);
}

/// The parts of a line: name, TTL, type, value.
fn parts(line: &str) -> [&str; 4] {
    let mut parts = line.splitn(4, ' ');
    std::array::from_fn(|_| parts.next().unwrap_or_else(|| panic!("no record: {line}")))
}
