//! Which hosted zone is meant.

use std::collections::BTreeSet;

use aws_sdk_route53::operation::get_hosted_zone::GetHostedZoneOutput;
use model::Name;

use super::client::Client;
use super::error::Call;
use super::text;
use super::zone_id::ZoneId;
use crate::provider::{Failure, FailureKind};

/// A zone of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedZone {
    pub id: ZoneId,
    pub name: Name,
}

/// What the account tells of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneDetails {
    pub name: Option<Name>,
    pub is_private: bool,
    pub name_servers: BTreeSet<Name>,
    /// Record sets.
    pub sets: Option<u64>,
}

/// Zones of one name that a page may hold; more than two of them are told like two.
const PAGE: i32 = 10;

// === impl Client ===

impl Client {
    /// The zone with this id, private ones included, if it holds `ours`.
    pub async fn zone_by_id(&self, id: ZoneId, ours: &Name) -> Result<HostedZone, Failure> {
        let ZoneDetails { name, .. } = self.zone_details(&id).await?;
        match name {
            Some(name) if ours.is_at_or_below(&name) => Ok(HostedZone { id, name }),
            name => {
                let name = name.map_or_else(|| "no domain".to_owned(), |name| name.to_string());
                let line = format!("zoneId {id} is of {name}, which does not hold {ours}");
                Err(Failure::new(FailureKind::Fatal, line))
            }
        }
    }

    /// The public zone of exactly this name.
    pub async fn zone_by_name(&self, name: &Name) -> Result<HostedZone, Failure> {
        self.public_zone(name).await?.ok_or_else(|| {
            let line = format!(
                "the account has no public zone {name}; make it, or name another with zone or zoneId, \
                 or use the account that has it"
            );
            Failure::new(FailureKind::Fatal, line)
        })
    }

    /// The longest public zone that holds `ours`.
    pub async fn zone_holding(&self, ours: &Name) -> Result<HostedZone, Failure> {
        let mut name = ours.clone();
        while !name.is_root() {
            if let Some(zone) = self.public_zone(&name).await? {
                return Ok(zone);
            }
            name = name.parent().unwrap_or_else(Name::root);
        }
        let line = format!(
            "the account has no public zone that holds {ours}; make one, name a private one with \
             zoneId, or use the account that has it"
        );
        Err(Failure::new(FailureKind::Fatal, line))
    }

    async fn public_zone(&self, name: &Name) -> Result<Option<HostedZone>, Failure> {
        let call = Call { action: "ListHostedZonesByName", zone: None };
        let mut ids = BTreeSet::new();
        let mut after = None;
        loop {
            let (_permit, sdk) = self.admitted().await;
            // The list starts at the name and goes on behind it.
            let request = sdk.list_hosted_zones_by_name().dns_name(text::of_name(name));
            let page = request.max_items(PAGE).set_hosted_zone_id(after.clone()).send().await;
            let page = page.map_err(|error| call.failure(error))?;
            let is_same = |text: &str| text::name(text).as_ref() == Some(name);
            let named = page.hosted_zones().iter().filter(|zone| is_same(zone.name()));
            let is_public = |zone: &&aws_sdk_route53::types::HostedZone| {
                !zone.config().is_some_and(|config| config.private_zone())
            };
            ids.extend(named.filter(is_public).map(|zone| ZoneId::new(zone.id())));
            let next = page.next_hosted_zone_id().map(str::to_owned);
            let goes_on = page.is_truncated() && page.next_dns_name().is_some_and(is_same);
            if !goes_on || next.is_none() || next == after {
                break;
            }
            after = next;
        }
        let mut ids = ids.into_iter();
        match (ids.next(), ids.next()) {
            (Some(one), Some(other)) => {
                let line = format!(
                    "the account has several public zones {name}, {one} and {other} among them; say \
                     which with zoneId: {one}"
                );
                Err(Failure::new(FailureKind::Fatal, line))
            }
            (found, _) => Ok(found.map(|id| HostedZone { id, name: name.clone() })),
        }
    }

    pub(super) async fn zone_details(&self, id: &ZoneId) -> Result<ZoneDetails, Failure> {
        let call = Call { action: "GetHostedZone", zone: Some(id) };
        let (_permit, sdk) = self.admitted().await;
        let answer = sdk.get_hosted_zone().id(id.as_str()).send().await;
        answer.map(|answer| details(&answer)).map_err(|error| call.failure(error))
    }

    /// How many record sets a zone may have.
    pub(super) async fn sets_max(&self, id: &ZoneId) -> Result<Option<u64>, Failure> {
        use aws_sdk_route53::types::HostedZoneLimitType::MaxRrsetsByZone;

        let call = Call { action: "GetHostedZoneLimit", zone: Some(id) };
        let (_permit, sdk) = self.admitted().await;
        let request = sdk.get_hosted_zone_limit().hosted_zone_id(id.as_str());
        let answer = request.r#type(MaxRrsetsByZone).send().await;
        let answer = answer.map_err(|error| call.failure(error))?;
        Ok(answer.limit().and_then(|limit| u64::try_from(limit.value()).ok()))
    }
}

fn details(answer: &GetHostedZoneOutput) -> ZoneDetails {
    let zone = answer.hosted_zone();
    let servers = answer.delegation_set().map(|set| set.name_servers()).unwrap_or_default();
    ZoneDetails {
        name: zone.and_then(|zone| text::name(zone.name())),
        is_private: zone.and_then(|zone| zone.config()).is_some_and(|config| config.private_zone()),
        name_servers: servers.iter().filter_map(|server| text::name(server)).collect(),
        sets: zone
            .and_then(|zone| zone.resource_record_set_count())
            .and_then(|count| u64::try_from(count).ok()),
    }
}
