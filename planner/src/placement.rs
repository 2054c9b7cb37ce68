//! Which clusters an object goes to: the selector annotation against the labels of clusters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::ClusterName;

use crate::annotations::{AnnotationError, CLUSTER_SELECTOR, Field, one_of, parse_json};

/// The labels of a `Cluster` object.
pub type Labels = BTreeMap<String, String>;

/// What a cluster's labels must be, all of it. Without requirements every cluster matches.
///
/// The annotation is a JSON array of `{"key": …, "operator": …, "values": […]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterSelector {
    requirements: Vec<Requirement>,
}

/// One requirement on one label, with the meaning of a Kubernetes label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    test: LabelTest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum LabelTest {
    /// `in`, `=`, `==`: the label is there with one of these values.
    In(BTreeSet<String>),
    /// `notin`, `!=`: the label is not there, or has another value.
    NotIn(BTreeSet<String>),
    Exists,
    DoesNotExist,
    /// The label is there, an integer, and greater.
    GreaterThan(i64),
    /// The label is there, an integer, and less.
    LessThan(i64),
}

/// Where an object goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// At least one cluster.
    Selected {
        clusters: BTreeSet<ClusterName>,
    },
    NoneMatched(NoneMatched),
}

/// Why an object goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoneMatched {
    /// No cluster has joined.
    NoClusters,
    /// Each cluster with the first requirement that it does not meet.
    Refused(BTreeMap<ClusterName, Requirement>),
}

/// How many refusals a sentence names.
const REFUSALS_TOLD_MAX: usize = 3;
const OPERATORS: [&str; 9] = ["In", "NotIn", "Exists", "DoesNotExist", "=", "==", "!=", "Gt", "Lt"];

// === impl ClusterSelector ===

impl ClusterSelector {
    /// Reads the annotation's value; an object without the annotation has the default selector.
    ///
    /// With an error the object goes to no further cluster, and is not taken from any: what was
    /// meant is not known.
    pub fn parse(text: &str) -> Result<Self, AnnotationError> {
        let value = parse_json(CLUSTER_SELECTOR, text)?;
        if value.is_null() {
            return Ok(Self::default());
        }
        let items = Field::root(CLUSTER_SELECTOR, &value).items()?;
        let requirements = items.iter().map(Requirement::read).collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }

    /// `Err` holds the first requirement that the labels do not meet.
    pub fn matches(&self, labels: &Labels) -> Result<(), &Requirement> {
        match self.requirements.iter().find(|requirement| !requirement.is_met_by(labels)) {
            None => Ok(()),
            Some(requirement) => Err(requirement),
        }
    }

    /// Chooses among all clusters of the federation.
    pub fn select<'a>(
        &self,
        clusters: impl IntoIterator<Item = (&'a ClusterName, &'a Labels)>,
    ) -> Placement {
        let mut selected = BTreeSet::new();
        let mut refused = BTreeMap::new();
        for (cluster, labels) in clusters {
            match self.matches(labels) {
                Ok(()) => drop(selected.insert(cluster.clone())),
                Err(unmet) => drop(refused.insert(cluster.clone(), unmet.clone())),
            }
        }
        match (selected.is_empty(), refused.is_empty()) {
            (false, _) => Placement::Selected { clusters: selected },
            (true, true) => Placement::NoneMatched(NoneMatched::NoClusters),
            (true, false) => Placement::NoneMatched(NoneMatched::Refused(refused)),
        }
    }
}

// === impl Placement ===

impl Placement {
    /// The selected clusters, possibly none.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterName> {
        match self {
            Self::Selected { clusters } => Some(clusters.iter()),
            Self::NoneMatched(_) => None,
        }
        .into_iter()
        .flatten()
    }
}

impl fmt::Display for NoneMatched {
    /// A sentence for an Event, without the final dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = match self {
            Self::NoClusters => return f.write_str("no cluster has joined the federation"),
            Self::Refused(refused) => refused,
        };
        write!(f, "no cluster matches {CLUSTER_SELECTOR}: ")?;
        for (index, (cluster, requirement)) in refused.iter().take(REFUSALS_TOLD_MAX).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{cluster} does not meet {requirement}")?;
        }
        match refused.len().saturating_sub(REFUSALS_TOLD_MAX) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

// === impl Requirement ===

impl Requirement {
    fn read(field: &Field<'_>) -> Result<Self, AnnotationError> {
        let fields = field.known(&["key", "operator", "values"])?;
        let required = |name: &'static str| {
            fields.get(name).ok_or_else(|| field.error(format!("no {name}"), format!("the {name}")))
        };
        let key = required("key")?;
        let key_text = key.text()?;
        check_label_key(key_text).map_err(|wanted| key.wanted(wanted))?;
        let mut values = Vec::new();
        if let Some(list) = fields.get("values") {
            for value in list.items()? {
                let text = value.text()?;
                check_label_value(text).map_err(|wanted| value.wanted(wanted))?;
                values.push(text.to_owned());
            }
        }
        let test = LabelTest::new(field, required("operator")?, values)?;
        Ok(Self { key: key_text.to_owned(), test })
    }

    fn is_met_by(&self, labels: &Labels) -> bool {
        let label = labels.get(&self.key);
        let number = || label?.parse::<i64>().ok();
        match &self.test {
            LabelTest::In(values) => label.is_some_and(|label| values.contains(label)),
            LabelTest::NotIn(values) => !label.is_some_and(|label| values.contains(label)),
            LabelTest::Exists => label.is_some(),
            LabelTest::DoesNotExist => label.is_none(),
            LabelTest::GreaterThan(bound) => number().is_some_and(|number| number > *bound),
            LabelTest::LessThan(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

impl LabelTest {
    fn new(
        field: &Field<'_>,
        operator: &Field<'_>,
        values: Vec<String>,
    ) -> Result<Self, AnnotationError> {
        let found = match values.len() {
            0 => "no values".to_owned(),
            1 => "one value".to_owned(),
            count => format!("{count} values"),
        };
        let wanted = |wanted: &str| {
            let operator = operator.value.as_str().unwrap_or_default();
            field.error(found.clone(), format!("{wanted} with operator {operator:?}"))
        };
        let some = |values: Vec<String>| match values.is_empty() {
            true => Err(wanted("at least one value")),
            false => Ok(values.into_iter().collect()),
        };
        let one = |values: Vec<String>| {
            <[String; 1]>::try_from(values).map(|[value]| value).map_err(|_| wanted("one value"))
        };
        let integer = |values: Vec<String>| {
            let value = one(values)?;
            value.parse().map_err(|_| field.error(format!("the value {value:?}"), "an integer"))
        };
        let none = |values: Vec<String>, test| match values.is_empty() {
            true => Ok(test),
            false => Err(wanted("no values")),
        };
        match operator.text()? {
            "in" | "In" => Ok(Self::In(some(values)?)),
            "notin" | "NotIn" => Ok(Self::NotIn(some(values)?)),
            "=" | "==" => Ok(Self::In(BTreeSet::from([one(values)?]))),
            "!=" => Ok(Self::NotIn(BTreeSet::from([one(values)?]))),
            "exists" | "Exists" => none(values, Self::Exists),
            "!" | "DoesNotExist" => none(values, Self::DoesNotExist),
            "gt" | "Gt" | ">" => Ok(Self::GreaterThan(integer(values)?)),
            "lt" | "Lt" | "<" => Ok(Self::LessThan(integer(values)?)),
            _ => Err(operator.wanted(one_of(&OPERATORS))),
        }
    }
}

impl fmt::Display for Requirement {
    /// As `kubectl get --selector` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let list = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
        match &self.test {
            LabelTest::In(values) => write!(f, "{key} in ({})", list(values)),
            LabelTest::NotIn(values) => write!(f, "{key} notin ({})", list(values)),
            LabelTest::Exists => write!(f, "{key}"),
            LabelTest::DoesNotExist => write!(f, "!{key}"),
            LabelTest::GreaterThan(bound) => write!(f, "{key}>{bound}"),
            LabelTest::LessThan(bound) => write!(f, "{key}<{bound}"),
        }
    }
}

// === label syntax ===

/// `[DNS subdomain/]name`; the error is what was wanted.
fn check_label_key(key: &str) -> Result<(), &'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if !is_label_word(name) || prefix.is_some_and(|prefix| !is_subdomain(prefix)) {
        return Err("the key of a label");
    }
    Ok(())
}

fn check_label_value(value: &str) -> Result<(), &'static str> {
    if value.is_empty() || is_label_word(value) { Ok(()) } else { Err("the value of a label") }
}

/// 1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_label_word(word: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = word.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    bytes.len() <= 63 && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inner)
}

/// RFC 1123: labels of lower-case letters, digits and `-`, up to 253 characters in all.
fn is_subdomain(prefix: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().is_some_and(|byte| lower(*byte))
            && bytes.last().is_some_and(|byte| lower(*byte))
            && bytes.iter().all(|byte| lower(*byte) || *byte == b'-')
    };
    prefix.len() <= 253 && prefix.split('.').all(label)
}
