use super::*;
use crate::kubeconfig::Credentials;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

const OLD: &str = "\
# mine
clusters: [{name: one, cluster: {server: 'https://192.0.2.1'}}]
contexts: [{name: one, context: {cluster: one, user: ann}}]
users: [{name: ann, user: {token: s3cret}}]
current-context: one
";

fn access(token: &str) -> Access {
    Access {
        server: "https://192.0.2.9".into(),
        certificate_authority: b"CA".to_vec(),
        credentials: Credentials::Token(token.into()),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn add(kubeconfig: &LocalKubeconfig, name: &str, token: &str) -> Change {
    block_on(kubeconfig.add_context(name, &access(token))).unwrap()
}

fn remove(kubeconfig: &LocalKubeconfig, name: &str) -> Removed {
    block_on(kubeconfig.remove_context(name)).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn line(error: &FileError) -> String {
    let source = std::error::Error::source(error).map(|it| format!(": {it}"));
    format!("{error}{}", source.unwrap_or_default())
}

#[test]
fn a_context_that_is_added_and_removed_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(&file, OLD).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let kubeconfig = LocalKubeconfig::at(file.clone());

    assert_eq!(add(&kubeconfig, "fed", "t"), Change::Changed);
    let text = fs::read_to_string(&file).unwrap();
    assert_ne!(text, OLD);
    assert_eq!(kubeconfig.server_of("fed").unwrap().as_deref(), Some("https://192.0.2.9"));
    assert_eq!(fs::read_to_string(folder.path().join("config.fedns-backup")).unwrap(), OLD);
    for name in ["config", "config.fedns-backup"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{name}");
    }
    assert_eq!(add(&kubeconfig, "fed", "t"), Change::Unchanged);
    assert_eq!(add(&kubeconfig, "fed", "newer"), Change::Changed);
    assert_eq!(kubeconfig.authority_of("fed").unwrap().as_deref(), Some(&b"CA"[..]));
    assert_eq!(kubeconfig.authority_of("one").unwrap(), None);

    let removed = Removed { change: Change::Changed, was_current: false };
    assert_eq!(remove(&kubeconfig, "fed"), removed);
    assert_eq!(fs::read_to_string(&file).unwrap(), OLD);
    assert_eq!(remove(&kubeconfig, "fed").change, Change::Unchanged);
    assert_eq!(kubeconfig.server_of("fed").unwrap(), None);
    assert_eq!(names(folder.path()), ["config", "config.fedns-backup"]);
}

#[test]
fn a_new_file_is_for_its_user_alone_and_has_no_backup() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a/b/config");
    let kubeconfig = LocalKubeconfig::at(file.clone());
    assert_eq!(add(&kubeconfig, "fed", "t"), Change::Changed);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(file.parent().unwrap()), ["config"]);
}

#[test]
fn a_cluster_or_a_user_that_another_context_uses_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let shared = OLD.replace("contexts: [", "contexts: [{name: two, context: {cluster: one}}, ");
    fs::write(&file, &shared).unwrap();
    let kubeconfig = LocalKubeconfig::at(file.clone());
    let removed = Removed { change: Change::Changed, was_current: true };
    assert_eq!(remove(&kubeconfig, "one"), removed);
    let expect = shared
        .replace(", {name: one, context: {cluster: one, user: ann}}", "")
        .replace("{name: ann, user: {token: s3cret}}", "");
    assert_eq!(fs::read_to_string(&file).unwrap(), expect);
}

#[test]
fn of_several_files_each_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, third] = ["1", "2", "3"].map(|name| folder.path().join(name));
    fs::write(&second, OLD).unwrap();
    fs::write(&third, "contexts: [{name: three, context: {cluster: one}}]\n").unwrap();
    let kubeconfig = LocalKubeconfig { files: vec![first.clone(), second.clone(), third.clone()] };
    assert_eq!(kubeconfig.target(), second);
    assert_eq!(add(&kubeconfig, "three", "t"), Change::Changed);
    // The context is changed where it stands; its cluster and its user are new.
    assert!(fs::read_to_string(&third).unwrap().contains("\"cluster\": \"three\""));
    assert!(fs::read_to_string(&second).unwrap().contains("https://192.0.2.9"));
    assert!(!first.exists());
    assert_eq!(remove(&kubeconfig, "three").change, Change::Changed);
    assert_eq!(fs::read_to_string(&second).unwrap(), OLD);
    assert_eq!(fs::read_to_string(&third).unwrap(), "contexts: []\n");
}

#[test]
fn a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    for (to, text) in [("there", Some(OLD)), ("nowhere", None)] {
        let link = folder.path().join(format!("link-{to}"));
        symlink(to, &link).unwrap();
        text.into_iter().for_each(|text| fs::write(folder.path().join(to), text).unwrap());
        assert_eq!(add(&LocalKubeconfig::at(link.clone()), "fed", "t"), Change::Changed);
        assert!(link.is_symlink());
        assert!(fs::read_to_string(folder.path().join(to)).unwrap().contains("fed"));
    }
}

#[test]
fn a_clash_is_refused_or_replaced_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(&file, OLD).unwrap();
    let kubeconfig = LocalKubeconfig::at(file.clone());
    let other = [Entry::new("one", &access("t"))];
    let error = block_on(kubeconfig.add(&other, OnClash::Refuse, None)).unwrap_err();
    assert_eq!(
        line(&error),
        format!("kubeconfig {}: it has another cluster \"one\" already", file.display())
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), OLD);
    let replaced = block_on(kubeconfig.add(&other, OnClash::Replace, None)).unwrap();
    assert_eq!(replaced, Change::Changed);
    assert_eq!(kubeconfig.server_of("one").unwrap().as_deref(), Some("https://192.0.2.9"));

    // The same in another order and form is no clash.
    let text = "users:\n- user: {token: \"t\"}\n  name: one\ncontexts:\n- {context: {user: one, cluster: 'one'}, \
                name: one}\nclusters:\n- {name: one, cluster: {server: 'https://192.0.2.9', \
                certificate-authority-data: Q0E=}}\n";
    fs::write(&file, text).unwrap();
    for on_clash in [OnClash::Refuse, OnClash::Replace, OnClash::Update] {
        let change = block_on(kubeconfig.add(&other, on_clash, None)).unwrap();
        assert_eq!(change, Change::Unchanged);
    }
}

#[test]
fn a_lock_that_somebody_holds_is_waited_for_and_then_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let other = folder.path().join("a");
    let lock = folder.path().join("config.lock");
    let kubeconfig = LocalKubeconfig::at(file.clone());
    fs::write(&lock, "").unwrap();
    let error = block_on(Lock::take_all(&[other, file.clone()], Duration::ZERO)).err().unwrap();
    let FileError::Locked { path, .. } = &error else { panic!("{error}") };
    assert_eq!(*path, lock);
    assert!(line(&error).ends_with("if none does, remove that file"), "{error}");
    assert_eq!(names(folder.path()), ["config.lock"]);

    let added = block_on(async {
        let access = access("t");
        let (added, ()) = tokio::join!(kubeconfig.add_context("fed", &access), async {
            tokio::task::yield_now().await;
            fs::remove_file(&lock).unwrap();
        });
        added.unwrap()
    });
    assert_eq!(added, Change::Changed);
    assert_eq!(names(folder.path()), ["config"]);
}

#[test]
fn a_folder_that_may_not_be_written_is_told_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(&file, OLD).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
    let kubeconfig = LocalKubeconfig::at(file.clone());
    // Nothing is closed to root, so another user tries: the rights of one thread are its own.
    let result = std::thread::scope(|scope| {
        let attempt = || {
            // SAFETY: the system call takes three numbers; it fails unless this is root, and then
            // rights are what they are.
            unsafe { libc::syscall(libc::SYS_setresuid, -1, 65_534, -1) };
            block_on(kubeconfig.add_context("fed", &access("t")))
        };
        scope.spawn(attempt).join().unwrap()
    });
    let expect = format!(
        "cannot lock the kubeconfig with {}.lock: Permission denied (os error 13)",
        file.display()
    );
    assert_eq!(line(&result.unwrap_err()), expect);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(names(folder.path()), ["config"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), OLD);
}
