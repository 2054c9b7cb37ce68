//! What is suspicious in the entries of providers.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use providers::sync::scope::dangling;

use super::{Config, ProviderConfig, ProviderKind, Subject, ZoneConfig};

/// Others on this machine may read it.
const READABLE_BY_ALL: u32 = 0o004;

/// A line for each thing that works, but perhaps not as its author thinks.
pub fn warnings(config: &Config, zone: &ZoneConfig) -> Vec<String> {
    let of_provider = |provider: &ProviderConfig| {
        let aliases = aliases(zone, provider).map(|text| {
            let line = format!("provider {}: {text}", provider.kind.word());
            config.places.line(&Subject::Zone(zone.name.clone()), line)
        });
        let key = key_file(&provider.kind).and_then(|path| {
            let subject = Subject::ProviderFile(path.to_owned());
            Some(config.places.line(&subject, readable_by_all(path)?))
        });
        [aliases, key]
    };
    zone.providers.iter().flat_map(of_provider).flatten().collect()
}

/// Why aliases at this provider would lead to nothing.
pub fn aliases(zone: &ZoneConfig, provider: &ProviderConfig) -> Option<String> {
    dangling(zone.levels, provider.levels.unwrap_or(zone.levels), &provider.types)
}

/// The file that holds a provider's key.
pub fn key_file(kind: &ProviderKind) -> Option<&Path> {
    match kind {
        ProviderKind::AliDns(alidns) => alidns.config_file.as_deref(),
        ProviderKind::Rfc2136(rfc2136) => Some(&rfc2136.config_file),
        #[cfg(feature = "clouddns")]
        ProviderKind::CloudDns(clouddns) => clouddns.options.config_file.as_deref(),
        #[cfg(feature = "route53")]
        ProviderKind::Route53(_) => None,
        ProviderKind::Webhook(_) => None,
    }
}

/// One that cannot be looked at is told where it is read.
pub fn readable_by_all(path: &Path) -> Option<String> {
    let file = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
    let mode = file.mode();
    let path = path.display();
    (mode & READABLE_BY_ALL != 0).then(|| {
        format!("{path} holds a key, and everybody on this machine may read it; chmod o-r {path}")
    })
}
