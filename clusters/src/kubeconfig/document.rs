//! A kubeconfig's text, changed entry by entry: whatever is not the entry stays as it is, comments
//! and all.
//!
//! Every change is parsed again before it counts, and must mean exactly what was asked for. So a way
//! of writing YAML that is not foreseen here ends in an error, never in another kubeconfig.

use super::error::Fault;
use super::node::Node;
use super::parse::{Key, Placed, Style, Value, parse};
use super::{Change, List, write};

const CURRENT_CONTEXT: &str = "current-context";
const NEW_FILE: &str = "apiVersion: v1\nkind: Config\n";

pub(super) struct Document {
    text: String,
    /// `None` for a text without any value.
    root: Option<Placed>,
}

// === impl Document ===

impl Document {
    /// # Errors
    ///
    /// What is no kubeconfig, or one that kubectl would refuse.
    pub fn new(text: String) -> Result<Self, Fault> {
        let root = parse(&text).map_err(Fault::Malformed)?;
        if let Some(root) = &root {
            check(&root.node())?;
        }
        Ok(Self { text, root })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn node(&self) -> Node {
        self.root.as_ref().map_or_else(|| Node::Map(Vec::new()), Placed::node)
    }

    /// The entry of this name.
    pub fn entry(&self, list: List, name: &str) -> Option<Node> {
        find(&self.node(), list, name).cloned()
    }

    pub fn current_context(&self) -> Option<String> {
        self.node().text_of(CURRENT_CONTEXT).map(str::to_owned)
    }

    /// Puts an entry in the place of the one of its name, or behind all others.
    pub fn put(&mut self, list: List, entry: &Node) -> Result<Change, Fault> {
        let name = entry.text_of("name").unwrap_or_default();
        if self.entry(list, name).as_ref() == Some(entry) {
            return Ok(Change::Unchanged);
        }
        self.begin()?;
        let mut wanted = self.node();
        put(&mut wanted, list, entry);
        let form = || Fault::Form { list: list.key() };
        let text = self.text_with(list, name, entry).ok_or_else(form)?;
        self.take(text, &wanted).map_err(|NotMeant| form())
    }

    /// Takes an entry out.
    pub fn remove(&mut self, list: List, name: &str) -> Result<Change, Fault> {
        if self.entry(list, name).is_none() {
            return Ok(Change::Unchanged);
        }
        let mut wanted = self.node();
        let mut left = wanted.get(list.key()).map_or(Vec::new(), |list| list.items().to_vec());
        left.retain(|entry| entry.text_of("name") != Some(name));
        wanted.set(list.key(), Node::List(left));
        let form = || Fault::Form { list: list.key() };
        let text = self.text_without(list, name).ok_or_else(form)?;
        self.take(text, &wanted).map_err(|NotMeant| form())
    }

    pub fn set_current_context(&mut self, name: &str) -> Result<Change, Fault> {
        if self.current_context().as_deref() == Some(name) {
            return Ok(Change::Unchanged);
        }
        self.begin()?;
        let mut wanted = self.node();
        wanted.set(CURRENT_CONTEXT, Node::text(name));
        let form = || Fault::Form { list: CURRENT_CONTEXT };
        let text = self.text_with_current_context(name).ok_or_else(form)?;
        self.take(text, &wanted).map_err(|NotMeant| form())
    }

    /// Gives an empty file its first lines.
    fn begin(&mut self) -> Result<(), Fault> {
        if self.root.is_none() {
            let text = self.spliced(self.text.len(), self.text.len(), &self.on_new_line(NEW_FILE));
            *self = Self::new(text)?;
        }
        Ok(())
    }

    /// Takes a new text if it means what is wanted.
    fn take(&mut self, text: String, wanted: &Node) -> Result<Change, NotMeant> {
        let document = Self::new(text).map_err(|_| NotMeant)?;
        if document.node() != *wanted {
            return Err(NotMeant);
        }
        *self = document;
        Ok(Change::Changed)
    }

    fn text_with(&self, list: List, name: &str, entry: &Node) -> Option<String> {
        let root = self.root.as_ref()?;
        let Some((key, value)) = root.get(list.key()) else {
            return self.text_with_key(list.key(), &Node::List(vec![entry.clone()]));
        };
        let found = items(value).iter().find(|item| item.node().text_of("name") == Some(name));
        match (&value.value, found) {
            (Value::List { style: Style::Flow, .. }, Some(item)) => {
                Some(self.spliced(item.span.start, item.span.end, &write::flow_json(entry)))
            }
            (Value::List { style: Style::Block, .. }, Some(item)) => {
                let dash = self.dash(item)?;
                let text = write::item(entry, self.column(dash)?);
                Some(self.spliced(dash, self.line_end(item.span.end), &text))
            }
            (Value::List { items, .. }, None) if items.is_empty() => {
                self.first_item(root, key, value, entry)
            }
            (Value::List { style: Style::Flow, items }, None) => {
                let end = items.last()?.span.end;
                Some(self.spliced(end, end, &format!(", {}", write::flow_json(entry))))
            }
            (Value::List { style: Style::Block, items }, None) => {
                let column = self.column(self.dash(items.first()?)?)?;
                let list = Node::List(vec![entry.clone()]);
                Some(self.insert_lines(value.span.end, &write::block(&list, column)))
            }
            (Value::Scalar(_) | Value::Map { .. }, _) => self.first_item(root, key, value, entry),
        }
    }

    /// In the place of an empty list, or of nothing.
    fn first_item(&self, root: &Placed, key: &Key, value: &Placed, item: &Node) -> Option<String> {
        let list = Node::List(vec![item.clone()]);
        if is_flow(root) {
            return Some(self.spliced(value.span.start, value.span.end, &write::flow_json(&list)));
        }
        let line_end = self.line_end(value.span.end);
        let rest = self.text.get(value.span.end..line_end)?;
        let rest = if rest.ends_with('\n') { rest.to_owned() } else { format!("{rest}\n") };
        Some(self.spliced(key.end, line_end, &(rest + &write::block(&list, root.column))))
    }

    fn text_with_current_context(&self, name: &str) -> Option<String> {
        let name = Node::text(name);
        let root = self.root.as_ref()?;
        let Some((key, value)) = root.get(CURRENT_CONTEXT) else {
            return self.text_with_key(CURRENT_CONTEXT, &name);
        };
        let text = if is_flow(root) { write::flow_json(&name) } else { write::block(&name, 0) };
        Some(self.spliced(key.end, value.span.end, &format!(" {}", text.trim_end())))
    }

    /// With a key more at the end of the document's map.
    fn text_with_key(&self, key: &str, node: &Node) -> Option<String> {
        let root = self.root.as_ref()?;
        let Value::Map { style, entries } = &root.value else { return None };
        let map = Node::map([(key, node.clone())]);
        if *style == Style::Block {
            return Some(self.insert_lines(root.span.end, &write::block(&map, root.column)));
        }
        let json = write::flow_json(&map);
        let json = json.strip_prefix('{')?.strip_suffix('}')?;
        Some(match entries.last() {
            Some((_, last)) => self.spliced(last.span.end, last.span.end, &format!(", {json}")),
            None => self.spliced(root.span.end - 1, root.span.end - 1, json),
        })
    }

    fn text_without(&self, list: List, name: &str) -> Option<String> {
        let (key, value) = self.root.as_ref()?.get(list.key())?;
        let Value::List { style, items } = &value.value else { return None };
        let at = items.iter().position(|item| item.node().text_of("name") == Some(name))?;
        let item = &items[at];
        if *style == Style::Flow {
            let (start, end) = match (at.checked_sub(1), items.get(at + 1)) {
                (_, Some(next)) => (item.span.start, next.span.start),
                (Some(before), None) => (items[before].span.end, item.span.end),
                (None, None) => (item.span.start, item.span.end),
            };
            return Some(self.spliced(start, end, ""));
        }
        let dash = self.dash(item)?;
        let start = dash - self.column(dash)?;
        let without = self.spliced(start, self.line_end(item.span.end), "");
        Some(match items.len() {
            1 => format!("{} []{}", without.get(..key.end)?, without.get(key.end..)?),
            _ => without,
        })
    }

    fn spliced(&self, start: usize, end: usize, with: &str) -> String {
        [&self.text[..start], with, &self.text[end..]].concat()
    }

    /// Puts lines behind the line that a value ends on.
    fn insert_lines(&self, end: usize, lines: &str) -> String {
        let at = self.line_end(end);
        let is_line_start = self.text[..at].ends_with('\n') || at == 0;
        let lines = if is_line_start { lines.to_owned() } else { format!("\n{lines}") };
        self.spliced(at, at, &lines)
    }

    fn on_new_line(&self, lines: &str) -> String {
        let is_line_start = self.text.is_empty() || self.text.ends_with('\n');
        if is_line_start { lines.to_owned() } else { format!("\n{lines}") }
    }

    /// Behind the end of the line that a value ends on; a literal block ends at a line's start.
    fn line_end(&self, end: usize) -> usize {
        let trimmed = self.text[..end].trim_end_matches(' ').len();
        if self.text[..trimmed].ends_with('\n') {
            return trimmed;
        }
        self.text[end..].find('\n').map_or(self.text.len(), |at| end + at + 1)
    }

    /// The dash before an item, where nothing else is between the two.
    fn dash(&self, item: &Placed) -> Option<usize> {
        let before = self.text.get(..item.span.start)?.trim_end_matches(' ');
        before.ends_with('-').then(|| before.len() - 1)
    }

    /// The column of a byte that only spaces stand before.
    fn column(&self, at: usize) -> Option<usize> {
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        self.text[line..at].bytes().all(|byte| byte == b' ').then_some(at - line)
    }
}

/// A text that means something else than was wanted.
struct NotMeant;

fn items(list: &Placed) -> &[Placed] {
    if let Value::List { items, .. } = &list.value { items } else { &[] }
}

fn is_flow(map: &Placed) -> bool {
    matches!(map.value, Value::Map { style: Style::Flow, .. })
}

fn put(root: &mut Node, list: List, entry: &Node) {
    let mut entries = root.get(list.key()).map_or(Vec::new(), |list| list.items().to_vec());
    let name = entry.text_of("name");
    match entries.iter_mut().find(|known| known.text_of("name") == name) {
        Some(known) => *known = entry.clone(),
        None => entries.push(entry.clone()),
    }
    root.set(list.key(), Node::List(entries));
}

/// The entry of this name in one of the lists of a kubeconfig.
pub(super) fn find<'a>(root: &'a Node, list: List, name: &str) -> Option<&'a Node> {
    entries(root, list).iter().find(|entry| entry.text_of("name") == Some(name))
}

pub(super) fn entries(root: &Node, list: List) -> &[Node] {
    root.get(list.key()).map_or(&[], Node::items)
}

/// What kubectl refuses is refused here too.
fn check(root: &Node) -> Result<(), Fault> {
    if !matches!(root, Node::Map(_)) {
        return Err(Fault::NoMap);
    }
    for list in List::ALL {
        let key = list.key();
        match root.get(key) {
            None | Some(Node::List(_)) => {}
            Some(node) if node.is_null() => {}
            Some(_) => return Err(Fault::NoList { list: key }),
        }
        let mut names = std::collections::BTreeSet::new();
        for entry in entries(root, list) {
            let name = entry.text_of("name").ok_or(Fault::NoList { list: key })?;
            match entry.get(list.item_key()) {
                None | Some(Node::Map(_)) => {}
                Some(content) if content.is_null() => {}
                Some(_) => {
                    let (name, key) = (name.to_owned(), list.item_key());
                    return Err(Fault::NoContent { list: list.key(), name, key });
                }
            }
            if !names.insert(name) {
                return Err(Fault::Twice { list: key, name: name.to_owned() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
