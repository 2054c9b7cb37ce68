use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use ::clap::Args;
use clusters::federation::coredns::{self, Forward};
use clusters::federation::join::request::{Credential, JoinRequest};
use clusters::federation::join::wait::{self, Seen};
use clusters::federation::join::{self, Prepared, flatten, manifests};
use clusters::federation::steps::{Change, Party, Told};
use clusters::federation::{corefile, host};

use super::steps::{self, Place, Teller, one};
use super::{CommandResult, Failure, print};
use crate::output;

/// Add a cluster to the federation
///
/// Makes an account for fedns in the cluster, which may do what the federated kinds need and nothing
/// else, puts its credentials into a Secret of the host cluster, and writes the Cluster object into the
/// federation. Then waits until the control plane says that it sees the cluster. To join again changes
/// only what differs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns join hangzhou --context=federation --cluster-context=hangzhou \\
      --host-cluster-context=hangzhou
  fedns join awsk8s --host-cluster-context=gcek8s --secret-name=fed-secret-aws
  fedns join beijing --host-cluster-context=hangzhou --labels environment=prod,location=asia
  fedns join beijing --host-cluster-context=hangzhou --dry-run

To join by hand, write a Cluster object and a Secret as --dry-run shows them.")]
pub struct Join {
    /// The cluster's name in the federation, a DNS label
    name: String,
    #[command(flatten)]
    place: Place,
    /// Name of the Secret in the host cluster [default: the cluster's name]
    #[arg(long, value_name = "NAME")]
    secret_name: Option<String>,
    /// The federation's label, where the host cluster does not tell it
    #[arg(long, value_name = "LABEL")]
    federation_name: Option<String>,
    /// URL at which the control plane reaches the cluster [default: that of the kubeconfig]
    #[arg(long, value_name = "URL")]
    cluster_server: Option<String>,
    /// PEM file of the certificates that sign the cluster's
    #[arg(long, value_name = "FILE")]
    cluster_ca: Option<PathBuf>,
    /// The cluster's region, in place of what its nodes' labels say; empty: what these say again
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The cluster's availability zones, with --region
    #[arg(long = "zone", value_name = "ZONE", value_delimiter = ',', requires = "region")]
    zones: Vec<String>,
    /// Labels for the Cluster object, by which objects select clusters
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,
    /// Kubeconfig whose current context the control plane uses, in place of an account made for it
    #[arg(long, value_name = "FILE", conflicts_with = "bound_token")]
    credentials_kubeconfig: Option<PathBuf>,
    /// A token that ends by itself after 90 days or what the cluster allows, in place of a Secret's there;
    /// fedns renews it in time
    #[arg(long)]
    bound_token: bool,
    /// Let the cluster's CoreDNS ask fedns for the federation's zone
    #[arg(long)]
    configure_dns: bool,
    /// Address of fedns for CoreDNS [default: that of the Service fedns-dns in the host cluster]
    #[arg(long, value_name = "ADDRESS")]
    dns_server: Vec<String>,
    /// The federation's zone, where the host cluster does not tell it
    #[arg(long, value_name = "ZONE")]
    dns_zone_name: Option<String>,
    /// How long to wait until the control plane sees the cluster; 0: not at all
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = steps::duration)]
    timeout: Duration,
    /// Print what would be written, without secrets, and change nothing
    #[arg(long)]
    dry_run: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Join {
    pub fn run(self) -> CommandResult {
        let request = self.request()?;
        let teller = Teller::default();
        let joined = steps::run(self.join(request, &teller))?;
        match joined {
            Some(Ok(code)) => Ok(code),
            Some(Err(failure)) => Err(self.failed(failure, &teller)),
            None => Err(self.failed(Failure::one("interrupted"), &teller)),
        }
    }

    async fn join(&self, request: JoinRequest, teller: &Teller) -> CommandResult {
        let prepared = join::prepare(request).await.map_err(|error| one(&error))?;
        let forward = self.forward(&prepared).await?;
        if self.dry_run {
            return print(yaml(&prepared)?);
        }
        let tell = |told: Told| teller.tell(told);
        prepared.notes.iter().for_each(|note| teller.tell(Told::Note(note.clone())));
        let mark = join::execute(&prepared, &tell).await.map_err(|error| one(&error))?;
        if let Some(forward) = &forward {
            self.lead_to_fedns(&prepared.member, forward, teller).await?;
        }
        let Self { name, .. } = self;
        let federation = &prepared.account.federation;
        print(format!("cluster {name} joined federation {federation}\n"))?;
        if self.timeout.is_zero() {
            return Ok(ExitCode::SUCCESS);
        }
        teller.tell(Told::Begun(format!("Waiting until the control plane sees cluster {name}")));
        let seen = wait::until_ready(&prepared.federation, name, &mark, self.timeout).await;
        if matches!(seen, Ok(Seen::Ready { .. })) {
            teller.tell(Told::Done(Change::Seen));
        }
        teller.close();
        self.judge(seen.map_err(|error| one(&error))?)
    }

    /// What CoreDNS of the member needs; where it is to be written, that this can be done. None where it is not
    /// known, and nobody asked for it.
    async fn forward(&self, prepared: &Prepared) -> Result<Option<Forward>, Failure> {
        let zone = self.dns_zone_name.clone().or_else(|| prepared.hosted.zone.clone());
        let mut servers = self.dns_server.clone();
        if servers.is_empty() {
            let namespace = &self.place.federation_system_namespace;
            servers = host::dns_addresses(&prepared.host, namespace)
                .await
                .map_err(|error| one(&error))?;
        }
        let (zone, servers) = match (zone, servers) {
            (Some(zone), servers) if !servers.is_empty() => (zone, servers),
            _ if !self.configure_dns => return Ok(None),
            (None, _) => {
                return Err(Failure::one(
                    "--configure-dns: the host cluster does not tell the federation's zone; name it with \
                     --dns-zone-name",
                ));
            }
            (Some(_), _) => {
                return Err(Failure::one(
                    "--configure-dns: the host cluster has no Service fedns-dns with an address; name \
                     fedns's address with --dns-server",
                ));
            }
        };
        let forward = Forward { federation: prepared.account.federation.clone(), zone, servers };
        if self.configure_dns {
            let tried = coredns::try_out(&prepared.member, &forward).await;
            tried.map_err(|error| Failure::one(format!("--configure-dns: {error}")))?;
        }
        Ok(Some(forward))
    }

    /// CoreDNS of the member: shown, or done where that is asked for.
    async fn lead_to_fedns(
        &self,
        member: &Party,
        forward: &Forward,
        teller: &Teller,
    ) -> Result<(), Failure> {
        let Forward { zone, servers, .. } = forward;
        if !self.configure_dns {
            let block = corefile::server_block(zone, servers);
            let text = "with this server block in its Corefile (--configure-dns puts it there), the \
                        cluster's CoreDNS asks fedns:";
            teller.tell(Told::Note(format!("{text}\n{}", block.trim_end())));
            return Ok(());
        }
        teller.tell(Told::Begun(format!("Configuring CoreDNS for {zone} in {}", member.words)));
        let change = coredns::configure(member, forward).await.map_err(|error| one(&error))?;
        teller.tell(Told::Done(change));
        Ok(())
    }

    fn judge(&self, seen: Seen) -> CommandResult {
        let (name, seconds) = (&self.name, self.timeout.as_secs());
        let watch = format!("`fedns get clusters {name}{}` shows it", self.context_words());
        match seen {
            Seen::Ready { message } => print(format!("cluster {name} is Ready: {message}\n")),
            Seen::Unready { phase, message } => Err(Failure::one(format!(
                "cluster {name} has joined, and the control plane cannot use it after {seconds} s: {}: \
                 {message}; where the control plane needs another address, join again with \
                 --cluster-server; {watch}",
                phase.word()
            ))),
            Seen::Outdated => Err(Failure::one(format!(
                "cluster {name} has joined, and for {seconds} s the control plane has not told what it sees \
                 with what this join wrote: it goes on with what it had before where the new credentials do \
                 not work (its log says so), or while a change is held (`fedns plan` says so); {watch}"
            ))),
            Seen::Nothing => Err(Failure::one(format!(
                "cluster {name} has joined, and nobody has said anything of it for {seconds} s: does \
                 fedns run in the control plane? {watch}"
            ))),
        }
    }

    fn context_words(&self) -> String {
        match &self.place.context {
            Some(context) => format!(" --context={context}"),
            None => " --context=CONTEXT".to_owned(),
        }
    }

    /// What stands, and how to go on.
    fn failed(&self, failure: Failure, teller: &Teller) -> Failure {
        let done = teller.close();
        let mut lines = failure.lines;
        if !done.is_empty() {
            lines
                .push(format!("{} of the steps above stand; the same command goes on", done.len()));
        }
        Failure { lines }
    }

    fn request(&self) -> Result<JoinRequest, Failure> {
        let place = &self.place;
        let host_context = place.host_context()?;
        if self.region.as_deref() == Some("") && !self.zones.is_empty() {
            return Err(Failure::one(
                "--zone: zones are of a region, and --region is empty; name it",
            ));
        }
        let authority = self.cluster_ca.as_deref().map(authority).transpose()?;
        let credential = match &self.credentials_kubeconfig {
            None => Credential::Account { is_bound: self.bound_token },
            Some(path) => {
                let flat = flatten::flatten(path);
                let failed = |error| Failure::one(format!("--credentials-kubeconfig: {error}"));
                Credential::Kubeconfig(flat.map_err(failed)?)
            }
        };
        let member_context = place.cluster_context.as_deref().unwrap_or(&self.name);
        Ok(JoinRequest {
            cluster: self.name.clone(),
            federation: place.access(place.context.as_deref()),
            host: place.access(Some(host_context)),
            member: place.access(Some(member_context)),
            host_context: host_context.to_owned(),
            namespace: place.federation_system_namespace.clone(),
            secret_name: self.secret_name.clone(),
            federation_name: self.federation_name.clone(),
            server: self.cluster_server.clone(),
            authority,
            region: self.region.clone(),
            zones: self.zones.clone(),
            labels: self.labels.iter().cloned().collect::<BTreeMap<_, _>>(),
            credential,
        })
    }
}

/// PEM of certificates.
fn authority(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| Failure::one(format!("--cluster-ca {}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    match String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        true => Ok(pem),
        false => Err(failed("holds no certificate in PEM".to_owned())),
    }
}

/// All manifests, in the order of their writing; a comment says where each would go.
fn yaml(prepared: &Prepared) -> Result<String, Failure> {
    let all = manifests::manifests(prepared).map_err(|error| one(&error))?;
    let mut text = String::new();
    for manifests in all {
        for object in &manifests.objects {
            text += &format!("---\n# {}\n{}", manifests.party, output::yaml(object));
        }
    }
    Ok(text)
}
