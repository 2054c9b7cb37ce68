//! Two clusters and no control plane, as folders of manifests, whose zone goes to one provider.

mod alidns;
mod clouddns;
mod name_server;
mod route53;
mod webhook;

use std::fmt::Write;
use std::fs;
use std::process::Output;

use crate::eventually::{GENEROUS, eventually, eventually_equal};
use crate::kubeconfig::{Context, kubeconfig};
use crate::serving::Fedns;

pub use alidns::ALIDNS_ZONE;
pub use clouddns::ManagedZone;
pub use route53::HostedZone;

/// What stands for a provider: fedns writes to it, and others read it.
pub trait Host {
    /// The zone that is mirrored, without its final dot.
    fn zone(&self) -> &str;

    /// The keys of the provider's entry besides `owner`: `kind: route53, endpoint: "http://…"`.
    fn entry(&self) -> String;

    /// The files beside the config that the entry names.
    fn files(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What the server's environment must hold.
    fn environment(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What the zone holds besides markers, in the words of whoever reads it, sorted.
    fn data(&self) -> Vec<String>;

    /// The same in one form for all, `name ttl type value`, a line for each record, sorted.
    fn data_lines(&self) -> Vec<String> {
        self.data()
    }
}

/// `NAME TYPE TTL VALUE VALUE` as `NAME TTL TYPE VALUE`, once for each value.
fn lines_of_set(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, record_type, ttl, values @ ..] = words.as_slice() else { panic!("no set: {line}") };
    values.iter().map(|value| format!("{name} {ttl} {record_type} {value}")).collect()
}

/// Of several sets.
fn lines_of_sets(sets: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = sets.iter().flat_map(|set| lines_of_set(set)).collect();
    lines.sort();
    lines
}

/// A server whose zone goes to a provider. Hangzhou and Beijing each have Service `nginx`.
pub struct Scene<H> {
    pub host: H,
    pub fedns: Fedns,
    owner: &'static str,
    /// Who looks up the parent of the zone.
    resolver: String,
    /// The entries of `clusters:`.
    clusters: Vec<String>,
}

/// Nobody answers there, and nothing leaves this machine.
pub const NO_RESOLVER: &str = "127.0.0.1:1";

/// Both, as folders.
const FOLDERS: [&str; 2] = [
    "{name: hangzhou, manifests: ./hangzhou, region: cn-hangzhou, availabilityZones: [cn-hangzhou-b]}",
    "{name: beijing, manifests: ./beijing, region: cn-beijing, availabilityZones: [cn-beijing-b]}",
];

/// A Service with an address.
pub fn service(name: &str, address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{type: LoadBalancer, ports: [{{name: http, port: 80}}]}}\n\
         status: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    )
}

// === impl Scene ===

impl<H: Host> Scene<H> {
    /// The folders, the config and the files that it names; no process yet.
    pub fn prepared(host: H) -> Self {
        Self::owned_by("shop", host)
    }

    /// The same for another owner.
    pub fn owned_by(owner: &'static str, host: H) -> Self {
        let scene = Self::new(owner, host, FOLDERS.map(str::to_owned).to_vec());
        for (cluster, address) in [("hangzhou", "203.0.113.1"), ("beijing", "203.0.113.2")] {
            fs::create_dir(scene.fedns.home().join(cluster)).expect("make a folder");
            scene.put(cluster, "nginx", address);
        }
        scene
    }

    /// Clusters with API servers in place of folders, each by its context's name.
    pub fn on_contexts(host: H, contexts: &[Context]) -> Self {
        let cluster = |Context { name, .. }: &Context| {
            format!("{{name: {name}, kubeconfig: ./kubeconfig, context: {name}}}")
        };
        let scene = Self::new("shop", host, contexts.iter().map(cluster).collect());
        scene.write("kubeconfig", kubeconfig(contexts));
        scene
    }

    fn new(owner: &'static str, host: H, clusters: Vec<String>) -> Self {
        let (fedns, resolver) = (Fedns::prepared(&[], ""), NO_RESOLVER.to_owned());
        let scene = Self { host, fedns, owner, resolver, clusters };
        for (name, text) in scene.host.files() {
            scene.write(name, text);
        }
        scene.configure("");
        scene
    }

    /// The config names this resolver from now on, once it is written again.
    pub fn ask_parent_through(&mut self, resolver: impl Into<String>) {
        self.resolver = resolver.into();
    }

    /// No port for DNS, and nothing that is not needed. `more` are further keys of the provider's
    /// entry, each after a comma.
    pub fn configure(&self, more: &str) {
        self.configure_with("", more);
    }

    /// The same with further keys of `services:`, each after a comma.
    pub fn configure_with(&self, services: &str, more: &str) {
        let Self { host, fedns, owner, resolver, clusters } = self;
        let (zone, entry, admin) = (host.zone(), host.entry(), fedns.admin_port());
        let clusters: String = clusters.iter().map(|entry| format!("- {entry}\n")).collect();
        let text = format!(
            "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: {zone}.\n\
             listen: {{admin: \"127.0.0.1:{admin}\"}}\nlameDuck: 0s\n\
             resolver: {{servers: [\"{resolver}\"]}}\n\
             services: {{publish: all, privateAddresses: publish{services}}}\n\
             providers: [{{{entry}, owner: {owner}{more}}}]\n\
             clusters:\n{clusters}"
        );
        self.write("fedns.yaml", text);
    }

    /// A file in the folder of the config.
    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        fs::write(self.fedns.home().join(file), text).expect("write a file");
    }

    /// Starts the server.
    pub fn start(&mut self) {
        self.start_with(&[], &[]);
    }

    /// The same with further arguments, and with these in the environment over the host's own.
    pub fn start_with(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        let own = self.host.environment();
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<(&str, &str)> = own.chain(environment.iter().copied()).collect();
        self.fedns.launch(arguments, &all);
    }

    /// Another command of the binary, in the folder of the config and in the server's environment.
    pub fn command(&self, words: &[&str]) -> Output {
        let own = self.host.environment();
        let own: Vec<(&str, &str)> =
            own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.fedns.command_in(words, &own)
    }

    pub fn put(&self, cluster: &str, name: &str, address: &str) {
        self.write(&format!("{cluster}/{name}.yaml"), service(name, address));
    }

    /// Services `s1`, `s2` … in one file, which appear together.
    pub fn put_many(&self, cluster: &str, count: usize, address: &str) {
        let mut text = String::new();
        for number in 1..=count {
            write!(text, "---\n{}", service(&format!("s{number}"), address)).expect("a string");
        }
        self.write(&format!("{cluster}/many.yaml"), text);
    }

    pub fn remove(&self, cluster: &str, name: &str) {
        let path = self.fedns.home().join(cluster).join(format!("{name}.yaml"));
        fs::remove_file(path).expect("remove a manifest");
    }

    /// Waits until the host holds these lines and markers.
    #[track_caller]
    pub fn holds<L: AsRef<str>>(&self, expect: impl IntoIterator<Item = L>) {
        let mut expect: Vec<String> =
            expect.into_iter().map(|line| line.as_ref().to_owned()).collect();
        expect.sort();
        eventually_equal(GENEROUS, "what the provider holds", &expect, || self.host.data());
    }

    /// Waits until the mirror has nothing to do.
    #[track_caller]
    pub fn is_in_sync(&self) {
        self.is(" InSync, ");
    }

    /// Waits until the mirror's line of `/readyz?verbose` holds these words.
    #[track_caller]
    pub fn is(&self, words: &str) {
        eventually(GENEROUS, words, || {
            let page = self.fedns.page("/readyz?verbose")?.body;
            let line = page.lines().find(|line| line[3..].starts_with("mirror "));
            match line.is_some_and(|line| line.contains(words)) {
                true => Ok(()),
                false => Err(page),
            }
        });
    }

    /// Waits until the log holds these words.
    #[track_caller]
    pub fn logs(&self, words: &str) {
        eventually(GENEROUS, words, || {
            let log = self.fedns.process().log();
            if log.contains(words) { Ok(()) } else { Err(log) }
        });
    }
}
