//! The planner's settings of each zone, static records read in, and what is suspicious in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use clusters::TopologyOverride;
use model::{Name, RecordType};
use planner::base::StaticNames;
use planner::names::Place;
use planner::{ZoneSettings, base_contents, unserved_contents};

use super::{Config, ConfigError, Subject, ZoneConfig, catalog, mirrored, statics};

/// The settings of every zone; beside them, whether they can be used or not, a line for each thing
/// that can be served but perhaps not as its author thinks.
pub fn zone_settings(config: &Config) -> (Result<Vec<ZoneSettings>, ConfigError>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut errors = Vec::new();
    let mut settings = Vec::new();
    // Zones may share what is told.
    let of_providers: BTreeSet<String> =
        config.zones.iter().flat_map(|zone| mirrored::warnings(config, zone)).collect();
    warnings.extend(of_providers);
    warnings.extend(idle_certificate(config));
    warnings.extend(open_certificate_key(config));
    warnings.extend(open_admin_token(config));
    for zone in &config.zones {
        match settings_of(config, zone, &mut warnings) {
            Ok(zone) => settings.push(zone),
            Err(error) => errors.extend(error.lines),
        }
    }
    if !errors.is_empty() {
        return (Err(ConfigError { lines: errors }), warnings);
    }
    warnings.extend(settings.iter().flat_map(|zone| hidden_names(config, zone)));
    if config.listen.answers_dns() {
        warnings.extend(settings.iter().filter_map(|zone| undelegated(config, &settings, zone)));
    }
    // Last, so that what it names is there already whenever it is published.
    settings.extend(catalog::settings(config));
    (Ok(settings), warnings)
}

fn idle_certificate(config: &Config) -> Option<String> {
    let line = || {
        let message =
            "nobody is shown the certificate: listen.dot, listen.doh and listen.doq are empty";
        config.places.line(&Subject::TlsCertificate, message)
    };
    let is_shown = config.listen.is_encrypted() || config.admin_token_file.is_some();
    (config.tls.is_some() && !is_shown).then(line)
}

fn open_certificate_key(config: &Config) -> Option<String> {
    let text = mirrored::readable_by_all(&config.tls.as_ref()?.key)?;
    Some(config.places.line(&Subject::TlsKey, text))
}

fn open_admin_token(config: &Config) -> Option<String> {
    let text = mirrored::readable_by_all(config.admin_token_file.as_ref()?)?;
    Some(config.places.line(&Subject::AdminToken, text))
}

fn settings_of(
    config: &Config,
    zone: &ZoneConfig,
    warnings: &mut Vec<String>,
) -> Result<ZoneSettings, ConfigError> {
    let subject = Subject::Zone(zone.name.clone());
    let statics = statics::read(zone, &config.places, warnings)?;
    let base = match config.listen.answers_dns() {
        true => base_contents(&zone.name, &zone.name_servers, &zone.hostmaster, statics).map_err(
            |error| ConfigError::one(format!("{}: {error}", config.places.at(&subject))),
        )?,
        false => unserved_contents(&zone.name, &zone.hostmaster, statics),
    };
    let static_names = StaticNames::new(&base, &config.federation, &config.zone_names());
    Ok(ZoneSettings {
        zone: zone.name.clone(),
        federation: config.federation.clone(),
        ttl: zone.ttl,
        levels: zone.levels,
        empty_levels: zone.empty_levels,
        static_names,
        has_services: true,
        base: Arc::new(base.into()),
    })
}

/// What stands in the way of all names of a level or a place; one line for each such thing.
fn hidden_names(config: &Config, settings: &ZoneSettings) -> Vec<String> {
    let ZoneSettings { zone, federation, levels, static_names, .. } = settings;
    let mut told = BTreeSet::new();
    let mut lines = Vec::new();
    for place in configured_places(config).iter().filter(|it| levels.contains(it.level())) {
        // Places that make no name are told with the names that are left out.
        let Ok(suffix) = place.suffix(federation, zone) else { continue };
        // A DNAME hides only what is below it, and no namespace has this name.
        let Ok(below) = suffix.child(b"_") else { continue };
        let Some(clash) = static_names.clash(&below) else { continue };
        if told.insert(clash.to_string()) {
            let message = format!(
                "no SERVICE.NAMESPACE.{suffix} is ever served: {clash}; move one of the two"
            );
            lines.push(config.places.line(&Subject::Zone(zone.clone()), message));
        }
    }
    lines
}

/// From wide to narrow; those that only the labels of nodes tell are not known yet.
fn configured_places(config: &Config) -> BTreeSet<Place> {
    let topologies = config.clusters.iter().filter_map(|cluster| cluster.topology.as_ref());
    let places = topologies.flat_map(|TopologyOverride { region, availability_zones }| {
        let zones = availability_zones
            .iter()
            .map(|zone| Place::Zone { region: region.clone(), availability_zone: zone.clone() });
        zones.chain([Place::Region(region.clone())])
    });
    places.chain([Place::Global]).collect()
}

/// A zone below another one that does not delegate it. Its names are answered, but not its DS, which
/// the zone above is asked for (RFC 4035 section 3.1.4.1).
fn undelegated(config: &Config, all: &[ZoneSettings], child: &ZoneSettings) -> Option<String> {
    let zone = &child.zone;
    let above = all.iter().filter(|it| zone.is_below(&it.zone));
    let parent = above.max_by_key(|it| it.zone.label_count())?;
    let names = std::iter::successors(Some(zone.clone()), Name::parent);
    let delegates = |name: &Name| parent.base.get(name, RecordType::NS).is_some();
    if names.take_while(|name| *name != parent.zone).any(|name| delegates(&name)) {
        return None;
    }
    let server = child.base.get(zone, RecordType::NS)?.values().first()?.as_name()?;
    let (parent, place) = (&parent.zone, config.places.at(&Subject::Zone(zone.clone())));
    Some(format!(
        "{place}: zone {zone} lies below zone {parent}, which has no NS records for it: who asks for the \
         DS of {zone}, as validating resolvers do, is told by {parent} that it does not exist; add \
         \"{zone} NS {server}\" to the staticRecords of {parent}"
    ))
}
