//! Keys of zone transfers with their secrets, and what each zone says of them.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dns_server::transfer::TransferPolicy;
use dns_server::{TsigAlgorithm, TsigKey};
use model::Name;

use super::{Config, ConfigError, Subject};

const SECRET_FILE: &str = "a file with the secret in Base64 and nothing beside it";

/// One key that we share with secondaries.
#[derive(Clone, Debug, PartialEq)]
pub struct TsigKeyConfig {
    pub name: Name,
    pub algorithm: TsigAlgorithm,
    pub secret: Secret,
}

/// Where the secret is.
#[derive(Clone, PartialEq)]
pub enum Secret {
    File(PathBuf),
    Inline(Arc<[u8]>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Inline(_) => f.write_str("Inline(***)"),
        }
    }
}

/// Who may have which zone, every secret read in.
pub fn transfer_policy(config: &Config) -> Result<TransferPolicy, ConfigError> {
    let mut lines = Vec::new();
    let mut keys = Vec::new();
    for TsigKeyConfig { name, algorithm, secret } in &config.tsig_keys {
        match read_secret(config, secret) {
            Ok(secret) => keys.push(TsigKey::new(name.clone(), *algorithm, &secret)),
            Err(line) => lines.push(line),
        }
    }
    if !lines.is_empty() {
        return Err(ConfigError { lines });
    }
    let zones = config.zones.iter();
    let zones = zones.map(|zone| (zone.name.clone(), zone.transfer.clone()));
    let catalog = config.catalog.iter();
    let catalog = catalog.map(|catalog| (catalog.name.clone(), catalog.transfer.clone()));
    Ok(TransferPolicy { keys, zones: zones.chain(catalog).collect() })
}

fn read_secret(config: &Config, secret: &Secret) -> Result<Arc<[u8]>, String> {
    let path = match secret {
        Secret::Inline(secret) => return Ok(Arc::clone(secret)),
        Secret::File(path) => path,
    };
    let subject = Subject::SecretFile(path.clone());
    let unusable = |error: &io::Error| config.places.unusable(&subject, path, SECRET_FILE, error);
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    let secret = decode_secret(&text).map_err(|message| {
        config.places.line(&subject, format_args!("{}: {message}", path.display()))
    })?;
    Ok(secret.into())
}

/// White space around it does not count. The message does not repeat it.
pub fn decode_secret(text: &str) -> Result<Vec<u8>, &'static str> {
    match STANDARD.decode(text.trim()) {
        Ok(secret) if !secret.is_empty() => Ok(secret),
        _ => Err("found something else, wanted the secret in Base64 and nothing beside it"),
    }
}
