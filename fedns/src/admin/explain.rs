//! `/api/v1/explain`: the planner's reasons for a name, what answers for it, and the answer itself.

use std::collections::BTreeSet;

use dns_server::respond::{AnswerSource, Standing, TCP_SIZE_MAX, answer_source};
use dns_server::{Client, Reader, Snapshot, Transport, respond};
use hyper::StatusCode;
use model::{Name, Rdata, RecordSet, RecordType, UnixTime};
use planner::explain::Kind;
use planner::{Explanation, explain};
use serde_json::Value;

use super::explain_text::{self, AnsweredBy, Explained};
use super::name_states::{AtProvider, NameStates};
use super::url::Url;
use super::{Page, Pages};
use crate::dns_message::{self, AnswerText};
use crate::mirror::MirrorList;
use crate::output::{record_texts, time_text};
use crate::pipeline::{Ended, Pipeline};

/// So many CNAMEs are followed to find out which types to ask for.
const LINKS_MAX: usize = 16;
/// Asked for whatever the name has: a name that is redirected has none of its own.
const TYPES_ASKED: [RecordType; 6] = [
    RecordType::A,
    RecordType::NS,
    RecordType::MX,
    RecordType::TXT,
    RecordType::AAAA,
    RecordType::SRV,
];

pub async fn page(pages: &Pages, url: &Url) -> Result<Page, Ended> {
    let text = url.get("name").unwrap_or("");
    let name = match Name::parse(text) {
        Ok(name) => name,
        Err(error) => {
            let message = format!("{text:?} is no domain name: {error}");
            return Ok(Page::error(StatusCode::BAD_REQUEST, &message));
        }
    };
    let (reader, mirrors) = (pages.reader.clone(), pages.mirrors.clone());
    let explained =
        pages.pipeline.ask(move |pipeline| explained(pipeline, &reader, &mirrors, &name));
    let explained = Explained { served: pages.dns.is_some(), ..explained.await? };
    Ok(match url.get("format") {
        Some("text") => Page::text(explain_text::text(&explained)),
        _ => match serde_json::to_value(&explained) {
            Ok(mut value) => {
                times_as_text(&mut value);
                Page::json(&value)
            }
            Err(error) => Page::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        },
    })
}

/// Between two batches of the pipeline, so that plan and answer are of one moment.
fn explained(pipeline: &Pipeline, reader: &Reader, mirrors: &MirrorList, name: &Name) -> Explained {
    let snapshot = reader.snapshot();
    let mut explanation = explain(pipeline.planner(), name, &record_texts);
    tell_served_apex(&mut explanation, &snapshot);
    Explained {
        answered_by: answered_by(answer_source(&snapshot, name)),
        answer: whole_answer(&snapshot, &explanation),
        published: pipeline.is_published(),
        served: true,
        mirrors: at_providers(&snapshot, mirrors, &explanation),
        explanation,
    }
}

fn at_providers(
    snapshot: &Snapshot<'_>,
    mirrors: &MirrorList,
    explanation: &Explanation,
) -> Vec<AtProvider> {
    let Some(zone) = &explanation.zone else { return Vec::new() };
    let sets = snapshot.zone(zone).map(|view| view.sets(&explanation.name)).unwrap_or_default();
    NameStates::of_zone(mirrors, zone).lookup().of(&explanation.name, &sets)
}

/// The plan knows no serial: the one that is served is the store's.
fn tell_served_apex(explanation: &mut Explanation, snapshot: &Snapshot<'_>) {
    let Explanation { name, zone, kind } = explanation;
    let view = zone.as_ref().filter(|zone| *zone == name).and_then(|zone| snapshot.zone(zone));
    if let (Kind::Static { records }, Some(view)) = (kind, view)
        && view.serial().is_some()
    {
        *records = view.sets(name).iter().flat_map(record_texts).collect();
    }
}

/// `None` where the name's own records answer, or nothing does.
fn answered_by(source: AnswerSource) -> Option<AnsweredBy> {
    let of_types = |standing: Standing, wanted: &dyn Fn(&RecordSet) -> bool| {
        let sets = standing.sets.iter().filter(|set| wanted(set));
        (standing.owner, sets.flat_map(record_texts).collect())
    };
    let is = |record_type| move |set: &RecordSet| set.record_type == record_type;
    match source {
        AnswerSource::Wildcard(standing) => {
            let (name, records) = of_types(standing, &|_| true);
            Some(AnsweredBy::Wildcard { name, records })
        }
        AnswerSource::Delegation(standing) => {
            let (name, records) = of_types(standing, &is(RecordType::NS));
            Some(AnsweredBy::Delegation { name, records })
        }
        AnswerSource::Dname(standing) => {
            let (name, records) = of_types(standing, &is(RecordType::DNAME));
            Some(AnsweredBy::Dname { name, records })
        }
        AnswerSource::Name(_)
        | AnswerSource::Missing
        | AnswerSource::Unpublished
        | AnswerSource::Foreign => None,
    }
}

/// The answer for the name, and for a service's name those for its ports behind it.
fn whole_answer(snapshot: &Snapshot<'_>, explanation: &Explanation) -> Option<AnswerText> {
    let mut whole = wire_answer(snapshot, &explanation.name)?;
    if let Kind::Federated(federated) = &explanation.kind {
        let of_ports = federated.ports.iter().filter_map(|port| wire_answer(snapshot, &port.name));
        of_ports.for_each(|answer| whole.add_answers(answer));
    }
    Some(whole)
}

/// The answers for every type that the name has, as one: the first with data, and what the others
/// add to it. Where none has data, that for A.
fn wire_answer(snapshot: &Snapshot<'_>, name: &Name) -> Option<AnswerText> {
    let mut out = vec![0; TCP_SIZE_MAX];
    let client = Client::anyone(Transport::Tcp);
    let mut ask = |record_type| {
        let query = dns_message::query(1, name, record_type).ok()?;
        let reply = respond(snapshot, &query, &client, &mut out)?;
        dns_message::read(1, &out[..reply.length]).ok()
    };
    let mut first = None;
    let mut whole: Option<AnswerText> = None;
    for answer in types_to_ask(snapshot, name).into_iter().filter_map(&mut ask) {
        match &mut whole {
            _ if answer.answers.is_empty() => first = first.or(Some(answer)),
            None => whole = Some(answer),
            Some(whole) => whole.add_answers(answer),
        }
    }
    whole.or(first)
}

/// The types at the name, and those where its CNAMEs lead.
fn types_to_ask(snapshot: &Snapshot<'_>, name: &Name) -> BTreeSet<RecordType> {
    let mut types = BTreeSet::from(TYPES_ASKED);
    let mut at = name.clone();
    for _ in 0..LINKS_MAX {
        let sets = match answer_source(snapshot, &at) {
            AnswerSource::Name(sets) => sets,
            AnswerSource::Wildcard(standing) => standing.sets,
            _ => break,
        };
        types.extend(sets.iter().map(|set| set.record_type));
        let cname = sets.iter().find(|set| set.record_type == RecordType::CNAME);
        let target = cname.and_then(|set| set.values().first()).and_then(Rdata::as_name);
        let Some(target) = target else { break };
        at = target;
    }
    types
}

/// The planner has no calendar; whoever reads the API wants one, as everywhere else in it.
fn times_as_text(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(times_as_text),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_u64() {
                    Some(seconds) if key == "since" || key == "heldUntil" => {
                        *value = time_text(&UnixTime(seconds)).into();
                    }
                    _ => times_as_text(value),
                }
            }
        }
        _ => {}
    }
}
