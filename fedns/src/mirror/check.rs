//! Preflight of one provider without a running mirror.

use providers::Provider;
use providers::preflight::{Finding, Severity, judge};
use providers::provider::{Failure, FailureKind};
use providers::sync::scope::Scope;

use super::Key;
use super::connect::Connector;
use crate::config::{Config, ProviderConfig, ZoneConfig};

/// What was found at one provider.
pub struct Checked {
    /// `alidns for example.com.`
    pub title: String,
    pub zone: model::Name,
    pub findings: Vec<Finding>,
}

/// Asks a provider; one that cannot be reached is a finding as well.
pub async fn check(config: &Config, zone: &ZoneConfig, provider: &ProviderConfig) -> Checked {
    let key = Key::new(config, zone, provider);
    let findings = match Connector::default().connect(&key).await {
        Ok(connected) => {
            let scope = key.scope(connected.zone());
            look(&key, &*connected, &scope).await
        }
        Err(failure) => vec![Finding::blocking("provider", failure.line)],
    };
    Checked { title: key.title(), zone: zone.name.clone(), findings }
}

/// Fails with the first thing that is in the way of every write.
pub(super) async fn passed(
    key: &Key,
    provider: &dyn Provider,
    scope: &Scope,
) -> Result<(), Failure> {
    let findings = look(key, provider, scope).await;
    match findings.into_iter().find(|it| it.severity == Severity::Blocking) {
        Some(finding) => Err(Failure::new(FailureKind::Fatal, format!("preflight: {finding}"))),
        None => Ok(()),
    }
}

/// What the provider tells, judged.
pub(super) async fn look(key: &Key, provider: &dyn Provider, scope: &Scope) -> Vec<Finding> {
    match provider.limits().await {
        Ok(limits) => judge(&limits, scope, key.ttl),
        Err(failure) => vec![Finding::blocking("provider", failure.line)],
    }
}
