use std::fs;
use std::path::{Path, PathBuf};

use tests::serving::Fedns;

/// The folder of a cluster in the home of a server.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes it, with one node that says where the cluster is.
    pub(crate) fn new(fedns: &Fedns, cluster: &str, region: &str) -> Self {
        let folder = Self(fedns.home().join(cluster));
        fs::create_dir_all(folder.path()).expect("make a folder");
        folder.write("nodes.yaml", &node(region));
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in place, as an editor may.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("make a folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Puts a whole new file in the place of the old one, as other editors do.
    pub(crate) fn replace(&self, file: &str, text: &str) {
        let new = format!(".{file}.new");
        self.write(&new, text);
        fs::rename(self.0.join(new), self.0.join(file)).expect("rename a file");
    }
}

/// A server that is not started yet, on folders of these names: cluster `a` is in region `cn-a`.
pub(crate) fn prepared(clusters: &[&str], more: &str) -> (Fedns, Vec<Folder>) {
    let fedns = Fedns::prepared(&entries(clusters), more);
    let folder = |cluster: &&str| Folder::new(&fedns, cluster, &format!("cn-{cluster}"));
    let folders = clusters.iter().map(folder).collect();
    (fedns, folders)
}

/// A server on the one cluster `a`, whose Service `web` has the address 192.0.2.1.
pub(crate) fn serving(more: &str) -> (Fedns, Folder) {
    let (mut fedns, mut folders) = prepared(&["a"], more);
    let folder = folders.remove(0);
    folder.write("web.yaml", &service("web", "192.0.2.1"));
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    fedns.is_ready();
    (fedns, folder)
}

/// The global name of the Service `web`.
pub(crate) const WEB: &str = "web.default.fed.svc.example.com";

/// The entries of `clusters:` for folders of these names.
pub(crate) fn entries(clusters: &[&str]) -> Vec<String> {
    clusters.iter().map(|name| format!("{{name: {name}, manifests: ./{name}}}")).collect()
}

/// A Service that has one address; without a selector it needs no endpoint to be healthy.
pub(crate) fn service(name: &str, address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{type: LoadBalancer, ports: [{{name: http, port: 80}}]}}\n\
         status: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    )
}

fn node(region: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: node-1\n  labels: \
         {{topology.kubernetes.io/region: {region}, topology.kubernetes.io/zone: {region}-1}}\n"
    )
}
