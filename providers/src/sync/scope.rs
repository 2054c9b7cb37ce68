//! Which names of a hosted zone are ours to manage, and what of a federated zone goes there.

use std::collections::BTreeSet;

use model::{Label, Level, Levels, Name, NameError, Rdata, RecordSet, RecordType, ServiceKey};
use planner::{FederatedName, Place};

use super::filters::Filters;

/// What one provider gets of one federated zone.
#[derive(Clone, Debug)]
pub struct Scope {
    pub federation: Label,
    /// The zone whose names are mirrored.
    pub domain: Name,
    /// The zone at the provider: `domain` itself, or one above it.
    pub hosted: Name,
    pub levels: Levels,
    pub types: BTreeSet<RecordType>,
    /// Seconds; in place of the zone's own.
    pub ttl: Option<u32>,
    pub filters: Filters,
}

/// Why aliases at a provider would lead to nothing, if they would. `zone`: the levels that are made.
pub fn dangling(zone: Levels, levels: Levels, types: &BTreeSet<RecordType>) -> Option<String> {
    if !types.contains(&RecordType::CNAME) {
        return None;
    }
    let has_addresses = types.contains(&RecordType::A) || types.contains(&RecordType::AAAA);
    if !has_addresses {
        return Some(
            "with types: [CNAME] aliases go there, and the addresses that they lead to do not; add A and \
             AAAA to types"
                .into(),
        );
    }
    let widest = zone.iter().min()?;
    (!levels.contains(widest)).then(|| {
        let kept: Vec<String> = levels.iter().map(|level| level.to_string()).collect();
        format!(
            "with levels: [{}] a name without addresses is an alias of its {widest} name, which does not go \
             there; add {widest} to levels, or leave aliases out with types: [A, AAAA]",
            kept.join(", ")
        )
    })
}

// === impl Scope ===

impl Scope {
    /// The types that are mirrored unless the config says otherwise.
    pub fn default_types() -> BTreeSet<RecordType> {
        [RecordType::A, RecordType::AAAA, RecordType::CNAME].into()
    }

    /// What all names of our pattern have in common: `FEDERATION.svc.ZONE`.
    ///
    /// # Errors
    ///
    /// The name would be too long.
    pub fn services(&self) -> Result<Name, NameError> {
        Place::Global.suffix(&self.federation, &self.domain)
    }

    /// The level of a name of our pattern; `None` for all others, which are never touched.
    pub fn level(&self, name: &Name) -> Option<Level> {
        self.parse(name).map(|federated| federated.place.level())
    }

    /// True for a name of our pattern whose Service does not go to this provider.
    pub fn is_filtered(&self, name: &Name) -> bool {
        self.service(name).is_some_and(|service| !self.filters.pass(&service))
    }

    /// The Service that a name of our pattern belongs to.
    pub fn service(&self, name: &Name) -> Option<ServiceKey> {
        self.parse(name).map(|federated| federated.service)
    }

    /// What the provider should hold at a name that has these sets in the zone.
    pub fn wanted(&self, name: &Name, sets: &[RecordSet]) -> Vec<RecordSet> {
        let is_mirrored = self.parse(name).is_some_and(|federated| {
            // The names of ports are there for SRV alone, their aliases too.
            let has_use = federated.port.is_none() || self.types.contains(&RecordType::SRV);
            has_use
                && self.filters.pass(&federated.service)
                && self.levels.contains(federated.place.level())
        });
        let of_type = |set: &&RecordSet| is_mirrored && self.types.contains(&set.record_type);
        sets.iter().filter(of_type).map(|set| self.mirrored(name, set)).collect()
    }

    /// What the provider should hold at a name that is none of our pattern and was imported.
    pub fn wanted_outside(&self, sets: &[RecordSet]) -> Vec<RecordSet> {
        let of_type = |set: &&RecordSet| self.types.contains(&set.record_type);
        let with_ttl = |set: &RecordSet| {
            let mut set = set.clone();
            set.ttl = self.ttl.unwrap_or(set.ttl);
            set
        };
        sets.iter().filter(of_type).map(with_ttl).collect()
    }

    fn mirrored(&self, name: &Name, set: &RecordSet) -> RecordSet {
        let mut set = match set.record_type {
            RecordType::CNAME => self.reachable(name, set).unwrap_or_else(|| set.clone()),
            _ => set.clone(),
        };
        set.ttl = self.ttl.unwrap_or(set.ttl);
        set
    }

    /// An alias of a level that is not mirrored would lead nowhere: it goes to the next one that is.
    fn reachable(&self, name: &Name, alias: &RecordSet) -> Option<RecordSet> {
        let target = self.parse(&alias.values().first()?.as_name()?)?;
        if self.levels.contains(target.place.level()) {
            return None;
        }
        let target = self.above(name)?;
        Some(RecordSet::single(RecordType::CNAME, alias.ttl, Rdata::name(&target)))
    }

    /// The same Service's name at the next level up that is mirrored.
    pub fn above(&self, name: &Name) -> Option<Name> {
        let own = self.parse(name)?;
        let place = match (self.levels.above(own.place.level())?, own.place) {
            (Level::Region, Place::Zone { region, .. }) => Place::Region(region),
            _ => Place::Global,
        };
        let service = [own.service.name.as_bytes(), own.service.namespace.as_bytes()];
        let suffix = place.suffix(&self.federation, &self.domain).ok()?;
        Name::from_labels(service, &suffix).ok()
    }

    fn parse(&self, name: &Name) -> Option<FederatedName> {
        FederatedName::parse(name, &self.federation, &self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn scope(levels: &[Level], ttl: Option<u32>) -> Scope {
        let domain = name("example.com");
        Scope {
            federation: Label::new("fed").unwrap(),
            hosted: domain.clone(),
            domain,
            levels: Levels::new(levels.iter().copied()).unwrap(),
            types: Scope::default_types(),
            ttl,
            filters: Filters::default(),
        }
    }

    fn alias(to: &str) -> RecordSet {
        RecordSet::single(RecordType::CNAME, 180, Rdata::name(&name(to)))
    }

    #[test]
    fn only_names_of_the_pattern_are_ours() {
        let scope = scope(&Level::ALL, None);
        assert_eq!(scope.level(&name("web.shop.fed.svc.b.r.example.com")), Some(Level::Zone));
        for other in ["example.com", "www.example.com", "web.shop.other.svc.example.com"] {
            assert_eq!(scope.level(&name(other)), None, "{other}");
        }
    }

    #[test]
    fn levels_types_and_ttl_decide_what_is_mirrored() {
        let scope = scope(&[Level::Global, Level::Region], Some(600));
        let a = RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 2, 1].into()));
        let txt = RecordSet::single(RecordType::TXT, 180, crate::txt::rdata(b"x"));
        let region = name("web.shop.fed.svc.r.example.com");
        let mut longer = a.clone();
        longer.ttl = 600;
        assert_eq!(scope.wanted(&region, &[a.clone(), txt]), [longer]);
        assert_eq!(scope.wanted(&name("web.shop.fed.svc.b.r.example.com"), &[a]), []);
        let of_port = alias("_http._tcp.web.shop.fed.svc.example.com");
        assert_eq!(
            scope.wanted(&name("_http._tcp.web.shop.fed.svc.r.example.com"), &[of_port]),
            []
        );
    }

    #[test]
    fn aliases_that_lead_to_nothing_are_told() {
        let told = |zone: &[Level], levels: &[Level], types: &[RecordType]| {
            let levels_of = |levels: &[Level]| Levels::new(levels.iter().copied()).unwrap();
            dangling(levels_of(zone), levels_of(levels), &types.iter().copied().collect())
        };
        let all = [RecordType::A, RecordType::AAAA, RecordType::CNAME];
        use Level::{Global, Region, Zone};
        assert_eq!(told(&Level::ALL, &Level::ALL, &all), None);
        assert_eq!(told(&Level::ALL, &[Global, Zone], &all), None);
        assert_eq!(told(&[Region, Zone], &[Region], &all), None);
        assert_eq!(told(&Level::ALL, &[Zone], &all[..2]), None);
        assert!(told(&Level::ALL, &[Zone], &all).unwrap().contains("add global to levels"));
        assert!(told(&[Region, Zone], &[Zone], &all).unwrap().contains("add region to levels"));
        assert!(told(&Level::ALL, &Level::ALL, &all[2..]).unwrap().contains("add A and AAAA"));
    }

    #[test]
    fn an_alias_of_a_level_that_is_not_mirrored_goes_to_the_next_one() {
        let zone = name("web.shop.fed.svc.b.r.example.com");
        let to_region = alias("web.shop.fed.svc.r.example.com");
        let to_global = alias("web.shop.fed.svc.example.com");
        let both = scope(&[Level::Global, Level::Zone], None);
        assert_eq!(both.wanted(&zone, std::slice::from_ref(&to_region)), [to_global]);
        let all = scope(&Level::ALL, None);
        assert_eq!(all.wanted(&zone, std::slice::from_ref(&to_region)), [to_region]);
    }
}
