//! Whose a record set is: markers in TXT records beside it.
//!
//! - `external-dns`: the format of ExternalDNS, one TXT for each record set: `a-www.example.com` holds
//!   `heritage=external-dns,external-dns/owner=shop,external-dns/resource=service/default/www`
//! - `compact`: one TXT for all sets of a name: `fedns-www.example.com` holds
//!   `heritage=fedns;owner=shop;resource=service/default/www`
//! - `zone`: one TXT for many names, told in [`super::shards`]
//!
//! All formats are read; the configured one is written. A marker never adds a label, since providers
//! limit the depth of names, and never stands at the name itself, where an alias may be.

use std::fmt;

use model::{Name, RecordSet, RecordType};
use sha2::{Digest, Sha256};

use super::shard_names;
use crate::txt;

/// A label holds so many bytes (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;
const COMPACT_PREFIX: &str = "fedns-";
const EXTERNAL_DNS: &str = "heritage=external-dns";
const COMPACT: &str = "heritage=fedns";
/// Tells the first label of a name whose marker has a hashed label.
const LABEL_KEY: &str = "label";
/// Tells a name outside the federation's pattern.
const IMPORTED_KEY: &str = "imported";

/// The form in which markers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registry {
    #[default]
    ExternalDns,
    Compact,
    Zone,
}

/// What a marker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub registry: Registry,
    pub owner: String,
    /// `service/NAMESPACE/NAME`.
    pub resource: Option<String>,
    /// Its name is none of the federation's pattern, and was taken over because somebody named it.
    pub is_imported: bool,
    /// The first label of the name that it stands for, where its own label is a hash.
    label: Option<String>,
    /// All names that it stands for, as a shard tells them.
    pub(super) names: Option<String>,
}

/// What a marker is to say.
#[derive(Clone, Copy, Debug)]
pub struct Saying<'a> {
    pub owner: &'a str,
    pub resource: Option<&'a str>,
    pub is_imported: bool,
}

/// What a marker stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marked {
    pub name: Name,
    /// `None`: all types.
    pub record_type: Option<RecordType>,
}

/// The types of which ExternalDNS makes typed names.
const TYPED: [RecordType; 9] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::NS,
    RecordType::SRV,
    RecordType::MX,
    RecordType::TXT,
    RecordType::PTR,
    RecordType::NAPTR,
];

// === impl Registry ===

impl Registry {
    /// For people.
    pub fn format_name(self) -> &'static str {
        match self {
            Self::ExternalDns => "in the format of ExternalDNS",
            Self::Compact => "in the compact format",
            Self::Zone => "in one record for many names",
        }
    }

    /// Where the marker of a set stands. `is_taken` says where no
    /// marker can stand: beside an alias, or in the place of another TXT. `None` where names share one.
    pub fn name(self, marked: &Marked, is_taken: impl Fn(&Name) -> bool) -> Option<Name> {
        if self == Self::Zone {
            return None;
        }
        let prefix = self.prefix(marked.record_type);
        let label = marked.name.labels().next()?;
        let parent = marked.name.parent()?;
        let plain = [prefix.as_bytes(), label].concat();
        let fits = plain.len() <= LABEL_MAX;
        let plain = if fits { parent.child(&plain).ok() } else { None };
        plain.filter(|name| !is_taken(name)).or_else(|| {
            let hash = hash_of(label);
            parent.child(format!("{prefix}{hash}").as_bytes()).ok()
        })
    }

    fn prefix(self, record_type: Option<RecordType>) -> String {
        match (self, record_type) {
            (Self::ExternalDns, Some(record_type)) => {
                format!("{}-", record_type.to_string().to_lowercase())
            }
            (Self::ExternalDns, None) => String::new(),
            (Self::Compact | Self::Zone, _) => COMPACT_PREFIX.into(),
        }
    }

    /// The marker of a set as a record set.
    pub fn set(
        self,
        marked: &Marked,
        saying: Saying<'_>,
        ttl: u32,
        is_taken: impl Fn(&Name) -> bool,
    ) -> Option<(Name, RecordSet)> {
        let name = self.name(marked, is_taken)?;
        let label = marked.name.labels().next()?;
        let is_hashed = !name.labels().next()?.ends_with(label);
        let label = is_hashed.then(|| String::from_utf8_lossy(label).into_owned());
        let Saying { owner, resource, is_imported } = saying;
        let (owner, resource) = (owner.to_owned(), resource.map(str::to_owned));
        let marker = Marker { registry: self, owner, resource, is_imported, label, names: None };
        let rdata = txt::rdata(marker.to_string().as_bytes());
        Some((name, RecordSet::single(RecordType::TXT, ttl, rdata)))
    }
}

/// Eight bytes of the label's SHA-256: enough that two labels of one parent never meet.
fn hash_of(label: &[u8]) -> String {
    Sha256::digest(label)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Marker ===

impl Marker {
    /// Reads the text of a TXT record; `None` where it is no marker.
    pub fn parse(text: &str) -> Option<Self> {
        let (registry, rest) = if let Some(rest) = text.strip_prefix(EXTERNAL_DNS) {
            (Registry::ExternalDns, rest)
        } else {
            (Registry::Compact, text.strip_prefix(COMPACT)?)
        };
        let (separator, key_prefix) = match registry {
            Registry::ExternalDns => (',', "external-dns/"),
            Registry::Compact | Registry::Zone => (';', ""),
        };
        let (owner, resource, label, names) = (String::new(), None, None, None);
        let mut marker = Self { registry, owner, resource, is_imported: false, label, names };
        for field in rest.strip_prefix(separator)?.split(separator) {
            let (key, value) = field.split_once('=')?;
            match key.strip_prefix(key_prefix) {
                Some("owner") => marker.owner = value.to_owned(),
                Some("resource") => marker.resource = Some(value.to_owned()),
                Some(IMPORTED_KEY) => marker.is_imported = value == "true",
                Some(LABEL_KEY) => marker.label = Some(value.to_owned()),
                Some(shard_names::NAMES_KEY) if registry != Registry::ExternalDns => {
                    marker.registry = Registry::Zone;
                    marker.names = Some(value.to_owned());
                }
                // Labels of other versions.
                _ => {}
            }
        }
        (!marker.owner.is_empty()).then_some(marker)
    }

    /// Reads a TXT record set: a marker is alone in its set.
    pub fn of(set: &RecordSet) -> Option<Self> {
        let [rdata] = set.values() else { return None };
        Self::parse(std::str::from_utf8(&txt::bytes(rdata)?).ok()?)
    }

    /// What the marker at `name` stands for.
    pub fn marked(&self, name: &Name) -> Vec<Marked> {
        match &self.names {
            None => self.one_marked(name).into_iter().collect(),
            Some(names) => {
                let of_all_types = |name| Marked { name, record_type: None };
                shard_names::names(names, name).into_iter().map(of_all_types).collect()
            }
        }
    }

    /// Where the name can be read in two ways, the resource decides: `a-b` is the A of `b`, or, as
    /// ExternalDNS wrote once, any set of `a-b`.
    fn one_marked(&self, name: &Name) -> Option<Marked> {
        let label = std::str::from_utf8(name.labels().next()?).ok()?;
        let parent = name.parent()?;
        let named = |label: &str, record_type| {
            let name = parent.child(label.as_bytes()).ok()?;
            Some(Marked { name, record_type })
        };
        match self.registry {
            Registry::Zone => None,
            Registry::Compact => {
                let plain = label.strip_prefix(COMPACT_PREFIX)?;
                named(self.label.as_deref().unwrap_or(plain), None)
            }
            Registry::ExternalDns => {
                let typed = TYPED.into_iter().find_map(|record_type| {
                    let prefix = Registry::ExternalDns.prefix(Some(record_type));
                    Some((label.strip_prefix(&prefix)?, record_type))
                });
                let service = self.resource.as_deref().and_then(|it| it.rsplit('/').next());
                match typed {
                    Some((plain, record_type))
                        if service != Some(label) || service == Some(plain) =>
                    {
                        named(self.label.as_deref().unwrap_or(plain), Some(record_type))
                    }
                    _ => Some(Marked { name: name.clone(), record_type: None }),
                }
            }
        }
    }
}

/// The text as it is written: keys sorted, as ExternalDNS does.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (heritage, separator, prefix) = match self.registry {
            Registry::ExternalDns => (EXTERNAL_DNS, ',', "external-dns/"),
            Registry::Compact | Registry::Zone => (COMPACT, ';', ""),
        };
        f.write_str(heritage)?;
        let fields = [
            (IMPORTED_KEY, self.is_imported.then_some("true")),
            (LABEL_KEY, self.label.as_deref()),
            ("owner", Some(self.owner.as_str())),
            ("resource", self.resource.as_deref()),
            (shard_names::NAMES_KEY, self.names.as_deref()),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                write!(f, "{separator}{prefix}{key}={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn marked(text: &str, record_type: Option<RecordType>) -> Marked {
        Marked { name: name(text), record_type }
    }

    #[track_caller]
    fn written(registry: Registry, of: &str, at: &str, text: &str) {
        let record_type = (registry == Registry::ExternalDns).then_some(RecordType::AAAA);
        let marked = marked(of, record_type);
        let resource = Some("service/shop/web");
        let saying = Saying { owner: "eu", resource, is_imported: false };
        let (found, set) = registry.set(&marked, saying, 180, |_| false).unwrap();
        assert_eq!(found, name(at));
        let marker = Marker::of(&set).unwrap();
        assert_eq!(marker.to_string(), text);
        assert_eq!((marker.owner.as_str(), marker.resource.as_deref()), ("eu", resource));
        assert_eq!(marker.marked(&found), [marked]);
    }

    #[test]
    fn markers_say_what_they_stand_for() {
        written(
            Registry::ExternalDns,
            "web.shop.fed.svc.example.com",
            "aaaa-web.shop.fed.svc.example.com",
            "heritage=external-dns,external-dns/owner=eu,external-dns/resource=service/shop/web",
        );
        written(
            Registry::Compact,
            "web.shop.fed.svc.example.com",
            "fedns-web.shop.fed.svc.example.com",
            "heritage=fedns;owner=eu;resource=service/shop/web",
        );
    }

    #[test]
    fn a_label_without_room_is_hashed_and_told() {
        let long = "x".repeat(62);
        let hash = hash_of(long.as_bytes());
        written(
            Registry::ExternalDns,
            &format!("{long}.example.com"),
            &format!("aaaa-{hash}.example.com"),
            &format!(
                "heritage=external-dns,external-dns/label={long},external-dns/owner=eu,\
                 external-dns/resource=service/shop/web"
            ),
        );
        written(
            Registry::Compact,
            &format!("{long}.example.com"),
            &format!("fedns-{hash}.example.com"),
            &format!("heritage=fedns;label={long};owner=eu;resource=service/shop/web"),
        );
    }

    /// A Service `a-web` that is an alias stands where the marker of `web` would.
    #[test]
    fn a_marker_avoids_an_alias() {
        let of = marked("web.example.com", Some(RecordType::A));
        let alias = name("a-web.example.com");
        let saying = Saying { owner: "eu", resource: None, is_imported: true };
        let set = Registry::ExternalDns.set(&of, saying, 180, |name| *name == alias);
        let (at, set) = set.unwrap();
        assert_ne!(at, alias);
        let marker = Marker::of(&set).unwrap();
        assert_eq!((marker.marked(&at), marker.is_imported), (vec![of], true));
    }

    #[track_caller]
    fn reads(at: &str, resource: &str, expect: Marked) {
        let text = format!("heritage=external-dns,external-dns/owner=o{resource}");
        assert_eq!(Marker::parse(&text).unwrap().marked(&name(at)), [expect]);
    }

    #[test]
    fn older_markers_without_a_type_are_read() {
        reads("web.example.com", "", marked("web.example.com", None));
        reads("a-web.example.com", "", marked("web.example.com", Some(RecordType::A)));
        let resource = ",external-dns/resource=service/shop/web";
        reads("a-web.example.com", resource, marked("web.example.com", Some(RecordType::A)));
        let resource = ",external-dns/resource=service/shop/a-web";
        reads("a-web.example.com", resource, marked("a-web.example.com", None));
    }

    #[test]
    fn what_is_no_marker_is_not_read() {
        for text in [
            "",
            "v=spf1 -all",
            "heritage=external-dns",
            "heritage=external-dns,external-dns/owner=",
            "heritage=external-dns-other,external-dns/owner=o",
            "heritage=fedns;resource=service/shop/web",
            "heritage=other,owner=o",
        ] {
            assert_eq!(Marker::parse(text), None, "{text}");
        }
    }
}
