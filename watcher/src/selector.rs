//! Label selectors, as `kubectl -l` takes them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::object::Labels;

/// Requirements that must all be met; without any, everything matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

/// A label that is absent differs from every value, as in Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    Exists(Box<str>),
    Absent(Box<str>),
    In(Box<str>, BTreeSet<Box<str>>),
    NotIn(Box<str>, BTreeSet<Box<str>>),
}

/// Why a text is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    #[error(
        "\"{0}\" is no label key: letters, digits, '-', '_', '.', with at most one prefix before '/'"
    )]
    Key(String),
    #[error("\"{0}\" is no label value: at most 63 letters, digits, '-', '_', '.'")]
    Value(String),
    #[error("\"{0}\": a parenthesis is missing after `in` or `notin`")]
    Parenthesis(String),
    #[error("\"{0}\" is none of: key, !key, key=value, key!=value, key in (a,b), key notin (a,b)")]
    Requirement(String),
}

// === impl LabelSelector ===

impl LabelSelector {
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|requirement| requirement.is_met(labels))
    }
}

impl FromStr for LabelSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let parts = split_outside_parentheses(text);
        let parts = parts.into_iter().map(str::trim);
        let only_blank = text.trim().is_empty();
        let requirements = parts.filter(|_| !only_blank).map(Requirement::parse);
        Ok(Self { requirements: requirements.collect::<Result<_, _>>()? })
    }
}

/// The text that reads back as the same selector.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requirements: Vec<String> = self.requirements.iter().map(ToString::to_string).collect();
        f.write_str(&requirements.join(","))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &BTreeSet<Box<str>>| {
            values.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",")
        };
        match self {
            Self::Exists(key) => write!(f, "{key}"),
            Self::Absent(key) => write!(f, "!{key}"),
            Self::In(key, values) => write!(f, "{key} in ({})", list(values)),
            Self::NotIn(key, values) => write!(f, "{key} notin ({})", list(values)),
        }
    }
}

impl Requirement {
    fn is_met(&self, labels: &Labels) -> bool {
        let value = |key: &str| labels.get(key);
        match self {
            Self::Exists(key) => value(key).is_some(),
            Self::Absent(key) => value(key).is_none(),
            Self::In(key, values) => value(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => !value(key).is_some_and(|value| values.contains(value)),
        }
    }

    fn parse(text: &str) -> Result<Self, SelectorError> {
        if let Some(key) = text.strip_prefix('!') {
            return Ok(Self::Absent(key_of(key)?));
        }
        if let Some((key, value)) = text.split_once("!=") {
            return Ok(Self::NotIn(key_of(key)?, one(value)?));
        }
        if let Some((key, value)) = text.split_once('=') {
            let value = value.strip_prefix('=').unwrap_or(value);
            return Ok(Self::In(key_of(key)?, one(value)?));
        }
        let mut words = text.splitn(2, |c: char| c.is_whitespace() || c == '(');
        let key = words.next().unwrap_or_default();
        let rest = text[key.len()..].trim();
        let refuse = || SelectorError::Requirement(text.to_owned());
        match rest.split_once('(').map(|(word, values)| (word.trim(), values)) {
            None if rest.is_empty() => Ok(Self::Exists(key_of(key)?)),
            None if rest.starts_with("in") || rest.starts_with("notin") => {
                Err(SelectorError::Parenthesis(text.to_owned()))
            }
            Some(("in", values)) => Ok(Self::In(key_of(key)?, list(values, text)?)),
            Some(("notin", values)) => Ok(Self::NotIn(key_of(key)?, list(values, text)?)),
            _ => Err(refuse()),
        }
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn list(values: &str, text: &str) -> Result<BTreeSet<Box<str>>, SelectorError> {
    let values =
        values.strip_suffix(')').ok_or_else(|| SelectorError::Parenthesis(text.to_owned()))?;
    values.split(',').map(value_of).collect()
}

fn one(value: &str) -> Result<BTreeSet<Box<str>>, SelectorError> {
    Ok(BTreeSet::from([value_of(value)?]))
}

fn key_of(text: &str) -> Result<Box<str>, SelectorError> {
    let key = text.trim();
    let (prefix, name) = key.split_once('/').unwrap_or(("prefix", key));
    let is_key = is_label_text(prefix, 253) && is_label_text(name, 63);
    if is_key { Ok(key.into()) } else { Err(SelectorError::Key(key.to_owned())) }
}

fn value_of(text: &str) -> Result<Box<str>, SelectorError> {
    let value = text.trim();
    let is_value = value.is_empty() || is_label_text(value, 63);
    if is_value { Ok(value.into()) } else { Err(SelectorError::Value(value.to_owned())) }
}

fn is_label_text(text: &str, length_max: usize) -> bool {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= length_max
        && is_end(text.chars().next())
        && is_end(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `labels` are `key=value`, separated by spaces.
    #[track_caller]
    fn check(selector: &str, labels: &str, expect: bool) {
        let labels = labels
            .split_whitespace()
            .filter_map(|label| label.split_once('='))
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        let selector: LabelSelector = selector.parse().unwrap();
        assert_eq!(selector.matches(&labels), expect, "{selector:?}");
    }

    #[track_caller]
    fn check_refused(selector: &str, expect: &str) {
        let error = selector.parse::<LabelSelector>().unwrap_err();
        assert!(error.to_string().starts_with(expect), "{error}");
    }

    #[test]
    fn requirements_are_those_of_kubectl() {
        check("", "", true);
        check("a=1", "a=1", true);
        check("a == 1", "a=1", true);
        check("a=1", "a=2", false);
        check("a=1,b=2", "a=1 b=2", true);
        check("a=1,b=2", "a=1", false);
        check("a!=1", "a=2", true);
        check("a!=1", "", true);
        check("a!=1", "a=1", false);
        check("a", "a=1", true);
        check("a", "", false);
        check("!a", "", true);
        check("!a", "a=1", false);
        check("a in (1, 2),b", "a=2 b=", true);
        check("a in (1,2)", "a=3", false);
        check("a notin (1,2)", "a=3", true);
        check("a notin (1,2)", "", true);
        check("a notin(1,2)", "a=2", false);
        check("app.kubernetes.io/name=x", "app.kubernetes.io/name=x", true);
        check("a=", "a=", true);
    }

    #[test]
    fn what_kubectl_refuses_is_refused() {
        check_refused("a=1,", "\"\" is no label key");
        check_refused("a=1,,b=2", "\"\" is no label key");
        check_refused("-a=1", "\"-a\" is no label key");
        check_refused("a/b/c=1", "\"a/b/c\" is no label key");
        check_refused("a=b c", "\"b c\" is no label value");
        check_refused("a in 1", "\"a in 1\": a parenthesis is missing");
        check_refused("a in (1", "\"a in (1\": a parenthesis is missing");
        check_refused("a is (1)", "\"a is (1)\" is none of");
    }
}
