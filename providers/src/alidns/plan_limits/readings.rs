//! The calls that tell of a plan, and the fields of their answers that matter.

use model::Name;
use serde::Deserialize;

use super::{Limit, Reading, unless_denied};
use crate::alidns::answer::{number, number_u32};
use crate::alidns::client::{Call, Client};
use crate::alidns::domain::domain_text;
use crate::alidns::error::Error;

const PAGE_SIZE: u64 = 100;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DomainInfo {
    #[serde(default)]
    pub(super) version_code: Option<String>,
    #[serde(default)]
    pub(super) version_name: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) instance_id: Option<String>,
    #[serde(default, deserialize_with = "number_u32")]
    pub(super) min_ttl: Option<u32>,
    #[serde(default, rename = "SubDomain")]
    pub(super) is_sub_domain: Option<bool>,
    #[serde(default)]
    pub(super) dns_servers: Option<DnsServers>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DomainRow {
    domain_name: String,
    #[serde(default)]
    puny_code: Option<String>,
    #[serde(default)]
    pub(super) version_code: Option<String>,
    #[serde(default)]
    pub(super) version_name: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) instance_id: Option<String>,
    #[serde(default)]
    instance_expired: Option<bool>,
    #[serde(default, deserialize_with = "number")]
    pub(super) record_count: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Instance {
    #[serde(rename = "InstanceId", default)]
    id: String,
    #[serde(rename = "TTLMinValue", default, deserialize_with = "number_u32")]
    pub(super) ttl_min: Option<u32>,
    #[serde(rename = "SubDomainLevel", default, deserialize_with = "number_u32")]
    pub(super) levels: Option<u32>,
    #[serde(rename = "DnsSLBCount", default, deserialize_with = "number_u32")]
    pub(super) addresses: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct NameServerCheck {
    #[serde(rename = "DnsServers")]
    pub(super) dns_servers: DnsServers,
    #[serde(rename = "ExpectDnsServers")]
    pub(super) expected: ExpectedServers,
    #[serde(rename = "AllAliDns")]
    pub(super) all_alidns: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct DnsServers {
    #[serde(rename = "DnsServer", default)]
    pub(super) servers: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ExpectedServers {
    #[serde(rename = "ExpectDnsServer", default)]
    pub(super) servers: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MainDomain {
    pub(super) domain_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DomainsPage {
    #[serde(deserialize_with = "number")]
    total_count: Option<u64>,
    domains: Domains,
}

#[derive(Deserialize)]
struct Domains {
    #[serde(rename = "Domain", default)]
    rows: Vec<DomainRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstancesPage {
    #[serde(deserialize_with = "number")]
    total_count: Option<u64>,
    dns_products: Instances,
}

#[derive(Deserialize)]
struct Instances {
    #[serde(rename = "DnsProduct", default)]
    rows: Vec<Instance>,
}

// === impl DomainRow ===

impl DomainRow {
    fn is_named(&self, domain: &Name) -> bool {
        [Some(&self.domain_name), self.puny_code.as_ref()]
            .into_iter()
            .flatten()
            .any(|text| Name::parse(text).is_ok_and(|name| name == *domain))
    }

    /// A free plan never runs out.
    pub(super) fn expired_or_free(&self) -> Option<bool> {
        self.instance_expired.or_else(|| self.instance_id.is_none().then_some(false))
    }
}

pub(super) async fn domain_info(
    client: &Client,
    domain: &Name,
) -> Result<Reading<DomainInfo>, Error> {
    let call = Call::new("DescribeDomainInfo")
        .with("DomainName", domain_text(domain))
        .with("NeedDetailAttributes", "true");
    unless_denied(client.call(&call).await)
}

pub(super) async fn domain_row(
    client: &Client,
    domain: &Name,
) -> Result<Reading<DomainRow>, Error> {
    Ok(match unless_denied(find(client, domain).await)? {
        Limit::Told(Some(row)) | Limit::Documented(Some(row)) => Limit::Told(row),
        Limit::Told(None) | Limit::Documented(None) => {
            Limit::Unknown(format!("the account has no domain {}", domain_text(domain)))
        }
        Limit::Unknown(reason) => Limit::Unknown(reason),
    })
}

/// The row of exactly this domain. The search is by text, so the answer is looked through.
pub(super) async fn find(client: &Client, domain: &Name) -> Result<Option<DomainRow>, Error> {
    for page_number in 1.. {
        let call = Call::new("DescribeDomains")
            .with("KeyWord", domain_text(domain))
            .with("SearchMode", "EXACT")
            .with("PageSize", PAGE_SIZE)
            .with("PageNumber", page_number);
        let page: DomainsPage = client.call(&call).await?;
        let is_last = is_last(page_number, page.total_count, page.domains.rows.is_empty());
        let found = page.domains.rows.into_iter().find(|row| row.is_named(domain));
        if found.is_some() || is_last {
            return Ok(found);
        }
    }
    unreachable!("a range without an end does not end")
}

/// The instance of a paid plan; the list of all is asked where the one may not be.
pub(super) async fn instance(
    client: &Client,
    id: Option<&str>,
) -> Result<Reading<Instance>, Error> {
    let Some(id) = id else {
        return Ok(Limit::Unknown("the domain is bound to no product instance".to_owned()));
    };
    let call = Call::new("DescribeDnsProductInstance").with("InstanceId", id);
    match unless_denied(client.call(&call).await)? {
        Limit::Unknown(_) => in_list(client, id).await,
        told => Ok(told),
    }
}

async fn in_list(client: &Client, id: &str) -> Result<Reading<Instance>, Error> {
    for page_number in 1.. {
        let call = Call::new("DescribeDnsProductInstances")
            .with("PageSize", PAGE_SIZE)
            .with("PageNumber", page_number);
        let page: InstancesPage = match unless_denied(client.call(&call).await)? {
            Limit::Told(page) | Limit::Documented(page) => page,
            Limit::Unknown(reason) => return Ok(Limit::Unknown(reason)),
        };
        let is_last = is_last(page_number, page.total_count, page.dns_products.rows.is_empty());
        let found = page.dns_products.rows.into_iter().find(|instance| instance.id == id);
        if let Some(instance) = found {
            return Ok(Limit::Told(instance));
        }
        if is_last {
            return Ok(Limit::Unknown(format!("the account has no product instance {id}")));
        }
    }
    unreachable!("a range without an end does not end")
}

pub(super) async fn delegation(
    client: &Client,
    domain: &Name,
) -> Result<Reading<NameServerCheck>, Error> {
    let call = Call::new("DescribeDomainNs").with("DomainName", domain_text(domain));
    unless_denied(client.call(&call).await)
}

pub(super) async fn main_domain(
    client: &Client,
    domain: &Name,
) -> Result<Reading<MainDomain>, Error> {
    let call = Call::new("GetMainDomainName").with("InputString", domain_text(domain));
    unless_denied(client.call(&call).await)
}

fn is_last(page_number: u64, total: Option<u64>, is_empty: bool) -> bool {
    is_empty || page_number * PAGE_SIZE >= total.unwrap_or_default()
}

/// Text that is not empty.
fn filled<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}
