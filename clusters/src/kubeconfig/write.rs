//! Values as YAML text, in the form that kubectl writes.

use std::fmt::Write;

use super::node::{Node, may_be_typed};

/// The entries of a map or the items of a list as lines that begin in `column`.
///
/// A scalar or an empty collection becomes one line.
pub(super) fn block(node: &Node, column: usize) -> String {
    let indent = " ".repeat(column);
    match node {
        Node::Map(entries) if !entries.is_empty() => {
            entries.iter().map(|(key, value)| indent.clone() + &entry(key, value, column)).collect()
        }
        Node::List(items) if !items.is_empty() => {
            items.iter().map(|value| indent.clone() + &item(value, column)).collect()
        }
        node => format!("{indent}{}\n", flow(node)),
    }
}

/// One item of a list whose dash stands in `column`, without what goes before the dash.
pub(super) fn item(node: &Node, column: usize) -> String {
    match is_nested(node) {
        // The first line begins behind the dash.
        true => format!("- {}", block(node, column + 2).trim_start()),
        false => format!("- {}\n", flow(node)),
    }
}

fn entry(key: &str, node: &Node, column: usize) -> String {
    let key = scalar(key);
    match node {
        Node::Map(_) if is_nested(node) => format!("{key}:\n{}", block(node, column + 2)),
        Node::List(_) if is_nested(node) => format!("{key}:\n{}", block(node, column)),
        node => format!("{key}: {}\n", flow(node)),
    }
}

fn is_nested(node: &Node) -> bool {
    match node {
        Node::Map(entries) => !entries.is_empty(),
        Node::List(items) => !items.is_empty(),
        Node::Plain(_) | Node::Text(_) => false,
    }
}

/// The value on one line. Text is always quoted, so that a file in JSON stays one.
pub(super) fn flow_json(node: &Node) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match node {
        Node::Text(text) => quoted(text),
        Node::Plain(_) if node.is_null() => "null".to_owned(),
        Node::Plain(text) => text.clone(),
        Node::List(items) => format!("[{}]", joined(items.iter().map(flow_json).collect())),
        Node::Map(entries) => {
            let entry =
                |(key, node): &(String, Node)| format!("{}: {}", quoted(key), flow_json(node));
            format!("{{{}}}", joined(entries.iter().map(entry).collect()))
        }
    }
}

fn flow(node: &Node) -> String {
    match node {
        Node::Text(text) => scalar(text),
        node => flow_json(node),
    }
}

/// Text without quotes where every reader takes it for text.
fn scalar(text: &str) -> String {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/@=+:".contains(&byte);
    match starts_well && text.bytes().all(is_plain) && !text.ends_with(':') && !may_be_typed(text) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// Double quotes mean the same in YAML and in JSON.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // A byte order mark, and ends of line that only YAML 1.1 knows.
            '\u{feff}' | '\u{2028}' | '\u{2029}' => push_escaped(&mut quoted, character),
            character if character.is_control() => push_escaped(&mut quoted, character),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn push_escaped(text: &mut String, character: char) {
    write!(text, "\\u{:04x}", u32::from(character)).expect("writing to a String cannot fail");
}
