//! Whoever reads README.md, what is in docs/, ARCHITECTURE.md or CONTRIBUTING.md and does what they say gets what
//! they show.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::certificates::{ServerCertificate, server_certificate};
use tests::kubeconfig::{Context, kubeconfig};
use tests::product;
use tests::scratch::Scratch;
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => the_quick_start_prints_what_readme_shows,
            the_first_commands_name_what_is_there,
            every_config_that_is_shown_is_good,
            every_link_leads_somewhere,
            every_path_that_is_named_is_there,
            every_command_that_is_named_is_there;
    }
}

const PAGES: [&str; 7] = [
    "README.md",
    "docs/name-server.md",
    "docs/transfers.md",
    "docs/providers.md",
    "docs/federation.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
];
/// What the quick start's config listens on, which is also what the commands ask.
const DNS: &str = "127.0.0.1:5300";
const ADMIN: &str = "127.0.0.1:8053";

fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_owned()
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The texts of a page's code blocks of one kind.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let start = format!("```{kind}\n");
    let blocks = page.split(&start).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// The fixed ports may be taken on this machine, so a copy listens on others.
fn quick_start() -> Fedns {
    let fedns = Fedns::prepared(&[], "");
    copy(&root().join("examples/quickstart"), fedns.home());
    let config = fedns.home().join("fedns.yaml");
    let mut text = fs::read_to_string(&config).expect("read the config");
    for (fixed, port) in [(DNS, fedns.dns_port()), (ADMIN, fedns.admin_port())] {
        assert_eq!(text.matches(fixed).count(), 1, "{fixed} in {text}");
        text = text.replace(fixed, &format!("127.0.0.1:{port}"));
    }
    fs::write(&config, text).expect("write the config");
    fedns
}

/// Copies a folder, but no state that an earlier run left in it.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("read a folder") {
        let path = entry.expect("read a folder").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_file() {
            fs::copy(&path, &to).expect("copy a file");
        } else if !path.ends_with("state") {
            fs::create_dir_all(&to).expect("make a folder");
            copy(&path, &to);
        }
    }
}

fn the_quick_start_prints_what_readme_shows() {
    let mut fedns = quick_start();
    fedns.start();
    fedns.is_ready();
    for cluster in ["beijing", "hangzhou"] {
        fedns.sees(cluster, "Live");
    }
    let server = format!("127.0.0.1:{}", fedns.dns_port());
    let readme = page("README.md");
    let shown = blocks(&readme, "console");
    assert!(!shown.is_empty(), "README shows no console");
    for block in shown {
        let (command, expected) = block.split_once('\n').expect("a command and its output");
        let words = command.strip_prefix("$ target/release/fedns ").expect("a command of fedns");
        let words: Vec<&str> = words.split(' ').collect();
        assert_eq!(words[0], "query", "{command}");
        assert_eq!(fedns.printed(&[&words[..], &["--server", &server]].concat()), expected);
    }

    // "Give beijing/nginx.yaml an address while fedns runs, and ask again."
    assert!(readme.contains("Give `examples/quickstart/beijing/nginx.yaml` an address"));
    let manifest = fedns.home().join("beijing/nginx.yaml");
    let text = fs::read_to_string(&manifest).expect("read a manifest");
    let status = "status: {loadBalancer: {ingress: [{ip: 192.0.2.20}]}}\n";
    let (service, rest) = text.split_once("---\n").unwrap_or((&text, ""));
    let service = service.split("status:").next().unwrap_or_default();
    fs::write(&manifest, format!("{service}{status}---\n{rest}")).expect("write a manifest");
    let zone = "nginx.default.fed.svc.cn-beijing-a.cn-beijing.example.com";
    fedns.answers(zone, "NOERROR 192.0.2.20");
}

fn the_first_commands_name_what_is_there() {
    let commands = blocks(&page("README.md"), "sh").join("");
    let serve = "cargo run --release --no-default-features --bin fedns -- serve --config \
                 examples/quickstart/fedns.yaml\n";
    assert!(commands.contains(serve), "{commands}");
    assert!(commands.contains("tests/run\n"), "{commands}");
    let mode = fs::metadata(root().join("tests/run")).expect("tests/run").permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "tests/run can be run by all");
    // The commands ask where the quick start listens.
    let help = |words: &[&str]| {
        let output = product::fedns().args(words).arg("--help").output().expect("fedns runs");
        // Lines are wrapped anywhere.
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(help(&["query"]).contains(&format!("[default: {DNS}]")));
    assert!(help(&["records"]).contains(&format!("[default: {ADMIN}]")));
    let checked = product::fedns()
        .args(["check", "--config", "examples/quickstart/fedns.yaml"])
        .current_dir(root())
        .output()
        .expect("fedns runs");
    assert!(checked.status.success(), "{checked:?}");
}

/// As tsig-keygen writes it.
const TSIG_KEY: &str =
    "key \"fedns.\" {\n\talgorithm hmac-sha256;\n\tsecret \"bWFkZS11cA==\";\n};\n";

/// As Google's own tool writes it.
const WORKLOAD_IDENTITY: &str = r#"{"type": "external_account", "token_url": "https://sts.googleapis.com/v1/token",
    "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": {"file": "/token"}}"#;

/// Contexts and keys that a config names are made up, so that only the config is judged.
fn every_config_that_is_shown_is_good() {
    let shown: Vec<String> = PAGES.iter().flat_map(|name| blocks(&page(name), "yaml")).collect();
    assert!(!shown.is_empty(), "no page shows a config");
    for text in shown {
        let scratch = Scratch::new("readme");
        scratch.write("fedns.yaml", whole(&text));
        scratch.write("alidns.yaml", blocks(&page("README.md"), "ini").concat());
        scratch.write("tsig.key", TSIG_KEY);
        scratch.write("transfer.key", "bWFkZS11cA==\n");
        let ServerCertificate { chain, key } = server_certificate();
        scratch.write("tls.crt", chain);
        scratch.write("tls.key", key);
        scratch.write("cookie-secrets", "e5e973e5a6b2a43f48e7dc849e37bfcf\n");
        scratch.write("admin-token", "a-token-of-good-length\n");
        scratch.write("key.json", WORKLOAD_IDENTITY);
        let printed = fedns(&scratch, &["config", "-o", "json"]);
        let config: Value = serde_json::from_str(&printed).expect("JSON");
        let clusters = config["clusters"].as_array().expect("a list of clusters");
        let contexts: Vec<Context> = clusters
            .iter()
            .filter_map(|cluster| cluster["context"].as_str())
            .map(context)
            .collect();
        let default = scratch.path().join(".kube/config");
        for cluster in clusters {
            let file =
                cluster["kubeconfig"].as_str().map_or_else(|| default.clone(), PathBuf::from);
            assert!(file.starts_with(scratch.path()), "{} is outside", file.display());
            fs::create_dir_all(file.parent().expect("in a folder")).expect("make a folder");
            fs::write(file, kubeconfig(&contexts)).expect("write a kubeconfig");
        }
        assert!(fedns(&scratch, &["check"]).contains("fedns.yaml: fine: "));
    }
}

/// A page that has shown a whole config may show a single key afterwards.
fn whole(shown: &str) -> String {
    if shown.starts_with("apiVersion:") {
        return shown.to_owned();
    }
    let is_of_zone = ["nameServers:", "providers:"].iter().any(|key| shown.contains(key));
    let name_servers = if is_of_zone { "" } else { "nameServers: [ns1.example.org.]\n" };
    format!(
        "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\n\
         services: {{publish: all}}\nclusters: []\n{name_servers}{shown}"
    )
}

fn context(name: &str) -> Context {
    Context {
        name: name.to_owned(),
        server: "https://127.0.0.1:6443".into(),
        token: "made-up".into(),
    }
}

/// What fedns prints in a folder that is also its user's home.
#[track_caller]
fn fedns(home: &Scratch, words: &[&str]) -> String {
    let mut command = product::fedns();
    command.args(words).current_dir(home.path());
    command.env("HOME", home.path()).env_remove("KUBECONFIG");
    let output = command.output().expect("fedns runs");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn every_link_leads_somewhere() {
    let mut count = 0;
    for name in PAGES {
        let text = page(name);
        let page = root().join(name);
        let folder = page.parent().expect("a page is in a folder");
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let target = target.split('#').next().unwrap_or_default();
            assert!(folder.join(target).exists(), "{name} links to {target}");
            count += 1;
        }
    }
    assert!(count >= 3, "only {count} links were found");
}

/// Words in backquotes that look like a path of this repository.
fn every_path_that_is_named_is_there() {
    let mut count = 0;
    for name in PAGES {
        for path in quoted(&page(name)).into_iter().filter(|word| is_path(word)) {
            assert!(root().join(&path).exists(), "{name} names {path}");
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} paths were found");
}

fn is_path(word: &str) -> bool {
    let first = word.split('/').next().unwrap_or_default();
    let is_inside = word.contains('/') && root().join(first).is_dir() && !first.is_empty();
    is_inside && !word.contains(' ') && !word.contains('*')
}

/// What stands in backquotes within a line.
fn quoted(text: &str) -> Vec<String> {
    let of_line = |line: &str| -> Vec<String> {
        line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    text.lines().filter(|line| !line.starts_with("```")).flat_map(of_line).collect()
}

/// `fedns WORD` in backquotes; what the page says is not there yet has no `fedns` before it.
fn every_command_that_is_named_is_there() {
    let mut count = 0;
    for name in PAGES {
        for quoted in quoted(&page(name)) {
            let Some(words) = quoted.strip_prefix("fedns ") else { continue };
            let command = words.split(' ').next().unwrap_or_default();
            let status = Command::new(product::fedns().get_program())
                .args([command, "--help"])
                .output()
                .expect("fedns runs")
                .status;
            assert!(status.success(), "{name} names fedns {command}");
            count += 1;
        }
    }
    assert!(count >= 4, "only {count} commands were found");
}
