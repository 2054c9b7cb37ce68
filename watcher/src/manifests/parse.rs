//! From a manifest's text to the objects that matter. Pure.
//!
//! A file counts as a whole: one document that cannot be read spoils it, with its place.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::document::{Document, Finding, Format, documents, not_yaml};
use super::inspect::{Inspection, Remark, Texts, inspect};
use super::kinds::{Head, Meaning};
use super::schema::{self, Shape};
use super::tree::{Place, Tree};
use crate::object::{Kind, Object, Service};

/// What a text holds.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// All objects of the kinds that matter, in the order of the file.
    pub(crate) objects: Vec<Object>,
    /// What is ignored and looks like something that is not.
    pub(crate) slips: Vec<Finding>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct List<T> {
    #[serde(default)]
    items: Option<Vec<T>>,
}

/// A value that no API server takes, and the way to it.
struct Fault {
    path: String,
    found: String,
    wanted: &'static str,
}

const WANTED_NAME: &str =
    "lower-case letters, digits and hyphens, with no hyphen at an end; rename it";
const WANTED_ADDRESS: &str = "an IP address like 192.0.2.10; correct it";

/// Reads all documents of a file.
///
/// # Errors
///
/// The first thing in it that cannot be read.
pub(crate) fn parse(format: Format, text: &str) -> Result<Parsed, Finding> {
    let mut parsed = Parsed::default();
    for document in documents(format, text)? {
        // Places take most of the time, and hardly any document needs one.
        let mut clean = Parsed::default();
        match document.without_places().read(&mut clean) {
            Ok(()) if clean.slips.is_empty() => parsed.objects.extend(clean.objects),
            _ => document.read(&mut parsed)?,
        }
    }
    Ok(parsed)
}

// === impl Document ===

impl Document<'_> {
    fn read(&self, parsed: &mut Parsed) -> Result<(), Finding> {
        let tree = self.tree();
        let Some(head) = self.head(tree.as_ref().ok())? else { return Ok(()) };
        match Meaning::of(&head) {
            Meaning::Other => {
                let slip = tree.ok().and_then(|tree| head.slip(&tree));
                parsed.slips.extend(slip.map(|slip| self.finding(slip)));
            }
            Meaning::Object(kind) => {
                parsed.objects.push(self.read_object(kind)?);
                if let Ok(tree) = tree {
                    let Inspection { slips, .. } =
                        inspect(&tree, schema::of_kind(kind), "", self.format.texts());
                    parsed.slips.extend(slips.into_iter().map(|slip| self.finding(slip)));
                }
            }
            Meaning::List(kind) => self.read_list(kind, parsed)?,
        }
        Ok(())
    }

    /// From the tree where there is one, for reading YAML once more takes time.
    fn head(&self, tree: Option<&Tree>) -> Result<Option<Head>, Finding> {
        let explain = |error| self.explain(error, &schema::HEAD);
        let Some(tree) = tree else { return self.parse().map_err(explain) };
        let Inspection { errors, .. } = inspect(tree, &schema::HEAD, "", self.format.texts());
        match errors.into_iter().next() {
            Some(error) => Err(self.finding(error)),
            None => Ok(Head::of(tree)),
        }
    }

    fn read_object(&self, kind: Kind) -> Result<Object, Finding> {
        let object = match kind {
            Kind::Service => self.parse().map(Object::Service),
            Kind::EndpointSlice => self.parse().map(Object::EndpointSlice),
            Kind::Node => self.parse().map(Object::Node),
        };
        let object = object.map_err(|error| self.explain(error, schema::of_kind(kind)))?;
        check_values(&object).map_err(|fault| {
            let tree = self.tree().ok();
            let place = tree.as_ref().and_then(|tree| tree.at(&fault.path)).map(|at| at.place);
            self.finding(Remark { place: place.unwrap_or((1, 1)), message: fault.message("") })
        })?;
        Ok(object)
    }

    fn read_list(&self, kind: Option<Kind>, parsed: &mut Parsed) -> Result<(), Finding> {
        let items = self.items()?;
        let tree = self.tree().ok();
        let trees = tree.as_ref().and_then(|tree| tree.get("items"));
        for (index, (begin, item)) in items.into_iter().enumerate() {
            let path = format!("items[{index}]");
            let tree = trees.and_then(|trees| trees.items().get(index));
            let Some(kind) = kind.or_else(|| kind_of(&item)) else {
                let head = |tree| inspect(tree, &schema::HEAD, &path, Texts::InQuotes);
                if let Some(error) = tree.and_then(|tree| head(tree).errors.into_iter().next()) {
                    return Err(self.finding(error));
                }
                let head = Option::<Head>::deserialize(&item).ok().flatten();
                let slip = head.and_then(|head| head.slip(tree?));
                parsed.slips.extend(slip.map(|slip| self.finding(slip.below(&path))));
                continue;
            };
            let inspection =
                tree.map(|tree| inspect(tree, schema::of_kind(kind), &path, Texts::InQuotes));
            let Inspection { errors, slips, .. } = inspection.unwrap_or_default();
            let object = read_item(kind, item).map_err(|error| {
                let other = || Remark { place: begin, message: format!("{path}: {error}") };
                self.finding(errors.into_iter().next().unwrap_or_else(other))
            })?;
            check_values(&object).map_err(|fault| {
                let at = tree.and_then(|tree| tree.at(&fault.path));
                let place = at.map_or(begin, |at| at.place);
                self.finding(Remark { place, message: fault.message(&format!("{path}.")) })
            })?;
            parsed.objects.push(object);
            parsed.slips.extend(slips.into_iter().map(|slip| self.finding(slip)));
        }
        Ok(())
    }

    /// Each with the place where it begins.
    fn items(&self) -> Result<Vec<(Place, Value)>, Finding> {
        let explain = |error| self.explain(error, &schema::LIST);
        Ok(match self.format {
            Format::Yaml => {
                let list = self.parse::<List<Spanned<Value>>>().map_err(explain)?;
                let items = list.items.unwrap_or_default();
                let place =
                    |item: &Spanned<Value>| (item.referenced.line(), item.referenced.column());
                items.into_iter().map(|item| (place(&item), item.value)).collect()
            }
            Format::Json => {
                let list = self.parse::<List<Value>>().map_err(explain)?;
                let items = list.items.unwrap_or_default();
                items.into_iter().map(|item| ((1, 1), item)).collect()
            }
        })
    }

    /// Says which field the error is about, where that can be found out.
    fn explain(&self, error: Finding, shape: &Shape) -> Finding {
        let tree = match (self.tree(), self.format) {
            (Ok(tree), _) => tree,
            (Err(error), Format::Yaml) => return not_yaml(error),
            (Err(_), Format::Json) => return error,
        };
        let Inspection { errors, .. } = inspect(&tree, shape, "", self.format.texts());
        let in_its_line =
            errors.iter().find(|found| found.place.0 + self.lines_before == error.line);
        match in_its_line.or(errors.first()) {
            Some(remark) => self.finding(remark.clone()),
            None => error,
        }
    }
}

fn kind_of(item: &Value) -> Option<Kind> {
    let head = Option::<Head>::deserialize(item).ok().flatten()?;
    match Meaning::of(&head) {
        Meaning::Object(kind) => Some(kind),
        Meaning::List(_) | Meaning::Other => None,
    }
}

fn read_item(kind: Kind, item: Value) -> Result<Object, serde_json::Error> {
    Ok(match kind {
        Kind::Service => Object::Service(serde_json::from_value(item)?),
        Kind::EndpointSlice => Object::EndpointSlice(serde_json::from_value(item)?),
        Kind::Node => Object::Node(serde_json::from_value(item)?),
    })
}

/// What an API server would refuse, and would mean something else in DNS.
fn check_values(object: &Object) -> Result<(), Fault> {
    let Object::Service(service) = object else { return Ok(()) };
    check_names(service)?;
    check_addresses(service)
}

/// A Service `*` would answer for all of its namespace. Lengths are the planner's to judge.
fn check_names(Service { metadata, spec, .. }: &Service) -> Result<(), Fault> {
    let port_path = |index: usize| format!("spec.ports[{index}].name");
    let ports = spec.ports.iter().enumerate();
    let ports = ports.filter_map(|(index, port)| Some((port_path(index), port.name.as_deref()?)));
    let namespace = metadata.namespace.as_deref();
    let names = [("metadata.name".to_owned(), &*metadata.name)]
        .into_iter()
        .chain(namespace.map(|name| ("metadata.namespace".to_owned(), name)))
        .chain(ports);
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    for (path, name) in names.filter(|(_, name)| !name.is_empty()) {
        if !name.bytes().all(is_plain) || name.starts_with('-') || name.ends_with('-') {
            return Err(Fault { path, found: name.to_owned(), wanted: WANTED_NAME });
        }
    }
    Ok(())
}

/// One that is none would be as good as no address: the name would go.
fn check_addresses(Service { status, .. }: &Service) -> Result<(), Fault> {
    for (index, point) in status.load_balancer.ingress.iter().enumerate() {
        let text = point.ip.as_deref().unwrap_or_default();
        if !text.is_empty() && text.parse::<IpAddr>().is_err() {
            let path = format!("status.loadBalancer.ingress[{index}].ip");
            return Err(Fault { path, found: text.to_owned(), wanted: WANTED_ADDRESS });
        }
    }
    Ok(())
}

// === impl Fault ===

impl Fault {
    /// `above` is the way to the object.
    fn message(&self, above: &str) -> String {
        let Self { path, found, wanted } = self;
        format!("{above}{path}: found {found:?}, wanted {wanted}")
    }
}

#[cfg(test)]
mod tests;
