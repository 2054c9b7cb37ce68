//! What a domain's plan allows, as far as AliDNS tells.
//!
//! Four readings say it together: the domain, its product instance, the account's list of domains, and
//! the check of its name servers. A right that is missing, or a field that AliDNS leaves out, makes a
//! limit unknown and is no error: who may not read the plan may still write records.

mod readings;

use std::collections::BTreeSet;

use model::Name;

use super::client::Client;
use super::error::Error;
use readings::{DomainInfo, DomainRow, Instance, NameServerCheck};

/// One limit, with how well it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// AliDNS told it.
    Told(T),
    /// The documentation says so of this plan; AliDNS may see it otherwise.
    Documented(T),
    /// Why it is not known, in a line.
    Unknown(String),
}

/// What the plan of one domain allows, and how the domain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// Like `mianfei` (free) or `version_enterprise_basic`.
    pub version_code: Limit<String>,
    /// The plan's name as AliDNS shows it.
    pub version_name: Limit<String>,
    /// The shortest TTL, in seconds.
    pub ttl_min: Limit<u32>,
    /// Labels below the registrable domain.
    pub levels_max: Limit<u32>,
    /// Labels that this domain itself has below the registrable one: they count as levels too.
    pub levels_used: Limit<u32>,
    /// A or AAAA records of one host record and line.
    pub addresses_max: Limit<u32>,
    pub records_max: Limit<u64>,
    /// Those that stand now.
    pub records: Limit<u64>,
    /// Those that answer for the domain.
    pub name_servers: Limit<BTreeSet<Name>>,
    /// AliDNS's own look at the parent.
    pub delegation: Limit<Delegation>,
    /// True: the plan has run out.
    pub expired: Limit<bool>,
}

/// How the world reaches the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// Those that the parent zone names now.
    pub found: BTreeSet<Name>,
    /// Those that it should name.
    pub expected: BTreeSet<Name>,
    /// AliDNS's own verdict: the parent names its servers and no others.
    pub all_alidns: bool,
}

/// A domain of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    pub name: Name,
    pub version_code: Option<String>,
    pub instance_id: Option<String>,
    pub records: Option<u64>,
}

// === impl Limit ===

impl<T> Limit<T> {
    /// The value, however well it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Told(value) | Self::Documented(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// What AliDNS told, or else `other`.
    fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Unknown(reason) => match other() {
                Self::Unknown(_) => Self::Unknown(reason),
                known => known,
            },
            known => known,
        }
    }
}

// === impl Client ===

impl Client {
    /// What the plan of a domain of this account allows.
    ///
    /// # Errors
    ///
    /// If AliDNS cannot be reached, the key is refused, or the account has no such domain. A missing
    /// right is none.
    pub async fn plan_limits(&self, domain: &Name) -> Result<PlanLimits, Error> {
        let info = readings::domain_info(self, domain).await?;
        let row = readings::domain_row(self, domain).await?;
        let instance_id = info.value().and_then(|info| info.instance_id.clone());
        let instance_id = instance_id.or_else(|| row.value()?.instance_id.clone());
        let instance = readings::instance(self, instance_id.as_deref()).await?;
        let delegation = readings::delegation(self, domain).await?;
        let levels_used = levels_used(self, domain, &info).await?;
        Ok(combined(&info, &row, &instance, &delegation, levels_used))
    }

    /// The domain of this account with exactly this name.
    ///
    /// # Errors
    ///
    /// Also if the right to `DescribeDomains` is missing.
    pub async fn find_domain(&self, name: &Name) -> Result<Option<Domain>, Error> {
        let Some(row) = readings::find(self, name).await? else { return Ok(None) };
        let DomainRow { version_code, instance_id, record_count, .. } = row;
        let name = name.clone();
        Ok(Some(Domain { name, version_code, instance_id, records: record_count }))
    }

    /// The longest domain of this account that the name lies in.
    ///
    /// # Errors
    ///
    /// As [`Client::find_domain`].
    pub async fn hosting_domain(&self, name: &Name) -> Result<Option<Domain>, Error> {
        let mut candidate = Some(name.clone());
        while let Some(name) = candidate.filter(|name| name.label_count() >= 2) {
            if let Some(domain) = self.find_domain(&name).await? {
                return Ok(Some(domain));
            }
            candidate = name.parent();
        }
        Ok(None)
    }
}

/// A reading that may be missing.
type Reading<T> = Limit<T>;

impl<T> Reading<T> {
    /// One field of what was read.
    fn field<U>(&self, name: &str, field: impl Fn(&T) -> Option<U>) -> Limit<U> {
        match self {
            Self::Told(value) | Self::Documented(value) => match field(value) {
                Some(value) => Limit::Told(value),
                None => Limit::Unknown(format!("AliDNS does not tell {name}")),
            },
            Self::Unknown(reason) => Limit::Unknown(reason.clone()),
        }
    }
}

fn combined(
    info: &Reading<DomainInfo>,
    row: &Reading<DomainRow>,
    instance: &Reading<Instance>,
    delegation: &Reading<NameServerCheck>,
    levels_used: Limit<u32>,
) -> PlanLimits {
    let version_code = info
        .field("VersionCode", |info| info.version_code.clone())
        .or(|| row.field("VersionCode", |row| row.version_code.clone()));
    let version_name = info
        .field("VersionName", |info| info.version_name.clone())
        .or(|| row.field("VersionName", |row| row.version_name.clone()));
    let delegation = delegation.field("its name servers", |check| Some(check.clone().into()));
    let expected =
        delegation.field("its name servers", |it: &Delegation| Some(it.expected.clone()));
    let documented = version_code.value().and_then(|code| documented(code));
    PlanLimits {
        ttl_min: instance
            .field("TTLMinValue", |instance| instance.ttl_min)
            .or(|| info.field("MinTtl", |info| info.min_ttl))
            .or(|| from_documentation(documented, |plan| plan.ttl_min)),
        levels_max: instance
            .field("SubDomainLevel", |instance| instance.levels)
            .or(|| from_documentation(documented, |plan| plan.levels)),
        addresses_max: instance
            .field("DnsSLBCount", |instance| instance.addresses)
            .or(|| from_documentation(documented, |plan| plan.addresses)),
        records_max: from_documentation(documented, |plan| plan.records),
        records: row.field("RecordCount", |row| row.record_count),
        name_servers: expected.or(|| info.field("DnsServers", DomainInfo::name_servers)),
        delegation,
        expired: row.field("InstanceExpired", |row| row.expired_or_free()),
        levels_used,
        version_code,
        version_name,
    }
}

/// Labels between the registrable domain and this one.
async fn levels_used(
    client: &Client,
    domain: &Name,
    info: &Reading<DomainInfo>,
) -> Result<Limit<u32>, Error> {
    if info.value().and_then(|info| info.is_sub_domain) == Some(false) {
        return Ok(Limit::Told(0));
    }
    let main = readings::main_domain(client, domain).await?;
    Ok(main.field("the registrable domain", |main| {
        let main =
            Name::parse(&main.domain_name).ok().filter(|main| domain.is_at_or_below(main))?;
        u32::try_from(domain.label_count() - main.label_count()).ok()
    }))
}

/// What the documentation says of a plan.
#[derive(Clone, Copy)]
struct Documented {
    ttl_min: u32,
    levels: u32,
    addresses: u32,
    records: u64,
}

fn documented(version_code: &str) -> Option<Documented> {
    let plan =
        |ttl_min, levels, addresses| Documented { ttl_min, levels, addresses, records: 100_000 };
    match version_code {
        "mianfei" => Some(plan(600, 5, 10)),
        // Pages differ on the levels, 10 and 20: the smaller is never wrong.
        "version_personal" => Some(plan(600, 10, 90)),
        "version_enterprise_basic" => Some(plan(60, 10, 90)),
        "version_enterprise_advanced" => Some(plan(1, 10, 90)),
        _ => None,
    }
}

fn from_documentation<T>(
    documented: Option<Documented>,
    limit: impl FnOnce(Documented) -> T,
) -> Limit<T> {
    match documented {
        Some(plan) => Limit::Documented(limit(plan)),
        None => Limit::Unknown("the plan is not known".to_owned()),
    }
}

/// A missing right as the reason why something is unknown.
fn unless_denied<T>(result: Result<T, Error>) -> Result<Reading<T>, Error> {
    match result {
        Ok(value) => Ok(Limit::Told(value)),
        Err(error) if error.is_denied() => Ok(Limit::Unknown(error.to_string())),
        Err(error) => Err(error),
    }
}

impl From<NameServerCheck> for Delegation {
    fn from(check: NameServerCheck) -> Self {
        Self {
            found: names(&check.dns_servers.servers),
            expected: names(&check.expected.servers),
            all_alidns: check.all_alidns,
        }
    }
}

impl DomainInfo {
    fn name_servers(&self) -> Option<BTreeSet<Name>> {
        let names = names(&self.dns_servers.as_ref()?.servers);
        (!names.is_empty()).then_some(names)
    }
}

fn names(texts: &[String]) -> BTreeSet<Name> {
    texts.iter().filter_map(|text| Name::parse(text).ok()).collect()
}
