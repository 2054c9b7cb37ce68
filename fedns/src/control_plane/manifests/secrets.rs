//! What each part may know: a Secret for each, and one with everything that no pod mounts.

use std::collections::BTreeMap;

use clusters::federation::names::HOST_UID_ANNOTATION;
use serde_json::{Value, json};

use super::api_server::{POLICY_FILE, policy};
use super::controller_manager::CREDENTIALS as CONTROLLER_MANAGER_FOLDER;
use super::{Known, object, secret_data};
use crate::control_plane::certificates::{
    ADMIN, API_SERVER as API_SERVER_PAIR, AUTHORITY, CONTROLLER_MANAGER as CONTROLLER_MANAGER_PAIR,
    Certificates, ETCD_AUTHORITY, ETCD_CLIENT, ETCD_SERVER, FEDNS as FEDNS_PAIR, Pair,
};
use crate::control_plane::server_config::FEDERATION_FOLDER;
use crate::control_plane::settings::{Etcd, Settings};

/// Everything, and in which host it is. No pod mounts it.
pub const ALL: &str = "federation-certificates";
pub use crate::control_plane::certificates::ALL_KEY;
pub const ETCD: &str = "etcd-credentials";
pub const API_SERVER: &str = "apiserver-credentials";
pub const CONTROLLER_MANAGER: &str = "controller-manager-kubeconfig";
pub const FEDNS: &str = "fedns-kubeconfig";
/// The provider's file, under the same name.
pub const PROVIDER: &str = "federation-dns-provider.conf";
/// fedns's way into the host cluster, where it is not its service account.
pub const HOST: &str = "fedns-host-kubeconfig";

/// What pods mount of what `init` makes.
pub const OF_PARTS: [&str; 4] = [API_SERVER, ETCD, CONTROLLER_MANAGER, FEDNS];

/// Certificates with their keys that parts read again whenever they change, by Secret and file without its ending.
/// All else in these Secrets is read at a start.
pub const REREAD: [(&str, &str, &str); 5] = [
    (API_SERVER, "server", API_SERVER_PAIR),
    (API_SERVER, "etcd-client", ETCD_CLIENT),
    (ETCD, "server", ETCD_SERVER),
    (CONTROLLER_MANAGER, "client", CONTROLLER_MANAGER_PAIR),
    (FEDNS, "client", FEDNS_PAIR),
];

const MODULE: &str = "credentials";

/// What an etcd of somebody else's wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EtcdFiles {
    pub authority: Option<Vec<u8>>,
    /// Certificate and key.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

/// What comes from files of the user's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFiles {
    pub etcd: EtcdFiles,
    pub host_kubeconfig: Option<Vec<u8>>,
    /// By the name that they have in the pod.
    pub providers: BTreeMap<String, Vec<u8>>,
}

pub fn secrets(
    settings: &Settings,
    known: &Known,
    certificates: &Certificates,
    files: &UserFiles,
) -> Result<Vec<Value>, serde_json::Error> {
    let all = serde_json::to_vec(certificates)?;
    let mut all = secret(settings, ALL, &[(ALL_KEY, &all)]);
    if let Some(uid) = &settings.host_uid {
        all["metadata"]["annotations"][HOST_UID_ANNOTATION] = json!(uid);
    }
    let mut secrets = vec![
        all,
        api_server(settings, certificates, &files.etcd),
        controller_manager(settings, known, certificates),
        fedns(settings, known, certificates),
    ];
    if matches!(settings.etcd, Etcd::Own(_)) {
        secrets.push(etcd(settings, certificates));
    }
    let providers: Vec<(&str, &[u8])> =
        files.providers.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    secrets.push(secret(settings, PROVIDER, &providers));
    if let Some(kubeconfig) = &files.host_kubeconfig {
        secrets.push(secret(settings, HOST, &[("kubeconfig", kubeconfig)]));
    }
    Ok(secrets)
}

/// The same without a word of what is in them.
pub fn blank(secret: &Value) -> Value {
    let mut blank = secret.clone();
    if let Some(data) = blank["data"].as_object() {
        let hidden = data.keys().map(|key| (key.clone(), json!("(made by fedns init)")));
        let hidden = Value::Object(hidden.collect());
        blank["stringData"] = hidden;
    }
    blank.as_object_mut().and_then(|secret| secret.remove("data"));
    blank
}

fn secret(settings: &Settings, name: &str, entries: &[(&str, &[u8])]) -> Value {
    let mut secret = object(settings, "v1", "Secret", name, MODULE);
    secret["type"] = json!("Opaque");
    secret["data"] = secret_data(entries.iter().copied());
    secret
}

fn etcd(settings: &Settings, certificates: &Certificates) -> Value {
    let mut entries = pair("server", certificates.pair(ETCD_SERVER));
    entries.push(("ca.crt".into(), certificates.authority(ETCD_AUTHORITY).into()));
    secret(settings, ETCD, &borrowed(&entries))
}

fn api_server(settings: &Settings, certificates: &Certificates, files: &EtcdFiles) -> Value {
    let (private, public) = &certificates.service_accounts;
    let mut entries = pair("server", certificates.pair(API_SERVER_PAIR));
    entries.push(("ca.crt".into(), certificates.authority(AUTHORITY).into()));
    entries.push(("service-accounts.key".into(), private.clone().into()));
    entries.push(("service-accounts.pub".into(), public.clone().into()));
    entries.push((POLICY_FILE.into(), policy().into()));
    match &settings.etcd {
        Etcd::Own(_) => {
            entries.extend(pair("etcd-client", certificates.pair(ETCD_CLIENT)));
            entries.push(("etcd-ca.crt".into(), certificates.authority(ETCD_AUTHORITY).into()));
        }
        Etcd::External { .. } => {
            let authority = files.authority.iter().map(|it| ("etcd-ca.crt".into(), it.clone()));
            entries.extend(authority);
            if let Some((certificate, key)) = &files.client {
                entries.push(("etcd-client.crt".into(), certificate.clone()));
                entries.push(("etcd-client.key".into(), key.clone()));
            }
        }
    }
    if settings.has_token_auth {
        let line = format!("{},admin,admin,system:masters\n", certificates.token);
        entries.push(("token.csv".into(), line.into()));
    }
    secret(settings, API_SERVER, &borrowed(&entries))
}

fn controller_manager(settings: &Settings, known: &Known, certificates: &Certificates) -> Value {
    let url = known.api_url(settings);
    let kubeconfig = kubeconfig(
        &url,
        certificates,
        CONTROLLER_MANAGER_PAIR,
        in_files(CONTROLLER_MANAGER_FOLDER),
    );
    let (private, _) = &certificates.service_accounts;
    let mut entries = pair("client", certificates.pair(CONTROLLER_MANAGER_PAIR));
    entries.push(("kubeconfig".into(), kubeconfig.into()));
    entries.push(("ca.crt".into(), certificates.authority(AUTHORITY).into()));
    entries.push(("service-accounts.key".into(), private.clone().into()));
    secret(settings, CONTROLLER_MANAGER, &borrowed(&entries))
}

fn fedns(settings: &Settings, known: &Known, certificates: &Certificates) -> Value {
    let url = known.api_url(settings);
    let kubeconfig = kubeconfig(&url, certificates, FEDNS_PAIR, in_files(FEDERATION_FOLDER));
    let mut entries = pair("client", certificates.pair(FEDNS_PAIR));
    entries.push(("kubeconfig".into(), kubeconfig.into()));
    secret(settings, FEDNS, &borrowed(&entries))
}

/// Of the admin, at any address of the API.
pub fn admin_kubeconfig(url: &str, certificates: &Certificates) -> String {
    let (certificate, key) = match certificates.pair(ADMIN) {
        Some(Pair { certificate, key, .. }) => (certificate.as_str(), key.as_str()),
        None => ("", ""),
    };
    let credentials =
        json!({"client-certificate-data": data(certificate), "client-key-data": data(key)});
    kubeconfig(url, certificates, ADMIN, credentials)
}

/// A part that finds its certificate in a file notices when it changes.
fn in_files(folder: &str) -> Value {
    json!({
        "client-certificate": format!("{folder}/client.crt"),
        "client-key": format!("{folder}/client.key"),
    })
}

fn data(text: &str) -> Value {
    json!(k8s_openapi::ByteString(text.as_bytes().to_vec()))
}

/// JSON is YAML.
fn kubeconfig(url: &str, certificates: &Certificates, user: &str, credentials: Value) -> String {
    let name = "federation";
    let authority = data(certificates.authority(AUTHORITY));
    let cluster = json!({"server": url, "certificate-authority-data": authority});
    let file = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    });
    format!("{file:#}\n")
}

fn pair(name: &str, pair: Option<&Pair>) -> Vec<(String, Vec<u8>)> {
    let Some(Pair { certificate, key, .. }) = pair else { return Vec::new() };
    vec![
        (format!("{name}.crt"), certificate.clone().into()),
        (format!("{name}.key"), key.clone().into()),
    ]
}

fn borrowed(entries: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
}
