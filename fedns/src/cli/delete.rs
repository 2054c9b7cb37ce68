mod former_zone;
mod prepare;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ::clap::Args;
use clusters::KubeconfigAccess;
use clusters::federation::names::SYSTEM_NAMESPACE;
use clusters::federation::steps::{Party, Told};
use clusters::kubeconfig::LocalKubeconfig;

use self::prepare::{Outside, Seen};
use super::steps::{self, Teller};
use super::{CommandResult, Failure, print};
use crate::control_plane::delete::members::Asked;
use crate::control_plane::delete::{Fate, Parties, Plan, Records};
use crate::control_plane::host::Host;
use crate::output::chain_text;

/// Take a federation away: its records, its accounts in members, and its control plane
///
/// Shows what goes, and asks. Then fedns stops, so that nothing is written back; the records of its owner
/// go at the providers, its accounts in the members, its namespace in the host cluster, and the context
/// NAME in the local kubeconfig. Workloads in members stay, unless --objects=delete.
///
/// Whatever cannot be reached is left out and listed with the commands that remove it. The same command
/// again goes on where this one ended. After `kubectl delete ns federation-system` it removes what is left:
/// --members names the clusters that were members, and --config, or the --dns- flags, the providers.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns delete federation --host-cluster-context=hangzhou
  fedns delete federation --host-cluster-context=hangzhou --dry-run
  fedns delete federation --host-cluster-context=hangzhou --objects=delete --yes
  fedns delete federation --host-cluster-context=hangzhou --members=beijing,sh=shanghai
  fedns delete federation --host-cluster-context=hangzhou --former-zone=old.example.com.
  fedns delete federation --federation-name=fed --host-cluster-context=hangzhou \\
      --members=hangzhou,beijing --config fedns.yaml")]
pub struct Delete {
    /// Name of the federation, as fedns init was given it
    name: String,
    /// The federation's label in DNS names, where the host cluster does not tell it [default: NAME]
    #[arg(long, value_name = "LABEL")]
    federation_name: Option<String>,
    /// Context of the cluster that holds the control plane, or held it
    #[arg(long, value_name = "CONTEXT")]
    host_cluster_context: String,
    /// Contexts of members that are not called like these, or that nothing else tells of
    #[arg(long, value_name = "[NAME=]CONTEXT,...", value_delimiter = ',')]
    members: Vec<Asked>,
    /// Kubeconfig with all contexts [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Namespace of the control plane
    #[arg(long, value_name = "NAMESPACE", default_value = SYSTEM_NAMESPACE)]
    federation_system_namespace: String,
    /// What becomes of the federation's objects in the members
    #[arg(long, value_enum, default_value_t)]
    objects: Fate,
    /// What becomes of the federation's records at the providers
    #[arg(long, value_enum, default_value = "delete")]
    records: Fate,
    /// Keep etcd's volume claim, and the namespace for it: fedns init goes on with its data
    #[arg(long)]
    keep_volumes: bool,
    /// A config file as fedns init takes it, in place of that in the host cluster
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The zone of all names
    #[arg(long, value_name = "ZONE")]
    dns_zone_name: Option<String>,
    /// Only remove the federation's records of a zone that it had before; all else stays
    #[arg(
        long, value_name = "ZONE",
        conflicts_with_all = ["dns_zone_name", "members", "objects", "records", "keep_volumes"]
    )]
    former_zone: Option<String>,
    /// Where the zone is hosted: alidns, aws-route53, google-clouddns, rfc2136 or webhook
    #[arg(long, value_name = "KIND")]
    dns_provider: Option<String>,
    /// The provider's own file; of aws-route53 one like ~/.aws/credentials
    #[arg(long, value_name = "FILE", requires = "dns_provider")]
    dns_provider_config: Option<PathBuf>,
    /// Who marked the records [default: made of the federation's label and the host cluster]
    #[arg(long, value_name = "WORD", requires = "dns_provider")]
    dns_owner: Option<String>,
    /// For each wait, as for the end of a namespace
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = steps::duration)]
    timeout: Duration,
    /// Print what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

// === impl Delete ===

impl Delete {
    pub fn run(self: Box<Self>) -> CommandResult {
        let teller = Teller::default();
        // The first part ends with all its threads: only then may the environment change.
        let seen = match steps::run(self.look())? {
            Some(seen) => seen?,
            None => return Err(Failure::one("interrupted; nothing was changed")),
        };
        let outside = self.outside(&seen)?;
        outside.set_environment();
        let work = async {
            match &self.former_zone {
                Some(zone) => self.delete_records_of(zone, &seen, &outside, &teller).await,
                None => self.delete(&seen, &outside, &teller).await,
            }
        };
        let result = match steps::run(work)? {
            Some(result) => result,
            None => Err(Failure::one("interrupted")),
        };
        teller.close();
        result.map_err(|mut failure| {
            let again = match teller.has_begun() {
                true => "the same command goes on where this one ended",
                false => "nothing was changed",
            };
            failure.lines.push(again.to_owned());
            failure
        })
    }

    async fn delete(&self, seen: &Seen, outside: &Outside, teller: &Teller) -> CommandResult {
        let plan = self.plan(seen, outside).await?;
        if plan.is_empty() {
            return Err(self.nothing(&plan));
        }
        print(&plan)?;
        if self.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        if !self.yes && !self.agrees(&format!("Delete federation {}?", self.name)).await? {
            return Err(Failure::one("not agreed to"));
        }
        let kubeconfig = self.local_kubeconfig()?;
        let host_party = self.host_party().await?;
        let parties = Parties {
            host: &Host::new(&self.host_cluster_context, host_party.client()),
            host_party: &host_party,
            access: &|context| self.access(context),
            kubeconfig: &kubeconfig,
            config: outside.config.as_ref(),
            timeout: self.timeout,
        };
        print("\n")?;
        let tell = |told: Told| teller.tell(told);
        let leftovers = plan.execute(&parties, &tell).await;
        let leftovers = leftovers.map_err(|lines| Failure { lines })?;
        let mut text = format!("federation {} is gone", plan.federation);
        match leftovers.is_empty() {
            true => text.push('\n'),
            false => text += &format!("; what is left:\n{}", steps::leftovers_text(&leftovers)),
        }
        if !plan.delegation.is_empty() {
            text += "\nRecords of the parent zone that lead to nobody now:\n";
            plan.delegation.iter().for_each(|line| text += &format!("  {line}\n"));
        }
        print(text)
    }

    fn nothing(&self, plan: &Plan) -> Failure {
        let Self { name, host_cluster_context: host, .. } = self;
        let mut places =
            vec![format!("no namespace {} in {host}", self.federation_system_namespace)];
        places.push(format!("no context {name} of a federation in the local kubeconfig"));
        let members = plan.members.iter().map(|member| member.target.words());
        let members: Vec<String> = members.collect();
        if !members.is_empty() {
            places.push(format!("nothing in {}", members.join(", ")));
        }
        if let Records::Found(plans) = &plan.records {
            let titles =
                plans.iter().map(|it| format!("no records at {} of {}", it.title, it.owner));
            places.extend(titles);
        }
        let places = places.join(", ");
        Failure::one(format!(
            "there is no federation {name} here, and nothing is left of one: {places}"
        ))
    }

    async fn agrees(&self, question: &str) -> Result<bool, Failure> {
        if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            return Err(Failure::one("nobody can be asked here: --yes agrees to what was shown"));
        }
        let question = format!("\n{question} [y/N] ");
        let asked = tokio::task::spawn_blocking(move || {
            let mut stderr = std::io::stderr();
            stderr.write_all(question.as_bytes())?;
            stderr.flush()?;
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer)?;
            Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
        });
        let failed = |error: std::io::Error| Failure::one(format!("the terminal: {error}"));
        asked.await.map_err(|error| failed(error.into()))?.map_err(failed)
    }

    fn access(&self, context: &str) -> KubeconfigAccess {
        KubeconfigAccess { path: self.kubeconfig.clone(), context: Some(context.to_owned()) }
    }

    async fn host_party(&self) -> Result<Party, Failure> {
        let context = &self.host_cluster_context;
        let access = self.access(context);
        let party = Party::new(context.clone(), "--host-cluster-context", &access).await;
        party.map_err(|error| Failure::one(error.to_string()))
    }

    fn local_kubeconfig(&self) -> Result<LocalKubeconfig, Failure> {
        match &self.kubeconfig {
            Some(file) => Ok(LocalKubeconfig::at(file.clone())),
            None => LocalKubeconfig::of_user().map_err(|error| Failure::one(chain_text(&error))),
        }
    }
}
