//! How a federated name is composed and taken apart.
//!
//! ```text
//! [_port._proto.] service.namespace.federation.svc [.availability-zone] [.region] .zone
//! ```

use model::{Label, Level, Location, Name, ServiceKey};

/// The label between the federation's name and the places.
const SVC: &[u8] = b"svc";

/// Where on the ladder a name stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Global,
    Region(Label),
    Zone { region: Label, availability_zone: Label },
}

/// A name that has the form of a federated one; the service need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedName {
    pub service: ServiceKey,
    pub place: Place,
    /// `_port` and `_proto` without their underscores, for SRV names.
    pub port: Option<(String, String)>,
}

// === impl Place ===

impl Place {
    pub fn level(&self) -> Level {
        match self {
            Self::Global => Level::Global,
            Self::Region(_) => Level::Region,
            Self::Zone { .. } => Level::Zone,
        }
    }

    /// True where an address of a cluster at `location` belongs to this place.
    pub fn holds(&self, location: &Location) -> bool {
        match self {
            Self::Global => true,
            Self::Region(region) => location.region == *region,
            Self::Zone { region, availability_zone } => {
                location.region == *region
                    && location.availability_zone.as_ref() == Some(availability_zone)
            }
        }
    }

    /// Everything to the right of a service's own two labels.
    ///
    /// # Errors
    /// The labels do not fit into one name.
    pub fn suffix(&self, federation: &Label, zone: &Name) -> Result<Name, model::NameError> {
        let common = [federation.as_bytes(), SVC];
        let place: &[&[u8]] = match self {
            Self::Global => &[],
            Self::Region(region) => &[region.as_bytes()],
            Self::Zone { region, availability_zone } => {
                &[availability_zone.as_bytes(), region.as_bytes()]
            }
        };
        Name::from_labels(common.into_iter().chain(place.iter().copied()), zone)
    }
}

// === impl FederatedName ===

impl FederatedName {
    /// Takes `name` apart; `None` where it has not the form of a federated name of this zone.
    pub fn parse(name: &Name, federation: &Label, zone: &Name) -> Option<Self> {
        if !name.is_below(zone) {
            return None;
        }
        let own = name.label_count() - zone.label_count();
        let labels: Vec<&[u8]> = name.labels().take(own).collect();
        let (port, labels) = split_port(&labels);
        let [service, namespace, fed, svc, place @ ..] = labels else {
            return None;
        };
        if *fed != federation.as_bytes() || *svc != SVC {
            return None;
        }
        let place = match place {
            [] => Place::Global,
            [region] => Place::Region(Label::new(region).ok()?),
            [availability_zone, region] => Place::Zone {
                region: Label::new(region).ok()?,
                availability_zone: Label::new(availability_zone).ok()?,
            },
            _ => return None,
        };
        let text = |label: &[u8]| String::from_utf8_lossy(label).into_owned();
        let service = ServiceKey::new(&text(namespace), &text(service));
        Some(Self { service, place, port })
    }
}

type Port = Option<(String, String)>;

fn split_port<'a, 'l>(labels: &'l [&'a [u8]]) -> (Port, &'l [&'a [u8]]) {
    let plain = |label: &[u8]| {
        label.strip_prefix(b"_").map(|rest| String::from_utf8_lossy(rest).into_owned())
    };
    match labels {
        [port, protocol, rest @ ..] => match (plain(port), plain(protocol)) {
            (Some(port), Some(protocol)) => (Some((port, protocol)), rest),
            _ => (None, labels),
        },
        _ => (None, labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Option<FederatedName> {
        let zone = Name::parse("example.com").unwrap();
        FederatedName::parse(&Name::parse(name).unwrap(), &Label::new("fed").unwrap(), &zone)
    }

    #[test]
    fn takes_each_level_apart() {
        let global = parse("nginx.default.fed.svc.example.com").unwrap();
        assert_eq!(global.service, ServiceKey::new("default", "nginx"));
        assert_eq!(global.place, Place::Global);
        let zone = parse("nginx.default.fed.svc.b.r.example.com").unwrap();
        assert_eq!(zone.place.level(), Level::Zone);
        let srv = parse("_http._tcp.nginx.default.fed.svc.r.example.com").unwrap();
        assert_eq!(srv.port, Some(("http".into(), "tcp".into())));
        assert_eq!(srv.place, Place::Region(Label::new("r").unwrap()));
    }

    #[test]
    fn leaves_other_names_alone() {
        for name in [
            "example.com",
            "www.example.com",
            "nginx.default.other.svc.example.com",
            "nginx.default.fed.pod.example.com",
            "a.b.fed.svc.c.d.e.example.com",
            "fed.svc.example.com",
            "nginx.default.fed.svc.example.org",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_suffix_is_what_parse_takes_apart() {
        let zone = Name::parse("example.com").unwrap();
        let label = |text| Label::new(text).unwrap();
        let place = Place::Zone { region: label("r"), availability_zone: label("b") };
        let suffix = place.suffix(&label("fed"), &zone).unwrap();
        assert_eq!(suffix.to_string(), "fed.svc.b.r.example.com.");
    }
}
