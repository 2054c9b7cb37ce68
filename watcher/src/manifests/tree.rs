//! A document as a tree whose every key and value knows its place, to tell what is wrong where.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_saphyr::Spanned;

/// Lines and columns count from 1, in the document.
pub(super) type Place = (u64, u64);

const BEGINNING: Place = (1, 1);

#[derive(Debug)]
pub(super) struct Tree {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// As it is written, but for its form.
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Tree,
}

// === impl Tree ===

impl Tree {
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// What stands at a way like `spec.ports[0].name`.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |tree, step| match step.split_once('[') {
            None => tree.get(step),
            Some((key, index)) => {
                let index: usize = index.trim_end_matches(']').parse().ok()?;
                tree.get(key)?.items().get(index)
            }
        })
    }

    /// What stands here, as an error tells it.
    pub(super) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Bool(value) => value.to_string(),
            Value::Number(text) => text.clone(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }
}

// === reading ===

/// A tree whose places are all the beginning: many times sooner read, and enough where nothing is told of it.
pub(super) struct Placeless(Tree);

/// One way to read a tree.
trait Reading<'de>: Deserialize<'de> {
    type Key: Deserialize<'de>;

    fn key(key: Self::Key) -> (String, Place);
    fn tree(self) -> Tree;
}

impl<'de> Reading<'de> for Tree {
    type Key = Spanned<String>;

    fn key(key: Self::Key) -> (String, Place) {
        (key.value, (key.referenced.line(), key.referenced.column()))
    }

    fn tree(self) -> Tree {
        self
    }
}

impl<'de> Reading<'de> for Placeless {
    type Key = String;

    fn key(key: String) -> (String, Place) {
        (key, BEGINNING)
    }

    fn tree(self) -> Tree {
        self.0
    }
}

impl From<Placeless> for Tree {
    fn from(Placeless(tree): Placeless) -> Self {
        tree
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Placed>::deserialize(deserializer)?;
        Ok(Self { place: (referenced.line(), referenced.column()), value: value.0 })
    }
}

impl<'de> Deserialize<'de> for Placeless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(ValueVisitor::<Self>(PhantomData))?;
        Ok(Self(Tree { place: BEGINNING, value }))
    }
}

/// A value within a [`Spanned`] one.
struct Placed(Value);

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor::<Tree>(PhantomData)).map(Self)
    }
}

/// Its items and values are read as `T`.
struct ValueVisitor<T>(PhantomData<T>);

impl<'de, T: Reading<'de>> Visitor<'de> for ValueVisitor<T> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<T>()? {
            items.push(item.tree());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<T::Key, T>()? {
            let (key, key_place) = T::key(key);
            entries.push(Entry { key, key_place, value: value.tree() });
        }
        match twice(&entries) {
            Some(key) => Err(de::Error::custom(format!("the key {key:?} stands there twice"))),
            None => Ok(Value::Map(entries)),
        }
    }
}

/// YAML has none; in JSON readers differ in which of the two they take.
fn twice(entries: &[Entry]) -> Option<&str> {
    let mut keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
