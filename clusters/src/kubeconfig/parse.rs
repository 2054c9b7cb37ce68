//! YAML text as a tree in which every value knows where in the text it stands.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, StructureStyle};

use super::error::Malformed;
use super::node::Node;

/// A value and its place.
#[derive(Clone)]
pub(super) struct Placed {
    /// Bytes. In block style a collection reaches from its first value to the end of its last.
    pub span: Range<usize>,
    /// Of the first byte, counted from 0.
    pub column: usize,
    pub value: Value,
}

#[derive(Clone)]
pub(super) enum Value {
    Scalar(Node),
    List { style: Style, items: Vec<Placed> },
    Map { style: Style, entries: Vec<(Key, Placed)> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One entry a line.
    Block,
    /// In brackets, as JSON is.
    Flow,
}

#[derive(Clone)]
pub(super) struct Key {
    pub text: String,
    /// Where the value may begin: behind the colon.
    pub end: usize,
}

/// Far more than a kubeconfig of ten thousand clusters has; aliases of aliases grow without bound.
const VALUES_MAX: usize = 1_000_000;

/// Parses one document; `None` where there is nothing but comments.
pub(super) fn parse(text: &str) -> Result<Option<Placed>, Malformed> {
    let parser = Parser::new_from_str(text);
    Builder { text, parser, anchors: HashMap::new(), values: 0 }.document()
}

// === impl Placed ===

impl Placed {
    pub fn node(&self) -> Node {
        match &self.value {
            Value::Scalar(node) => node.clone(),
            Value::List { items, .. } => Node::List(items.iter().map(Self::node).collect()),
            Value::Map { entries, .. } => {
                let entries = entries.iter().map(|(key, value)| (key.text.clone(), value.node()));
                Node::Map(entries.collect())
            }
        }
    }

    /// A key of a map with its value.
    pub fn get(&self, key: &str) -> Option<(&Key, &Self)> {
        let Value::Map { entries, .. } = &self.value else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(key, value)| (key, value))
    }
}

// === impl Builder ===

struct Builder<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Placed, usize)>,
    /// Values so far, those that aliases repeat included.
    values: usize,
}

type Step<'a> = (Event<'a>, granit_parser::Span);

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Option<Placed>, Malformed> {
        let mut root = None;
        loop {
            let step = self.next()?;
            match step.0 {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    return Err(malformed(&step.1.start, "a second document begins"));
                }
                _ => root = Some(self.placed(step)?),
            }
        }
    }

    fn next(&mut self) -> Result<Step<'a>, Malformed> {
        loop {
            let unfinished =
                || ScanError::new(Marker::new(0, 1, 0), "the text ends within a value");
            let step = self.parser.next().unwrap_or_else(|| Err(unfinished()));
            // What the parser says of the text may quote it, and it holds keys.
            let step = step.map_err(|error| malformed(error.marker(), "no valid YAML"))?;
            if !matches!(step.0, Event::Comment(..)) {
                return Ok(step);
            }
        }
    }

    fn placed(&mut self, (event, span): Step<'a>) -> Result<Placed, Malformed> {
        let anchor = event.anchor_id();
        let start = span.start;
        let values_before = self.values;
        self.count(1, &start)?;
        let (value, span) = match event {
            Event::Scalar(.., Some(_))
            | Event::SequenceStart(.., Some(_))
            | Event::MappingStart(.., Some(_)) => {
                return Err(malformed(&start, "a tag (!) has no meaning in a kubeconfig"));
            }
            Event::Scalar(text, style, ..) => (scalar(&text, style), bytes(&span)),
            Event::SequenceStart(style, ..) => self.list(style.into(), bytes(&span))?,
            Event::MappingStart(style, ..) => self.map(style.into(), bytes(&span))?,
            Event::Alias(id) => (self.alias(id, &start)?, bytes(&span)),
            _ => return Err(malformed(&start, "a value is missing")),
        };
        let placed = Placed { span, column: start.col(), value };
        if let Some(id) = anchor {
            self.anchors.insert(id, (placed.clone(), self.values - values_before));
        }
        Ok(placed)
    }

    fn alias(&mut self, id: usize, start: &Marker) -> Result<Value, Malformed> {
        let Some((placed, values)) = self.anchors.get(&id) else {
            return Err(malformed(start, "an alias stands within its own anchor"));
        };
        let (value, values) = (placed.value.clone(), *values);
        self.count(values, start)?;
        Ok(value)
    }

    fn count(&mut self, values: usize, start: &Marker) -> Result<(), Malformed> {
        self.values += values;
        match self.values > VALUES_MAX {
            true => Err(malformed(start, "there are too many values")),
            false => Ok(()),
        }
    }

    fn list(
        &mut self,
        style: Style,
        mut span: Range<usize>,
    ) -> Result<(Value, Range<usize>), Malformed> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    span.end = end_of(style, &end, span.end);
                    return Ok((Value::List { style, items }, span));
                }
                step => {
                    let item = self.placed(step)?;
                    span.end = span.end.max(item.span.end);
                    items.push(item);
                }
            }
        }
    }

    fn map(
        &mut self,
        style: Style,
        mut span: Range<usize>,
    ) -> Result<(Value, Range<usize>), Malformed> {
        let mut entries: Vec<(Key, Placed)> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            let text = match event {
                Event::MappingEnd => {
                    span.end = end_of(style, &place, span.end);
                    return Ok((Value::Map { style, entries }, span));
                }
                Event::Scalar(text, _, _, None) => text.into_owned(),
                _ => return Err(malformed(&place.start, "a key is no text")),
            };
            if text == "<<" {
                return Err(malformed(&place.start, "merge keys (<<) are not taken"));
            }
            if entries.iter().any(|(known, _)| known.text == text) {
                return Err(malformed(&place.start, "a key stands there twice"));
            }
            let key = Key { text, end: self.behind_colon(bytes(&place).end) };
            let step = self.next()?;
            let mut value = self.placed(step)?;
            if value.span.is_empty() {
                value.span = key.end..key.end;
            }
            span.end = span.end.max(value.span.end);
            entries.push((key, value));
        }
    }

    fn behind_colon(&self, end: usize) -> usize {
        let colon = self.text.get(end..).and_then(|rest| rest.find(':'));
        colon.map_or(end, |colon| end + colon + 1)
    }
}

/// A closing bracket counts; the end of a block does not, for it stands where the next value begins.
fn end_of(style: Style, end: &granit_parser::Span, last: usize) -> usize {
    match style {
        Style::Flow => bytes(end).end,
        Style::Block => last,
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    // A scalar of several lines is text whatever it looks like.
    let is_plain = style == ScalarStyle::Plain && !text.contains('\n');
    Value::Scalar(if is_plain { Node::plain(text) } else { Node::text(text) })
}

fn bytes(span: &granit_parser::Span) -> Range<usize> {
    span.byte_range().expect("the parser reads a str, so it knows bytes")
}

fn malformed(marker: &Marker, reason: &'static str) -> Malformed {
    Malformed { line: marker.line(), column: marker.col() + 1, reason }
}

// === impl Style ===

impl From<StructureStyle> for Style {
    fn from(style: StructureStyle) -> Self {
        match style {
            StructureStyle::Flow => Self::Flow,
            _ => Self::Block,
        }
    }
}
