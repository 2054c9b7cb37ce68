//! Where credentials are looked for.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::*;

fn user_of(project: &str) -> String {
    json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "t",
        "quota_project_id": project,
    })
    .to_string()
}

/// A folder with files, and what the environment says of them.
struct Machine {
    folder: tempfile::TempDir,
    environment: BTreeMap<&'static str, String>,
}

impl Machine {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: BTreeMap::new() }
    }

    fn file(&self, name: &str, project: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, user_of(project)).unwrap();
        path
    }

    fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.insert(name, value.into());
    }

    fn set_home(&mut self) {
        let home = self.folder.path().to_str().expect("a path in UTF-8").to_owned();
        self.set("HOME", home);
    }

    fn find(&self, options: &Options) -> Account {
        Account::find(options, |name| self.environment.get(name).cloned()).unwrap()
    }
}

#[track_caller]
fn is_of(account: &Account, project: Option<&str>) {
    assert!(matches!(account.source, Source::File(_)));
    assert_eq!(account.project.as_deref(), project);
}

#[test]
fn files_are_looked_for_where_googles_tools_look() {
    let mut machine = Machine::new();
    let options = Options::default();
    let found = machine.find(&options);
    assert!(
        matches!(&found.source, Source::Machine { host } if host == "metadata.google.internal")
    );
    machine.file(GCLOUD_FILE, "gcloud");
    machine.set_home();
    is_of(&machine.find(&options), Some("gcloud"));
    let path = machine.file("adc.json", "adc");
    machine.set("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap());
    is_of(&machine.find(&options), Some("adc"));
    machine.set("GOOGLE_CLOUD_PROJECT", "environment");
    is_of(&machine.find(&options), Some("environment"));
    let config_file = Some(machine.file("key.json", "key"));
    let options = Options { config_file, ..options };
    is_of(&machine.find(&options), Some("key"));
    let options = Options { project: Some("config".into()), ..options };
    is_of(&machine.find(&options), Some("config"));
}

#[test]
fn what_runs_on_this_machine_gets_nobodys_credentials() {
    let mut machine = Machine::new();
    machine.file(GCLOUD_FILE, "gcloud");
    machine.set_home();
    let endpoint = Some("http://127.0.0.1:18080".to_owned());
    let options = Options { endpoint, ..Options::default() };
    let found = machine.find(&options);
    assert!(matches!(found.source, Source::Nobody));
    assert_eq!(found.project, None);
    machine.set("GCE_METADATA_HOST", "127.0.0.1:1");
    assert!(matches!(machine.find(&options).source, Source::Machine { .. }));
    let config_file = Some(machine.file("key.json", "key"));
    is_of(&machine.find(&Options { config_file, ..options }), Some("key"));
}

#[test]
fn only_plain_http_to_a_loopback_address_is_on_this_machine() {
    for url in
        ["http://127.0.0.1:1", "http://localhost/", "http://[::1]:80/dns", "http://127.1.2.3"]
    {
        assert!(is_on_this_machine(url), "{url}");
    }
    for url in [
        "https://127.0.0.1:1",
        "http://dns.googleapis.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1:1@example.com",
        "http://192.0.2.1",
    ] {
        assert!(!is_on_this_machine(url), "{url}");
    }
}

#[test]
fn a_file_that_is_not_there_is_told_by_its_path() {
    let options = Options { config_file: Some("/nowhere/key.json".into()), ..Options::default() };
    let error = Account::find(&options, |_| None).err().unwrap();
    assert!(error.to_string().starts_with("cannot read the credentials in /nowhere/key.json: "));
}
