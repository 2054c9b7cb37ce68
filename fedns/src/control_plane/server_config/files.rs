//! Where a config names files, and what these are called where they go.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::PROVIDER_FILE;

/// Lists of static records, of the document itself and of each of its zones.
pub(super) fn static_records_mut(document: &mut Map<String, Value>) -> Vec<&mut Vec<Value>> {
    let mut lists = Vec::new();
    for (name, value) in document.iter_mut() {
        let Value::Array(list) = value else { continue };
        if name == "staticRecords" {
            lists.push(list);
        } else if name == "zones" {
            let zones = list.iter_mut().filter_map(Value::as_object_mut);
            lists.extend(zones.flat_map(static_records_mut));
        }
    }
    lists
}

/// The path of a file that nobody else may read.
pub(super) struct SecretFile<'a> {
    pub(super) path: &'a mut Value,
    /// What the file is called in the Secret.
    pub(super) wanted_name: &'static str,
}

/// Those of the document itself and of each of its zones.
pub(super) fn secret_files_mut(document: &mut Map<String, Value>) -> Vec<SecretFile<'_>> {
    let mut files = Vec::new();
    for (name, value) in document.iter_mut() {
        let (key, wanted_name) = match name.as_str() {
            "providers" => ("configFile", PROVIDER_FILE),
            "tsigKeys" => ("secretFile", "tsig.key"),
            "cookies" => ("secretFile", "cookie-secrets"),
            "zones" => {
                let zones = value.as_array_mut().into_iter().flatten();
                files.extend(zones.filter_map(Value::as_object_mut).flat_map(secret_files_mut));
                continue;
            }
            _ => continue,
        };
        let maps = match value {
            Value::Array(list) => list.iter_mut().filter_map(Value::as_object_mut).collect(),
            Value::Object(map) => vec![map],
            _ => Vec::new(),
        };
        let paths = maps.into_iter().filter_map(|map| map.get_mut(key));
        files.extend(paths.map(|path| SecretFile { path, wanted_name }));
    }
    files
}

/// The wanted name, or one with a number behind it if another file has it.
pub(super) fn free_name<T: PartialEq>(
    taken: &BTreeMap<String, T>,
    wanted: &str,
    content: &T,
) -> String {
    let numbered = (2..).map(|number| format!("{number}-{wanted}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    let is_free = |name: &String| taken.get(name).is_none_or(|other| other == content);
    names.find(is_free).unwrap_or_else(|| wanted.to_owned())
}
