//! The names that a provider serves, as it tells them.

use std::fmt;

use model::Name;
use serde::Deserialize;

use super::endpoint::null_is_default;

/// An empty filter lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainFilter {
    include: Vec<Domain>,
    exclude: Vec<Domain>,
    /// Regular expressions: whether they let a name through is not known here.
    is_regex: bool,
}

/// A name with all names below it; with a leading dot in the filter, those below it only.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Domain {
    name: Name,
    is_strict: bool,
}

/// As it is sent. The specification says `filters` where ExternalDNS says `include`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sent {
    #[serde(deserialize_with = "null_is_default")]
    include: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    filters: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    exclude: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    regex_include: String,
    #[serde(deserialize_with = "null_is_default")]
    regex_exclude: String,
}

// === impl DomainFilter ===

impl DomainFilter {
    /// Reads the answer of `GET /`; `null` is an empty filter.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let sent: Option<Sent> = serde_json::from_slice(json)?;
        let Sent { include, filters, exclude, regex_include, regex_exclude } =
            sent.unwrap_or_default();
        let domains =
            |texts: &[String]| texts.iter().filter_map(|text| Domain::parse(text)).collect();
        Ok(Self {
            include: domains(&[include, filters].concat()),
            exclude: domains(&exclude),
            is_regex: !regex_include.is_empty() || !regex_exclude.is_empty(),
        })
    }

    /// Whether the name is let through; `None` where regular expressions decide.
    pub fn lets_through(&self, name: &Name) -> Option<bool> {
        if self.is_regex {
            return None;
        }
        let is_included = self.include.is_empty() || self.include.iter().any(|it| it.holds(name));
        Some(is_included && !self.exclude.iter().any(|it| it.holds(name)))
    }

    /// Whether the names below `zone` are let through, as far as that is known: nothing says whether
    /// some of them are left out.
    pub fn serves(&self, zone: &Name) -> Option<bool> {
        // No name of the federation is shorter than this one.
        zone.child(b"svc").map_or(Some(true), |below| self.lets_through(&below))
    }

    /// The longest domain that holds `zone`.
    pub fn domain_of(&self, zone: &Name) -> Option<&Name> {
        let holding = self.include.iter().map(|it| &it.name).filter(|it| zone.is_at_or_below(it));
        holding.max_by_key(|name| name.label_count())
    }
}

/// For people: `example.com. but not x.example.com.`
impl fmt::Display for DomainFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |domains: &[Domain]| {
            let names: Vec<String> = domains.iter().map(|it| it.name.to_string()).collect();
            names.join(", ")
        };
        match (self.is_regex, self.include.is_empty()) {
            (true, _) => return f.write_str("what a regular expression tells"),
            (false, true) => f.write_str("every domain")?,
            (false, false) => f.write_str(&list(&self.include))?,
        }
        if !self.exclude.is_empty() {
            write!(f, " but not {}", list(&self.exclude))?;
        }
        Ok(())
    }
}

// === impl Domain ===

impl Domain {
    /// `None` where it is no name; nothing of ours is there then.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = text.strip_prefix('.').unwrap_or(text);
        let name = Name::parse(plain).ok().filter(|name| !name.is_root())?;
        Some(Self { name, is_strict: plain.len() < text.len() })
    }

    fn holds(&self, name: &Name) -> bool {
        if self.is_strict { name.is_below(&self.name) } else { name.is_at_or_below(&self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[track_caller]
    fn filter(json: &str, expect: &[(&str, Option<bool>)]) {
        let filter = DomainFilter::parse(json.as_bytes()).unwrap();
        for (text, through) in expect {
            assert_eq!(filter.lets_through(&name(text)), *through, "{json}: {text}");
        }
    }

    #[test]
    fn names_pass_as_in_externaldns() {
        let all = [("example.com", Some(true)), ("a.example.org", Some(true))];
        for json in ["{}", "null", r#"{"include":null}"#, r#"{"include":[""]}"#] {
            filter(json, &all);
        }
        let expect = [
            ("example.com", Some(true)),
            ("A.example.COM", Some(true)),
            ("badexample.com", Some(false)),
            ("com", Some(false)),
        ];
        filter(r#"{"include":["Example.com."]}"#, &expect);
        filter(r#"{"filters":["example.com"]}"#, &expect);
        let expect = [("example.com", Some(false)), ("a.example.com", Some(true))];
        filter(r#"{"include":[".example.com"]}"#, &expect);
        let expect =
            [("x.example.com", Some(false)), ("a.x.example.com", Some(false)), ("b", Some(true))];
        filter(r#"{"exclude":["x.example.com"]}"#, &expect);
        filter(r#"{"regexInclude":"a|b"}"#, &[("example.com", None)]);
    }

    #[track_caller]
    fn zone(json: &str, serves: Option<bool>, domain: Option<&str>, text: &str) {
        let filter = DomainFilter::parse(json.as_bytes()).unwrap();
        let zone = name("fed.example.com");
        assert_eq!(filter.serves(&zone), serves, "{json}");
        assert_eq!(filter.domain_of(&zone), domain.map(name).as_ref(), "{json}");
        assert_eq!(filter.to_string(), text, "{json}");
    }

    #[test]
    fn the_longest_domain_that_holds_the_zone_is_told() {
        let two = r#"{"include":["com","example.com","a.fed.example.com"]}"#;
        zone(two, Some(true), Some("example.com"), "com., example.com., a.fed.example.com.");
        zone(
            r#"{"include":[".fed.example.com"]}"#,
            Some(true),
            Some("fed.example.com"),
            "fed.example.com.",
        );
        zone(r#"{"include":["example.org"]}"#, Some(false), None, "example.org.");
        zone(
            r#"{"exclude":["example.com"]}"#,
            Some(false),
            None,
            "every domain but not example.com.",
        );
        zone("{}", Some(true), None, "every domain");
        zone(r#"{"regexExclude":"x"}"#, None, None, "what a regular expression tells");
    }
}
