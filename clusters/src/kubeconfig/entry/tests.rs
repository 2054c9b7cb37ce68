use super::*;
use crate::kubeconfig::Change;

const KUBEADM: &str = "\
apiVersion: v1
clusters:
- cluster: {server: https://192.0.2.1:6443, certificate-authority: pki/ca.crt, x-unknown: [1, b]}
  name: kubernetes
contexts:
- {context: {cluster: kubernetes, user: kubernetes-admin, namespace: shop}, name: kubernetes-admin@kubernetes}
- {context: {cluster: kubernetes}, name: nobody}
- {context: {cluster: gone}, name: no-cluster}
- {context: {cluster: kubernetes, user: gone}, name: no-user}
- {context: {user: kubernetes-admin}, name: no-server}
current-context: kubernetes-admin@kubernetes
users:
- name: kubernetes-admin
  user:
    client-certificate-data: QQ==
    client-certificate: unused.crt
    client-key: /abs/admin.key
    token: old
    tokenFile: token
    exec: {command: ./bin/get-token}
";

/// The whole kubeconfig that an entry alone makes, each list on one line.
fn shown(entry: &Entry) -> String {
    let line = |list: List| {
        let part = entry.part(list).map(super::super::write::flow_json);
        part.unwrap_or_else(|| "none".into()).replace('"', "")
    };
    List::ALL.map(line).join("\n")
}

#[test]
fn a_context_is_renamed_with_its_cluster_and_its_user_and_keeps_all_other_keys() {
    let entry = Entry::find(KUBEADM, None).unwrap().renamed("hangzhou");
    let expect = "\
{cluster: {server: https://192.0.2.1:6443, certificate-authority: pki/ca.crt, x-unknown: [1, b]}, name: kubernetes-hangzhou}
{context: {cluster: kubernetes-hangzhou, user: kubernetes-admin-hangzhou, namespace: shop}, name: hangzhou}
{name: kubernetes-admin-hangzhou, user: {client-certificate-data: QQ==, client-certificate: unused.crt, client-key: /abs/admin.key, token: old, tokenFile: token, exec: {command: ./bin/get-token}}}";
    assert_eq!(shown(&entry), expect);
    assert_eq!(shown(&entry.renamed("hangzhou")), expect, "again it changes nothing");
}

#[test]
fn files_become_data() {
    let mut entry = Entry::find(KUBEADM, None).unwrap().without_unused_files();
    let references = entry.references();
    let paths: Vec<_> = references.iter().map(|it| (it.key, it.path.as_str())).collect();
    let expect = [
        ("certificate-authority", "pki/ca.crt"),
        ("client-key", "/abs/admin.key"),
        ("tokenFile", "token"),
    ];
    assert_eq!(paths, expect);
    for reference in &references {
        entry.inline(reference, b"new\n").unwrap();
    }
    entry.locate_plug_in(Path::new("/home/ann/.kube"));
    assert_eq!(entry.references(), []);
    let expect = "\
{cluster: {server: https://192.0.2.1:6443, x-unknown: [1, b], certificate-authority-data: bmV3Cg==}, name: kubernetes}
{context: {cluster: kubernetes, user: kubernetes-admin, namespace: shop}, name: kubernetes-admin@kubernetes}
{name: kubernetes-admin, user: {client-certificate-data: QQ==, token: new, exec: {command: /home/ann/.kube/./bin/get-token}, client-key-data: bmV3Cg==}}";
    assert_eq!(shown(&entry), expect);
    let fault = entry.inline(&references[2], b" \n").unwrap_err();
    assert_eq!(fault.to_string(), "token, its `tokenFile`, holds no token");
}

#[test]
fn a_context_without_a_user_has_none() {
    let entry = Entry::find(KUBEADM, Some("nobody")).unwrap().renamed("b");
    assert!(shown(&entry).ends_with("{context: {cluster: kubernetes-b}, name: b}\nnone"));
}

#[test]
fn what_is_missing_is_told() {
    let line = |text: &str, context| Entry::find(text, context).unwrap_err().to_string();
    assert_eq!(
        line(KUBEADM, Some("gone")),
        "it has no context \"gone\"; there is kubernetes-admin@kubernetes, nobody, no-cluster, no-user, no-server"
    );
    assert_eq!(line("contexts: [{name: a}]", None), "it has no current-context; there is a");
    assert_eq!(line("", None), "it has no current-context; there is none");
    assert_eq!(
        line(KUBEADM, Some("no-cluster")),
        "context \"no-cluster\" is for cluster \"gone\", which is not under `clusters`: add it there, or \
         name another context"
    );
    assert!(line(KUBEADM, Some("no-user")).contains("for user \"gone\""));
    assert!(line(KUBEADM, Some("no-server")).contains("names no cluster, or its cluster has no"));
}

#[test]
fn debug_shows_no_secret() {
    let text = KUBEADM.replace("token: old", "token: s3cret");
    let entry = Entry::find(&text, None).unwrap();
    assert!(!format!("{entry:?} {:?}", entry.part(List::Users)).contains("s3cret"));
}

#[test]
fn our_own_context_takes_only_what_is_ours_of_one_that_stands() {
    let mut document = Document::new(KUBEADM.replace("kubernetes-admin", "fed")).unwrap();
    let access = Access {
        server: "https://192.0.2.9".into(),
        certificate_authority: b"CA".to_vec(),
        credentials: Credentials::Token("t".into()),
    };
    let ours = Entry::new("fed", &access);
    let standing = document.entry(List::Users, "fed").unwrap();
    let user = updated(List::Users, standing, ours.part(List::Users).unwrap());
    assert_eq!(document.put(List::Users, &user), Ok(Change::Changed));
    assert!(
        user == Node::map([
            ("name", Node::text("fed")),
            ("user", Node::map([("token", Node::text("t"))])),
        ])
    );
    let standing = document.entry(List::Clusters, "kubernetes").unwrap();
    let cluster = updated(List::Clusters, standing, ours.part(List::Clusters).unwrap());
    let content = cluster.get("cluster").unwrap();
    assert_eq!(content.text_of("server"), Some("https://192.0.2.9"));
    assert_eq!(content.get("certificate-authority"), None);
    assert!(content.get("x-unknown").is_some());
}
