//! What is wrong with the way to a zone, each finding with what is needed and the remedy.

use std::collections::BTreeSet;
use std::net::IpAddr;

use model::Name;
use providers::preflight::{Finding, Severity};

use super::{Asked, NameServers, OwnZone, Parent, Reply, Seen};

/// Everything that there is to say of a zone.
pub fn judge(own: &OwnZone, seen: &Seen) -> Vec<Finding> {
    let Seen { parent, asked, unresolved } = seen;
    let mut findings = vec![delegation(own, parent)];
    if let Parent::Delegates { name_servers, .. } = parent {
        findings.push(glue(own, name_servers));
    }
    findings.push(secondary(own, asked));
    findings.extend(unresolved.iter().map(|(name, why)| {
        let text =
            format!("the address of {name} is not known: {why}; give it one where its zone is");
        Finding::blocking("name server", text)
    }));
    findings.extend(asked.iter().flat_map(|asked| answers(own, asked)));
    findings.extend(same_soa(own, asked));
    findings.extend(recursion(asked));
    findings
}

fn delegation(own: &OwnZone, parent: &Parent) -> Finding {
    let subject = "delegation";
    let zone = &own.zone;
    let finding = |severity, text| Finding { severity, subject, text };
    match parent {
        Parent::Unknown(why) => {
            let text = format!("what the parent of {zone} holds is not known: {why}");
            finding(Severity::Warning, text)
        }
        Parent::Answers { server, .. } => {
            let text = format!(
                "what the parent of {zone} holds is not known: {server} answers for {zone} itself; name a \
                 name server of the parent that does not with --parent"
            );
            finding(Severity::Warning, text)
        }
        Parent::Silent { parent } => finding(
            Severity::Warning,
            format!(
                "{} has nothing of {zone}, so only those who ask its name servers themselves get answers; \
                 enter there: {}",
                shown(parent.as_ref(), zone),
                records(own, &own.name_servers)
            ),
        ),
        Parent::Delegates { parent, name_servers } => {
            let names = |them: &NameServers| them.keys().cloned().collect::<BTreeSet<_>>();
            let (theirs, ours) = (names(name_servers), names(&own.name_servers));
            let parent = shown(parent.as_ref(), zone);
            if theirs == ours {
                let text = format!("{parent} and the config name {}", list(&ours));
                return finding(Severity::Fine, text);
            }
            let text = format!(
                "{parent} names {}, and the config {}: enter NS records for {} there, or correct \
                 nameServers",
                list(&theirs),
                list(&ours),
                list(&ours)
            );
            finding(Severity::Blocking, text)
        }
    }
}

/// Addresses of name servers inside the zone, which nobody could look up without them.
fn glue(own: &OwnZone, delegated: &NameServers) -> Finding {
    let subject = "glue";
    let is_inside = |name: &&Name| name.is_at_or_below(&own.zone);
    let both = own.name_servers.keys().filter(is_inside).filter(|it| delegated.contains_key(*it));
    let none = BTreeSet::new();
    let differing: Vec<String> = both
        .filter_map(|name| {
            let (theirs, ours) = (&delegated[name], own.name_servers.get(name).unwrap_or(&none));
            (theirs != ours).then(|| {
                format!("{name} has {} there, and {} in the config", list(theirs), list(ours))
            })
        })
        .collect();
    if differing.is_empty() {
        let text = "the parent has the same addresses of name servers as the config".into();
        return Finding { severity: Severity::Fine, subject, text };
    }
    let text = format!("{}: enter the right addresses at the parent", differing.join("; "));
    Finding::blocking(subject, text)
}

fn secondary(own: &OwnZone, asked: &[Asked]) -> Finding {
    let subject = "secondary";
    let addresses: BTreeSet<IpAddr> = asked.iter().map(|it| it.address.ip()).collect();
    let (names, count) = (own.name_servers.len(), addresses.len());
    if names >= 2 && count >= 2 {
        let text = format!("{names} name servers answer at {count} addresses");
        return Finding { severity: Severity::Fine, subject, text };
    }
    let zone = &own.zone;
    let text = format!(
        "{zone} has {names} name server{} at {count} address{}, and needs two at different ones (RFC \
         2182): run a second fedns with the same config on another machine, and add it to nameServers \
         and at the parent",
        if names == 1 { "" } else { "s" },
        if count == 1 { "" } else { "es" },
    );
    Finding { severity: Severity::Warning, subject, text }
}

/// One finding for each way that fails; one for both where they are fine.
fn answers(own: &OwnZone, asked: &Asked) -> Vec<Finding> {
    let Asked { name_server, address, udp, tcp } = asked;
    let subject = "name server";
    let mut findings = Vec::new();
    for (way, reply) in [("UDP", udp), ("TCP", tcp)] {
        let wrong = match reply {
            Err(error) => format!(
                "does not answer over {way}: {error}; start fedns serve there, and let port {} through",
                address.port()
            ),
            Ok(Reply { is_authoritative: true, soa: Some(_), rcode: 0, .. }) => continue,
            Ok(Reply { rcode, .. }) => format!(
                "has no SOA record of {} over {way} (rcode {rcode}): it does not serve the zone; see \
                 that fedns runs there with this config, and has published it",
                own.zone
            ),
        };
        findings.push(Finding::blocking(subject, format!("{name_server} at {address} {wrong}")));
    }
    if findings.is_empty() {
        let text = format!("{name_server} at {address} answers over UDP and TCP");
        findings.push(Finding { severity: Severity::Fine, subject, text });
    }
    findings
}

/// Serials differ where every server makes its own; the rest is the same where the config is.
fn same_soa(own: &OwnZone, asked: &[Asked]) -> Option<Finding> {
    let subject = "soa";
    let replies = asked.iter().filter_map(|it| it.udp.as_ref().ok());
    let soas: Vec<&[u8]> = replies.filter_map(|it| Some(it.soa.as_ref()?.wire())).collect();
    let first = *soas.first()?;
    if soas.iter().any(|soa| without_serial(soa) != without_serial(first)) {
        let text = format!(
            "the name servers have different SOA records of {}: give all of them the same config",
            own.zone
        );
        return Some(Finding { severity: Severity::Warning, subject, text });
    }
    let text = match soas.iter().all(|soa| *soa == first) {
        true => "every name server has the same SOA record".into(),
        false => {
            "every name server has the same SOA record but for the serial, as servers have that \
                  watch the clusters themselves; one that transfers the zone would be behind"
                .into()
        }
    };
    Some(Finding { severity: Severity::Fine, subject, text })
}

/// What stands before and after the serial, which is followed by four more numbers (RFC 1035 section
/// 3.3.13).
fn without_serial(soa: &[u8]) -> (&[u8], &[u8]) {
    let names = soa.len().saturating_sub(20);
    (&soa[..names], &soa[(names + 4).min(soa.len())..])
}

fn recursion(asked: &[Asked]) -> Vec<Finding> {
    let subject = "recursion";
    let offers = |reply: &Result<Reply, String>| reply.as_ref().is_ok_and(|it| it.offers_recursion);
    let open = asked.iter().filter(|it| offers(&it.udp) || offers(&it.tcp));
    let open: Vec<Finding> = open
        .map(|Asked { name_server, address, .. }| {
            let text = format!(
                "{name_server} at {address} offers recursion: it looks up names for strangers; switch \
                 that off there"
            );
            Finding { severity: Severity::Warning, subject, text }
        })
        .collect();
    let is_known = asked.iter().any(|it| it.udp.is_ok() || it.tcp.is_ok());
    if open.is_empty() && is_known {
        let text = "no name server offers recursion".into();
        return vec![Finding { severity: Severity::Fine, subject, text }];
    }
    open
}

fn shown(parent: Option<&Name>, zone: &Name) -> String {
    match parent {
        Some(parent) => format!("the parent zone {parent}"),
        None => format!("the parent of {zone}"),
    }
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { "none".into() } else { items.join(", ") }
}

/// What to enter at the parent.
fn records(own: &OwnZone, name_servers: &NameServers) -> String {
    let zone = &own.zone;
    let ns = name_servers.keys().map(|name| format!("{zone} NS {name}"));
    let inside = name_servers.iter().filter(|(name, _)| name.is_at_or_below(zone));
    let glue = inside.flat_map(|(name, addresses)| {
        addresses.iter().map(move |address| {
            let record_type = if address.is_ipv4() { "A" } else { "AAAA" };
            format!("{name} {record_type} {address}")
        })
    });
    ns.chain(glue).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
