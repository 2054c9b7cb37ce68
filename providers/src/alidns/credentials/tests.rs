use super::*;

fn find(
    file: Option<&str>,
    variables: &[(&str, &str)],
) -> Result<CredentialSource, CredentialsError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("alidns.yaml");
    if let Some(text) = file {
        std::fs::write(&path, text).expect("write a file");
    }
    let environment = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    CredentialSource::find(file.map(|_| path.as_path()), environment)
}

const KEY: [(&str, &str); 2] =
    [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hunter2")];

#[test]
fn the_file_comes_before_the_environment() {
    let file = "[Global]\naccess-key-id = a\naccess-key-secret = hunter2\n";
    assert!(matches!(find(Some(file), &KEY), Ok(CredentialSource::File(_))));
    let zones_only = "[Global]\nzones = example.com.\n";
    assert!(matches!(find(Some(zones_only), &KEY), Ok(CredentialSource::Fixed(_))));
}

#[test]
fn the_environment_may_hold_a_token() {
    let mut variables = KEY.to_vec();
    variables.push(("ALIBABA_CLOUD_SECURITY_TOKEN", "hunter3"));
    let Ok(CredentialSource::Fixed(credentials)) = find(None, &variables) else {
        panic!("a fixed key")
    };
    assert_eq!(credentials.security_token, Some(Secret::new("hunter3")));
    let shown = format!("{credentials:?}");
    assert!(shown.contains("id") && !shown.contains("hunter"), "{shown}");
}

#[test]
fn the_role_of_the_instance_comes_last() {
    let Ok(CredentialSource::EcsRole(role)) = find(None, &[]) else { panic!("a role") };
    assert_eq!(role, EcsRole::default());
    let variables =
        [("ALIBABA_CLOUD_ECS_METADATA", "dns"), ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")];
    let Ok(CredentialSource::EcsRole(role)) = find(None, &variables) else { panic!("a role") };
    assert_eq!((role.role.as_deref(), role.without_token), (Some("dns"), false));
}

#[test]
fn what_is_missing_is_named() {
    let off = [("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")];
    assert_eq!(find(None, &off), Err(CredentialsError::None));
    assert_eq!(find(None, &KEY[..1]), Err(CredentialsError::HalfInEnvironment));
    let error = find(Some("[Global]\naccess-key-id = a\n"), &KEY).expect_err("half a key");
    assert!(
        error.to_string().ends_with("alidns.yaml:2:18: access-key-secret is missing"),
        "{error}"
    );
}
