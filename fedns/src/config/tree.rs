//! YAML as a tree in which every key and value knows its place.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

/// A place in the file; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub place: Place,
    /// The nearest key that it stands under; `None` for the document itself.
    pub key: Option<Rc<str>>,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing written, `null` or `~`.
    Null,
    /// A scalar as text; what it means is for the reader of the key to say.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map with its place.
#[derive(Clone, Debug)]
pub struct Key {
    pub text: String,
    pub place: Place,
}

/// Why a text is no YAML document that can be used here.
#[derive(Clone, Debug)]
pub struct TreeError {
    pub place: Place,
    pub message: String,
}

/// Aliases of aliases grow without bound; a config of ten thousand clusters has a tenth of this.
const VALUES_MAX: usize = 1_000_000;

/// What mostly is to be done where the parser uses these words.
const HINTS: [(&str, &str); 6] = [
    ("tabs", "indent with spaces"),
    ("mapping values are not allowed", "put a value that has a colon in it into quotes"),
    ("did not find expected key", "let all keys of one map begin in the same column"),
    ("multiline quoted scalar", "look for a closing quote that is missing above"),
    ("illegal placement of ':'", "look for a closing bracket that is missing above"),
    ("unknown anchor", "set the anchor (&) above this line, or write the value out"),
];

/// Parses one document; an empty text is an empty map.
pub fn parse(text: &str) -> Result<Node, TreeError> {
    let parser = Parser::new_from_str(text);
    Builder { parser, anchors: HashMap::new(), key: None, values: 0 }.document()
}

// === impl Node ===

impl Node {
    /// What stands here, in a user's words.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }

    /// True for a map that has this key, and not empty.
    pub fn has(&self, key: &str) -> bool {
        let Value::Map(entries) = &self.value else { return false };
        entries.iter().any(|(known, node)| known.text == key && !matches!(node.value, Value::Null))
    }
}

// === impl Builder ===

struct Builder<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Anchored>,
    /// What the next value stands under.
    key: Option<Rc<str>>,
    /// Values so far, those that aliases repeat included.
    values: usize,
}

struct Anchored {
    node: Node,
    /// Values in it, itself included.
    values: usize,
}

impl Builder<'_> {
    fn document(&mut self) -> Result<Node, TreeError> {
        let start = Place { line: 1, column: 1 };
        let mut root = None;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    let message = "a second document begins; a config is one, so remove it".into();
                    return Err(TreeError { place, message });
                }
                event => root = Some(self.node(event, place)?),
            }
        }
        Ok(root.unwrap_or(Node { place: start, key: None, value: Value::Map(Vec::new()) }))
    }

    fn next(&mut self) -> Result<(Event<'static>, Place), TreeError> {
        loop {
            let (event, span) = self
                .parser
                .next()
                .unwrap_or_else(|| {
                    let marker = Marker::new(0, 1, 0);
                    Err(ScanError::new(marker, "the text ends within a value"))
                })
                .map_err(|error| tree_error(&error))?;
            if let Some(event) = owned(event) {
                return Ok((event, place(&span.start)));
            }
        }
    }

    fn node(&mut self, event: Event<'static>, place: Place) -> Result<Node, TreeError> {
        let anchor = event.anchor_id();
        let values_before = self.values;
        self.values += 1;
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => self.list()?,
            Event::MappingStart(..) => self.map()?,
            Event::Alias(id) => self.alias(id, place)?,
            other => {
                return Err(TreeError { place, message: format!("unexpected {other:?}") });
            }
        };
        let node = Node { place, key: self.key.clone(), value };
        if let Some(id) = anchor {
            let anchored = Anchored { node: node.clone(), values: self.values - values_before };
            self.anchors.insert(id, anchored);
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<Value, TreeError> {
        let failed = |message: &str| TreeError { place, message: message.into() };
        let Some(Anchored { node, values }) = self.anchors.get(&id) else {
            return Err(failed("an alias stands within its own anchor; write the value out"));
        };
        self.values += values;
        if self.values > VALUES_MAX {
            return Err(failed("the aliases up to here make too many values; write fewer of them"));
        }
        Ok(node.value.clone())
    }

    fn list(&mut self) -> Result<Value, TreeError> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(nodes)),
                (event, place) => nodes.push(self.node(event, place)?),
            }
        }
    }

    fn map(&mut self) -> Result<Value, TreeError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            let text = match event {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => {
                    let message = "a key must be plain text; this is another value".into();
                    return Err(TreeError { place, message });
                }
            };
            let (event, value_place) = self.next()?;
            let outer = self.key.replace(Rc::from(text.as_str()));
            let node = self.node(event, value_place)?;
            self.key = outer;
            entries.push((Key { text, place }, node));
        }
    }
}

/// Only what carries values, free of the text's lifetime.
fn owned(event: Event<'_>) -> Option<Event<'static>> {
    Some(match event {
        Event::Scalar(text, style, anchor, _) => {
            Event::Scalar(text.into_owned().into(), style, anchor, None)
        }
        Event::SequenceStart(style, anchor, _) => Event::SequenceStart(style, anchor, None),
        Event::MappingStart(style, anchor, _) => Event::MappingStart(style, anchor, None),
        Event::Alias(id) => Event::Alias(id),
        Event::SequenceEnd => Event::SequenceEnd,
        Event::MappingEnd => Event::MappingEnd,
        Event::StreamStart => Event::StreamStart,
        Event::StreamEnd => Event::StreamEnd,
        Event::DocumentStart(explicit, version) => Event::DocumentStart(explicit, version),
        Event::DocumentEnd => Event::DocumentEnd,
        _ => return None,
    })
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        (_, text) => Value::Text(text.to_owned()),
    }
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

fn tree_error(error: &ScanError) -> TreeError {
    let info = error.info();
    let hint = HINTS.iter().find(|(words, _)| info.contains(words));
    let hint = hint.map(|(_, hint)| format!("; {hint}")).unwrap_or_default();
    TreeError { place: place(error.marker()), message: format!("no valid YAML: {info}{hint}") }
}
