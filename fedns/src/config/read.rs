//! Reads values out of the tree and notes every problem on the way, so that all are told at once.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use model::{Label, Name};

use super::duration::parse_duration;
use super::places::Subject;
use super::tree::{Key, Node, Place, Value};

/// One thing that is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub place: Place,
    pub message: String,
}

/// Collects problems while values are read.
#[derive(Debug)]
pub struct Reader<'a> {
    /// Relative paths count from here.
    pub folder: &'a Path,
    problems: Vec<Problem>,
    places: BTreeMap<Subject, Place>,
}

/// The entries of one map, taken out by name; what is left over is unknown.
#[derive(Debug)]
pub struct MapReader<'n> {
    pub place: Place,
    /// False where something else stands in its place, which is told already.
    is_map: bool,
    entries: Vec<(&'n Key, &'n Node)>,
    /// Keys that are served.
    asked: Vec<&'static str>,
    /// Keys that only a later version serves.
    later: Vec<&'static str>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub fn new(folder: &'a Path) -> Self {
        Self { folder, problems: Vec::new(), places: BTreeMap::new() }
    }

    /// The problems in the order of the file, and the places that were noted.
    pub fn finished(mut self) -> (Vec<Problem>, BTreeMap<Subject, Place>) {
        self.problems.sort();
        self.problems.dedup();
        (self.problems, self.places)
    }

    /// Where `subject` stands, for errors that are found when the file has been read; what is
    /// written twice stands at the first place.
    pub fn note(&mut self, subject: Subject, place: Place) {
        self.places.entry(subject).or_insert(place);
    }

    pub fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem { place, message: message.into() });
    }

    /// A problem of what was noted before.
    pub fn problem_of(&mut self, subject: &Subject, message: impl Display) {
        if let Some(place) = self.places.get(subject) {
            self.problem(*place, format!("{subject}: {message}"));
        }
    }

    /// A problem of a value, told with the key that it stands under.
    pub fn value_problem(&mut self, node: &Node, message: impl Display) {
        let message = match &node.key {
            Some(key) => format!("key {key:?}: {message}"),
            None => message.to_string(),
        };
        self.problem(node.place, message);
    }

    pub fn wanted(&mut self, node: &Node, wanted: &str) {
        let found = node.describe();
        self.value_problem(node, format_args!("found {found}, wanted {wanted}"));
    }

    /// Opens a map; anything else is a problem and reads as an empty map.
    pub fn map<'n>(&mut self, node: &'n Node, wanted: &str) -> MapReader<'n> {
        let mut entries: Vec<(&Key, &Node)> = Vec::new();
        let mut lines: HashMap<&str, usize> = HashMap::new();
        let is_map = match &node.value {
            Value::Map(all) => {
                for (key, value) in all {
                    match lines.get(key.text.as_str()) {
                        Some(line) => {
                            let message = format!(
                                "key {:?} stands in line {line} already; keep one",
                                key.text
                            );
                            self.problem(key.place, message);
                        }
                        None => {
                            lines.insert(&key.text, key.place.line);
                            entries.push((key, value));
                        }
                    }
                }
                true
            }
            Value::Null => true,
            _ => {
                self.wanted(node, wanted);
                false
            }
        };
        MapReader { place: node.place, is_map, entries, asked: Vec::new(), later: Vec::new() }
    }

    /// The value of a key that must be there.
    pub fn required<'n>(
        &mut self,
        map: &mut MapReader<'n>,
        key: &'static str,
        wanted: &str,
    ) -> Option<&'n Node> {
        match map.take_entry(key) {
            Some((_, node)) if !matches!(node.value, Value::Null) => Some(node),
            Some((entry, _)) => {
                self.problem(entry.place, format!("key {key:?} is empty; wanted {wanted}"));
                None
            }
            None => {
                self.missing(map, key, wanted);
                None
            }
        }
    }

    pub fn missing(&mut self, map: &MapReader<'_>, key: &str, wanted: &str) {
        if map.is_map {
            self.problem(map.place, format!("key {key:?} is missing; wanted {wanted}"));
        }
    }

    /// The nodes of a list; a single text counts as a list of one, nothing as an empty one.
    pub fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(nodes) => nodes,
            Value::Null => &[],
            Value::Text(_) => std::slice::from_ref(node),
            Value::Map(_) => {
                self.wanted(node, "a list, each entry after a hyphen");
                &[]
            }
        }
    }

    /// What `read` makes of the items of a list; one that stands there twice is a problem.
    pub fn items<T: PartialEq>(
        &mut self,
        node: Option<&Node>,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Vec<T> {
        let mut items = Vec::new();
        for node in node.map_or(&[][..], |node| self.list(node)) {
            let Some(item) = read(self, node) else { continue };
            if items.contains(&item) {
                let found = node.describe();
                self.value_problem(
                    node,
                    format_args!("{found} stands in this list twice; remove one"),
                );
            } else {
                items.push(item);
            }
        }
        items
    }

    pub fn text<'n>(&mut self, node: &'n Node, wanted: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wanted(node, wanted);
                None
            }
        }
    }

    /// Text that `parse` understands; its error is part of the message.
    pub fn parsed<T, E: Display>(
        &mut self,
        node: &Node,
        wanted: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(node, wanted)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.value_problem(node, format_args!("found {text:?}, wanted {wanted}: {error}"));
                None
            }
        }
    }

    /// Text of which `wanted` says all that there is to say.
    pub fn understood<T>(
        &mut self,
        node: &Node,
        wanted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.text(node, wanted)?);
        if value.is_none() {
            self.wanted(node, wanted);
        }
        value
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let choices: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let wanted = match choices.as_slice() {
            [only] => (*only).to_owned(),
            choices => format!("one of {}", choices.join(", ")),
        };
        self.understood(node, &wanted, |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
        })
    }

    pub fn name(&mut self, node: &Node) -> Option<Name> {
        self.parsed(node, "a domain name", Name::from_str)
    }

    /// A host label: letters, digits and hyphens, not at either end (RFC 1123 section 2.1).
    pub fn label(&mut self, node: &Node, what: &str) -> Option<Label> {
        self.parsed(node, what, host_label)
    }

    pub fn address(&mut self, node: &Node) -> Option<IpAddr> {
        self.understood(node, "an IP address", |text| text.parse().ok())
    }

    pub fn socket_address(&mut self, node: &Node) -> Option<SocketAddr> {
        let wanted = "an IP address with a port, like 127.0.0.1:5300 or [::1]:5300";
        self.understood(node, wanted, |text| text.parse().ok())
    }

    /// `180s`, `5m`, `1h30m`, `250ms`, or a bare number of seconds.
    pub fn duration(&mut self, node: &Node) -> Option<Duration> {
        self.parsed(node, "a duration like 180s, 5m or 180", parse_duration)
    }

    /// A path; `~/` is the home folder, and a relative one counts from the config file.
    pub fn path(&mut self, node: &Node) -> Option<PathBuf> {
        let text = self.text(node, "a path")?;
        match expand_path(text, self.folder) {
            Ok(path) => Some(path),
            Err(message) => {
                self.value_problem(node, message);
                None
            }
        }
    }

    /// Everything that nobody asked for is unknown; the nearest known key is named.
    pub fn finish(&mut self, map: MapReader<'_>) {
        let MapReader { entries, asked, later, .. } = map;
        let known: Vec<&'static str> = asked.iter().chain(&later).copied().collect();
        for (key, _) in entries {
            let text = &key.text;
            let message = match nearest(text, &known) {
                _ if text == "<<" => "merge keys (<<) are not read; write the keys out".to_owned(),
                Some(known) => format!("unknown key {text:?}; did you mean {known:?}?"),
                None => format!("unknown key {text:?}; known here: {}", asked.join(", ")),
            };
            self.problem(key.place, message);
        }
    }
}

// === impl MapReader ===

impl<'n> MapReader<'n> {
    /// Takes the value of `key`, if it is there and not empty.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.take_entry(key).map(|(_, node)| node).filter(|node| !matches!(node.value, Value::Null))
    }

    /// The value of `key`, which stays to be taken.
    pub fn peek(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|(known, _)| known.text == key);
        entry.map(|(_, node)| *node).filter(|node| !matches!(node.value, Value::Null))
    }

    /// Takes the entry of `key`, even an empty one.
    pub fn take_entry(&mut self, key: &'static str) -> Option<(&'n Key, &'n Node)> {
        self.asked.push(key);
        self.remove(key)
    }

    /// Takes the entry of a key that only a later version serves.
    pub fn take_later(&mut self, key: &'static str) -> Option<(&'n Key, &'n Node)> {
        self.later.push(key);
        self.remove(key)
    }

    fn remove(&mut self, key: &str) -> Option<(&'n Key, &'n Node)> {
        let at = self.entries.iter().position(|(known, _)| known.text == key)?;
        Some(self.entries.remove(at))
    }
}

// === pure helpers ===

fn nearest(text: &str, known: &[&'static str]) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let close = |candidate: &&str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let best = known.iter().min_by_key(|candidate| close(candidate))?;
    (close(best) <= 1 + text.len() / 4).then_some(*best)
}

/// A label as host names have them (RFC 1123 section 2.1).
pub fn host_label(text: &str) -> Result<Label, String> {
    let label = Label::new(text).map_err(|error| error.to_string())?;
    match is_host_label(label.as_bytes()) {
        true => Ok(label),
        false => {
            Err("only letters, digits and hyphens are allowed, a hyphen at neither end".to_owned())
        }
    }
}

fn is_host_label(label: &[u8]) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    edge(label.first())
        && edge(label.last())
        && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// `~` and `~/…` are the home folder; relative paths count from `folder`.
pub fn expand_path(text: &str, folder: &Path) -> Result<PathBuf, String> {
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(tidy(&folder.join(text)));
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(format!(
            "found {text:?}, but only ~/ is expanded, not another user's home; write the path out"
        ));
    }
    let home = std::env::var_os("HOME").ok_or_else(|| {
        format!("found {text:?}, but HOME is not set; set it, or write the path out")
    })?;
    Ok(tidy(&PathBuf::from(home).join(rest.trim_start_matches('/'))))
}

/// The same path without `.` on the way, as it shall stand in messages.
fn tidy(path: &Path) -> PathBuf {
    path.components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_named() {
        let known = ["federation", "zone", "nameServers"];
        assert_eq!(nearest("nameservers", &known), Some("nameServers"));
        assert_eq!(nearest("fedration", &known), Some("federation"));
        assert_eq!(nearest("provider", &known), None);
    }
}
