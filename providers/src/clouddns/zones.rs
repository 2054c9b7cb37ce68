//! Which zone is meant.

use google_cloud_dns_v1::model as wire;
use google_cloud_dns_v1::model::managed_zone::Visibility;
use model::Name;

use super::client::Client;
use super::error::Call;
use super::zone_id::ZoneId;
use crate::provider::{Failure, FailureKind};

/// A zone of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedZone {
    pub id: ZoneId,
    pub name: Name,
}

// === impl Client ===

impl Client {
    /// The zone with this id, private ones included, if it holds `ours`.
    pub async fn zone_by_id(&self, id: ZoneId, ours: &Name) -> Result<ManagedZone, Failure> {
        let zone = self.zone_details(&id).await?;
        match domain(&zone) {
            Some(name) if ours.is_at_or_below(&name) => Ok(ManagedZone { id, name }),
            name => {
                let name = name.map_or_else(|| "no domain".to_owned(), |name| name.to_string());
                let line = format!("zoneId {id} is of {name}, which does not hold {ours}");
                Err(Failure::new(FailureKind::Fatal, line))
            }
        }
    }

    /// The public zone of exactly this name.
    pub async fn zone_by_name(&self, name: &Name) -> Result<ManagedZone, Failure> {
        self.public_zone(name).await?.ok_or_else(|| {
            let line = format!(
                "project {} has no public zone {name}; make it, or name another with zone or zoneId, or \
                 the project that has it with project",
                self.project()
            );
            Failure::new(FailureKind::Fatal, line)
        })
    }

    /// The longest public zone that holds `ours`.
    pub async fn zone_holding(&self, ours: &Name) -> Result<ManagedZone, Failure> {
        let mut name = ours.clone();
        while !name.is_root() {
            if let Some(zone) = self.public_zone(&name).await? {
                return Ok(zone);
            }
            name = name.parent().unwrap_or_else(Name::root);
        }
        let line = format!(
            "project {} has no public zone that holds {ours}; make one, name a private one with zoneId, \
             or the project that has it with project",
            self.project()
        );
        Err(Failure::new(FailureKind::Fatal, line))
    }

    async fn public_zone(&self, name: &Name) -> Result<Option<ManagedZone>, Failure> {
        let call = self.call("managedZones.list", None);
        let mut ids = Vec::new();
        let mut token = None;
        loop {
            let (_permit, services) = self.admitted().await;
            let request = services.zones.list().set_project(self.project());
            let request = request.set_dns_name(name.to_string());
            let request = request.set_or_clear_page_token(token.clone());
            let page = request.send().await.map_err(|error| call.failure(error))?;
            let meant = page
                .managed_zones
                .iter()
                .filter(|zone| is_public(zone) && domain(zone).as_ref() == Some(name));
            ids.extend(meant.filter_map(|zone| zone.name.as_deref().map(ZoneId::new)));
            token = next_page(call, page.next_page_token, token)?;
            if token.is_none() {
                break;
            }
        }
        // Two public zones of one name may stand in one project, with other name servers each.
        let mut ids = ids.into_iter();
        match (ids.next(), ids.next()) {
            (Some(one), Some(other)) => {
                let line = format!(
                    "project {} has several public zones {name}, {one} and {other} among them; say which \
                     with zoneId: {one}",
                    self.project()
                );
                Err(Failure::new(FailureKind::Fatal, line))
            }
            (found, _) => Ok(found.map(|id| ManagedZone { id, name: name.clone() })),
        }
    }

    pub(super) async fn zone_details(&self, id: &ZoneId) -> Result<wire::ManagedZone, Failure> {
        let call = self.call("managedZones.get", Some(id));
        let (_permit, services) = self.admitted().await;
        let request = services.zones.get().set_project(self.project());
        let answer = request.set_managed_zone(id.as_str()).send().await;
        answer.map_err(|error| call.failure(error))
    }
}

/// Where a list goes on, if it does. One that does not move on would never end.
pub(super) fn next_page(
    call: Call<'_>,
    next: Option<String>,
    this: Option<String>,
) -> Result<Option<String>, Failure> {
    // An empty token in a request is refused by some, so that none is ever sent.
    let next = next.filter(|token| !token.is_empty());
    if next.is_some() && next == this {
        let line = format!(
            "{}: the next page begins where this one does; the list is not complete, and nothing is \
             changed",
            call.action
        );
        return Err(Failure::new(FailureKind::Later(None), line));
    }
    Ok(next)
}

pub(super) fn is_public(zone: &wire::ManagedZone) -> bool {
    !matches!(zone.visibility, Some(Visibility::Private))
}

fn domain(zone: &wire::ManagedZone) -> Option<Name> {
    Name::parse(zone.dns_name.as_deref()?).ok()
}
