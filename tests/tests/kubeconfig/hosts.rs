use std::fs;
use std::path::Path;

use tests::kubectl::Kubectl;
use tests::need::{Need, SSHD};
use tests::port::free_port;
use tests::scratch::Scratch;
use tests::ssh_server::SshServer;
use tests::suite::Test;

use super::{kubeadm, merged, refused};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, SSHD] =>
            hosts_give_their_kubeconfigs_over_ssh,
            files_on_the_host_are_fetched_and_what_works_only_there_is_told;
        [SSHD] =>
            a_host_that_gives_none_is_told_with_what_ssh_said,
            a_kubeconfig_that_cannot_be_read_there_is_told;
    }
}

/// A host with a kubeconfig in its user's home.
fn host(name: &str, kubeconfig: &str) -> SshServer {
    let server = SshServer::start(name);
    fs::create_dir(server.home().join(".kube")).unwrap();
    fs::write(server.home().join(".kube/config"), kubeconfig).unwrap();
    // What a login shell prints first is no part of the file.
    fs::write(server.home().join(".bashrc"), "echo Welcome; echo noise >&2\n").unwrap();
    server
}

/// The words that make ssh read nothing of this machine.
fn apart(home: &Scratch, servers: &[&SshServer]) -> [String; 2] {
    let config = SshServer::client_config(servers, home);
    ["--ssh-config".to_owned(), config.display().to_string()]
}

fn words<'a>(parts: &[&'a [String]]) -> Vec<&'a str> {
    parts.iter().flat_map(|part| part.iter().map(String::as_str)).collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn hosts_give_their_kubeconfigs_over_ssh() {
    let hangzhou = host("hangzhou", &kubeadm("https://192.0.2.1:6443", "t1"));
    let beijing = host("beijing", &kubeadm("https://192.0.2.2:6443", "t2"));
    // One key for both.
    fs::write(
        beijing.home().parent().unwrap().join("authorized_keys"),
        fs::read(hangzhou.key().with_extension("pub")).unwrap(),
    )
    .unwrap();
    // A name that a shell would take for more than a name.
    for host in [&hangzhou, &beijing] {
        let folder = host.home().join("it's $HOME");
        fs::rename(host.home().join(".kube"), folder).unwrap();
    }
    let home = Scratch::new("home");
    let apart = apart(&home, &[&hangzhou, &beijing]);
    let hosts = format!("hangzhou:{},beijing:{}", hangzhou.address(), beijing.address());
    let key = hangzhou.key();
    let asked = owned(&["-H", &hosts, "-i", path(&key), "--remote-path", "~/it's $HOME/config"]);
    let (printed, warnings) = merged(home.path(), &words(&[&asked, &apart]));
    let file = home.path().join(".kube/config");
    assert_eq!(
        printed,
        format!("Info: host, {hosts} .\nInfo: file {} successfully generated.\n", file.display())
    );
    assert_eq!(warnings, "");
    let kubectl = Kubectl::new(file);
    assert_eq!(kubectl.run("config get-contexts -o name"), "beijing\nhangzhou\n");
    assert_eq!(kubectl.run("config current-context"), "beijing\n");
    let view = kubectl.json("--context hangzhou config view --raw --minify");
    assert_eq!(view["clusters"][0]["name"], "kubernetes-hangzhou");
    assert_eq!(view["users"][0]["user"]["token"], "t1");
}

fn files_on_the_host_are_fetched_and_what_works_only_there_is_told() {
    let text = kubeadm("https://127.0.0.1:6443", "t")
        .replace("certificate-authority-data: Q0E=", "certificate-authority: pki/ca.crt")
        .replace(
            "token: t",
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token}",
        );
    let server = host("edge", &text);
    fs::create_dir(server.home().join(".kube/pki")).unwrap();
    fs::write(server.home().join(".kube/pki/ca.crt"), "CA\n").unwrap();
    let home = Scratch::new("home");
    let apart = apart(&home, &[&server]);
    let (address, key) = (format!("edge:{}", server.address()), server.key());
    // The first that there is of two.
    let first = Path::new("/etc/kubernetes/admin.conf");
    assert!(!first.exists(), "on this machine {} would be read", first.display());
    let asked = owned(&["-H", &address, "-i", path(&key)]);
    let (_, warnings) = merged(home.path(), &words(&[&asked, &apart]));
    let file = home.path().join(".kube/config");
    let view = Kubectl::new(file.clone()).json("config view --raw");
    assert_eq!(view["clusters"][0]["cluster"]["certificate-authority-data"], "Q0EK");
    assert_eq!(
        warnings,
        format!(
            "fedns: warning: edge: its server https://127.0.0.1:6443 is that host itself, not this one; \
             name an address that is reached from here: kubectl --kubeconfig {} config set-cluster \
             kubernetes-edge --server=https://127.0.0.1:6443\n\
             fedns: warning: edge: its user's credentials come from the program get-token, which must be \
             here, too\n",
            file.display()
        )
    );
}

fn a_host_that_gives_none_is_told_with_what_ssh_said() {
    let server = host("one", &kubeadm("https://192.0.2.1:6443", "t"));
    let home = Scratch::new("home");
    let apart = apart(&home, &[&server]);
    let address = server.address();
    let closed = format!("127.0.0.1:{}", free_port());
    let (key, other) = (server.key(), server.other_key());
    let user =
        String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout);
    let user = user.unwrap().trim().to_owned();

    // One that can be read does not help the one that cannot.
    let hosts = format!("one:{address},two:{closed}");
    let asked = owned(&["-H", &hosts, "-i", path(&key), "--remote-path", "~/.kube/config"]);
    let lines = refused(home.path(), &words(&[&asked, &apart]));
    let port = closed.rsplit(':').next().unwrap();
    assert_eq!(
        lines,
        [format!(
            "fedns: two: cannot read ~/.kube/config at {closed} over ssh: ssh: connect to host 127.0.0.1 \
             port {port}: Connection refused; check address, port, and whether an SSH server runs there"
        )]
    );

    let hosts = format!("one:{user}@{address}");
    let asked = owned(&["-H", &hosts, "-i", path(&other)]);
    let lines = refused(home.path(), &words(&[&asked, &apart]));
    let tried = "cannot read /etc/kubernetes/admin.conf, else ~/.kube/config";
    let start = format!("fedns: one: {tried} at {user}@{address} over ssh: ");
    assert!(lines[0].starts_with(&start), "{lines:?}");
    assert!(lines[0].contains("Permission denied (publickey); name a key"), "{lines:?}");
    assert_eq!(lines.len(), 1);

    let known = home.write("nobody", "");
    let option = format!("UserKnownHostsFile={}", known.display());
    let asked = owned(&["-H", &hosts, "-i", path(&key), "--ssh-option", &option]);
    let lines = refused(home.path(), &words(&[&asked, &apart]));
    assert!(
        lines[0].contains("Host key verification failed; log in to 127.0.0.1 once"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 1);
}

fn a_kubeconfig_that_cannot_be_read_there_is_told() {
    let server = host("one", "s3cret");
    let home = Scratch::new("home");
    let apart = apart(&home, &[&server]);
    let (address, key) = (server.address(), server.key());
    let hosts = format!("one:{address}");
    let asked = |remote: &str| owned(&["-H", &hosts, "-i", path(&key), "--remote-path", remote]);
    let lines = refused(home.path(), &words(&[&asked("/not/there"), &apart]));
    let expect = format!(
        "fedns: one: cannot read /not/there at {address} over ssh: /not/there: No such file or \
         directory; name another file with --remote-path, or log in as a user who may read it"
    );
    assert_eq!(lines, [expect]);
    let lines = refused(home.path(), &words(&[&asked("~/.kube/config"), &apart]));
    let there = server.home().join(".kube/config");
    let expect = format!(
        "fedns: one: kubeconfig {} at {address}: it is no map of `clusters`, `contexts` and `users`: mend \
         it, or name another file",
        there.display()
    );
    assert_eq!(lines, [expect]);
}
