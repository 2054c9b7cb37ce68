use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tests::api_server::ApiServer;
use tests::kubeconfig::kubeconfig;
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::scratch::Scratch;
use tests::suite::Test;

use super::{kubeadm, merged, refused};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            kubectl_shows_what_the_files_give_under_their_new_names,
            both_clusters_are_reached_with_the_one_file,
            files_that_a_kubeconfig_refers_to_go_into_it,
            what_stands_in_the_file_stays_and_the_old_file_is_kept,
            kubectl_and_fedns_keep_each_other_out;
        [] =>
            several_at_once_lose_nothing_of_each_other,
            clashes_are_refused_and_replaced_when_told,
            everything_that_cannot_be_read_is_told_and_nothing_is_written,
            the_file_is_where_kubectl_looks,
            secrets_are_in_no_error;
    }
}

/// A home with the kubeconfigs of two clusters.
fn home() -> Scratch {
    let home = Scratch::new("home");
    home.write("hangzhou.conf", kubeadm("https://192.0.2.1:6443", "s3cret-hangzhou"));
    home.write("beijing.conf", kubeadm("https://192.0.2.2:6443", "s3cret-beijing"));
    home
}

const BOTH: [&str; 2] = ["hangzhou=hangzhou.conf", "beijing=beijing.conf"];

fn config(home: &Scratch) -> std::path::PathBuf {
    home.path().join(".kube/config")
}

fn kubectl_shows_what_the_files_give_under_their_new_names() {
    let home = home();
    let config = config(&home);
    let generated = format!("Info: file {} successfully generated.\n", config.display());
    assert_eq!(merged(home.path(), &BOTH), (generated, String::new()));
    let contexts = Kubectl::new(config.clone()).run("config get-contexts");
    assert_eq!(
        contexts,
        "CURRENT   NAME       CLUSTER               AUTHINFO                    NAMESPACE\n\
         *         beijing    kubernetes-beijing    kubernetes-admin-beijing    \n          \
                   hangzhou   kubernetes-hangzhou   kubernetes-admin-hangzhou   \n"
    );
    assert_eq!(fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o600);
    let view = Kubectl::new(config.clone()).json("--context hangzhou config view --raw --minify");
    assert_eq!(view["clusters"][0]["cluster"]["server"], "https://192.0.2.1:6443");
    assert_eq!(view["users"][0]["user"]["token"], "s3cret-hangzhou");

    let unchanged = format!("Info: file {} holds all of this already.\n", config.display());
    assert_eq!(merged(home.path(), &BOTH).0, unchanged);
    // kubectl writes the whole file anew, with keys in its own order.
    Kubectl::new(config.clone()).run("config use-context hangzhou");
    assert_eq!(merged(home.path(), &BOTH).0, unchanged);
    assert_eq!(Kubectl::new(config).run("config current-context"), "hangzhou\n");
}

fn both_clusters_are_reached_with_the_one_file() {
    let servers = ["hangzhou", "beijing"].map(ApiServer::start);
    let home = Scratch::new("home");
    for server in &servers {
        let context = server.context().renamed("kubernetes-admin@kubernetes");
        home.write(&format!("{}.conf", server.name()), kubeconfig(&[context]));
    }
    merged(home.path(), &[BOTH[0], BOTH[1], "--output", "all.conf"]);
    assert!(!config(&home).exists());
    let kubectl = Kubectl::new(home.path().join("all.conf"));
    for server in &servers {
        let uid = kubectl.context(server.name()).json("get namespace kube-system");
        assert_eq!(uid["metadata"]["uid"], server.uid().as_str());
    }
}

fn files_that_a_kubeconfig_refers_to_go_into_it() {
    let home = Scratch::new("home");
    let folder = home.path().join("minikube");
    fs::create_dir(&folder).unwrap();
    for (name, content) in
        [("ca.crt", "CA\n"), ("me.crt", "CERT\n"), ("me.key", "KEY\n"), ("token", "T\n")]
    {
        fs::write(folder.join(name), content).unwrap();
    }
    let text = format!(
        "clusters: [{{name: k, cluster: {{server: 'https://192.0.2.1', certificate-authority: ca.crt}}}}]\n\
         contexts: [{{name: k, context: {{cluster: k, user: k, namespace: shop}}}}, {{name: other}}]\n\
         users: [{{name: k, user: {{client-certificate: ./me.crt, client-key: {}/me.key, tokenFile: token}}}}]\n",
        folder.display()
    );
    fs::write(folder.join("config"), text).unwrap();
    merged(home.path(), &["dev=~/minikube/config", "--context", "dev=k"]);
    let view = Kubectl::new(config(&home)).json("config view --raw");
    assert_eq!(view["contexts"][0]["context"]["namespace"], "shop");
    assert_eq!(
        view["clusters"][0]["cluster"],
        serde_json::json!({"server": "https://192.0.2.1", "certificate-authority-data": "Q0EK"})
    );
    assert_eq!(
        view["users"][0]["user"],
        serde_json::json!({
            "client-certificate-data": "Q0VSVAo=", "client-key-data": "S0VZCg==", "token": "T"
        })
    );
}

const MINE: &str = "\
# mine
current-context: local
kind: Config
apiVersion: v1
x-unknown: {a: [1, yes]}
users: # people
- name: ann
  user: {token: s3cret} # rotated in May
contexts:
    - name: local
      context: {cluster: local, user: ann, extensions: [{name: e, extension: {last: 1}}]}
clusters:
- cluster:
    x-more: true
    server: https://192.0.2.9
  name: local
";

fn what_stands_in_the_file_stays_and_the_old_file_is_kept() {
    let home = home();
    let there = home.write("dotfiles", MINE);
    fs::create_dir(home.path().join(".kube")).unwrap();
    symlink(&there, config(&home)).unwrap();
    let local = |kubectl: Kubectl| kubectl.json("--context local config view --raw --minify");
    let before = local(Kubectl::new(there.clone()));
    merged(home.path(), &BOTH);

    assert!(config(&home).is_symlink());
    let text = fs::read_to_string(&there).unwrap();
    let mut lines = text.lines();
    for line in MINE.lines() {
        assert!(lines.any(|found| found == line), "{line} has gone or moved in\n{text}");
    }
    let kubectl = Kubectl::new(config(&home));
    assert_eq!(local(kubectl.clone()), before);
    assert_eq!(kubectl.run("config current-context"), "local\n");
    assert_eq!(kubectl.run("config get-contexts -o name"), "beijing\nhangzhou\nlocal\n");
    assert_eq!(fs::read_to_string(home.path().join(".kube/config.fedns-backup")).unwrap(), MINE);
}

fn kubectl_and_fedns_keep_each_other_out() {
    let home = home();
    merged(home.path(), &BOTH[..1]);
    let lock = home.path().join(".kube/config.lock");
    assert!(!lock.exists());
    fs::write(&lock, "").unwrap();
    let said = Kubectl::new(config(&home)).try_run("config use-context hangzhou").unwrap_err();
    assert!(said.contains("config.lock"), "it is kubectl's lock: {said}");
    let lines = refused(home.path(), &BOTH[1..]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let start = format!("fedns: {} has been there for ", lock.display());
    assert!(lines[0].starts_with(&start), "{lines:?}");
    assert!(lines[0].ends_with("if none does, remove that file"), "{lines:?}");
    assert!(lock.exists(), "it is not ours to remove");
}

fn several_at_once_lose_nothing_of_each_other() {
    let home = home();
    let names: Vec<String> = (1..7).map(|number| format!("c{number}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let source = format!("{name}=hangzhou.conf");
            let home = home.path();
            scope.spawn(move || merged(home, &[&source]));
        }
    });
    let text = fs::read_to_string(config(&home)).unwrap();
    for name in &names {
        assert!(
            text.contains(&format!("name: kubernetes-admin-{name}\n")),
            "{name} is lost in\n{text}"
        );
    }
}

fn clashes_are_refused_and_replaced_when_told() {
    let home = home();
    merged(home.path(), &BOTH);
    let file = config(&home);
    let remedy = "; --force replaces it, -o FILE writes elsewhere, and another NAME= keeps both";
    let expect = format!(
        "fedns: kubeconfig {}: it has another cluster \"kubernetes-beijing\" already{remedy}",
        file.display()
    );
    let swapped = ["beijing=hangzhou.conf"];
    assert_eq!(refused(home.path(), &swapped), [expect]);
    merged(home.path(), &[swapped[0], "--force"]);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("s3cret-hangzhou").count(), 2, "{text}");
    assert!(!text.contains("s3cret-beijing"), "{text}");

    let twice = ["a=hangzhou.conf", "a=beijing.conf"];
    let expect = "fedns: a is given twice; give one of them another name";
    assert_eq!(refused(home.path(), &twice), [expect]);
    let named =
        kubeadm("https://192.0.2.3", "t").replace("name: kubernetes\n", "name: kubernetes-a\n");
    home.write("named.conf", named.replace("cluster: kubernetes\n", "cluster: kubernetes-a\n"));
    let expect = "fedns: a-b and b would both have the cluster \"kubernetes-a-b\"; give one of them another name";
    assert_eq!(refused(home.path(), &["a-b=hangzhou.conf", "b=named.conf"]), [expect]);
}

fn everything_that_cannot_be_read_is_told_and_nothing_is_written() {
    let home = home();
    home.write("no-current.conf", "contexts: [{name: x}, {name: y}]");
    let no_ca =
        kubeadm("https://192.0.2.3", "t").replace("authority-data: Q0E=", "authority: ca.crt");
    home.write("no-ca.conf", no_ca);
    let sources = [
        "hangzhou=hangzhou.conf",
        "a=gone.conf",
        "b=no-current.conf",
        "c=no-ca.conf",
        "d=beijing.conf",
    ];
    let ca = home.path().join("ca.crt");
    let expect = [
        "fedns: a: cannot read gone.conf: No such file or directory (os error 2)".to_owned(),
        "fedns: b: kubeconfig no-current.conf: it has no current-context; there is x, y: name one with \
         --context b=CONTEXT"
            .to_owned(),
        format!("fedns: c: cannot read {}: No such file or directory (os error 2)", ca.display()),
        "fedns: d: kubeconfig beijing.conf: it has no context \"z\"; there is \
         kubernetes-admin@kubernetes: name one with --context d=CONTEXT"
            .to_owned(),
    ];
    assert_eq!(refused(home.path(), &[&sources[..], &["--context", "d=z"]].concat()), expect);
    assert!(!home.path().join(".kube").exists());
    let expect = "fedns: --context e=…: e is not among hangzhou";
    assert_eq!(refused(home.path(), &["hangzhou=hangzhou.conf", "--context", "e=z"]), [expect]);
    for (words, because) in [
        (&[][..], "NAME=FILE"),
        (&["hangzhou.conf"], "wanted NAME=FILE, like beijing=beijing.conf"),
        (&["Ä=hangzhou.conf"], "is no cluster's name: only letters, digits and hyphens"),
        (&["a=hangzhou.conf", "-i", "key"], "--host"),
        (&["-H", "a:h:port"], "\"port\" is no port; wanted 1 to 65535"),
    ] {
        let lines = refused(home.path(), words).join("\n");
        assert!(lines.contains(because), "{words:?}: {lines}");
    }
}

fn the_file_is_where_kubectl_looks() {
    let home = home();
    let listed = ["first", "second", "third"].map(|name| home.path().join(name));
    fs::write(&listed[1], "").unwrap();
    let run = |list: &[&Path]| {
        let output = tests::product::fedns()
            .args(["kubeconfig", "merge", BOTH[0]])
            .current_dir(home.path())
            .env("KUBECONFIG", std::env::join_paths(list).unwrap())
            .output()
            .expect("fedns runs");
        String::from_utf8(output.stdout).unwrap()
    };
    let generated =
        |file: &Path| format!("Info: file {} successfully generated.\n", file.display());
    assert_eq!(run(&[&listed[0], &listed[1], &listed[2]]), generated(&listed[1]));
    assert_eq!(run(&[&listed[0], &listed[2]]), generated(&listed[2]));
    assert!(!listed[0].exists());
}

fn secrets_are_in_no_error() {
    let home = Scratch::new("home");
    let good = kubeadm("https://192.0.2.1:6443", "s3cret");
    let broken = [
        good.replace("token: s3cret", "token: [s3cret"),
        good.replace("token: s3cret", "token: s3cret\n    token: s3cret"),
        good.replace("token: s3cret", "s3cret"),
        good.replace("- name: kubernetes-admin\n", "- nick: s3cret\n"),
        good.replace("token: s3cret", "tokenFile: /dev/null # s3cret"),
        "s3cret".to_owned(),
        good.replace("kind: Config", "kind: !s3cret Config"),
        good.replace("users:", "users: s3cret\nx:"),
    ];
    for (number, text) in broken.iter().enumerate() {
        let file = home.write(&format!("{number}.conf"), text);
        let lines = refused(home.path(), &[&format!("a={}", file.display())]);
        assert_eq!(lines.len(), 1, "{text}: {lines:?}");
        assert!(!lines[0].contains("s3cret"), "{lines:?}");
    }
}
