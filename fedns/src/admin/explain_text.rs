//! A name's explanation, and its text for a terminal.

use std::fmt::Write;

use model::Freshness;
use planner::Explanation;
use planner::explain::{ClusterShare, Federated, Kind};
use serde::Serialize;

use crate::dns_message::AnswerText;
use crate::output::time_text;

/// A name's explanation with its answer on the wire.
#[derive(Serialize)]
pub struct Explained {
    #[serde(flatten)]
    pub explanation: Explanation,
    pub published: bool,
    /// For the first common type that has data; for A where none has.
    pub answer: Option<AnswerText>,
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
        (Some(zone), Kind::Other) => line(
            &mut text,
            format_args!(
                "  zone {zone}: no record stands here, and the name has not the form of a service's \
                 name: SERVICE.NAMESPACE.FEDERATION.svc[.ZONE][.REGION].{zone}"
            ),
        ),
        (Some(zone), Kind::Federated(federated)) => {
            line(&mut text, format_args!("  zone {zone}: {}", subject(federated)));
            federated_text(&mut text, federated);
        }
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

fn federated_text(text: &mut String, federated: &Federated) {
    if !federated.place_exists {
        line(text, format_args!("  no member cluster is at this place, so no name is made for it"));
    }
    if federated.clusters.is_empty() {
        line(text, format_args!("  the federation has no member cluster"));
    }
    for share in &federated.clusters {
        share_text(text, share);
    }
    if federated.records.is_empty() {
        line(text, format_args!("  no record is wanted here"));
    } else {
        list(text, "records", &federated.records);
        if federated.records.iter().any(|record| record.starts_with("CNAME ")) {
            line(
                text,
                format_args!("    no healthy address at this level, so it points one level up"),
            );
        }
    }
    for left in &federated.left_out {
        line(text, format_args!("  left out {}: {}", left.name, left.reason));
    }
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
            format_args!("    stale ({since}), so its addresses stand as they were: {reason}"),
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
        line(text, format_args!("  on the wire: {}", answer.status()));
        for record in &answer.answers {
            line(text, format_args!("    {}", record.line()));
        }
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{content}");
}
