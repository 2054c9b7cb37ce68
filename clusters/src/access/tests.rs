use super::*;

const CLUSTERS: &str = "
clusters:
- {name: c, cluster: {server: 'https://127.0.0.1:6443'}}
users:
- {name: u, user: {token: s3cret}}
";

/// Writes `kubeconfig` and compares the line that `context` of it gives; `FILE` stands for its path.
#[track_caller]
fn check(kubeconfig: &str, context: Option<&str>, expect: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, kubeconfig).unwrap();
    let line = line(Some(file.clone()), context);
    assert_eq!(line.replace(file.to_str().unwrap(), "FILE"), expect);
}

fn line(path: Option<PathBuf>, context: Option<&str>) -> String {
    let access = KubeconfigAccess { path, context: context.map(str::to_owned) };
    match block_on(Connection::new(&access.clone().into())) {
        Ok(connection) => connection.server,
        Err(error) => error.line(),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn with_context(rest: &str) -> String {
    format!("{CLUSTERS}contexts:\n- {{name: beijing, context: {{cluster: c, user: u}}}}\n{rest}")
}

#[test]
fn a_context_gives_its_server() {
    check(&with_context(""), Some("beijing"), "https://127.0.0.1:6443/");
    check(&with_context("current-context: beijing"), None, "https://127.0.0.1:6443/");
}

#[test]
fn a_wrong_context_names_those_that_there_are() {
    check(
        &with_context(""),
        Some("bejing"),
        "context \"bejing\" of kubeconfig FILE: there is no such context; there is beijing",
    );
    check(
        &with_context(""),
        None,
        "kubeconfig FILE: it has no current-context; there is beijing: name the one that is meant",
    );
    check(
        "contexts:\n- {name: a, context: {cluster: gone}}",
        Some("a"),
        "context \"a\" of kubeconfig FILE: its cluster \"gone\" is not under `clusters` in that \
         file: add it there, or name another context",
    );
}

#[test]
fn a_user_that_is_not_there_is_named() {
    check(
        "clusters:\n- {name: c, cluster: {server: 'https://127.0.0.1:6443'}}\n\
         contexts:\n- {name: a, context: {cluster: c, user: gone}}\ncurrent-context: a",
        None,
        "kubeconfig FILE: its user \"gone\" is not under `users` in that file: add it there, or \
         name another context",
    );
}

#[test]
fn a_broken_file_is_named_with_its_place_and_without_its_text() {
    check(
        "users:\n- {name: u, user: {token: [s3cret}}\n",
        None,
        "kubeconfig FILE:2:27 is not valid: mend it, or name another file",
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let path = PathBuf::from("/nowhere/config");
    assert_eq!(
        line(Some(path), None),
        "cannot read kubeconfig /nowhere/config: No such file or directory (os error 2)"
    );
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    let kubeconfig = "
current-context: a
contexts:
- {name: a, context: {cluster: c}}
clusters:
- {name: c, cluster: {server: 'https://127.0.0.1:6443', certificate-authority: /nowhere/ca.crt}}
";
    check(
        kubeconfig,
        None,
        "kubeconfig FILE: its certificate-authority cannot be used: cannot read /nowhere/ca.crt: No such file or directory (os error 2)",
    );
}

#[test]
fn a_credential_plug_in_that_fails_is_named_without_what_it_prints() {
    let kubeconfig = |command: &str| {
        format!(
            "
current-context: a
contexts:
- {{name: a, context: {{cluster: c, user: u}}}}
clusters:
- {{name: c, cluster: {{server: 'https://127.0.0.1:6443'}}}}
users:
- name: u
  user:
    exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, '{command}']}}
"
        )
    };
    check(
        &kubeconfig("echo s3cret; exit 3"),
        None,
        "kubeconfig FILE: the user's credential plug-in failed with exit status: 3",
    );
    check(
        &kubeconfig("echo s3cret"),
        None,
        "kubeconfig FILE: the user's credential plug-in prints no usable ExecCredential",
    );
}

#[test]
fn a_connection_is_outdated_once_its_kubeconfig_or_a_certificate_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, with_context("current-context: beijing")).unwrap();
    let access = KubeconfigAccess { path: Some(file.clone()), context: None };
    block_on(async {
        let connection = Connection::new(&access.clone().into()).await.unwrap();
        assert!(!connection.is_outdated());
        std::fs::write(&file, with_context("current-context: beijing\n# changed")).unwrap();
        assert!(connection.is_outdated());
    });
}

#[test]
fn files_of_a_list_that_are_not_there_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (there, gone) = (folder.path().join("there"), folder.path().join("gone"));
    std::fs::write(&there, "").unwrap();
    assert_eq!(present(vec![gone.clone(), there.clone()]), [there]);
    assert_eq!(present(vec![gone.clone()]), [gone]);
}
