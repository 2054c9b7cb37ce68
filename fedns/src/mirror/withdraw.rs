//! The end of a federation at one provider: everything of its owner goes that is in its pattern.

use model::Name;
use providers::provider::{Failure, FailureKind};
use providers::sync::diff::Identity;
use providers::sync::filters::Filters;
use providers::sync::mirror::{Mirror, MirrorSettings};
use providers::sync::plan::hash_of;
use providers::sync::scope::Scope;

use super::Key;
use super::alone::AlonePlan;
use super::connect::Connector;
use crate::config::{Config, ProviderConfig, ZoneConfig};
use crate::pipeline::unix_now;

/// What is to go at one provider.
pub struct Withdrawal {
    pub planned: AlonePlan,
    pub owner: String,
    /// Imported names outside the pattern, which stay.
    pub stays: Vec<Name>,
}

/// Lists one provider and plans the removal of all that is this federation's, whatever filters and levels
/// the config has now. A policy that deletes nothing is kept.
///
/// # Errors
///
/// The provider cannot be reached, or something is in the way of every write.
pub async fn plan(
    config: &Config,
    (zone, provider): (&ZoneConfig, &ProviderConfig),
) -> Result<Withdrawal, Failure> {
    let key = Key::new(config, zone, provider);
    let connected = Connector::default().connect(&key).await?;
    let ProviderConfig { owner, registry, policy, .. } = provider.clone();
    let settings = MirrorSettings {
        scope: Scope { filters: Filters::default(), ..key.scope(connected.zone()) },
        identity: Identity { owner: owner.clone(), registry },
        policy,
        writer: None,
    };
    let mut mirror = Mirror::new(settings, false);
    mirror.listed(connected.list().await?, unix_now());
    if let Some(reason) = mirror.blocked() {
        return Err(Failure::new(FailureKind::Fatal, reason));
    }
    let stays = mirror.withdraw().into_iter().collect();
    let plan = mirror.plan(unix_now());
    let all: Vec<_> = plan.changes.iter().chain(&plan.held).cloned().collect();
    let planned = AlonePlan {
        title: key.title(),
        place: provider.kind.place().join(" "),
        hash: hash_of(&all),
        plan,
        provider: connected,
        mirror,
        replaced: None,
        other_writer: None,
    };
    Ok(Withdrawal { planned, owner, stays })
}
