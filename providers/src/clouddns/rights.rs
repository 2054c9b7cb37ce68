//! Which rights a mirror needs, and which of them the account has.

use google_cloud_dns_v1::model::GoogleIamV1TestIamPermissionsRequest;

use super::client::Client;
use super::zones::ManagedZone;
use crate::provider::Failure;
use crate::sync::change::Policy;

const READ: [&str; 4] =
    ["dns.changes.get", "dns.changes.list", "dns.managedZones.get", "dns.resourceRecordSets.list"];
const CREATE: [&str; 2] = ["dns.changes.create", "dns.resourceRecordSets.create"];
const REPLACE: [&str; 2] = ["dns.resourceRecordSets.delete", "dns.resourceRecordSets.update"];

/// What a mirror of this policy does to a zone.
pub fn needed(policy: Policy) -> Vec<&'static str> {
    let replace = (policy != Policy::CreateOnly).then_some(REPLACE).into_iter().flatten();
    READ.into_iter().chain(CREATE).chain(replace).collect()
}

/// Asks which of the needed rights the account lacks in a zone.
pub async fn lacking(
    client: &Client,
    zone: &ManagedZone,
    policy: Policy,
) -> Result<Vec<&'static str>, Failure> {
    let needed = needed(policy);
    let call = client.call("managedZones.testIamPermissions", Some(&zone.id));
    let body = GoogleIamV1TestIamPermissionsRequest::new().set_permissions(needed.iter().copied());
    let (_permit, services) = client.admitted().await;
    let request = services.zones.test_iam_permissions();
    let resource = format!("projects/{}/managedZones/{}", client.project(), zone.id);
    let answer = request.set_resource(resource).set_body(body).send().await;
    let held = answer.map_err(|error| call.failure(error))?.permissions;
    Ok(needed.into_iter().filter(|it| !held.iter().any(|held| held == it)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_replaces_nothing_needs_less() {
        assert_eq!(needed(Policy::CreateOnly).len(), 6);
        assert_eq!(needed(Policy::UpsertOnly), needed(Policy::Sync));
        assert!(needed(Policy::Sync).contains(&"dns.resourceRecordSets.delete"));
    }
}
