//! What the pods of a part have read at their start, as one word: they are started anew where it differs.
//!
//! Certificates are not in it, as parts read these again whenever they change. So a renewal starts nothing anew,
//! and an etcd in memory keeps what it has.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use serde_json::{Map, Value};

use super::manifests::secrets::REREAD;

/// On the Secret, and on the pods that read it.
pub const FINGERPRINT_ANNOTATION: &str = "fedns.io/fingerprint";

/// Writes it on the Secret, and returns it. `standing`: the Secret that it replaces; as long as what is read at a
/// start stays the same, so does the word.
pub fn put(secret: &mut Value, standing: Option<&Secret>) -> String {
    let name = secret["metadata"]["name"].as_str().unwrap_or_default();
    let now = at_start(name, secret["data"].as_object());
    let word =
        standing.and_then(|standing| kept(name, standing, &now)).unwrap_or_else(|| now.clone());
    secret["metadata"]["annotations"][FINGERPRINT_ANNOTATION] = Value::from(word.as_str());
    word
}

fn kept(name: &str, standing: &Secret, now: &str) -> Option<String> {
    let data = serde_json::to_value(&standing.data).ok()?;
    if at_start(name, data.as_object()) != now {
        return None;
    }
    let said = standing.annotations().get(FINGERPRINT_ANNOTATION).cloned();
    // Older ones were made of all data, and stood on the pods alone.
    Some(said.unwrap_or_else(|| sum(&data)))
}

fn at_start(secret: &str, data: Option<&Map<String, Value>>) -> String {
    let is_reread = |key: &str| {
        REREAD.iter().filter(|(of, ..)| *of == secret).any(|(_, file, _)| {
            key.strip_prefix(*file).is_some_and(|ending| [".crt", ".key"].contains(&ending))
        })
    };
    let data = data.into_iter().flatten().filter(|(key, _)| !is_reread(key));
    let data: Map<String, Value> = data.map(|(key, value)| (key.clone(), value.clone())).collect();
    sum(&Value::Object(data))
}

fn sum(data: &Value) -> String {
    format!("{:08x}", crc32fast::hash(data.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(server: &str, authority: &str) -> Value {
        json!({
            "metadata": {"name": "etcd-credentials", "annotations": {}},
            "data": {"server.crt": server, "server.key": server, "ca.crt": authority},
        })
    }

    fn standing(secret: &Value) -> Secret {
        serde_json::from_value(secret.clone()).unwrap()
    }

    #[test]
    fn another_certificate_changes_nothing_and_another_authority_does() {
        let mut first = secret("b25l", "b25l");
        let word = put(&mut first, None);
        let mut renewed = secret("dHdv", "b25l");
        assert_eq!(put(&mut renewed, Some(&standing(&first))), word);
        assert_eq!(put(&mut secret("dHdv", "b25l"), Some(&standing(&renewed))), word);
        assert_ne!(put(&mut secret("dHdv", "dHdv"), Some(&standing(&renewed))), word);
    }

    #[test]
    fn what_an_older_init_wrote_on_pods_stays() {
        let old = secret("b25l", "b25l");
        let word = sum(&old["data"]);
        let mut renewed = secret("dHdv", "b25l");
        assert_eq!(put(&mut renewed, Some(&standing(&old))), word);
        assert_eq!(put(&mut secret("b25l", "b25l"), Some(&standing(&renewed))), word);
    }

    #[test]
    fn a_step_that_was_not_taken_is_not_forgotten() {
        let mut first = secret("b25l", "b25l");
        let before = put(&mut first, None);
        // Written, and then the pods were not reached.
        let mut second = secret("b25l", "dHdv");
        let word = put(&mut second, Some(&standing(&first)));
        assert_ne!(word, before);
        assert_eq!(put(&mut secret("b25l", "dHdv"), Some(&standing(&second))), word);
    }
}
