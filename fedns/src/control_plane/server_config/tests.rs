use std::collections::BTreeMap;

use super::*;
use crate::control_plane::images::{ImageFlags, Images};
use crate::control_plane::settings::{ApiService, Etcd, PullPolicy, ServiceType, Storage};

fn settings() -> Settings {
    Settings {
        name: "federation".into(),
        federation: "fed".into(),
        host_uid: None,
        namespace: "federation-system".into(),
        zone: String::new(),
        images: Images::choose(&ImageFlags::default()).unwrap(),
        pull_policy: PullPolicy::IfNotPresent,
        pull_secrets: Vec::new(),
        etcd: Etcd::Own(Storage::Memory),
        api_service: ApiService { kind: ServiceType::LoadBalancer, port: None },
        dns_service: ServiceType::LoadBalancer,
        replicas: 1,
        node_selector: BTreeMap::new(),
        api_server_flags: BTreeMap::new(),
        controller_manager_flags: BTreeMap::new(),
        has_token_auth: false,
        has_host_kubeconfig: false,
        has_aws_file: false,
    }
}

fn dns(addresses: &[&str]) -> DnsService {
    let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
    DnsService { addresses, is_ipv6: false }
}

fn flags(zone: &str) -> DnsFlags<'_> {
    DnsFlags { federation: Some("fed"), zone: Some(zone), ..DnsFlags::default() }
}

fn complete(config: ServerConfig, addresses: &[&str]) -> ServerConfig {
    config.with_control_plane(&settings(), &dns(addresses))
}

#[test]
fn a_zone_is_the_same_with_and_without_its_final_dot() {
    for zone in ["example.com", "example.com."] {
        let server = complete(ServerConfig::empty().with_flags(&flags(zone)), &["192.0.2.1"]);
        let config = server.checked().unwrap();
        assert_eq!(config.zones[0].name.to_string(), "example.com.");
        let expected = ["example.com. NS ns1.example.com.", "ns1.example.com. A 192.0.2.1"];
        assert_eq!(delegation(&config), expected);
    }
}

#[test]
fn a_cloud_that_gives_names_is_named() {
    let server = ServerConfig::empty().with_flags(&flags("example.com."));
    let config = complete(server, &["lb.example.net"]).checked().unwrap();
    assert_eq!(delegation(&config), ["example.com. NS lb.example.net."]);
}

#[test]
fn files_travel_along_and_stay_where_they_are_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("alidns.yaml");
    std::fs::write(&key, "secret").unwrap();
    let flags = DnsFlags {
        provider: Some("alidns"),
        provider_file: Some(&key),
        owner: Some("fed-1"),
        ..flags("example.com.")
    };
    let server = complete(ServerConfig::empty().with_flags(&flags), &["10.0.0.1"]);
    let deployed = server.deployed().unwrap();
    assert_eq!(deployed.providers.get(PROVIDER_FILE).map(Vec::as_slice), Some(&b"secret"[..]));
    let text = &deployed.config[CONFIG_FILE];
    assert!(text.contains("/etc/federation/dns-provider/federation-dns-provider.conf"), "{text}");

    let again = ServerConfig::standing(text).unwrap().with_flags(&DnsFlags::default());
    let again = complete(again, &["10.0.0.1"]).deployed().unwrap();
    assert_eq!(again.config[CONFIG_FILE], *text);
    assert!(again.providers.is_empty());
}

#[test]
fn shared_secrets_travel_in_the_secret_of_the_provider() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("cookies", "00112233445566778899aabbccddeeff\n"),
        ("one.key", "AAECAw==\n"),
        ("two.key", "BAUGBw==\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let file = folder.path().join("fedns.yaml");
    let text = "zone: example.com.\ncookies: {secretFile: ./cookies}\ntsigKeys:\n\
                - {name: one., secretFile: ./one.key}\n- {name: two., secretFile: ./two.key}\n";
    std::fs::write(&file, text).unwrap();
    let server = ServerConfig::read(&file).unwrap().with_flags(&flags("example.com."));
    let deployed = complete(server, &["192.0.2.1"]).deployed().unwrap();
    let names: Vec<&String> = deployed.providers.keys().collect();
    assert_eq!(names, ["2-tsig.key", "cookie-secrets", "tsig.key"]);
    assert_eq!(deployed.providers["2-tsig.key"], b"BAUGBw==\n");
    let text = &deployed.config[CONFIG_FILE];
    for name in names {
        assert!(
            text.contains(&format!("secretFile: /etc/federation/dns-provider/{name}")),
            "{text}"
        );
    }
    let again = ServerConfig::standing(text).unwrap().with_flags(&DnsFlags::default());
    assert!(complete(again, &["192.0.2.1"]).deployed().unwrap().providers.is_empty());
}

#[test]
fn outside_of_the_cluster_files_are_where_they_were_put() {
    let flags =
        DnsFlags { provider: Some("alidns"), owner: Some("fed-1"), ..flags("example.com.") };
    let server = complete(ServerConfig::empty().with_flags(&flags), &["10.0.0.1"]);
    let text = server.deployed().unwrap().config[CONFIG_FILE].clone();
    let text = text.replace(
        "kind: alidns",
        "kind: alidns\n  configFile: /etc/federation/dns-provider/federation-dns-provider.conf",
    );
    let text = text + "staticRecords: [/etc/fedns/static.zone]\n";
    let outside = ServerConfig::standing(&text).unwrap().outside(Path::new("/tmp/here"));
    let config = outside.checked().unwrap();
    assert!(config.control_plane.is_none() && config.leader_election.is_none());
    let [zone] = config.zones.as_slice() else { panic!("{config:?}") };
    assert!(zone.static_records.is_empty());
    let file = zone.providers[0].kind.file().unwrap();
    assert_eq!(file, Path::new("/tmp/here/federation-dns-provider.conf"));
}

#[test]
fn outside_of_the_cluster_the_delegation_is_known() {
    let server = complete(ServerConfig::empty().with_flags(&flags("example.com.")), &["192.0.2.1"]);
    let config = server.outside(Path::new("/")).checked().unwrap();
    assert_eq!(delegation(&config)[0], "example.com. NS ns1.example.com.");
}

#[test]
fn what_people_changed_in_the_cluster_stays_but_for_what_flags_say() {
    let server = complete(ServerConfig::empty().with_flags(&flags("example.com.")), &["192.0.2.1"]);
    let text = server.deployed().unwrap().config[CONFIG_FILE].clone() + "ttl: 60s\n";
    let again = ServerConfig::standing(&text).unwrap().with_flags(&DnsFlags::default());
    let config = complete(again, &["192.0.2.2"]).checked().unwrap();
    assert_eq!(config.zones[0].ttl, 60);
    assert_eq!(config.zones[0].name_servers[0].addresses.len(), 1);
    assert!(delegation(&config)[1].ends_with("192.0.2.2"), "{:?}", delegation(&config));
    let other = ServerConfig::standing(&text).unwrap().with_flags(&flags("example.net"));
    let config = complete(other, &["192.0.2.2"]).checked().unwrap();
    assert_eq!(delegation(&config)[0], "example.net. NS ns1.example.net.");
}

#[test]
fn flags_for_a_provider_leave_its_other_keys() {
    let text = "providers: [{kind: route53, owner: us, endpoint: \"http://192.0.2.1\", levels: [global]}]\n";
    let provider = |kind: &'static str, owner: Option<&'static str>| {
        let flags = DnsFlags {
            provider: Some(kind),
            provider_file: Some(Path::new("/key")),
            owner,
            owner_default: Some("made-up"),
            ..flags("example.com.")
        };
        let server = ServerConfig::standing(text).unwrap().with_flags(&flags);
        server.document["providers"][0].clone()
    };
    let mut expected = json!({"kind": "aws-route53", "owner": "us", "endpoint": "http://192.0.2.1", "levels": ["global"]});
    assert_eq!(provider("aws-route53", None), expected);
    expected["owner"] = json!("them");
    assert_eq!(provider("aws-route53", Some("them")), expected);
    let other = json!({"kind": "alidns", "owner": "made-up", "configFile": "/key"});
    assert_eq!(provider("alidns", None), other);
}

#[test]
fn a_file_with_clusters_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fedns.yaml");
    std::fs::write(&file, "clusters: [{name: beijing}]\nzone: example.com.\n").unwrap();
    let error = ServerConfig::read(&file).unwrap_err().to_string();
    assert!(error.contains("`fedns join`"), "{error}");
}

#[test]
fn what_a_control_plane_decides_is_left_out_with_what_belongs_to_it() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("fedns.yaml");
    let text = "federation: fed\nzone: example.com.\ntls: {certFile: ./tls.crt, keyFile: ./tls.key}\n\
                adminTokenFile: ./token\nlisten: {dns: [\"192.0.2.1:53\"], dot: [\"192.0.2.1:853\"]}\n";
    std::fs::write(&file, text).unwrap();
    let server = ServerConfig::read(&file).unwrap().with_flags(&flags("example.com."));
    let config = complete(server, &["192.0.2.1"]).checked().unwrap();
    assert_eq!((config.tls, config.admin_token_file), (None, None));
    assert!(!config.listen.is_encrypted());
}

#[test]
fn a_place_is_one_of_the_users_file_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    let text =
        "apiVersion: fedns.io/v1\nkind: Config\n\n# Of long ago.\nttll: 5s\nrateLimit: {dney: 1}\n";
    std::fs::write(&file, text).unwrap();
    let flags = DnsFlags {
        provider: Some("nosuch"),
        owner_default: Some("fed-1"),
        ..flags("example.com.")
    };
    let server = ServerConfig::read(&file).unwrap().with_flags(&flags);
    let lines = complete(server, &["192.0.2.1"]).checked().unwrap_err().lines;
    let shown = file.display().to_string();
    let lines: Vec<String> = lines.iter().map(|line| line.replace(&shown, "FILE")).collect();
    assert!(lines[0].starts_with("FILE:5:1: unknown key \"ttll\""), "{lines:?}");
    assert!(lines[1].starts_with("FILE:6:13: unknown key \"dney\""), "{lines:?}");
    assert!(lines[2].starts_with("FILE: key \"kind\": found \"nosuch\""), "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn what_is_no_yaml_is_told_in_one_line_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    for (text, expect) in [
        ("zone: [example.com.\nkey: \"s3cret\n", "FILE:2:4: no valid YAML: "),
        ("ttl: 5s\nttl: s3cret\n", "FILE:2:1: key \"ttl\" stands in line 1 already"),
        ("a: *s3cret\n", "FILE:1:4: no valid YAML"),
    ] {
        std::fs::write(&file, text).unwrap();
        let lines = ServerConfig::read(&file).unwrap_err().lines;
        let line = lines[0].replace(&file.display().to_string(), "FILE");
        assert!(line.starts_with(expect), "{line}");
        assert!(lines.len() == 1 && !line.contains("s3cret") && !line.contains('\n'), "{line}");
    }
}
