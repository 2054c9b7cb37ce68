//! Which Services go to one provider.

use model::ServiceKey;

/// Patterns of what goes there; `None`: everything. `*` stands for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub namespaces: Option<Vec<String>>,
    /// Of names, or of `NAMESPACE/NAME`.
    pub services: Option<Vec<String>>,
}

// === impl Filters ===

impl Filters {
    pub fn pass(&self, service: &ServiceKey) -> bool {
        let ServiceKey { namespace, name } = service;
        let is_in = |patterns: &Option<Vec<String>>, matches: &dyn Fn(&str) -> bool| {
            patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|it| matches(it)))
        };
        let names_it = |pattern: &str| match pattern.split_once('/') {
            Some((in_namespace, of_name)) => {
                is_like(in_namespace, namespace) && is_like(of_name, name)
            }
            None => is_like(pattern, name),
        };
        is_in(&self.namespaces, &|pattern| is_like(pattern, namespace))
            && is_in(&self.services, &names_it)
    }
}

/// What stands between the stars follows in the text, in this order.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((last, between)) = parts.split_last() else { return true };
    for part in between {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, matches) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("*", "", true),
            ("web-*", "web-eu", true),
            ("web-*", "web", false),
            ("*-eu", "web-eu", true),
            ("w*b*u", "web-eu", true),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("*bb*b", "abb", false),
        ] {
            assert_eq!(is_like(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn both_lists_must_let_a_service_pass() {
        let key = ServiceKey::new("shop", "web");
        let list = |words: &[&str]| Some(words.iter().map(|it| (*it).to_owned()).collect());
        let passes = |namespaces, services| Filters { namespaces, services }.pass(&key);
        assert!(passes(None, None));
        assert!(passes(list(&["mail", "sh*"]), list(&["web"])));
        assert!(passes(None, list(&["shop/*"])));
        assert!(!passes(list(&["mail"]), list(&["web"])));
        assert!(!passes(None, list(&["mail/web"])));
        assert!(!passes(list(&[]), None));
    }
}
