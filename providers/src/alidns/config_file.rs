//! The config file of AliDNS: the key, and the zones that it is for.
//!
//! ```text
//! [Global]
//! access-key-id = LTAI4...
//! access-key-secret = ...
//! zones = example.com.
//! ```
//!
//! The form is that of kubefed's provider files: names in any case, `;` and `#` begin a comment, a value
//! may stand in double quotes.

use std::collections::BTreeMap;
use std::fmt;

use model::Name;

use super::access_key::Credentials;
use crate::secret::Secret;

/// What such a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFile {
    /// None where the file names no key: it then comes from elsewhere.
    pub credentials: Option<Credentials>,
    /// In the file's order. Empty: not restricted.
    pub zones: Vec<Name>,
}

/// What is wrong with such a file. No value of it is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct ConfigFileError {
    /// The end of the file for what is missing.
    pub at: Place,
    pub problem: String,
}

/// Line and column, both from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

const SECTION: &str = "global";
const KEY_ID: &str = "access-key-id";
const KEY_SECRET: &str = "access-key-secret";
const TOKEN: &str = "security-token";
const ZONES: &str = "zones";
const KEYS: [&str; 4] = [KEY_ID, KEY_SECRET, TOKEN, ZONES];

/// The values with their places.
type Entries = BTreeMap<&'static str, (Place, String)>;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

// === impl ConfigFile ===

impl ConfigFile {
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        let text = text.trim_start_matches('\u{feff}');
        let entries = entries(text)?;
        let last = Line {
            number: text.lines().count().max(1),
            text: text.lines().last().unwrap_or_default(),
        };
        Ok(Self { credentials: credentials(&entries, last.end())?, zones: zones(&entries)? })
    }
}

fn entries(text: &str) -> Result<Entries, ConfigFileError> {
    let mut entries = Entries::new();
    let mut in_section = false;
    for (index, text) in text.lines().enumerate() {
        let line = Line { number: index + 1, text };
        let content = text.trim();
        if is_comment(content) {
            continue;
        }
        if let Some(section) = content.strip_prefix('[') {
            line.check_section(section)?;
            in_section = true;
            continue;
        }
        let Some((key, value)) = content.split_once('=') else {
            return Err(error(line.at(content), "not `key = value`".to_owned()));
        };
        if !in_section {
            return Err(error(line.at(key), "stands before the line [Global]".to_owned()));
        }
        let at = line.at(key);
        let key = known_key(key.trim(), at)?;
        let value = line.value_of(value)?;
        if let Some((earlier, _)) = entries.insert(key, value) {
            return Err(error(at, format!("{key} stands in line {} already", earlier.line)));
        }
    }
    Ok(entries)
}

fn known_key(key: &str, at: Place) -> Result<&'static str, ConfigFileError> {
    KEYS.into_iter().find(|known| known.eq_ignore_ascii_case(key)).ok_or_else(|| {
        let shown: String =
            key.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').take(40).collect();
        error(at, format!("unknown key {shown}; known are {}", KEYS.join(", ")))
    })
}

fn credentials(entries: &Entries, end: Place) -> Result<Option<Credentials>, ConfigFileError> {
    let value = |key: &str| entries.get(key).filter(|(_, value)| !value.is_empty());
    for key in [KEY_ID, KEY_SECRET] {
        if let Some((at, _)) = value(key).filter(|(_, value)| value.starts_with('<')) {
            return Err(error(*at, format!("{key} still holds the example's placeholder")));
        }
    }
    match (value(KEY_ID), value(KEY_SECRET)) {
        (Some((_, id)), Some((_, secret))) => Ok(Some(Credentials {
            access_key_id: id.clone(),
            access_key_secret: Secret::new(secret.as_str()),
            security_token: value(TOKEN).map(|(_, token)| Secret::new(token.as_str())),
            expires: None,
        })),
        (None, None) if value(TOKEN).is_none() => Ok(None),
        (None, _) => Err(error(end, format!("{KEY_ID} is missing"))),
        (Some(_), None) => Err(error(end, format!("{KEY_SECRET} is missing"))),
    }
}

/// Names are separated by commas or blanks.
fn zones(entries: &Entries) -> Result<Vec<Name>, ConfigFileError> {
    let Some((at, text)) = entries.get(ZONES) else {
        return Ok(Vec::new());
    };
    text.split([',', ' ', '\t'])
        .filter(|name| !name.is_empty())
        .map(|name| {
            Name::parse(name).map_err(|problem| {
                error(*at, format!("{name} in zones is no domain name: {problem}"))
            })
        })
        .collect()
}

fn is_comment(text: &str) -> bool {
    text.is_empty() || text.starts_with([';', '#'])
}

fn error(at: Place, problem: String) -> ConfigFileError {
    ConfigFileError { at, problem }
}

#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    text: &'a str,
}

// === impl Line ===

impl<'a> Line<'a> {
    /// Where a part of the line begins, blanks left out.
    fn at(self, part: &'a str) -> Place {
        let before = part.trim_start().as_ptr().addr() - self.text.as_ptr().addr();
        Place { line: self.number, column: self.text[..before].chars().count() + 1 }
    }

    /// Behind its last character.
    fn end(self) -> Place {
        Place { line: self.number, column: self.text.trim_end().chars().count() + 1 }
    }

    /// What stands behind the opening bracket.
    fn check_section(self, text: &'a str) -> Result<(), ConfigFileError> {
        let Some((name, rest)) = text.split_once(']') else {
            return Err(error(self.end(), "the closing bracket is missing".to_owned()));
        };
        if !name.trim().eq_ignore_ascii_case(SECTION) {
            let name = name.trim();
            return Err(error(self.at(text), format!("unknown section [{name}]; use [Global]")));
        }
        match is_comment(rest.trim()) {
            true => Ok(()),
            false => {
                Err(error(self.at(rest), "there is more after the closing bracket".to_owned()))
            }
        }
    }

    /// With its place.
    fn value_of(self, text: &'a str) -> Result<(Place, String), ConfigFileError> {
        let (at, text) = (self.at(text), text.trim());
        let Some(quoted) = text.strip_prefix('"') else {
            let value = text.split([';', '#']).next().unwrap_or_default();
            return Ok((at, value.trim_end().to_owned()));
        };
        let Some((value, rest)) = quoted.split_once('"') else {
            return Err(error(self.end(), "the closing quote is missing".to_owned()));
        };
        if !is_comment(rest.trim()) {
            return Err(error(self.at(rest), "there is more after the closing quote".to_owned()));
        }
        Ok((at, value.to_owned()))
    }
}

#[cfg(test)]
mod tests;
