//! A kubeconfig that needs no other file: its current context alone, with what it refers to inside.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::Kubeconfig;

use crate::access::{AccessError, Place};
use crate::definition::Redacted;

/// Why a kubeconfig cannot be handed over. Nothing of its text is in a line.
#[derive(Debug, thiserror::Error)]
pub enum FlattenError {
    #[error("{line}")]
    Unreadable { line: String },
    #[error("kubeconfig {}: its current context, or that context's cluster or user, is not there", .path.display())]
    NoContext { path: PathBuf },
    #[error(
        "kubeconfig {}: its user runs a program, which the control plane does not have; give one with a token \
         or a certificate",
        .path.display()
    )]
    RunsProgram { path: PathBuf },
    #[error("cannot read {}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
}

/// The text of such a kubeconfig, made of the one at `path`.
///
/// # Errors
///
/// Why there is none.
pub fn flatten(path: &Path) -> Result<Redacted<String>, FlattenError> {
    let unreadable = |why: &str| FlattenError::Unreadable {
        line: format!("kubeconfig {}: {why}", path.display()),
    };
    let mut config = Kubeconfig::read_from(path).map_err(|error| FlattenError::Unreadable {
        line: AccessError::from_kube(Place::file(path), error).line(),
    })?;
    minify(&mut config).ok_or_else(|| FlattenError::NoContext { path: path.to_owned() })?;
    let clusters = config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut());
    for cluster in clusters {
        if let Some(bytes) = content(&mut cluster.certificate_authority)? {
            cluster.certificate_authority_data = Some(STANDARD.encode(bytes));
        }
    }
    let users = config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut());
    for user in users {
        if user.exec.is_some() || user.auth_provider.is_some() {
            return Err(FlattenError::RunsProgram { path: path.to_owned() });
        }
        if let Some(bytes) = content(&mut user.client_certificate)? {
            user.client_certificate_data = Some(STANDARD.encode(bytes));
        }
        if let Some(bytes) = content(&mut user.client_key)? {
            user.client_key_data = Some(STANDARD.encode(bytes).into());
        }
        if let Some(bytes) = content(&mut user.token_file)? {
            let token = String::from_utf8(bytes)
                .map_err(|_| unreadable("the file of its user's token is no text"))?;
            user.token = Some(token.trim().to_owned().into());
        }
    }
    // JSON is YAML.
    serde_json::to_string(&config)
        .map(Redacted)
        .map_err(|_| unreadable("it cannot be written as JSON"))
}

/// Leaves the current context, its cluster and its user.
fn minify(config: &mut Kubeconfig) -> Option<()> {
    let current = config.current_context.clone()?;
    config.contexts.retain(|named| named.name == current);
    let context = config.contexts.first()?.context.clone()?;
    config.clusters.retain(|named| named.name == context.cluster);
    config.auth_infos.retain(|named| Some(&named.name) == context.user.as_ref());
    (config.clusters.len() == 1 && config.auth_infos.len() == 1).then_some(())
}

/// What the file holds that is named here; the name is taken away.
fn content(path: &mut Option<String>) -> Result<Option<Vec<u8>>, FlattenError> {
    let Some(path) = path.take() else { return Ok(None) };
    let path = PathBuf::from(path);
    std::fs::read(&path).map(Some).map_err(|source| FlattenError::File { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flattened(user: &str) -> Result<String, FlattenError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
        let path = folder.path().join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: b\n\
             clusters: [{{name: c, cluster: {{server: 'https://c'}}}}, {{name: d, cluster: {{server: 'https://d'}}}}]\n\
             users: [{{name: u, user: {user}}}, {{name: v, user: {{token: other}}}}]\n\
             contexts: [{{name: a, context: {{cluster: d, user: v}}}}, {{name: b, context: {{cluster: c, user: u}}}}]\n"
        );
        std::fs::write(&path, text).unwrap();
        flatten(&path).map(|text| text.0)
    }

    #[test]
    fn only_the_current_context_is_handed_over_with_what_it_refers_to() {
        let text = flattened("{tokenFile: token}").unwrap();
        assert!(text.contains("https://c") && text.contains("s3cret"), "{text}");
        assert!(!text.contains("https://d") && !text.contains("other"), "{text}");
        assert!(!text.contains("tokenFile"), "{text}");
    }

    #[test]
    fn a_program_of_this_machine_cannot_be_handed_over() {
        let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}}";
        assert!(matches!(flattened(user), Err(FlattenError::RunsProgram { .. })));
    }
}
