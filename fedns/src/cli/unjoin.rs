mod plan;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use ::clap::Args;
use clusters::federation::enabled::{self, EnabledKind};
use clusters::federation::host::{self, HostedFederation};
use clusters::federation::steps::{Party, Told};
use clusters::federation::tie;
use clusters::federation::unjoin::Leftover;
use clusters::federation::unjoin::local::{self, Gone};
use clusters::federation::unjoin::remote::{self, Leaver, PATIENCE};

use super::steps::{self, Place, Teller, one};
use super::{CommandResult, Failure, print};
use crate::control_plane::delete::Fate;

/// Take a cluster out of the federation
///
/// Ends in seconds, whether the cluster answers or not: the Cluster object and the Secret go at once, and
/// with them the cluster's share in DNS. Then fedns's account is removed from the cluster; what cannot
/// be removed is listed with the commands for later. Workloads stay, unless --objects=delete.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns unjoin beijing --host-cluster-context=hangzhou --context=federation
  fedns unjoin beijing --host-cluster-context=hangzhou --dry-run
  fedns unjoin beijing --host-cluster-context=hangzhou --objects=delete")]
pub struct Unjoin {
    /// The cluster's name in the federation
    name: String,
    #[command(flatten)]
    place: Place,
    /// The federation's label, where the host cluster does not tell it
    #[arg(long, value_name = "LABEL")]
    federation_name: Option<String>,
    /// What becomes of the federation's objects in the cluster
    #[arg(long, value_enum, default_value_t)]
    objects: Fate,
    /// How long the control plane may take to let go of the cluster
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = steps::duration)]
    timeout: Duration,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// All that is asked before anything is removed.
struct Prepared {
    federation: Party,
    host: Party,
    /// Context of the host cluster.
    host_context: String,
    hosted: HostedFederation,
    enabled: Vec<EnabledKind>,
}

/// For all that join made in the member.
const ACCOUNT_LIMIT: Duration = Duration::from_secs(20);
/// The same, and for all copies.
const COPIES_LIMIT: Duration = Duration::from_secs(120);

impl Unjoin {
    pub fn run(self) -> CommandResult {
        let teller = Teller::default();
        let left = steps::run(self.leave(&teller))?;
        let again = "the same command goes on";
        match left {
            Some(Ok(code)) => Ok(code),
            Some(Err(mut failure)) => {
                teller.close();
                if teller.has_begun() {
                    failure.lines.push(again.to_owned());
                }
                Err(failure)
            }
            None => {
                teller.close();
                Err(Failure::one(format!("interrupted; {again}")))
            }
        }
    }

    async fn leave(&self, teller: &Teller) -> CommandResult {
        let prepared = self.prepare().await?;
        if self.dry_run {
            return self.tell_plan(&prepared).await;
        }
        let Self { name, place, .. } = self;
        let Prepared { federation, host, .. } = &prepared;
        let namespace = &place.federation_system_namespace;
        let held = local::look(federation, host, namespace, name).await.map_err(|it| one(&it))?;
        let tell = |told: Told| teller.tell(told);
        let gone = local::leave(federation, host, namespace, name, self.timeout, &tell).await;
        match gone.map_err(|error| one(&error))? {
            Gone::Released => {}
            Gone::WasAbsent => warn(&format!("cluster {name:?} is not in the federation")),
            Gone::WasUnknown => {
                warn(&format!("cluster {name:?} is not in the federation"));
                // An earlier call may have left something in the cluster; a slip of the pen has none.
                if let Err(error) = self.member().await {
                    warn(&error);
                    return Ok(ExitCode::FAILURE);
                }
            }
            Gone::Forced => warn(&format!(
                "the control plane did not let go of cluster {name} within {} s, and was not waited for: \
                 DNS loses the cluster's share when fedns runs again",
                self.timeout.as_secs()
            )),
        }
        let mut leftovers = match self.leaver(&prepared) {
            Err(leftover) => vec![leftover],
            Ok(leaver) => self.clean(&leaver, teller).await,
        };
        let own_secret = held.own_secret.iter();
        leftovers.extend(own_secret.map(|secret| prepared.own_secret(namespace, secret)));
        if leftovers.is_empty() {
            return print(format!("cluster {name} has left the federation\n"));
        }
        print(format!(
            "cluster {name} has left the federation; what is left:\n{}",
            steps::leftovers_text(&leftovers)
        ))
    }

    async fn prepare(&self) -> Result<Prepared, Failure> {
        let Self { place, .. } = self;
        let host_context = place.host_context()?.to_owned();
        let host_access = place.access(Some(&host_context));
        let federation_access = place.access(place.context.as_deref());
        let words = "the federation".to_owned();
        let federation = Party::new(words, "--context", &federation_access).await;
        let federation = federation.map_err(|error| one(&error))?;
        let host =
            Party::new("the host cluster".to_owned(), "--host-cluster-context", &host_access).await;
        let host = host.map_err(|error| one(&error))?;
        let namespace = &place.federation_system_namespace;
        let hosted = host::look(&host, namespace).await.map_err(|error| one(&error))?;
        tie::check(&federation, &host, &hosted).await.map_err(|error| one(&error))?;
        let enabled = enabled::get(&host, namespace).await.unwrap_or_else(|failure| {
            warn(&format!("kinds that `fedns enable` added are not known: {failure}"));
            Vec::new()
        });
        Ok(Prepared { federation, host, host_context, hosted, enabled })
    }

    /// Whose things in the member are removed; or that this is not known.
    fn leaver<'a>(&'a self, prepared: &'a Prepared) -> Result<Leaver<'a>, Leftover> {
        let Prepared { hosted, enabled, .. } = prepared;
        let label = hosted.name.as_ref().or(self.federation_name.as_ref());
        let federation = label.ok_or_else(|| Leftover {
            what: format!("fedns's account in cluster {}", self.name),
            why: "the host does not say which federation it holds; name it with --federation-name"
                .into(),
            command: None,
        })?;
        let (cluster, context) = (Some(self.name.as_str()), self.member_context());
        Ok(Leaver { cluster, federation, host_uid: &hosted.host_uid, context, enabled })
    }

    fn member_context(&self) -> &str {
        self.place.cluster_context.as_deref().unwrap_or(&self.name)
    }

    /// Why there is no way to the member, where there is none.
    async fn member(&self) -> Result<Party, String> {
        let access = self.place.access(Some(self.member_context()));
        let words = format!("cluster {}", self.name);
        let party = Party::new(words, "--cluster-context", &access).await;
        party.map_err(|error| error.to_string())
    }

    /// In the member, for a few seconds.
    async fn clean(&self, leaver: &Leaver<'_>, teller: &Teller) -> Vec<Leftover> {
        let tell = |told: Told| teller.tell(told);
        let with_copies = self.objects == Fate::Delete;
        let limit = if with_copies { COPIES_LIMIT } else { ACCOUNT_LIMIT };
        let why = match self.member().await {
            Err(error) => error,
            Ok(member) => {
                let work = async {
                    if with_copies {
                        remote::remove_copies(&member, leaver, &tell).await?;
                    }
                    remote::remove_account(&member, leaver, &tell).await
                };
                match member.answers(PATIENCE).await {
                    Err(failure) => failure.to_string(),
                    Ok(()) => match tokio::time::timeout(limit, work).await {
                        Ok(Ok(())) => return vec![],
                        Ok(Err(failure)) => failure.to_string(),
                        Err(_) => format!("not done within {} s", limit.as_secs()),
                    },
                }
            }
        };
        teller.close();
        remote::leftovers(leaver, with_copies, &why)
    }
}

// === impl Prepared ===

impl Prepared {
    fn own_secret(&self, namespace: &str, name: &str) -> Leftover {
        let context = &self.host_context;
        Leftover {
            what: format!("secret {namespace}/{name} in the host cluster"),
            why: "fedns join did not make it".to_owned(),
            command: Some(format!(
                "kubectl --context={context} -n {namespace} delete secret {name}"
            )),
        }
    }
}

fn warn(line: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "fedns: {line}");
}
