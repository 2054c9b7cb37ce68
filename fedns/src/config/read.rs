//! Reads values out of the tree and notes every problem on the way, so that all are told at once.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use model::{Label, Name};

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
}

/// The entries of one map, taken out by name; what is left over is unknown.
#[derive(Debug)]
pub struct MapReader<'n> {
    pub place: Place,
    entries: Vec<(&'n Key, &'n Node)>,
    asked: Vec<&'static str>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub fn new(folder: &'a Path) -> Self {
        Self { folder, problems: Vec::new() }
    }

    /// In the order of the file.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort();
        self.problems.dedup();
        self.problems
    }

    pub fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem { place, message: message.into() });
    }

    fn wanted(&mut self, node: &Node, wanted: &str) {
        let found = node.describe();
        self.problem(node.place, format!("found {found}, wanted {wanted}"));
    }

    /// Opens a map; anything else is a problem and reads as an empty map.
    pub fn map<'n>(&mut self, node: &'n Node, wanted: &str) -> MapReader<'n> {
        let mut map = MapReader { place: node.place, entries: Vec::new(), asked: Vec::new() };
        match &node.value {
            Value::Map(entries) => {
                for (key, value) in entries {
                    match map.entries.iter().find(|(known, _)| known.text == key.text) {
                        Some((first, _)) => {
                            let line = first.place.line;
                            let message =
                                format!("key {:?} stands in line {line} already", key.text);
                            self.problem(key.place, message);
                        }
                        None => map.entries.push((key, value)),
                    }
                }
            }
            Value::Null => {}
            _ => self.wanted(node, wanted),
        }
        map
    }

    /// The nodes of a list; a single value counts as a list of one, nothing as an empty one.
    pub fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(nodes) => nodes,
            Value::Null => &[],
            _ => std::slice::from_ref(node),
        }
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
    pub fn parsed<T, E: std::fmt::Display>(
        &mut self,
        node: &Node,
        wanted: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(node, wanted)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                let message = format!("found {text:?}, wanted {wanted}: {error}");
                self.problem(node.place, message);
                None
            }
        }
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let choices: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let wanted = format!("one of {}", choices.join(", "));
        let text = self.text(node, &wanted)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            self.problem(node.place, format!("found {text:?}, wanted {wanted}"));
        }
        found
    }

    pub fn name(&mut self, node: &Node) -> Option<Name> {
        self.parsed(node, "a domain name", Name::from_str)
    }

    /// A host label: letters, digits and hyphens, not at either end (RFC 1123 section 2.1).
    pub fn label(&mut self, node: &Node, what: &str) -> Option<Label> {
        self.parsed(node, what, |text| {
            let label = Label::new(text).map_err(|error| error.to_string())?;
            if is_host_label(label.as_bytes()) {
                Ok(label)
            } else {
                Err("only letters, digits and hyphens are allowed, a hyphen at neither end"
                    .to_owned())
            }
        })
    }

    pub fn address(&mut self, node: &Node) -> Option<IpAddr> {
        self.parsed(node, "an IP address", IpAddr::from_str)
    }

    pub fn socket_address(&mut self, node: &Node) -> Option<SocketAddr> {
        self.parsed(node, "an address with a port, like 127.0.0.1:5300", SocketAddr::from_str)
    }

    pub fn count(&mut self, node: &Node, wanted: &str) -> Option<usize> {
        self.parsed(node, wanted, |text| match text.parse::<usize>() {
            Ok(0) => Err("it must be at least 1".to_owned()),
            Ok(count) => Ok(count),
            Err(error) => Err(error.to_string()),
        })
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
                self.problem(node.place, message);
                None
            }
        }
    }

    /// Everything that nobody asked for is unknown; the nearest known key is named.
    pub fn finish(&mut self, map: MapReader<'_>) {
        for (key, _) in &map.entries {
            let nearest = nearest(&key.text, &map.asked);
            let hint = match nearest {
                Some(known) => format!("; did you mean {known:?}?"),
                None => format!("; known here: {}", map.asked.join(", ")),
            };
            self.problem(key.place, format!("unknown key {:?}{hint}", key.text));
        }
    }
}

// === impl MapReader ===

impl<'n> MapReader<'n> {
    /// Takes the value of `key`, if it is there and not empty.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.take_entry(key).map(|(_, node)| node).filter(|node| !matches!(node.value, Value::Null))
    }

    /// Takes the entry of `key`, even an empty one.
    pub fn take_entry(&mut self, key: &'static str) -> Option<(&'n Key, &'n Node)> {
        self.asked.push(key);
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

fn is_host_label(label: &[u8]) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    edge(label.first())
        && edge(label.last())
        && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters =
            after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at(letters);
        let number: u32 = number.parse().map_err(|_| "a number must come first".to_owned())?;
        let one = match unit {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _ => return Err(format!("{unit:?} is no unit; use ms, s, m, h or d")),
        };
        total += one.checked_mul(number).ok_or("it is too long")?;
        rest = after;
    }
    if text.is_empty() { Err("it is empty".into()) } else { Ok(total) }
}

/// `~` and `~/…` are the home folder; relative paths count from `folder`.
pub fn expand_path(text: &str, folder: &Path) -> Result<PathBuf, String> {
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(folder.join(text));
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(format!("{text:?}: only ~/ is expanded, not another user's home"));
    }
    let home = std::env::var_os("HOME").ok_or_else(|| format!("{text:?}: HOME is not set"))?;
    Ok(PathBuf::from(home).join(rest.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("180"), Ok(180));
        assert_eq!(seconds("180s"), Ok(180));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "s", "5 m", "-1", "1.5h", "5x", "99999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_nearest_key_is_named() {
        let known = ["federation", "zone", "nameServers"];
        assert_eq!(nearest("nameservers", &known), Some("nameServers"));
        assert_eq!(nearest("fedration", &known), Some("federation"));
        assert_eq!(nearest("provider", &known), None);
    }
}
