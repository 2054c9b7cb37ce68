//! From a kubeconfig to a client, again and again as credentials change.

mod error;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::definition::{Access, Credentials, KubeconfigAccess, MemberAccess};
use crate::fingerprint::Fingerprint;

pub use error::AccessError;
pub(crate) use error::Place;

/// A connection that is silent for so long is given up: API servers send a bookmark every minute.
const SILENCE_LIMIT: Duration = Duration::from_secs(90);
/// TCP and TLS together.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Credential plug-ins may ask a cloud, not a human.
const PLUG_IN_LIMIT: Duration = Duration::from_secs(30);

/// A client and what it was made from.
#[derive(Clone)]
pub struct Connection {
    pub client: Client,
    /// The API server's URL.
    pub server: String,
    /// Certificates that sign the server's, in DER; `None`: the system's, or none are asked for.
    pub authority: Option<Vec<Vec<u8>>>,
    fingerprint: Fingerprint,
}

/// Where a kubeconfig comes from.
enum Origin {
    Files(Vec<PathBuf>),
    Pod,
}

// === impl Connection ===

impl Connection {
    /// Reads the kubeconfig and everything that it refers to; opens no connection yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the entry, with the file, the context and a remedy.
    pub async fn new(access: &Access) -> Result<Self, AccessError> {
        match access {
            Access::Kubeconfig(access) => Self::of_kubeconfig(access).await,
            Access::Member(access) => Self::of_member(access).await,
            Access::Unusable(why) => Err(AccessError::Unusable { why: why.clone() }),
        }
    }

    async fn of_kubeconfig(access: &KubeconfigAccess) -> Result<Self, AccessError> {
        let origin = Origin::of(access)?;
        let (config, fingerprint) = match &origin {
            Origin::Pod => (pod_config()?, Fingerprint::default()),
            Origin::Files(files) => file_config(files, access.context.as_deref()).await?,
        };
        let place = origin.place(access);
        let (server, authority) = (config.cluster_url.to_string(), config.root_cert.clone());
        let client = make_client(limited(config), place).await?;
        Ok(Self { client, server, authority, fingerprint })
    }

    async fn of_member(access: &MemberAccess) -> Result<Self, AccessError> {
        let place = Place::file_named(&format!("of Secret {}", access.secret));
        let config = member_config(access, &place).await?;
        let (server, authority) = (config.cluster_url.to_string(), config.root_cert.clone());
        let client = make_client(limited(config), place).await?;
        Ok(Self { client, server, authority, fingerprint: Fingerprint::default() })
    }

    /// True once a file that it was made from has changed, or a certificate that a plug-in gave
    /// has expired. Token files are not among them: the client itself reads those again.
    pub fn is_outdated(&self) -> bool {
        let expired = self
            .client
            .valid_until()
            .is_some_and(|end| end.as_second() <= k8s_openapi::jiff::Timestamp::now().as_second());
        expired || self.fingerprint.is_outdated()
    }
}

// === impl Origin ===

impl Origin {
    fn of(access: &KubeconfigAccess) -> Result<Self, AccessError> {
        if let Some(path) = &access.path {
            return Ok(Self::Files(vec![path.clone()]));
        }
        let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
            .map(|paths| std::env::split_paths(&paths).collect())
            .unwrap_or_default();
        let listed: Vec<PathBuf> =
            listed.into_iter().filter(|path| !path.as_os_str().is_empty()).collect();
        if !listed.is_empty() {
            return Ok(Self::Files(present(listed)));
        }
        let home = std::env::home_dir().map(|home| home.join(".kube/config"));
        if let Some(file) = home.filter(|file| file.exists()) {
            return Ok(Self::Files(vec![file]));
        }
        match (&access.context, std::env::var_os("KUBERNETES_SERVICE_HOST")) {
            (None, Some(_)) => Ok(Self::Pod),
            (context, _) => Err(AccessError::NoKubeconfig { context: context.clone() }),
        }
    }

    fn place(&self, access: &KubeconfigAccess) -> Place {
        let file = match self {
            Self::Files(files) => file_names(files),
            Self::Pod => "the Pod's service account".to_owned(),
        };
        Place { file, context: access.context.clone() }
    }
}

/// Files of the list that are not there are left out, as kubectl does; all of them, where none is, so that
/// the error names them.
fn present(listed: Vec<PathBuf>) -> Vec<PathBuf> {
    let present: Vec<PathBuf> = listed.iter().filter(|file| file.exists()).cloned().collect();
    if present.is_empty() { listed } else { present }
}

fn file_names(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    names.join(":")
}

fn pod_config() -> Result<Config, AccessError> {
    Config::incluster().map_err(|error| AccessError::Pod { detail: error.to_string() })
}

/// Makes a config of a member's Secret. What its kubeconfig names by path is not read: the file
/// would be one of this machine.
async fn member_config(access: &MemberAccess, place: &Place) -> Result<Config, AccessError> {
    let MemberAccess { secret, server, authority, credentials } = access;
    let url = || {
        server
            .parse()
            .map_err(|_| AccessError::BadServer { secret: secret.clone(), server: server.clone() })
    };
    let mut config = match &credentials.0 {
        Credentials::Token(token) => {
            let mut config = Config::new(url()?);
            config.auth_info.token = Some(token.clone().into());
            config
        }
        Credentials::Kubeconfig(text) => {
            let mut kubeconfig = Kubeconfig::from_yaml(text)
                .map_err(|error| AccessError::from_kube(place.clone(), error))?;
            if runs_or_reads(&kubeconfig) {
                return Err(AccessError::NotSelfContained { secret: secret.clone() });
            }
            forbid_questions(&mut kubeconfig);
            let options = KubeConfigOptions::default();
            let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(|error| AccessError::from_kube(place.clone(), error))?;
            config.cluster_url = url()?;
            config
        }
    };
    if let Some(pem) = authority {
        config.root_cert = Some(certificates(pem, secret)?);
    }
    Ok(config)
}

/// True where using it would run a program, or read a file, of this machine.
fn runs_or_reads(kubeconfig: &Kubeconfig) -> bool {
    let mut users = kubeconfig.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    !referred_files(kubeconfig).is_empty()
        || users.any(|user| {
            user.exec.is_some() || user.auth_provider.is_some() || user.token_file.is_some()
        })
}

/// DER of every certificate in the text.
fn certificates(pem: &[u8], secret: &str) -> Result<Vec<Vec<u8>>, AccessError> {
    let bad = || AccessError::BadAuthority { secret: secret.to_owned() };
    let blocks = pem::parse_many(pem).map_err(|_| bad())?;
    let found = blocks.into_iter().filter(|block| block.tag() == "CERTIFICATE");
    let found: Vec<Vec<u8>> = found.map(pem::Pem::into_contents).collect();
    if found.is_empty() { Err(bad()) } else { Ok(found) }
}

/// Reads and merges the files as kubectl does: what comes first wins.
async fn file_config(
    files: &[PathBuf],
    context: Option<&str>,
) -> Result<(Config, Fingerprint), AccessError> {
    let mut merged = Kubeconfig::default();
    for file in files {
        merged = read(file).and_then(|next| {
            merged.merge(next).map_err(|error| AccessError::from_kube(Place::file(file), error))
        })?;
    }
    let place = Place { file: file_names(files), context: context.map(str::to_owned) };
    forbid_questions(&mut merged);
    let read_files = files.iter().cloned().chain(referred_files(&merged));
    // Before the files are used: a change in between then shows as one.
    let fingerprint = Fingerprint::of(read_files);
    let contexts = merged.contexts.iter().map(|context| context.name.clone()).collect();
    if let Some(user) = missing_user(&merged, context) {
        return Err(AccessError::NoUser { place, user });
    }
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..Default::default() };
    let config = Config::from_custom_kubeconfig(merged, &options)
        .await
        .map_err(|error| AccessError::from_kube(place, error).with_contexts(contexts))?;
    Ok((config, fingerprint))
}

fn read(file: &Path) -> Result<Kubeconfig, AccessError> {
    Kubeconfig::read_from(file).map_err(|error| AccessError::from_kube(Place::file(file), error))
}

/// A server has no terminal on which a credential plug-in could ask its user.
fn forbid_questions(kubeconfig: &mut Kubeconfig) {
    let users = kubeconfig.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut());
    for exec in users.filter_map(|user| user.exec.as_mut()) {
        if exec.interactive_mode != Some(ExecInteractiveMode::Always) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
}

/// The user that the context names, where the file has none of this name: without credentials the
/// client would be nobody, and its requests refused for a reason that is not the true one.
fn missing_user(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let name = context.or(kubeconfig.current_context.as_deref())?;
    let named = kubeconfig.contexts.iter().find(|named| named.name == name)?;
    let user = named.context.as_ref()?.user.clone().filter(|user| !user.is_empty())?;
    let is_there = kubeconfig.auth_infos.iter().any(|named| named.name == user);
    (!is_there).then_some(user)
}

/// Certificates and keys that the kubeconfig names by path.
fn referred_files(kubeconfig: &Kubeconfig) -> Vec<PathBuf> {
    let clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let users = kubeconfig.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    let authorities = clusters.filter_map(|cluster| cluster.certificate_authority.as_ref());
    let pairs = users.flat_map(|user| [&user.client_certificate, &user.client_key]).flatten();
    authorities.chain(pairs).map(PathBuf::from).collect()
}

fn limited(config: Config) -> Config {
    let mut config = config;
    config.connect_timeout = Some(CONNECT_LIMIT);
    config.read_timeout = Some(SILENCE_LIMIT);
    config.write_timeout = Some(SILENCE_LIMIT);
    // The limit counts from the request, not from when the connection fell idle.
    config.reset_reader_on_write = true;
    // Whoever asks decides when to ask again.
    config.default_retry = false;
    config
}

/// Making a client runs the credential plug-in, if there is one, and waits for it.
async fn make_client(config: Config, place: Place) -> Result<Client, AccessError> {
    let making = tokio::task::spawn_blocking(move || Client::try_from(config));
    match tokio::time::timeout(PLUG_IN_LIMIT, making).await {
        Err(_) => Err(AccessError::PlugInHangs { place, limit_seconds: PLUG_IN_LIMIT.as_secs() }),
        Ok(Err(panicked)) => Err(AccessError::Client { place, detail: panicked.to_string() }),
        Ok(Ok(made)) => made.map_err(|error| AccessError::from_client(place, error)),
    }
}

#[cfg(test)]
mod tests;
