//! From a manifest's text to the objects that matter. Pure.
//!
//! A file counts as a whole: one document that cannot be read spoils it, with its place.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_saphyr::{SnippetMode, Spanned, UserMessageFormatter};

use crate::object::{Kind, Object, Service};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Json,
}

/// Where and why a text cannot be read; lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) message: String,
}

/// One document of a file.
struct Document<'a> {
    format: Format,
    text: &'a str,
    /// How many lines of the file stand before it.
    lines_before: u64,
}

/// What says of which kind a document is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct List<T> {
    #[serde(default)]
    items: Option<Vec<T>>,
}

enum Meaning {
    Object(Kind),
    /// With the kind of its items, where that goes without saying.
    List(Option<Kind>),
    Other,
}

/// All objects of the kinds that matter, in the order of the file.
pub(crate) fn parse(format: Format, text: &str) -> Result<Vec<Object>, ParseError> {
    let documents = match format {
        Format::Yaml => yaml_documents(text),
        Format::Json => json_documents(text)?,
    };
    let mut objects = Vec::new();
    for document in documents {
        objects.extend(document.read()?);
    }
    Ok(objects)
}

// === impl Document ===

impl Document<'_> {
    fn read(&self) -> Result<Vec<Object>, ParseError> {
        let Some(head) = self.parse::<Option<Head>>()? else { return Ok(Vec::new()) };
        match Meaning::of(&head) {
            Meaning::Other => Ok(Vec::new()),
            Meaning::Object(kind) => Ok(vec![self.read_object(kind)?]),
            Meaning::List(kind) => self.read_list(kind),
        }
    }

    fn read_object(&self, kind: Kind) -> Result<Object, ParseError> {
        let object = match kind {
            Kind::Service => Object::Service(self.parse()?),
            Kind::EndpointSlice => Object::EndpointSlice(self.parse()?),
            Kind::Node => Object::Node(self.parse()?),
        };
        let located = |message| ParseError { line: self.lines_before + 1, column: 1, message };
        check_names(&object).map_err(located)?;
        Ok(object)
    }

    /// The items of a list are told by the place where they begin.
    fn read_list(&self, kind: Option<Kind>) -> Result<Vec<Object>, ParseError> {
        let items: Vec<(u64, u64, Value)> = match self.format {
            Format::Yaml => {
                let items = self.parse::<List<Spanned<Value>>>()?.items.unwrap_or_default();
                let place = |item: Spanned<Value>| {
                    let line = item.referenced.line() + self.lines_before;
                    (line, item.referenced.column(), item.value)
                };
                items.into_iter().map(place).collect()
            }
            Format::Json => {
                let items = self.parse::<List<Value>>()?.items.unwrap_or_default();
                items.into_iter().map(|item| (self.lines_before + 1, 1, item)).collect()
            }
        };
        let mut objects = Vec::new();
        for (line, column, item) in items {
            let object = read_item(kind, item).map_err(|error| error.to_string());
            let checked = object.and_then(|object| {
                object.iter().try_for_each(check_names)?;
                Ok(object)
            });
            let located = |error: String| {
                let message = format!("in the list's item that begins here: {error}");
                ParseError { line, column, message }
            };
            objects.extend(checked.map_err(located)?);
        }
        Ok(objects)
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, ParseError> {
        match self.format {
            Format::Yaml => {
                let options = serde_saphyr::options! { budget: None };
                serde_saphyr::from_str_with_options(self.text, options)
                    .map_err(|error| yaml_error(&error, self.lines_before))
            }
            Format::Json => serde_json::from_str(self.text)
                .map_err(|error| json_error(&error, self.lines_before)),
        }
    }
}

fn read_item(kind: Option<Kind>, item: Value) -> Result<Option<Object>, serde_json::Error> {
    let own_kind = || -> Result<Option<Kind>, serde_json::Error> {
        let head = Option::<Head>::deserialize(&item)?;
        Ok(head.and_then(|head| match Meaning::of(&head) {
            Meaning::Object(kind) => Some(kind),
            Meaning::List(_) | Meaning::Other => None,
        }))
    };
    let kind = match kind {
        Some(kind) => Some(kind),
        None => own_kind()?,
    };
    Ok(match kind {
        None => None,
        Some(Kind::Service) => Some(Object::Service(serde_json::from_value(item)?)),
        Some(Kind::EndpointSlice) => Some(Object::EndpointSlice(serde_json::from_value(item)?)),
        Some(Kind::Node) => Some(Object::Node(serde_json::from_value(item)?)),
    })
}

/// Names that an API server would refuse and that would mean something else in DNS: a Service `*`
/// would answer for all of its namespace. Lengths are the planner's to judge.
fn check_names(object: &Object) -> Result<(), String> {
    let Object::Service(Service { metadata, spec, .. }) = object else { return Ok(()) };
    let ports = spec.ports.iter().filter_map(|port| port.name.as_deref());
    let names = [("metadata.name", &*metadata.name)]
        .into_iter()
        .chain(metadata.namespace.as_deref().map(|name| ("metadata.namespace", name)))
        .chain(ports.map(|name| ("the port's name", name)));
    for (what, name) in names.filter(|(_, name)| !name.is_empty()) {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !name.bytes().all(is_plain) || name.starts_with('-') || name.ends_with('-') {
            return Err(format!(
                "{what} is {name:?}; wanted lower-case letters, digits and hyphens, with no hyphen at an end"
            ));
        }
    }
    Ok(())
}

// === impl Meaning ===

impl Meaning {
    fn of(head: &Head) -> Self {
        let Head { api_version, kind } = head;
        let is_slice_group = matches!(
            api_version.as_deref(),
            Some("discovery.k8s.io/v1" | "discovery.k8s.io/v1beta1")
        );
        let is_core_group = api_version.as_deref() == Some("v1");
        match kind.as_deref() {
            Some("Service") if is_core_group => Self::Object(Kind::Service),
            Some("Node") if is_core_group => Self::Object(Kind::Node),
            Some("EndpointSlice") if is_slice_group => Self::Object(Kind::EndpointSlice),
            Some("List") if is_core_group => Self::List(None),
            Some("ServiceList") if is_core_group => Self::List(Some(Kind::Service)),
            Some("NodeList") if is_core_group => Self::List(Some(Kind::Node)),
            Some("EndpointSliceList") if is_slice_group => Self::List(Some(Kind::EndpointSlice)),
            _ => Self::Other,
        }
    }
}

/// A line that begins with `---` always begins a document, and one with `...` ends it.
fn yaml_documents(text: &str) -> Vec<Document<'_>> {
    let is_marker = |line: &str, marker: &str| {
        let rest = line.strip_prefix(marker);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    let mut documents = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    let (mut at, mut line_count) = (0, 0);
    let mut end_document = |start: usize, end: usize, lines_before: u64| {
        let text = &text[start..end];
        if has_content(text) {
            documents.push(Document { format: Format::Yaml, text, lines_before });
        }
    };
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        if is_marker(line, "---") {
            end_document(start, at, lines_before);
            (start, lines_before) = (at, line_count);
        } else if is_marker(line, "...") {
            end_document(start, at, lines_before);
            (start, lines_before) = (next, line_count + 1);
        }
        (at, line_count) = (next, line_count + 1);
    }
    end_document(start, text.len(), lines_before);
    documents
}

/// False where there are only comments, directives and a marker.
fn has_content(document: &str) -> bool {
    document.lines().map(|line| line.trim_start_matches('\u{feff}').trim()).any(|line| {
        let rest = line.strip_prefix("---").unwrap_or(line).trim_start();
        !(rest.is_empty() || rest.starts_with('#') || rest.starts_with('%'))
    })
}

/// One JSON value after another.
fn json_documents(text: &str) -> Result<Vec<Document<'_>>, ParseError> {
    let mut documents = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut start = 0;
    while let Some(value) = values.next() {
        value.map_err(|error| json_error(&error, 0))?;
        let end = values.byte_offset();
        let lines_before = text[..start].matches('\n').count() as u64;
        documents.push(Document { format: Format::Json, text: &text[start..end], lines_before });
        start = end;
    }
    Ok(documents)
}

fn yaml_error(error: &serde_saphyr::Error, lines_before: u64) -> ParseError {
    let error = error.without_snippet();
    let (line, column) =
        error.location().map_or((1, 1), |location| (location.line(), location.column()));
    let options = serde_saphyr::render_options! {
        formatter: &UserMessageFormatter,
        snippets: SnippetMode::Off,
    };
    let rendered = error.render_with_options(options);
    let place = format!(" at line {line}, column {column}");
    let message = rendered.trim_end_matches(&place).lines().next().unwrap_or_default().to_owned();
    ParseError { line: line + lines_before, column, message }
}

fn json_error(error: &serde_json::Error, lines_before: u64) -> ParseError {
    let (line, column) = (error.line() as u64, error.column() as u64);
    let rendered = error.to_string();
    let place = format!(" at line {line} column {column}");
    let message = rendered.trim_end_matches(&place).to_owned();
    ParseError { line: line + lines_before, column, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of the objects, or `line:column: message`.
    #[track_caller]
    fn check(format: Format, text: &str, expect: &str) {
        let found = match parse(format, text) {
            Ok(objects) => {
                let keys: Vec<String> =
                    objects.iter().map(|object| object.key().to_string()).collect();
                keys.join(", ")
            }
            Err(ParseError { line, column, message }) => format!("{line}:{column}: {message}"),
        };
        assert_eq!(found, expect, "{text}");
    }

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: n}\n";
    const NODE: &str = "kind: Node\nmetadata: {name: n1}\napiVersion: v1\n";

    #[test]
    fn a_yaml_file_holds_one_document_or_several() {
        check(Format::Yaml, SERVICE, "Service n/a");
        check(Format::Yaml, &format!("{SERVICE}---\n{NODE}"), "Service n/a, Node n1");
        check(
            Format::Yaml,
            &format!("---\n# first\n{SERVICE}...\n---  # second\n{NODE}---\n"),
            "Service n/a, Node n1",
        );
        check(Format::Yaml, &format!("%YAML 1.2\n---\n{SERVICE}"), "Service n/a");
        check(Format::Yaml, &format!("\u{feff}{SERVICE}"), "Service n/a");
        check(Format::Yaml, "--- {apiVersion: v1, kind: Node, metadata: {name: x}}\n", "Node x");
        check(Format::Yaml, "", "");
        check(Format::Yaml, "# nothing\n---\n# here\n", "");
        check(Format::Yaml, "---\nnull\n", "");
    }

    #[test]
    fn three_dashes_inside_a_text_divide_nothing() {
        let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    ---\n    x\n";
        check(Format::Yaml, &format!("{text}---\n{SERVICE}"), "Service n/a");
    }

    #[test]
    fn lists_of_v1_are_opened() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n- kind: Secret\n  apiVersion: v1\n- null\n";
        check(Format::Yaml, list, "Service default/a");
        check(
            Format::Yaml,
            "apiVersion: v1\nkind: NodeList\nitems:\n- metadata: {name: x}\n",
            "Node x",
        );
        check(Format::Yaml, "apiVersion: v1\nkind: List\nitems:\n", "");
        check(
            Format::Yaml,
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSliceList\nitems:\n- metadata: {name: x}\n",
            "EndpointSlice default/x",
        );
    }

    #[test]
    fn other_kinds_are_ignored_whatever_they_look_like() {
        check(
            Format::Yaml,
            "apiVersion: apps/v1\nkind: Deployment\nspec: {selector: {matchLabels: {a: b}}, type: 3}\n",
            "",
        );
        check(Format::Yaml, "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: 7\n", "");
        check(Format::Yaml, "replicas: 3\n", "");
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_column_of_the_file() {
        check(
            Format::Yaml,
            &format!("{SERVICE}---\n{SERVICE}spec: {{ports: [{{port: http}}]}}\n"),
            "8:23: invalid u16",
        );
        check(
            Format::Yaml,
            "apiVersion: v1\nkind: Service\nmetadata: {namespace: n}\n",
            "3:12: missing field `name`",
        );
        check(Format::Yaml, "kind: [\n", "1:7: expected string scalar");
        check(
            Format::Yaml,
            "a: b\nkind: c\nkind: d\n",
            "3:1: duplicate mapping key `kind` is not allowed here",
        );
        check(Format::Yaml, "- a\n", "1:1: expected mapping start");
        check(
            Format::Yaml,
            "# a list\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Node}\n",
            "6:3: in the list's item that begins here: missing field `metadata`",
        );
    }

    #[test]
    fn names_that_no_api_server_takes_are_refused() {
        let wanted = "wanted lower-case letters, digits and hyphens, with no hyphen at an end";
        for (rest, found) in [
            ("metadata: {name: '*'}", "metadata.name is \"*\""),
            ("metadata: {name: a.b}", "metadata.name is \"a.b\""),
            ("metadata: {name: -a}", "metadata.name is \"-a\""),
            ("metadata: {name: a, namespace: Up}", "metadata.namespace is \"Up\""),
            (
                "metadata: {name: a}\nspec: {ports: [{name: a b, port: 80}]}",
                "the port's name is \"a b\"",
            ),
        ] {
            let text = format!(
                "kind: Node\napiVersion: v1\nmetadata: {{name: n}}\n---\napiVersion: v1\nkind: Service\n{rest}\n"
            );
            let error = parse(Format::Yaml, &text).unwrap_err();
            assert_eq!((error.line, error.message), (4, format!("{found}; {wanted}")));
        }
        let list = "apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: '*'}\n";
        let error = parse(Format::Yaml, list).unwrap_err();
        assert!(error.message.contains("metadata.name is \"*\""), "{error:?}");
    }

    #[test]
    fn json_is_read_as_well() {
        let service = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}"#;
        check(Format::Json, service, "Service default/a");
        check(
            Format::Json,
            &format!("{service}\n\n{service}\n"),
            "Service default/a, Service default/a",
        );
        check(
            Format::Json,
            &format!(r#"{{"apiVersion": "v1", "items": [{service}], "kind": "List"}}"#),
            "Service default/a",
        );
        check(Format::Json, "", "");
        check(Format::Json, "{\n  \"kind\": ", "2:10: EOF while parsing a value");
        check(
            Format::Json,
            &format!(
                "{service}\n{{\"apiVersion\": \"v1\", \"kind\": \"Node\",\n \"metadata\": 7}}"
            ),
            "3:14: invalid type: integer `7`, expected struct Metadata",
        );
    }

    #[test]
    fn a_large_file_is_no_attack() {
        let text = format!("{SERVICE}more: [{}]\n", "1,".repeat(300_000));
        check(Format::Yaml, &text, "Service n/a");
    }
}
