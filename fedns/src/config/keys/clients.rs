//! The keys `acl`, `cookies`, `rateLimit`, `nsid` and `identity`: who is answered over DNS, how often,
//! and what is told besides the zones.

use dns_server::Prefix;
use dns_server::policy::{Access, Identity, NSID_LENGTH_MAX, RateLimit};

use crate::config::places::Subject;
use crate::config::read::{MapReader, Reader};
use crate::config::tree::Node;
use crate::config::{Clients, Cookies};

const RESPONSES_PER_SECOND_MAX: u32 = 1_000_000_000;
const SLIP_MAX: u32 = 100;
/// One string of a TXT record.
const IDENTITY_LENGTH_MAX: usize = 255;

pub(super) fn clients(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> Clients {
    let query_access = map.take("acl").map_or_else(Access::default, |node| acl(reader, node));
    let cookies = map.take("cookies").map_or(Cookies::Own, |node| cookies(reader, node));
    let rate_limit = match map.take("rateLimit") {
        None => Some(RateLimit::default()),
        Some(node) => rate_limit(reader, node),
    };
    let nsid = map.take("nsid").and_then(|node| words(reader, node, NSID_LENGTH_MAX));
    let identity =
        map.take("identity").map_or_else(Identity::default, |node| identity(reader, node));
    Clients { query_access, cookies, rate_limit, nsid, identity }
}

fn acl(reader: &mut Reader<'_>, node: &Node) -> Access {
    let mut map = reader.map(node, "a map like {query: {allow: [192.0.2.0/24], deny: []}}");
    let access = map.take("query").map_or_else(Access::default, |node| access(reader, node));
    reader.finish(map);
    access
}

fn access(reader: &mut Reader<'_>, node: &Node) -> Access {
    let mut map = reader.map(node, "a map like {allow: [192.0.2.0/24], deny: [192.0.2.66]}");
    let allow = reader.items(map.take("allow"), prefix);
    let deny = reader.items(map.take("deny"), prefix);
    reader.finish(map);
    Access { allow, deny }
}

fn cookies(reader: &mut Reader<'_>, node: &Node) -> Cookies {
    let mut map = reader.map(node, "a map like {secretFile: ./cookie-secrets}");
    let enabled = enabled(reader, &mut map);
    let file = map.take("secretFile").and_then(|node| {
        reader.note(Subject::CookieSecrets, node.place);
        reader.path(node)
    });
    reader.finish(map);
    match (enabled, file) {
        (false, _) => Cookies::Off,
        (true, None) => Cookies::Own,
        (true, Some(file)) => Cookies::Shared(file),
    }
}

fn rate_limit(reader: &mut Reader<'_>, node: &Node) -> Option<RateLimit> {
    let mut map = reader.map(node, "a map like {responsesPerSecond: 200, exempt: [192.0.2.0/24]}");
    let enabled = enabled(reader, &mut map);
    let mut limit = RateLimit::default();
    if let Some(node) = map.take("responsesPerSecond") {
        let limits = (1, RESPONSES_PER_SECOND_MAX);
        limit.responses_per_second =
            number(reader, node, limits).unwrap_or(limit.responses_per_second);
    }
    if let Some(node) = map.take("slip") {
        limit.slip = number(reader, node, (0, SLIP_MAX)).unwrap_or(limit.slip);
    }
    if let Some(node) = map.take("exempt") {
        limit.exempt = reader.items(Some(node), prefix);
    }
    if let Some(node) = map.take("ipv4PrefixLength") {
        limit.ipv4_prefix_length = length(reader, node, 32).unwrap_or(limit.ipv4_prefix_length);
    }
    if let Some(node) = map.take("ipv6PrefixLength") {
        limit.ipv6_prefix_length = length(reader, node, 128).unwrap_or(limit.ipv6_prefix_length);
    }
    reader.finish(map);
    enabled.then_some(limit)
}

fn identity(reader: &mut Reader<'_>, node: &Node) -> Identity {
    let mut map = reader.map(node, "a map like {version: fedns, id: ns1}");
    let mut told = |reader: &mut Reader<'_>, key| {
        map.take(key).and_then(|node| words(reader, node, IDENTITY_LENGTH_MAX))
    };
    let identity = Identity { version: told(reader, "version"), id: told(reader, "id") };
    reader.finish(map);
    identity
}

fn enabled(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> bool {
    let node = map.take("enabled");
    node.and_then(|node| reader.word(node, &[("true", true), ("false", false)])).unwrap_or(true)
}

fn prefix(reader: &mut Reader<'_>, node: &Node) -> Option<Prefix> {
    reader.parsed(node, "a block of addresses like 192.0.2.0/24", str::parse)
}

fn length(reader: &mut Reader<'_>, node: &Node, longest: u8) -> Option<u8> {
    number(reader, node, (0, u32::from(longest))).and_then(|number| u8::try_from(number).ok())
}

fn number(reader: &mut Reader<'_>, node: &Node, (least, most): (u32, u32)) -> Option<u32> {
    let wanted = format!("a number from {least} to {most}");
    reader.understood(node, &wanted, |text| {
        text.parse().ok().filter(|number| (least..=most).contains(number))
    })
}

fn words(reader: &mut Reader<'_>, node: &Node, longest: usize) -> Option<Box<[u8]>> {
    let wanted = format!("a text of 1 to {longest} bytes");
    reader.understood(node, &wanted, |text| {
        (1..=longest).contains(&text.len()).then(|| text.as_bytes().into())
    })
}
