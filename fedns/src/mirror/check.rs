//! Preflight of one zone without a running mirror: at a provider, or as the world reaches it.

use providers::preflight::{Finding, judge};
use providers::provider::Failure;

use super::Key;
use super::alone::{self, Seen};
use super::connect::Connector;
use crate::config::mirrored::aliases;
use crate::config::{Config, ConfigError, ProviderConfig, ZoneConfig, zone_settings};
use crate::delegation::look::{Settings, look as look_from_outside};
use crate::delegation::{OwnZone, judge as delegation_judge};
use crate::pipeline::unix_now;

/// What was found of one zone, at one provider or where fedns serves it.
pub struct Checked {
    /// `alidns for example.com.`, `served: example.com.`
    pub title: String,
    pub zone: model::Name,
    pub is_served: bool,
    pub findings: Vec<Finding>,
}

/// Asks a provider; one that cannot be reached is a finding as well. Where its plan bounds records,
/// what clusters showed is counted against it.
pub async fn check(
    config: &Config,
    seen: Option<&Seen>,
    (zone, provider): (&ZoneConfig, &ProviderConfig),
) -> Checked {
    let key = Key::new(config, zone, provider);
    let findings = match findings(&key, seen).await {
        Ok(mut findings) => {
            // A server tells it with what else is suspicious in its config.
            let aliases = aliases(zone, provider);
            findings.extend(aliases.map(|text| Finding::warning("aliases", text)));
            findings
        }
        Err(failure) => vec![Finding::blocking("provider", failure.line)],
    };
    Checked { title: key.title(), zone: zone.name.clone(), is_served: false, findings }
}

async fn findings(key: &Key, seen: Option<&Seen>) -> Result<Vec<Finding>, Failure> {
    let connected = Connector::default().connect(key).await?;
    let scope = key.scope(connected.zone());
    let limits = connected.limits().await?;
    let mut listed = match seen {
        Some(seen) => Some(alone::listed(key, seen, &*connected, None).await?),
        None => None,
    };
    let plan = listed.as_mut().map(|mirror| mirror.plan(unix_now()));
    let mut findings = judge(&limits, &scope, key.ttl, plan.as_ref());
    let blocked = listed.and_then(|mirror| mirror.blocked());
    findings.extend(blocked.map(|reason| Finding::blocking("ownership", reason)));
    Ok(findings)
}

/// Looks at a zone that fedns answers itself, from outside.
///
/// # Errors
///
/// The static records cannot be read.
pub async fn check_served(
    config: &Config,
    zone: &ZoneConfig,
    settings: &Settings,
) -> Result<Checked, ConfigError> {
    let title = format!("served: {}", zone.name);
    let checked = |findings| Checked { title, zone: zone.name.clone(), is_served: true, findings };
    if config.listen.dns.is_empty() {
        let text = "the zone has no provider, and no port is opened for it: give it providers, or set \
                    listen: {dns: [\"0.0.0.0:53\"]}";
        return Ok(checked(vec![Finding::blocking("listen", text)]));
    }
    let (all, _) = zone_settings(config);
    let base = all?.into_iter().find(|it| it.zone == zone.name).map(|it| it.base);
    let Some(base) = base else { return Ok(checked(Vec::new())) };
    let own = OwnZone::new(&base);
    let seen = look_from_outside(&own, settings).await;
    Ok(checked(delegation_judge::judge(&own, &seen)))
}
