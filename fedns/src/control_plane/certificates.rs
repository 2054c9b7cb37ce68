//! Certificates of a control plane: its own authorities and what they sign, renewed before it runs out.
//!
//! All of it is one value that is kept in one Secret, which no pod mounts. What a part needs is copied
//! into a Secret of its own.

use clusters::federation::names::FEDNS_USER;
use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use model::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde::{Deserialize, Serialize};

const DAY: u64 = 24 * 60 * 60;
const AUTHORITY_LIFETIME: u64 = 3650 * DAY;
const LIFETIME: u64 = 365 * DAY;
/// What is valid for less than this is made anew.
const RENEW_BEFORE: u64 = 30 * DAY;
/// Clocks of other machines may be behind.
const BACKDATED: u64 = 60 * 60;

/// Of the Secret that keeps all of it.
pub const ALL_KEY: &str = "certificates.json";

/// Signs what the API server shows and what its clients show to it.
pub const AUTHORITY: &str = "federation";
/// Signs what etcd and the API server show to each other: no other client gets at etcd.
pub const ETCD_AUTHORITY: &str = "etcd";

pub const API_SERVER: &str = "apiserver";
pub const ETCD_SERVER: &str = "etcd-server";
pub const ETCD_CLIENT: &str = "etcd-client";
pub const ADMIN: &str = "admin";
pub const CONTROLLER_MANAGER: &str = "controller-manager";
pub const FEDNS: &str = "fedns";

/// A certificate with its key, both PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
    /// Unix seconds.
    expires: u64,
    /// DNS names and addresses, sorted.
    names: Vec<String>,
}

/// Everything that a control plane is known by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    authorities: BTreeMap<String, Pair>,
    issued: BTreeMap<String, Pair>,
    /// Private and public key that tokens of service accounts are signed and checked with.
    pub service_accounts: (String, String),
    /// For `--apiserver-enable-token-auth`.
    pub token: String,
}

/// Under which names servers are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNames {
    pub api: Vec<String>,
    pub etcd: Vec<String>,
}

/// Certificates, and which of them had to be made.
pub struct Renewed {
    pub certificates: Certificates,
    pub made: Vec<&'static str>,
}

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("no random bytes: {0}")]
    Random(#[from] std::io::Error),
    #[error("the authority {0} ends within 30 days: `fedns init` again makes another one")]
    Authority(&'static str),
}

/// One certificate as it has to be.
struct Wanted {
    name: &'static str,
    authority: &'static str,
    common_name: &'static str,
    organization: Option<&'static str>,
    names: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
}

// === impl Certificates ===

impl Certificates {
    pub fn pair(&self, name: &str) -> Option<&Pair> {
        self.issued.get(name)
    }

    /// As they are kept in the Secret of `fedns init`; `None` where it has none.
    ///
    /// # Errors
    ///
    /// They are damaged.
    pub fn of(secret: &Secret) -> Result<Option<Self>, serde_json::Error> {
        let bytes = secret.data.as_ref().and_then(|data| data.get(ALL_KEY));
        bytes.map(|bytes| serde_json::from_slice(&bytes.0)).transpose()
    }

    /// Under which names the servers are reached, as their certificates say.
    fn names(&self) -> ServerNames {
        let of = |name| self.pair(name).map(|pair| pair.names.clone()).unwrap_or_default();
        ServerNames { api: of(API_SERVER), etcd: of(ETCD_SERVER) }
    }

    /// PEM.
    pub fn authority(&self, name: &str) -> &str {
        self.authorities.get(name).map_or("", |pair| &pair.certificate)
    }
}

/// What stands is kept as long as it is good; the rest is made.
///
/// # Errors
///
/// What could not be made.
pub fn renew(
    standing: Option<Certificates>,
    names: &ServerNames,
    now: UnixTime,
) -> Result<Renewed, CertificateError> {
    let mut certificates = match standing {
        Some(standing) => standing,
        None => empty()?,
    };
    let mut made = Vec::new();
    for name in [AUTHORITY, ETCD_AUTHORITY] {
        if !certificates.authorities.get(name).is_some_and(|pair| pair.is_good(&[], now)) {
            certificates.authorities.insert(name.to_owned(), new_authority(name, now)?);
            certificates.issued.retain(|issued, _| authority_of(issued) != Some(name));
            made.push(name);
        }
    }
    for wanted in wanted(names) {
        let standing = certificates.issued.get(wanted.name);
        if !standing.is_some_and(|pair| pair.is_good(&wanted.names, now)) {
            let authority = &certificates.authorities[wanted.authority];
            let pair = issue(&wanted, authority, now)?;
            certificates.issued.insert(wanted.name.to_owned(), pair);
            made.push(wanted.name);
        }
    }
    Ok(Renewed { certificates, made })
}

/// The same under the authorities that stand, for the names that servers have.
///
/// # Errors
///
/// What could not be made; an authority that ends itself, whose successor all parts and people must get.
pub fn renew_issued(standing: Certificates, now: UnixTime) -> Result<Renewed, CertificateError> {
    for name in [AUTHORITY, ETCD_AUTHORITY] {
        if !standing.authorities.get(name).is_some_and(|pair| pair.is_good(&[], now)) {
            return Err(CertificateError::Authority(name));
        }
    }
    let names = standing.names();
    renew(Some(standing), &names, now)
}

fn empty() -> Result<Certificates, CertificateError> {
    let service_accounts = KeyPair::generate()?;
    Ok(Certificates {
        authorities: BTreeMap::new(),
        issued: BTreeMap::new(),
        service_accounts: (service_accounts.serialize_pem(), service_accounts.public_key_pem()),
        token: new_token()?,
    })
}

fn new_token() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn wanted(names: &ServerNames) -> Vec<Wanted> {
    let client = |name, common_name, organization| Wanted {
        name,
        authority: AUTHORITY,
        common_name,
        organization,
        names: Vec::new(),
        usage: ExtendedKeyUsagePurpose::ClientAuth,
    };
    let server = |name, authority, names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        let usage = ExtendedKeyUsagePurpose::ServerAuth;
        Wanted { name, authority, common_name: name, organization: None, names, usage }
    };
    vec![
        server(API_SERVER, AUTHORITY, &names.api),
        server(ETCD_SERVER, ETCD_AUTHORITY, &names.etcd),
        Wanted { authority: ETCD_AUTHORITY, ..client(ETCD_CLIENT, "apiserver", None) },
        client(ADMIN, "admin", Some("system:masters")),
        client(CONTROLLER_MANAGER, "system:kube-controller-manager", None),
        client(FEDNS, FEDNS_USER, None),
    ]
}

fn authority_of(issued: &str) -> Option<&'static str> {
    wanted(&ServerNames::default()).iter().find(|it| it.name == issued).map(|it| it.authority)
}

fn new_authority(name: &str, now: UnixTime) -> Result<Pair, CertificateError> {
    let key = KeyPair::generate()?;
    let params = authority_params(name, now);
    let certificate = params.self_signed(&key)?.pem();
    let expires = now.0 + AUTHORITY_LIFETIME;
    Ok(Pair { certificate, key: key.serialize_pem(), expires, names: Vec::new() })
}

fn common_name(authority: &str) -> String {
    format!("{authority} control plane")
}

/// True for the certificate of an authority that a control plane's API server is known by, its own or that
/// of another federation's.
pub fn is_of_control_plane(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let data: String = lines.map(str::trim).collect();
    // Names are plain text within DER.
    let Ok(ByteString(der)) = serde_json::from_value(data.into()) else { return false };
    let name = common_name(AUTHORITY);
    der.windows(name.len()).any(|window| window == name.as_bytes())
}

/// The same for the certificate itself and for whatever it signs later.
fn authority_params(name: &str, now: UnixTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, common_name(name));
    limit(&mut params, now, AUTHORITY_LIFETIME);
    params
}

fn issue(wanted: &Wanted, authority: &Pair, now: UnixTime) -> Result<Pair, CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(wanted.names.clone())?;
    params.distinguished_name.push(DnType::CommonName, wanted.common_name);
    if let Some(organization) = wanted.organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![wanted.usage.clone()];
    limit(&mut params, now, LIFETIME);
    let authority_key = KeyPair::from_pem(&authority.key)?;
    let issuer = Issuer::new(authority_params(wanted.authority, now), authority_key);
    let certificate = params.signed_by(&key, &issuer)?.pem();
    let expires = now.0 + LIFETIME;
    let names = wanted.names.clone();
    Ok(Pair { certificate, key: key.serialize_pem(), expires, names })
}

fn limit(params: &mut CertificateParams, now: UnixTime, lifetime: u64) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(now.0.saturating_sub(BACKDATED));
    params.not_after = epoch + Duration::from_secs(now.0 + lifetime);
}

// === impl Pair ===

impl Pair {
    fn is_good(&self, names: &[String], now: UnixTime) -> bool {
        self.names == names && self.expires > now.0 + RENEW_BEFORE
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn names(api: &[&str]) -> ServerNames {
        let api = api.iter().map(|&name| name.to_owned()).collect();
        ServerNames { api, etcd: vec!["etcd".to_owned()] }
    }

    #[test]
    fn what_is_good_stays_as_it_is() {
        let first = renew(None, &names(&["192.0.2.1"]), NOW).unwrap();
        assert_eq!(first.made.len(), 8, "{:?}", first.made);
        let again = renew(Some(first.certificates.clone()), &names(&["192.0.2.1"]), NOW).unwrap();
        assert!(again.made.is_empty(), "{:?}", again.made);
        assert!(again.certificates == first.certificates);
    }

    #[test]
    fn an_authority_of_control_planes_is_known() {
        let first = renew(None, &names(&["192.0.2.1"]), NOW).unwrap().certificates;
        assert!(is_of_control_plane(first.authority(AUTHORITY).as_bytes()));
        assert!(!is_of_control_plane(first.authority(ETCD_AUTHORITY).as_bytes()));
        assert!(!is_of_control_plane(b"no certificate"));
    }

    #[test]
    fn another_address_makes_one_certificate() {
        let first = renew(None, &names(&["192.0.2.1"]), NOW).unwrap();
        let names = names(&["192.0.2.2", "192.0.2.1"]);
        let again = renew(Some(first.certificates), &names, NOW).unwrap();
        assert_eq!(again.made, [API_SERVER]);
    }

    #[test]
    fn what_runs_out_within_a_month_is_renewed_under_the_same_authority() {
        let first = renew(None, &names(&["192.0.2.1"]), NOW).unwrap().certificates;
        let later = UnixTime(NOW.0 + LIFETIME - RENEW_BEFORE);
        let again = renew(Some(first.clone()), &names(&["192.0.2.1"]), later).unwrap();
        assert_eq!(again.made.len(), 6, "{:?}", again.made);
        assert_eq!(again.certificates.authority(AUTHORITY), first.authority(AUTHORITY));
        assert_eq!(again.certificates.service_accounts, first.service_accounts);
    }

    #[test]
    fn who_runs_renews_what_is_issued_and_no_authority() {
        let first = renew(None, &names(&["192.0.2.1"]), NOW).unwrap().certificates;
        let later = UnixTime(NOW.0 + LIFETIME - RENEW_BEFORE);
        let renewed = renew_issued(first.clone(), later).unwrap();
        assert_eq!(renewed.made.len(), 6, "{:?}", renewed.made);
        let names =
            |certificates: &Certificates| certificates.pair(API_SERVER).unwrap().names.clone();
        assert_eq!(names(&renewed.certificates), names(&first));
        assert!(renew_issued(renewed.certificates, later).unwrap().made.is_empty());
        let last = UnixTime(NOW.0 + AUTHORITY_LIFETIME - RENEW_BEFORE);
        assert!(matches!(renew_issued(first, last), Err(CertificateError::Authority(AUTHORITY))));
    }

    #[test]
    fn a_new_authority_signs_all_of_its_own_anew() {
        let mut first = renew(None, &names(&["192.0.2.1"]), NOW).unwrap().certificates;
        first.authorities.get_mut(ETCD_AUTHORITY).unwrap().expires = NOW.0;
        let again = renew(Some(first), &names(&["192.0.2.1"]), NOW).unwrap();
        assert_eq!(again.made, [ETCD_AUTHORITY, ETCD_SERVER, ETCD_CLIENT]);
    }
}
