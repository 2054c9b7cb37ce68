//! A name's explanation, and its text for a terminal.

use std::fmt::Write;

use model::{Freshness, Name};
use planner::Explanation;
use planner::explain::{ClusterShare, Federated, Kind, PortRecords};
use serde::Serialize;

use super::name_states::AtProvider;
use crate::dns_message::AnswerText;
use crate::output::time_text;

/// A name's explanation with its answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    #[serde(flatten)]
    pub explanation: Explanation,
    pub published: bool,
    /// A DNS port is open.
    pub served: bool,
    /// How the name stands at the providers that it goes to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<AtProvider>,
    /// What answers in place of the name's own records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<AnsweredBy>,
    /// Of all types that have data, together, and of the service's ports; for A where none has.
    pub answer: Option<AnswerText>,
}

/// What answers for a name in its place, with the records that do so.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum AnsweredBy {
    Wildcard {
        name: Name,
        records: Vec<String>,
    },
    /// The name is at or below `name`, which is another server's.
    Delegation {
        name: Name,
        records: Vec<String>,
    },
    Dname {
        name: Name,
        records: Vec<String>,
    },
}

/// Whole lines.
pub fn text(explained: &Explained) -> String {
    let mut text = String::new();
    let explanation = &explained.explanation;
    let name = &explanation.name;
    line(&mut text, format_args!("{name}"));
    match (&explanation.zone, &explanation.kind) {
        (None, _) => line(&mut text, format_args!("  no served zone holds this name")),
        (Some(zone), Kind::Foreign) => line(&mut text, format_args!("  zone {zone}")),
        (Some(zone), Kind::Static { records }) => {
            line(
                &mut text,
                format_args!("  zone {zone}: static records, the apex or a name server"),
            );
            list(&mut text, "records", records);
        }
        (Some(zone), Kind::Other) if explained.answered_by.is_some() => {
            line(&mut text, format_args!("  zone {zone}: no record of its own stands here"));
        }
        (Some(zone), Kind::Other) => line(
            &mut text,
            format_args!(
                "  zone {zone}: no record stands here, and the name has not the form of a service's \
                 name: SERVICE.NAMESPACE.FEDERATION.svc[.ZONE][.REGION].{zone}"
            ),
        ),
        (Some(zone), Kind::Federated(federated)) => {
            line(&mut text, format_args!("  zone {zone}: {}", subject(federated)));
            if !federated.level_made {
                level_text(&mut text, zone, federated);
            }
            federated_text(&mut text, name, federated);
        }
    }
    if let Some(answered_by) = &explained.answered_by {
        answered_by_text(&mut text, name, answered_by);
    }
    for AtProvider { provider, text: state, .. } in &explained.mirrors {
        line(&mut text, format_args!("  mirror {provider}: {state}"));
    }
    wire(&mut text, explained);
    text
}

fn subject(federated: &Federated) -> String {
    let Federated { service, level, region, availability_zone, .. } = federated;
    let place = match (region, availability_zone) {
        (Some(region), Some(zone)) => format!(" {zone} of region {region}"),
        (Some(region), None) => format!(" {region}"),
        _ => String::new(),
    };
    format!("service {service}, {level} level{place}")
}

fn federated_text(text: &mut String, name: &Name, federated: &Federated) {
    if !federated.place_exists && federated.level_made {
        line(text, format_args!("  no member cluster is at this place, so no name is made for it"));
    }
    if federated.clusters.is_empty() {
        line(text, format_args!("  the federation has no member cluster"));
    }
    for share in &federated.clusters {
        share_text(text, share);
    }
    if federated.records.is_empty() {
        if federated.level_made {
            line(text, format_args!("  no record is wanted here"));
        }
    } else {
        list(text, "records", &federated.records);
        let is_static = federated.left_out.iter().any(|left| left.name == name.to_string());
        if !is_static && federated.records.iter().any(|record| record.starts_with("CNAME ")) {
            line(
                text,
                format_args!("    no healthy address at this level, so it points one level up"),
            );
        }
    }
    for PortRecords { name, records } in &federated.ports {
        list(text, &format!("records of its port {name}"), records);
    }
    for left in &federated.left_out {
        line(text, format_args!("  left out {}: {}", left.name, left.message));
    }
}

fn level_text(text: &mut String, zone: &Name, federated: &Federated) {
    let Federated { level, levels, .. } = federated;
    let levels: Vec<String> = levels.iter().map(ToString::to_string).collect();
    let levels = levels.join(", ");
    line(
        text,
        format_args!(
            "  the {level} level is switched off: the config's key levels is [{levels}] for zone {zone}"
        ),
    );
}

fn answered_by_text(text: &mut String, name: &Name, answered_by: &AnsweredBy) {
    let (title, records) = match answered_by {
        AnsweredBy::Wildcard { name: wildcard, records } => {
            (format!("answered from the wildcard {wildcard}"), records)
        }
        AnsweredBy::Delegation { name: cut, records } if cut == name => {
            (format!("{cut} is delegated: its name servers answer"), records)
        }
        AnsweredBy::Delegation { name: cut, records } => {
            (format!("below the delegation of {cut}, whose name servers answer"), records)
        }
        AnsweredBy::Dname { name: owner, records } => {
            (format!("below {owner}, whose DNAME leads elsewhere"), records)
        }
    };
    list(text, &title, records);
}

fn share_text(text: &mut String, share: &ClusterShare) {
    let ClusterShare {
        cluster,
        freshness,
        locations,
        location_notes,
        at_place,
        addresses,
        reason: told,
        notes,
        held_until,
    } = share;
    let places = if locations.is_empty() { "no known place".into() } else { locations.join(", ") };
    let here = if *at_place { "" } else { ", elsewhere" };
    line(text, format_args!("  cluster {cluster} ({places}{here}): {told}"));
    if let Freshness::Stale { since, reason } = freshness {
        let since =
            since.as_ref().map_or("never seen".into(), |at| format!("last seen {}", time_text(at)));
        line(
            text,
            format_args!(
                "    stale ({since}), so its addresses stand as they were: {}",
                reason.sentence()
            ),
        );
    }
    for address in addresses {
        line(text, format_args!("    {address}"));
    }
    for note in location_notes.iter().chain(notes) {
        line(text, format_args!("    {note}"));
    }
    if let Some(until) = held_until {
        let until = time_text(until);
        line(
            text,
            format_args!(
                "    the load balancer's list is empty; its last addresses are held until {until}"
            ),
        );
    }
}

fn list(text: &mut String, title: &str, items: &[String]) {
    line(text, format_args!("  {title}:"));
    for item in items {
        line(text, format_args!("    {item}"));
    }
}

fn wire(text: &mut String, explained: &Explained) {
    if !explained.published {
        line(text, format_args!("  nothing is published yet: the answer is SERVFAIL until it is"));
    }
    if let Some(answer) = &explained.answer {
        let is_referral = answer.is_referral();
        let status = answer.status() + if is_referral { ", a referral" } else { "" };
        let title = match explained.served {
            true => "on the wire",
            false => "no DNS port is open here; with one, the answer would be",
        };
        line(text, format_args!("  {title}: {status}"));
        let referral = answer.authorities.iter().filter(|_| is_referral);
        for record in answer.answers.iter().chain(referral) {
            line(text, format_args!("    {}", record.line()));
        }
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{content}");
}
