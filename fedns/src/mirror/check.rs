//! Preflight of one zone without a running mirror: at a provider, or as the world reaches it.

use providers::preflight::{Finding, judge};
use providers::provider::{Failure, FailureKind};
use providers::sync::mirror::Mirror;

use super::Key;
use super::alone::{self, Seen};
use super::connect::Connector;
use crate::config::mirrored::aliases;
use crate::config::{Config, ConfigError, ProviderConfig, ZoneConfig, zone_settings};
use crate::delegation::hosted::look_at_hosted;
use crate::delegation::look::{Settings, look as look_from_outside};
use crate::delegation::{OwnZone, judge as delegation_judge};
use crate::pipeline::unix_now;
use crate::state::writer_id::saved_writer_id;

/// What was found of one zone, at one provider or where fedns serves it.
pub struct Checked {
    /// `alidns for example.com.`, `served: example.com.`
    pub title: String,
    pub zone: model::Name,
    pub is_served: bool,
    pub findings: Vec<Finding>,
}

/// Asks a provider, and the parent of the zone there; one that cannot be reached is a finding as well.
/// Where the plan bounds records, what clusters showed is counted against it.
pub async fn check(
    config: &Config,
    seen: Option<&Seen>,
    (zone, provider): (&ZoneConfig, &ProviderConfig),
    asking: &Settings,
) -> Checked {
    let key = Key::new(config, zone, provider);
    let findings = match findings(config, &key, seen, asking).await {
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

async fn findings(
    config: &Config,
    key: &Key,
    seen: Option<&Seen>,
    asking: &Settings,
) -> Result<Vec<Finding>, Failure> {
    let connected = Connector::default().connect(key).await?;
    let scope = key.scope(connected.zone());
    let mut limits = connected.limits().await?;
    limits.delegated.take_if(|_| asking.is_by_request);
    let mut listed = match seen {
        Some(seen) => Some(alone::listed(key, seen, &*connected, None).await?),
        None => None,
    };
    let plan = listed.as_mut().map(|mirror| mirror.plan(unix_now()));
    let mut findings = judge(&limits, &scope, key.ttl, plan.as_ref());
    findings.extend(look_at_hosted(connected.zone(), &limits, asking).await);
    if let Some(mirror) = listed {
        findings.extend(mirror.blocked().map(|reason| Finding::blocking("ownership", reason)));
        findings.extend(other_writer(config, &mirror)?);
    }
    Ok(findings)
}

/// A warning only: whoever asks may do so beside the server that writes.
pub(super) fn other_writer(config: &Config, mirror: &Mirror) -> Result<Option<Finding>, Failure> {
    if config.leader_election.is_some() {
        return Ok(None);
    }
    let folder = config.state_dir.display();
    let id = saved_writer_id(&config.state_dir).map_err(|error| {
        Failure::new(FailureKind::Fatal, format!("the writer's id in {folder}: {error}"))
    })?;
    let found = mirror.other_writer(id.as_deref().unwrap_or_default());
    let text = |found| {
        format!(
            "another process writes here ({found:?}): a server on {folder} would write nothing; if that one is \
             gone for good, take its place: fedns apply --take-over"
        )
    };
    Ok(found.map(|found| Finding::warning("writer", text(found))))
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
