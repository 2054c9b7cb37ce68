//! A YAML value that keeps what a kubeconfig's own types would lose: the order of keys, keys that
//! nobody here knows, and how scalars were meant.

use std::fmt;

/// One value. It may hold keys and tokens, so its `Debug` shows only what kind of value it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// A scalar that another type than text may stand for (`true`, `12`), as it is written; `null`
    /// for nothing in any of its forms.
    Plain(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Words that readers of YAML 1.1 or 1.2 take for something else than text, in lower case.
const TYPED_WORDS: [&str; 13] =
    ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"];

// === impl Node ===

impl Node {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.map(|(key, node)| (key.to_owned(), node)).into())
    }

    /// A scalar that stands there without quotes.
    pub fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Plain("null".to_owned()),
            text if may_be_typed(text) => Self::Plain(text.to_owned()),
            text => Self::text(text),
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Plain(text) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// True for nothing written, `null` and `~`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Plain(text) if text == "null")
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// The text of a key of a map; nothing where it is empty.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text().filter(|text| !text.is_empty())
    }

    /// The items of a list; none where there is no list.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// Equal but for the order of keys, which means nothing in YAML.
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Map(ours), Self::Map(theirs)) => {
                let same = |(key, node): &(String, Self)| {
                    other.get(key).is_some_and(|other| node.means(other))
                };
                ours.len() == theirs.len() && ours.iter().all(same)
            }
            (Self::List(ours), Self::List(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.means(b))
            }
            _ => self == other,
        }
    }

    /// Gives a key of a map another value, in its place where it has one and else at the end.
    pub fn set(&mut self, key: &str, node: Self) {
        let Self::Map(entries) = self else {
            *self = Self::map([(key, node)]);
            return;
        };
        match entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, value)) => *value = node,
            None => entries.push((key.to_owned(), node)),
        }
    }

    pub fn remove(&mut self, key: &str) {
        if let Self::Map(entries) = self {
            entries.retain(|(known, _)| known != key);
        }
    }

    /// The value of a key of a map, which becomes a map where it is none.
    pub fn map_at(&mut self, key: &str) -> &mut Self {
        if !matches!(self.get(key), Some(Self::Map(_))) {
            self.set(key, Self::Map(Vec::new()));
        }
        let Self::Map(entries) = self else { unreachable!("it was set just now") };
        let found = entries.iter_mut().find(|(known, _)| known == key);
        found.map(|(_, node)| node).expect("it was set just now")
    }
}

/// Whether any reader of YAML may take the unquoted text for a number, a time, a truth or nothing.
pub(super) fn may_be_typed(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_number_like = |byte: &u8| byte.is_ascii_hexdigit() || b"+-._:oxtz ".contains(byte);
    let starts_like_number =
        lower.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    TYPED_WORDS.contains(&lower.as_str())
        || starts_like_number && lower.as_bytes().iter().all(is_number_like)
        || matches!(lower.trim_start_matches(['+', '-']), ".inf" | ".nan")
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) | Self::Text(_) => "a scalar",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        })
    }
}
