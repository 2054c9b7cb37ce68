//! Whether a copy is what it shall be. Pure.
//!
//! Only what is wanted is compared: what a member's API gives a value to, what is injected there, and
//! what its controllers own is left alone. What was wanted once, and is not any more, is found in the
//! list of the fields that we applied.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::Value;

/// Fields by which items of a list are told apart, in the order in which they are tried.
const ITEM_KEYS: [&str; 9] = [
    "name",
    "containerPort",
    "port",
    "mountPath",
    "devicePath",
    "ip",
    "topologyKey",
    "key",
    "type",
];

/// How a copy differs from what is wanted; equal differences have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference(u64);

/// `None` if all that is `wanted` stands in `live`, and nothing is `applied` that is not wanted.
pub fn difference(wanted: &Value, live: &Value, applied: &Value) -> Option<Difference> {
    let mut comparison =
        Comparison { path: String::new(), hasher: DefaultHasher::new(), found: false };
    comparison.compare(wanted, live);
    if has_more(applied, wanted) {
        comparison.find("applied");
    }
    comparison.found.then(|| Difference(comparison.hasher.finish()))
}

pub fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

struct Comparison {
    path: String,
    hasher: DefaultHasher,
    found: bool,
}

// === impl Comparison ===

impl Comparison {
    fn compare(&mut self, wanted: &Value, live: &Value) {
        match (wanted, live) {
            (Value::Object(wanted), Value::Object(live)) => {
                for (field, wanted) in wanted {
                    self.below(field, wanted, live.get(field).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(wanted), Value::Array(live)) => self.compare_lists(wanted, live),
            (wanted, Value::Null) if is_empty(wanted) => {}
            (wanted, live) if wanted == live => {}
            (_, live) => self.find(live),
        }
    }

    fn below(&mut self, step: &str, wanted: &Value, live: &Value) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(step);
        self.compare(wanted, live);
        self.path.truncate(length);
    }

    fn compare_lists(&mut self, wanted: &[Value], live: &[Value]) {
        let Some(key) = item_key(wanted, live) else {
            if wanted.len() != live.len() {
                return self.find(&live.len());
            }
            for (index, (wanted, live)) in wanted.iter().zip(live).enumerate() {
                self.below(&index.to_string(), wanted, live);
            }
            return;
        };
        for item in wanted {
            let there = live.iter().find(|it| it[key] == item[key] && same_protocol(it, item));
            self.below(&item[key].to_string(), item, there.unwrap_or(&Value::Null));
        }
    }

    fn find(&mut self, live: &(impl Hash + ?Sized)) {
        self.found = true;
        self.path.hash(&mut self.hasher);
        live.hash(&mut self.hasher);
    }
}

/// APIs leave out what is empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The field that tells the items of both lists apart; `None` for lists whose order counts.
fn item_key(wanted: &[Value], live: &[Value]) -> Option<&'static str> {
    let has = |key: &str| {
        wanted.iter().chain(live).all(|item| item.get(key).is_some_and(|it| !it.is_null()))
    };
    let is_unique = |items: &[Value], key: &str| {
        items.iter().enumerate().all(|(index, item)| {
            items[..index].iter().all(|it| it[key] != item[key] || !same_protocol(it, item))
        })
    };
    let is_list_of_maps = !wanted.is_empty() && wanted.iter().all(Value::is_object);
    let keys = is_list_of_maps.then_some(ITEM_KEYS).into_iter().flatten();
    keys.into_iter().find(|key| has(key) && is_unique(wanted, key) && is_unique(live, key))
}

/// One port may stand for TCP and for UDP.
fn same_protocol(one: &Value, other: &Value) -> bool {
    one.get("protocol").is_none()
        || other.get("protocol").is_none()
        || one["protocol"] == other["protocol"]
}

/// True if a field of `applied`, in the form of `managedFields`, is not in `wanted`.
fn has_more(applied: &Value, wanted: &Value) -> bool {
    let fields = applied.as_object().into_iter().flatten();
    fields.into_iter().any(|(step, below)| match step.split_once(':') {
        Some(("f", field)) => wanted.get(field).is_none_or(|wanted| has_more(below, wanted)),
        Some(("k", keys)) => item_with(wanted, keys).is_none_or(|item| has_more(below, item)),
        Some(("v", value)) => {
            let value: Value = serde_json::from_str(value).unwrap_or_default();
            wanted.as_array().is_none_or(|items| !items.contains(&value))
        }
        _ => false,
    })
}

/// The item of a list that has these values, as JSON; a value that it lacks is one that the API gave.
fn item_with<'a>(items: &'a Value, keys: &str) -> Option<&'a Value> {
    let keys: Value = serde_json::from_str(keys).ok()?;
    let keys = keys.as_object()?;
    items
        .as_array()?
        .iter()
        .find(|item| keys.iter().all(|(key, value)| item.get(key).is_none_or(|it| it == value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(wanted: Value, live: Value, is_equal: bool) {
        let found = difference(&wanted, &live, &Value::Null);
        assert_eq!(found.is_none(), is_equal, "{wanted} in {live}");
    }

    #[test]
    fn only_what_is_wanted_is_compared() {
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), true);
        check(json!({"a": 1}), json!({"a": 2}), false);
        check(json!({"a": 1}), json!({}), false);
        check(json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": {}}}), true);
        check(json!({"a": false}), json!({}), false);
    }

    #[test]
    fn what_is_empty_may_be_left_out() {
        check(json!({"a": {}, "b": [], "c": null}), json!({}), true);
        check(json!({"a": {"b": {}}}), json!({"a": {}}), true);
        check(json!({"a": ""}), json!({}), false);
    }

    #[test]
    fn items_are_found_by_their_key_in_any_order() {
        let wanted = json!([{"name": "web", "image": "a"}]);
        check(wanted.clone(), json!([{"name": "injected"}, {"name": "web", "image": "a"}]), true);
        check(wanted.clone(), json!([{"name": "web", "image": "b"}]), false);
        check(wanted, json!([{"name": "other", "image": "a"}]), false);
        let one_number = json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]);
        let reversed = json!([{"port": 53, "protocol": "TCP", "nodePort": 1},
            {"port": 53, "protocol": "UDP", "nodePort": 2}]);
        check(one_number, reversed, true);
    }

    #[test]
    fn lists_without_keys_have_an_order() {
        check(json!(["a", "b"]), json!(["a", "b"]), true);
        check(json!(["a", "b"]), json!(["b", "a"]), false);
        check(json!(["a"]), json!(["a", "b"]), false);
        check(json!([{"name": "a"}, {"name": "a"}]), json!([{"name": "a"}]), false);
    }

    #[test]
    fn what_we_applied_and_want_no_more_is_a_difference() {
        let applied = json!({"f:data": {".": {}, "f:colour": {}, "f:size": {}}});
        let live = json!({"data": {"colour": "red", "size": "1", "theirs": "2"}});
        let kept = json!({"data": {"colour": "red", "size": "1"}});
        assert_eq!(difference(&kept, &live, &applied), None);
        assert!(difference(&json!({"data": {"colour": "red"}}), &live, &applied).is_some());
    }

    #[test]
    fn items_that_we_applied_are_found_by_all_their_keys() {
        let applied = json!({"f:spec": {"f:ports": {
            "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}});
        let live = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP"},
            {"port": 81, "protocol": "TCP"}]}});
        let wanted = |port: u16| json!({"spec": {"ports": [{"port": port, "protocol": "TCP"}]}});
        assert_eq!(difference(&wanted(80), &live, &applied), None);
        assert!(difference(&wanted(81), &live, &applied).is_some());
        let finalizers = json!({"f:list": {"v:\"a\"": {}}});
        let live = json!({"list": ["a"]});
        assert_eq!(difference(&json!({"list": ["a"]}), &live, &finalizers), None);
        assert!(difference(&json!({}), &live, &finalizers).is_some());
    }

    #[test]
    fn equal_differences_have_equal_numbers() {
        let wanted = json!({"cpu": "1000m", "image": "a"});
        let found = |live: Value| difference(&wanted, &live, &Value::Null);
        let normalised = found(json!({"cpu": "1", "image": "a"}));
        assert!(normalised.is_some());
        assert_eq!(normalised, found(json!({"cpu": "1", "image": "a", "status": "other"})));
        assert_ne!(normalised, found(json!({"cpu": "1", "image": "b"})));
        assert_ne!(normalised, found(json!({"cpu": "2", "image": "a"})));
    }
}
