//! How names stand in a marker of many names: `web.shop:.+eu+a.eu/mail.shop:.`, as [`super::shards`] tells.

use std::collections::BTreeSet;
use std::fmt::Write;

use model::Name;

/// What follows the owner.
pub const NAMES_KEY: &str = "names";

/// A name as a shard tells it: what stands before and after `FEDERATION.svc`.
pub(super) type Entry = (String, String);

/// The names that the text after `names=` tells, in a record at `at`.
pub fn names(text: &str, at: &Name) -> Vec<Name> {
    let Some(origin) = at.parent() else { return Vec::new() };
    entries(text).iter().filter_map(|entry| name_of(entry, &origin)).collect()
}

/// True for a name that a record at `at` tells as one outside the pattern.
pub fn is_outside(name: &Name, at: &Name) -> bool {
    at.parent().is_some_and(|origin| entry_of(name, &origin).0.is_empty())
}

pub(super) fn entries(text: &str) -> BTreeSet<Entry> {
    let services = text.split('/').filter_map(|service| service.split_once(':'));
    let entries = services.flat_map(|(service, places)| {
        places.split('+').map(|place| (service.to_owned(), place.to_owned()))
    });
    entries.collect()
}

pub(super) fn entry_of(name: &Name, origin: &Name) -> Entry {
    let common: Vec<&[u8]> = origin.labels().take(2).collect();
    let domain = origin.label_count() - common.len();
    let own: Vec<&[u8]> = name.labels().take(name.label_count() - domain).collect();
    match own.windows(2).position(|pair| pair == common) {
        Some(at) => (text_of(&own[..at]), text_of(&own[at + 2..])),
        None => (String::new(), text_of(&own)),
    }
}

fn name_of((service, place): &Entry, origin: &Name) -> Option<Name> {
    let (service, place) = (labels_of(service)?, labels_of(place)?);
    let common: Vec<Vec<u8>> = match service.is_empty() {
        true => Vec::new(),
        false => origin.labels().take(2).map(<[u8]>::to_vec).collect(),
    };
    let domain = origin.parent()?.parent()?;
    let labels = service.iter().chain(&common).chain(&place);
    Name::from_labels(labels.map(Vec::as_slice), &domain).ok()
}

/// Labels between dots, a dot for none; bytes that no host name has as `=XX`.
fn text_of(labels: &[&[u8]]) -> String {
    if labels.is_empty() {
        return ".".into();
    }
    let mut text = String::new();
    for (index, label) in labels.iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for byte in *label {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'*' => text.push(char::from(*byte)),
                // Writing to a string does not fail.
                _ => drop(write!(text, "={byte:02x}")),
            }
        }
    }
    text
}

fn labels_of(text: &str) -> Option<Vec<Vec<u8>>> {
    if text.is_empty() || text == "." {
        return Some(Vec::new());
    }
    text.split('.').map(label_of).collect()
}

fn label_of(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('=');
    let mut label = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        label.push(u8::from_str_radix(code, 16).ok()?);
        label.extend_from_slice(rest.as_bytes());
    }
    Some(label)
}
