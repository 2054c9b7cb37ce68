use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ::clap::Args;
use clusters::kubeconfig::{
    Change, Entry, Fault, FileError, List, LocalKubeconfig, OnClash, Reference,
};
use futures::{StreamExt, stream};

use super::sources::{ContextChoice, FileSource, HostSource};
use super::ssh::{RemoteFile, Ssh};
use crate::cli::apply::runtime;
use crate::cli::{CommandResult, Failure, print};
use crate::output::chain_text;

/// Make one kubeconfig for all clusters
///
/// Reads one context of each kubeconfig, by default the current one, and adds it under the name NAME;
/// its cluster and its user become CLUSTER-NAME and USER-NAME. Files that they refer to (certificates,
/// keys, tokens) are put in as data. With -H the file comes from a host, over ssh:
/// /etc/kubernetes/admin.conf, else ~/.kube/config.
///
/// All else in the output file stays as it is; what it was before is in FILE.fedns-backup. Without a
/// current context the last name becomes it. If one kubeconfig cannot be read, nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns kubeconfig merge hangzhou=hangzhou.conf beijing=beijing.conf
  fedns kubeconfig merge -H hangzhou:root@192.0.2.1,beijing:192.0.2.2:2222 -i ~/.ssh/k8s
  fedns kubeconfig merge prod=~/.kube/config --context prod=admin@prod -o all.conf
  fedns kubeconfig merge -H edge:ubuntu@192.0.2.3 --remote-path /etc/rancher/k3s/k3s.yaml")]
pub struct Merge {
    /// Kubeconfig files, each with the name that its cluster gets
    #[arg(value_name = "NAME=FILE", value_parser = FileSource::parse, required_unless_present = "host")]
    file: Vec<FileSource>,
    /// Hosts to read kubeconfigs from over ssh
    #[arg(
        short = 'H', long, value_name = "NAME:[USER@]HOST[:PORT],...", value_delimiter = ',',
        value_parser = HostSource::parse
    )]
    host: Vec<HostSource>,
    /// Another context of NAME's kubeconfig than its current one
    #[arg(long, value_name = "NAME=CONTEXT", value_parser = ContextChoice::parse)]
    context: Vec<ContextChoice>,
    /// The file to write [default: as kubectl, $KUBECONFIG, else ~/.kube/config]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace contexts, clusters and users of the same names
    #[arg(long)]
    force: bool,
    /// The kubeconfig's path on the hosts [default: /etc/kubernetes/admin.conf, else ~/.kube/config]
    #[arg(long, value_name = "PATH", requires = "host")]
    remote_path: Option<String>,
    /// Private key for ssh
    #[arg(short, long, value_name = "FILE", requires = "host")]
    identity_file: Option<PathBuf>,
    /// An option for ssh, as ssh's -o takes it
    #[arg(long, value_name = "KEY=VALUE", requires = "host")]
    ssh_option: Vec<String>,
    /// Config file for ssh
    #[arg(long, value_name = "FILE", requires = "host")]
    ssh_config: Option<PathBuf>,
}

const REMOTE_PATHS: [&str; 2] = ["/etc/kubernetes/admin.conf", "~/.kube/config"];
/// Hosts that are read at the same time.
const HOSTS_AT_ONCE: usize = 16;

// === impl Merge ===

impl Merge {
    pub fn run(self) -> CommandResult {
        let kubeconfig = match &self.output {
            Some(file) => LocalKubeconfig::at(file.clone()),
            None => LocalKubeconfig::of_user().map_err(|error| Failure::one(chain_text(&error)))?,
        };
        self.check_names()?;
        if !self.host.is_empty() {
            let hosts: Vec<String> = self.host.iter().map(ToString::to_string).collect();
            print(format!("Info: host, {} .\n", hosts.join(",")))?;
        }
        let runtime = runtime()?;
        let entries = runtime.block_on(self.read_all())?;
        check_clashes(&entries)?;
        let on_clash = if self.force { OnClash::Replace } else { OnClash::Refuse };
        let last = entries.last().and_then(|entry| entry.name(List::Contexts));
        let change = runtime
            .block_on(kubeconfig.add(&entries, on_clash, last))
            .map_err(|error| Failure::one(with_remedy(&error)))?;
        let file = kubeconfig.target().display();
        self.warn(&entries, kubeconfig.target());
        match change {
            Change::Changed => print(format!("Info: file {file} successfully generated.\n")),
            Change::Unchanged => print(format!("Info: file {file} holds all of this already.\n")),
        }
    }

    /// Files first, then hosts.
    fn names(&self) -> impl Iterator<Item = &str> {
        let files = self.file.iter().map(|file| file.name.as_str());
        files.chain(self.host.iter().map(|host| host.name.as_str()))
    }

    fn check_names(&self) -> Result<(), Failure> {
        let mut seen = Vec::new();
        for name in self.names() {
            if seen.contains(&name) {
                let line = format!("{name} is given twice; give one of them another name");
                return Err(Failure::one(line));
            }
            seen.push(name);
        }
        let choices = self.context.iter().map(|choice| choice.name.as_str());
        match choices.into_iter().find(|name| !seen.contains(name)) {
            Some(name) => Err(Failure::one(format!(
                "--context {name}=…: {name} is not among {}",
                seen.join(", ")
            ))),
            None => Ok(()),
        }
    }

    /// All entries under their new names, or a line for each source that gives none.
    async fn read_all(&self) -> Result<Vec<Entry>, Failure> {
        let files = self.file.iter().map(|source| self.read_file(source));
        let ssh = Ssh {
            config: self.ssh_config.clone(),
            identity_file: self.identity_file.clone(),
            options: self.ssh_option.clone(),
        };
        let hosts = stream::iter(self.host.iter().map(|source| self.read_host(&ssh, source)));
        let mut read: Vec<Result<Entry, String>> = files.collect();
        read.extend(hosts.buffered(HOSTS_AT_ONCE).collect::<Vec<_>>().await);
        let (entries, failed): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        let lines: Vec<String> = failed.into_iter().filter_map(Result::err).collect();
        match lines.is_empty() {
            true => Ok(entries.into_iter().filter_map(Result::ok).collect()),
            false => Err(Failure { lines }),
        }
    }

    fn read_file(&self, source: &FileSource) -> Result<Entry, String> {
        let FileSource { name, path } = source;
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|error| format!("{name}: cannot read {}: {error}", path.display()))
        };
        let place = format!("{name}: kubeconfig {}", path.display());
        let mut entry = self.entry(name, &place, read(path)?)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = std::path::absolute(folder.join(".")).map_err(|error| {
            format!("{name}: cannot tell the folder of {}: {error}", path.display())
        })?;
        entry.locate_plug_in(&folder);
        for reference in entry.references() {
            let content = read(&folder.join(&reference.path))?;
            inline(&mut entry, &place, &reference, &content)?;
        }
        Ok(entry)
    }

    async fn read_host(&self, ssh: &Ssh, source: &HostSource) -> Result<Entry, String> {
        let HostSource { name, host, .. } = source;
        let read = async |paths: &[&str]| {
            let read = ssh.read(host, paths).await;
            let paths = paths.join(", else ");
            read.map_err(|error| format!("{name}: cannot read {paths} at {host} over ssh: {error}"))
        };
        let RemoteFile { path, content } = match self.remote_path.as_deref() {
            Some(path) => read(&[path]).await?,
            None => read(&REMOTE_PATHS).await?,
        };
        let place = format!("{name}: kubeconfig {path} at {host}");
        let mut entry = self.entry(name, &place, content)?;
        for reference in entry.references() {
            let file = Path::new(&path).with_file_name(&reference.path);
            let RemoteFile { content, .. } = read(&[&file.to_string_lossy()]).await?;
            inline(&mut entry, &place, &reference, &content)?;
        }
        Ok(entry)
    }

    /// The wanted context of a kubeconfig, under its new name.
    fn entry(&self, name: &str, place: &str, content: Vec<u8>) -> Result<Entry, String> {
        let text = String::from_utf8(content).map_err(|_| format!("{place}: it is no text"))?;
        let choice = self.context.iter().find(|choice| choice.name == name);
        let entry = Entry::find(&text, choice.map(|choice| choice.context.as_str()));
        let entry = entry.map_err(|fault| {
            let remedy = match fault {
                Fault::NoContext { .. } | Fault::NoCurrentContext { .. } => {
                    format!(": name one with --context {name}=CONTEXT")
                }
                _ => String::new(),
            };
            format!("{place}: {fault}{remedy}")
        })?;
        Ok(entry.without_unused_files().renamed(name))
    }

    /// What works on the host that a kubeconfig is from, but not here.
    fn warn(&self, entries: &[Entry], file: &Path) {
        for HostSource { name, host, .. } in &self.host {
            let found = entries.iter().find(|it| it.name(List::Contexts) == Some(name));
            let Some(entry) = found else { continue };
            let (server, cluster) =
                (entry.server(), entry.name(List::Clusters).unwrap_or_default());
            if let Some(reachable) = instead_of_loopback(server, &host.name) {
                tell(&format!(
                    "{name}: its server {server} is that host itself, not this one; name an address that is \
                     reached from here: kubectl --kubeconfig {} config set-cluster {cluster} \
                     --server={reachable}",
                    file.display()
                ));
            }
            if let Some(program) = entry.plug_in() {
                tell(&format!(
                    "{name}: its user's credentials come from the program {program}, which must be here, too"
                ));
            }
        }
    }
}

fn inline(
    entry: &mut Entry,
    place: &str,
    reference: &Reference,
    content: &[u8],
) -> Result<(), String> {
    entry.inline(reference, content).map_err(|fault| format!("{place}: {fault}"))
}

/// Two clusters or users may get one name: `a` of NAME `b-c`, and `a-b` of NAME `c`.
fn check_clashes(entries: &[Entry]) -> Result<(), Failure> {
    for list in [List::Clusters, List::Users] {
        let mut seen = BTreeMap::new();
        for entry in entries {
            let Some(name) = entry.name(list) else { continue };
            let source = entry.name(List::Contexts).unwrap_or_default();
            match seen.entry(name) {
                Slot::Vacant(slot) => drop(slot.insert(source)),
                Slot::Occupied(slot) => {
                    let (kind, first) = (list.item_key(), slot.get());
                    return Err(Failure::one(format!(
                        "{first} and {source} would both have the {kind} \"{name}\"; give one of them \
                         another name"
                    )));
                }
            }
        }
    }
    Ok(())
}

fn with_remedy(error: &FileError) -> String {
    let remedy = match error {
        FileError::Content { source: Fault::Clash { .. }, .. } => {
            "; --force replaces it, -o FILE writes elsewhere, and another NAME= keeps both"
        }
        _ => "",
    };
    chain_text(error) + remedy
}

/// The URL with `host` in it, where it leads to the host that it is used on.
fn instead_of_loopback(server: &str, host: &str) -> Option<String> {
    let (scheme, rest) = server.split_once("://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (name, port) = match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
        Some(at) => authority.split_at(at),
        None => (authority, ""),
    };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_loopback = name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback() || address.is_unspecified());
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    is_loopback.then(|| format!("{scheme}://{host}{port}{path}"))
}

fn tell(warning: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "fedns: warning: {warning}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_known_in_every_form() {
        let here = |server| instead_of_loopback(server, "h");
        assert_eq!(here("https://127.0.0.1:6443").as_deref(), Some("https://h:6443"));
        assert_eq!(here("https://localhost").as_deref(), Some("https://h"));
        assert_eq!(here("https://[::1]:6443/p").as_deref(), Some("https://h:6443/p"));
        assert_eq!(here("https://0.0.0.0:1").as_deref(), Some("https://h:1"));
        assert_eq!(here("https://127.example.com:6443"), None);
        assert_eq!(here("https://[2001:db8::1]:6443"), None);
        assert_eq!(here("https://192.0.2.1"), None);
        let at_v6 = instead_of_loopback("https://127.0.0.1:6443", "2001:db8::1");
        assert_eq!(at_v6.as_deref(), Some("https://[2001:db8::1]:6443"));
    }
}
