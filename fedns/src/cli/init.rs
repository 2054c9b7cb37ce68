mod flags;
mod plan;
mod providers;

use std::path::PathBuf;
use std::time::Duration;

use ::clap::Args;

use self::flags::InitFlags;
use self::plan::Prepared;
use super::{CommandResult, Failure, print, steps};
use crate::control_plane::delete::namespace_words;
use crate::control_plane::init::host_state::HostState;
use crate::control_plane::init::progress::Progress;
use crate::control_plane::init::{Outcome, Plan};
use crate::control_plane::provider_files::ProviderFiles;
use crate::control_plane::server_config::{PROVIDER_FILE, is_aws};
use crate::control_plane::settings::ServiceType;
use crate::output::{self, chain_text};

/// Put the control plane of a federation into a cluster
///
/// Makes etcd, a stock kube-apiserver, a stock kube-controller-manager and fedns in the namespace
/// federation-system of the host cluster, and adds the context NAME to the local kubeconfig: the
/// federation's own API. Clusters join it with `fedns join`.
///
/// The same command again repairs what differs, upgrades to the images that are named, and renews
/// certificates that are valid for less than 30 days. What it is not told again stays as it was.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns init federation --host-cluster-context=hangzhou --dns-zone-name=example.com. \\
      --image=registry.example.com/dns/fedns:v0.1.0
  fedns init federation --federation-name=fed --host-cluster-context=hangzhou \\
      --dns-provider=alidns --dns-zone-name=example.com. --dns-provider-config=alidns.yaml \\
      --image=REPOSITORY/fedns:TAG --etcd-persistent-storage=false
  fedns init federation --host-cluster-context=hangzhou --image=REPOSITORY/fedns:TAG \\
      --config fedns.yaml --replicas 2
  fedns init fed --host-cluster-context=hangzhou --dns-zone-name=example.com. --dry-run

No image of fedns is published yet; deploy/images/build makes it.
Without --dns-provider fedns itself is the name server of the zone.")]
pub struct Init {
    /// Name of the federation, and of its context in the local kubeconfig; a DNS label
    name: String,
    /// The federation's label in DNS names [default: NAME]
    #[arg(long, value_name = "LABEL")]
    federation_name: Option<String>,
    /// Context of the cluster that gets the control plane
    #[arg(long, value_name = "CONTEXT")]
    host_cluster_context: String,
    /// Kubeconfig with that context, which gets the context NAME [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Namespace of the control plane
    #[arg(long, value_name = "NAMESPACE", default_value = clusters::federation::names::SYSTEM_NAMESPACE)]
    federation_system_namespace: String,
    /// Kubeconfig by which fedns reaches the host cluster, in place of an account made for it
    #[arg(long, value_name = "FILE")]
    credentials_kubeconfig: Option<PathBuf>,
    /// The zone of all names, with or without a final dot
    #[arg(long, value_name = "ZONE")]
    dns_zone_name: Option<String>,
    /// Where the zone is hosted: alidns, aws-route53, google-clouddns, rfc2136 or webhook
    #[arg(long, value_name = "KIND")]
    dns_provider: Option<String>,
    /// The provider's own file; of aws-route53 one like ~/.aws/credentials
    #[arg(long, value_name = "FILE", requires = "dns_provider")]
    dns_provider_config: Option<PathBuf>,
    /// Marks the records at the provider as this federation's [default: made of its label and the host cluster]
    #[arg(long, value_name = "WORD", requires = "dns_provider")]
    dns_owner: Option<String>,
    /// A config file as `fedns serve` takes it; flags win
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// PEM file of the certificates that sign those of --etcd-servers
    #[arg(long, value_name = "FILE")]
    etcd_cafile: Option<PathBuf>,
    /// PEM file of the certificate that --etcd-servers wants to see
    #[arg(long, value_name = "FILE", requires = "etcd_keyfile")]
    etcd_certfile: Option<PathBuf>,
    /// PEM file of its key
    #[arg(long, value_name = "FILE", requires = "etcd_certfile")]
    etcd_keyfile: Option<PathBuf>,
    #[command(flatten)]
    flags: InitFlags,
    /// Refused: Kubernetes has no passwords any more
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    apiserver_enable_basic_auth: Option<bool>,
    /// How long to wait for load balancers, and then for the control plane
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// Print the manifests, without secrets, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Something may have been made.
    #[arg(skip)]
    has_begun: std::cell::Cell<bool>,
    /// An earlier init has made this federation.
    #[arg(skip)]
    stood_before: std::cell::Cell<bool>,
}

impl Init {
    pub fn run(mut self: Box<Self>) -> CommandResult {
        self.make_absolute()?;
        // The first part ends with all its threads: only then may the environment change.
        let Some(standing) = steps::run(self.look())? else {
            return Err(self.failed("interrupted"));
        };
        let standing = standing?;
        let files = ProviderFiles::write(&standing.provider_files)
            .map_err(|error| Failure::one(format!("a folder for the provider's file: {error}")))?;
        self.use_aws_file(&standing, &files);
        match steps::run(self.init(standing, &files))? {
            Some(result) => result,
            None => Err(self.failed("interrupted")),
        }
    }

    fn make_absolute(&mut self) -> Result<(), Failure> {
        if let Some(file) = &mut self.dns_provider_config {
            *file = std::path::absolute(&*file)
                .map_err(|error| Failure::one(format!("--dns-provider-config: {error}")))?;
        }
        Ok(())
    }

    /// The AWS tools find their file by the environment, here as in the pod.
    fn use_aws_file(&self, standing: &HostState, files: &ProviderFiles) {
        let named = self.dns_provider.as_deref().is_some_and(is_aws);
        let file = match &self.dns_provider_config {
            Some(file) if named => Some(file.clone()),
            _ => standing.aws_file().map(|_| files.path().join(PROVIDER_FILE)),
        };
        if let Some(file) = file {
            // SAFETY: no other thread runs now.
            unsafe { std::env::set_var("AWS_SHARED_CREDENTIALS_FILE", file) };
        }
    }

    async fn init(&self, standing: HostState, files: &ProviderFiles) -> CommandResult {
        let Prepared { plan, host, notes, left } = self.prepare(standing, files).await?;
        let delete = self.delete_command();
        let left = left.iter().map(|left| left.line(&delete));
        notes.into_iter().chain(left).for_each(|note| tell(&note));
        if self.dry_run {
            let objects = plan.dry_run().map_err(Failure::one)?;
            return print(
                objects.iter().map(|it| format!("---\n{}", output::yaml(it))).collect::<String>(),
            );
        }
        // The context is written last; nobody is to find out only then that it cannot be.
        plan.kubeconfig.try_out().await.map_err(|error| Failure::one(chain_text(&error)))?;
        self.has_begun.set(true);
        self.stood_before.set(plan.standing.federation.is_some());
        let mut progress = Progress::new();
        let outcome = plan.execute(&host, &mut progress).await;
        progress.close();
        match outcome {
            Ok(outcome) => self.finish(&plan, &outcome),
            Err(why) => Err(self.failed(&why)),
        }
    }

    fn finish(&self, plan: &Plan, outcome: &Outcome) -> CommandResult {
        let mut text =
            format!("Federation API server is running at: {}\n", outcome.addresses.join(", "));
        for line in outcome.summary(!plan.standing.has_namespace) {
            text += &format!("{line}\n");
        }
        if !outcome.delegation.is_empty() {
            text += "\nRecords to enter in the parent zone, so that the world asks fedns:\n";
            for line in &outcome.delegation {
                text += &format!("  {line}\n");
            }
            text.extend(self.not_at_port_53(plan.settings.dns_service));
        }
        let (name, host) = (&self.name, &self.host_cluster_context);
        text += &format!(
            "\nNext, for each cluster (of which {host} can be one):\n  fedns join CLUSTER --context={name} \
             --cluster-context=CONTEXT --host-cluster-context={host}{}\n",
            namespace_words(&self.federation_system_namespace)
        );
        print(text)
    }

    /// What the records alone do not do.
    fn not_at_port_53(&self, service: ServiceType) -> Option<String> {
        let Self { host_cluster_context: host, federation_system_namespace: system, .. } = self;
        let show = format!("kubectl --context={host} -n {system} get service fedns-dns");
        match service {
            ServiceType::LoadBalancer => None,
            ServiceType::NodePort => Some(format!(
                "The world asks at port 53, and the nodes have fedns at another one (`{show}` shows it): lead \
                 port 53 there.\n"
            )),
            ServiceType::ClusterIp => Some(format!(
                "Only pods of {host} reach fedns there (`{show}`): --dns-service-type=LoadBalancer is for the \
                 world.\n"
            )),
        }
    }

    fn failed(&self, why: &str) -> Failure {
        let Self { host_cluster_context: host, federation_system_namespace: system, .. } = self;
        let go_on = "the same command goes on where this one ended";
        let rest = match (self.has_begun.get(), self.stood_before.get()) {
            (false, _) => Vec::new(),
            // Nobody is told to delete a federation that may be in use.
            (true, true) => {
                vec![format!("what was changed stays in namespace {system} of {host}: {go_on}")]
            }
            (true, false) => vec![format!(
                "what was made stays in namespace {system} of {host}: {go_on}, and `{}` takes it away",
                self.delete_command()
            )],
        };
        Failure { lines: std::iter::once(why.to_owned()).chain(rest).collect() }
    }

    fn delete_command(&self) -> String {
        let Self { name, host_cluster_context: host, federation_system_namespace: system, .. } =
            self;
        format!("fedns delete {name} --host-cluster-context={host}{}", namespace_words(system))
    }
}

fn tell(note: &str) {
    // A closed stderr leaves nobody to tell.
    let _ =
        std::io::Write::write_all(&mut std::io::stderr(), format!("fedns: {note}\n").as_bytes());
}

/// `60s`, `5m` or seconds.
fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration::parse_duration(text)
}
