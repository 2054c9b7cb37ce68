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
#[error("line {line}: {problem}")]
pub struct ConfigFileError {
    /// From 1; the last line for what is missing.
    pub line: usize,
    pub problem: String,
}

const SECTION: &str = "global";
const KEY_ID: &str = "access-key-id";
const KEY_SECRET: &str = "access-key-secret";
const TOKEN: &str = "security-token";
const ZONES: &str = "zones";
const KEYS: [&str; 4] = [KEY_ID, KEY_SECRET, TOKEN, ZONES];

/// The values with their lines.
type Entries = BTreeMap<&'static str, (usize, String)>;

// === impl ConfigFile ===

impl ConfigFile {
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        let entries = entries(text)?;
        let end = text.lines().count().max(1);
        Ok(Self { credentials: credentials(&entries, end)?, zones: zones(&entries)? })
    }
}

fn entries(text: &str) -> Result<Entries, ConfigFileError> {
    let mut entries = Entries::new();
    let mut in_section = false;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            let section = section.split(']').next().unwrap_or_default().trim();
            if !section.eq_ignore_ascii_case(SECTION) {
                return Err(error(number, format!("unknown section [{section}]; use [Global]")));
            }
            in_section = true;
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(error(number, "not `key = value`".to_owned()));
        };
        if !in_section {
            return Err(error(number, "stands before the line [Global]".to_owned()));
        }
        let key = known_key(key.trim(), number)?;
        let value = value_of(value, number)?;
        if let Some((earlier, _)) = entries.insert(key, (number, value)) {
            return Err(error(number, format!("{key} stands in line {earlier} already")));
        }
    }
    Ok(entries)
}

fn known_key(key: &str, line: usize) -> Result<&'static str, ConfigFileError> {
    KEYS.into_iter().find(|known| known.eq_ignore_ascii_case(key)).ok_or_else(|| {
        let shown: String =
            key.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').take(40).collect();
        error(line, format!("unknown key {shown}; known are {}", KEYS.join(", ")))
    })
}

fn value_of(text: &str, line: usize) -> Result<String, ConfigFileError> {
    let text = text.trim();
    let Some(quoted) = text.strip_prefix('"') else {
        let value = text.split([';', '#']).next().unwrap_or_default();
        return Ok(value.trim_end().to_owned());
    };
    let Some((value, rest)) = quoted.split_once('"') else {
        return Err(error(line, "the closing quote is missing".to_owned()));
    };
    let rest = rest.trim_start();
    if !rest.is_empty() && !rest.starts_with([';', '#']) {
        return Err(error(line, "there is more after the closing quote".to_owned()));
    }
    Ok(value.to_owned())
}

fn credentials(entries: &Entries, end: usize) -> Result<Option<Credentials>, ConfigFileError> {
    let value = |key: &str| entries.get(key).filter(|(_, value)| !value.is_empty());
    for key in [KEY_ID, KEY_SECRET] {
        if let Some((line, _)) = value(key).filter(|(_, value)| value.starts_with('<')) {
            return Err(error(*line, format!("{key} still holds the example's placeholder")));
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
    let Some((line, text)) = entries.get(ZONES) else {
        return Ok(Vec::new());
    };
    text.split([',', ' ', '\t'])
        .filter(|name| !name.is_empty())
        .map(|name| {
            Name::parse(name).map_err(|problem| {
                error(*line, format!("{name} in zones is no domain name: {problem}"))
            })
        })
        .collect()
}

fn error(line: usize, problem: String) -> ConfigFileError {
    ConfigFileError { line, problem }
}

#[cfg(test)]
mod tests;
