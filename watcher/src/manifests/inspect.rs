//! What is wrong in a document, and what is likely meant otherwise: which key, where, what stands
//! there, what is wanted, and what to do.

use super::schema::{Field, Shape};
use super::tree::{Place, Tree, Value};

/// Something that a person should know of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) place: Place,
    pub(super) message: String,
}

impl Remark {
    /// The same, of what stands at `path`.
    pub(super) fn below(mut self, path: &str) -> Self {
        self.message = format!("{path}.{}", self.message);
        self
    }
}

/// Whether a number or a word like `yes` may stand where a text is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Texts {
    /// In YAML all of them can be read as text.
    #[default]
    FromAnyWord,
    /// In JSON, and in what has been read from YAML already, none of them is one.
    InQuotes,
}

/// What an object's tree holds against its fields.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    texts: Texts,
    /// What cannot be read.
    pub(super) errors: Vec<Remark>,
    /// What is passed over, and looks like something that is not.
    pub(super) slips: Vec<Remark>,
}

/// Looks at `tree`, which stands at `path` in its document.
pub(super) fn inspect(tree: &Tree, shape: &Shape, path: &str, texts: Texts) -> Inspection {
    let mut inspection = Inspection { texts, ..Inspection::default() };
    inspection.visit(tree, shape, path);
    inspection
}

/// The known word that `text` is close to, without being one.
pub(super) fn nearest<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = text.to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&lower, &word.to_lowercase());
    let best = known.into_iter().min_by_key(|word| distance(word))?;
    let allowed = (best.len() / 3).min(2);
    (best != text && distance(best) <= allowed).then_some(best)
}

// === impl Inspection ===

impl Inspection {
    fn visit(&mut self, tree: &Tree, shape: &Shape, path: &str) {
        // Nothing is as good as the absence of the key, but where something must be.
        if matches!(tree.value, Value::Null) {
            return;
        }
        match (shape, &tree.value) {
            (Shape::Any, _) => {}
            (Shape::Map(fields), Value::Map(_)) => self.visit_map(tree, fields, path),
            (Shape::List(item), Value::List(items)) => {
                for (index, tree) in items.iter().enumerate() {
                    self.visit_item(tree, item, &format!("{path}[{index}]"));
                }
            }
            (Shape::Texts(known), Value::Map(_)) => self.visit_texts(tree, known, path),
            (Shape::Word(known), Value::Text(text)) => self.visit_word(tree, text, known, path),
            (Shape::Port, Value::Number(text)) if text.parse::<u16>().is_ok() => {}
            (Shape::Bool, Value::Bool(_)) => {}
            (Shape::Text(_), Value::Text(_)) => {}
            (Shape::Text(_) | Shape::Word(_), Value::Bool(_) | Value::Number(_)) => {
                self.visit_unquoted(tree, shape, path);
            }
            (shape, _) => self.refuse(tree, path, &shape.wanted(), "correct it"),
        }
    }

    fn visit_map(&mut self, tree: &Tree, fields: &[Field], path: &str) {
        for entry in tree.entries() {
            let path = join(path, &entry.key);
            match fields.iter().find(|field| field.name == entry.key) {
                Some(field) => self.visit(&entry.value, &field.shape, &path),
                None => {
                    let known = fields.iter().map(|field| field.name);
                    let unused = known.filter(|name| tree.get(name).is_none());
                    if let Some(meant) = nearest(&entry.key, unused) {
                        self.slip(entry.key_place, &format!(
                            "{path}: found a field that Kubernetes does not have, so it is ignored; \
                             wanted {meant}? rename it"
                        ));
                    }
                }
            }
        }
        for Field { name, shape, .. } in fields.iter().filter(|field| field.is_required) {
            let value = tree.get(name).map(|tree| &tree.value);
            if matches!(value, None | Some(Value::Null)) {
                let (path, wanted) = (join(path, name), shape.wanted());
                let message = format!("{path}: found nothing, wanted {wanted}; add {name}");
                self.errors.push(Remark { place: tree.place, message });
            }
        }
    }

    /// An item of a list cannot be absent.
    fn visit_item(&mut self, tree: &Tree, shape: &Shape, path: &str) {
        match tree.value {
            Value::Null => self.refuse(tree, path, &shape.wanted(), "correct it"),
            _ => self.visit(tree, shape, path),
        }
    }

    /// Only a key of the same prefix is taken for a slip: others are somebody else's.
    fn visit_texts(&mut self, tree: &Tree, known: &[&str], path: &str) {
        let prefix = |key: &str| key.split_once('/').map(|(prefix, _)| prefix.to_owned());
        for entry in tree.entries() {
            let (key, value) = (&entry.key, &entry.value);
            let path = format!("{path}.{key}");
            match value.value {
                Value::Text(_) => {}
                Value::Null => self.visit_unquoted(value, &Shape::Text("a text"), &path),
                _ => self.visit(value, &Shape::Text("a text"), &path),
            }
            let siblings = known.iter().copied().filter(|known| prefix(known) == prefix(key));
            if !known.contains(&key.as_str())
                && let Some(meant) = nearest(key, siblings)
            {
                let message =
                    format!("{path}: found a key that means nothing; wanted {meant}? rename it");
                self.slip(entry.key_place, &message);
            }
        }
    }

    fn visit_unquoted(&mut self, tree: &Tree, shape: &Shape, path: &str) {
        if self.texts == Texts::InQuotes {
            self.refuse(tree, path, &shape.wanted(), "put it in quotes");
        }
    }

    fn visit_word(&mut self, tree: &Tree, text: &str, known: &[&str], path: &str) {
        if !known.contains(&text)
            && let Some(meant) = nearest(text, known.iter().copied())
        {
            let message = format!(
                "{path}: found {text:?}, which Kubernetes does not have; wanted {meant}? correct it"
            );
            self.slip(tree.place, &message);
        }
    }

    fn refuse(&mut self, tree: &Tree, path: &str, wanted: &str, remedy: &str) {
        let found = tree.found();
        let path = if path.is_empty() { "the document" } else { path };
        let message = format!("{path}: found {found}, wanted {wanted}; {remedy}");
        self.errors.push(Remark { place: tree.place, message });
    }

    fn slip(&mut self, place: Place, message: &str) {
        self.slips.push(Remark { place, message: message.to_owned() });
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

// === impl Shape ===

impl Shape {
    /// What an error says should be there.
    fn wanted(&self) -> String {
        match self {
            Self::Map(fields) => match fields.iter().find(|field| field.is_required) {
                Some(field) => format!("a map with the field {}", field.name),
                None => "a map of fields".into(),
            },
            Self::List(_) => "a list".into(),
            Self::Texts(_) => "a map of texts".into(),
            Self::Text(wanted) => (*wanted).into(),
            Self::Word(known) => format!("one of {}", known.join(", ")),
            Self::Port => "a number from 0 to 65535, like 80".into(),
            Self::Bool => "true or false".into(),
            Self::Any => "a value".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_others_are_left_alone() {
        let kinds = ["Service", "Node", "EndpointSlice"];
        for (text, meant) in [
            ("Sevice", Some("Service")),
            ("service", Some("Service")),
            ("Nod", Some("Node")),
            ("EndpointSlices", Some("EndpointSlice")),
            ("Service", None),
            ("Secret", None),
            ("Pod", None),
            ("Role", None),
        ] {
            assert_eq!(nearest(text, kinds), meant, "{text}");
        }
    }
}
