//! From the command line and what stands to the plan, before anything is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clusters::federation::steps::Party;
use clusters::federation::unjoin::remote::PATIENCE;

use super::Delete;
use crate::cli::Failure;
use crate::config::Config;
use crate::control_plane::certificates::is_of_control_plane;
use crate::control_plane::delete::look::{Standing, System, look};
use crate::control_plane::delete::members::{self, MemberPlan, Whose, cluster_names, targets};
use crate::control_plane::delete::{Context, Fate, Plan, Records, records};
use crate::control_plane::host::Host;
use crate::control_plane::provider_files::ProviderFiles;
use crate::control_plane::server_config::{
    AWS_KINDS, DnsFlags, PROVIDER_FILE, ServerConfig, default_owner, delegation, is_aws,
};
use crate::output::chain_text;

/// What the host cluster shows.
pub(super) struct Seen {
    pub standing: Standing,
    /// The federation's label.
    federation: String,
}

/// What the config means to a process outside of the host cluster.
pub(super) struct Outside {
    pub config: Option<Config>,
    /// There is a config, and it names no provider.
    pub has_no_provider: bool,
    aws_file: Option<PathBuf>,
    /// With the files of the provider's Secret.
    _files: Option<ProviderFiles>,
}

// === impl Outside ===

impl Outside {
    /// The AWS tools find their file by the environment, here as in the pod.
    pub(super) fn set_environment(&self) {
        if let Some(file) = &self.aws_file {
            // SAFETY: no other thread runs now.
            unsafe { std::env::set_var("AWS_SHARED_CREDENTIALS_FILE", file) };
        }
    }
}

impl Delete {
    /// # Errors
    ///
    /// The host cluster cannot be read, or holds something else.
    pub(super) async fn look(&self) -> Result<Seen, Failure> {
        let host = Host::new(&self.host_cluster_context, self.host_party().await?.client());
        let standing = look(&host, &self.federation_system_namespace).await;
        let standing =
            standing.map_err(|why| Failure::one(format!("--host-cluster-context: {why}")))?;
        let federation = match &standing.system {
            Some(system) => self.same_federation(system)?,
            None => self.said_federation()?,
        };
        Ok(Seen { standing, federation })
    }

    /// The label of the federation that is there, if it is the one that was named.
    fn same_federation(&self, system: &System) -> Result<String, Failure> {
        let System { federation, context, .. } = system;
        let is_label = self.federation_name.as_ref().is_none_or(|it| it == federation);
        let is_named = match context {
            Some(context) => *context == self.name,
            None => self.name == *federation || self.federation_name.is_some(),
        };
        if is_label && is_named {
            return Ok(federation.clone());
        }
        let Self { federation_system_namespace: namespace, host_cluster_context: host, .. } = self;
        let name = context.as_ref().unwrap_or(federation);
        Err(Failure::one(format!(
            "namespace {namespace} of {host} holds the federation {name:?} with the label {federation:?}: name \
             that one, fedns delete {name} --federation-name={federation}, or another namespace or host cluster"
        )))
    }

    fn said_federation(&self) -> Result<String, Failure> {
        if let Some(label) = &self.federation_name {
            return Ok(label.clone());
        }
        let config = self.config.as_deref().map(ServerConfig::read).transpose()?;
        let said = config.and_then(|config| config.federation().map(str::to_owned));
        Ok(said.unwrap_or_else(|| self.name.clone()))
    }

    /// The config, with every file that it names on this machine.
    pub(super) fn outside(&self, seen: &Seen) -> Result<Outside, Failure> {
        let Seen { standing, federation } = seen;
        let nothing =
            Outside { config: None, has_no_provider: false, aws_file: None, _files: None };
        let standing_text = standing.system.as_ref().and_then(|it| it.config.as_deref());
        let server = match (&self.config, standing_text) {
            (Some(file), _) => ServerConfig::read(file)?,
            (None, Some(text)) => match ServerConfig::standing(text) {
                Ok(server) => server,
                Err(_) if self.records == Fate::Keep => return Ok(nothing),
                Err(error) => return Err(unreadable(error.into())),
            },
            (None, None) if self.dns_provider.is_some() => ServerConfig::empty(),
            (None, None) => return Ok(nothing),
        };
        let provider_file =
            self.dns_provider_config.as_deref().map(std::path::absolute).transpose();
        let provider_file = provider_file
            .map_err(|error| Failure::one(format!("--dns-provider-config: {error}")))?;
        let owner_default = standing.host_uid.as_ref().map(|uid| default_owner(federation, uid));
        let server = server.with_flags(&DnsFlags {
            federation: Some(federation),
            zone: self.former_zone.as_deref().or(self.dns_zone_name.as_deref()),
            provider: self.dns_provider.as_deref(),
            provider_file: provider_file.as_deref(),
            owner: self.dns_owner.as_deref(),
            owner_default: owner_default.as_deref(),
        });
        if self.dns_provider.is_some() && !server.has_owner() {
            return Err(Failure::one(format!(
                "--dns-owner is missing: the namespace kube-system of {} may not be read, whose UID is part of \
                 the default",
                self.host_cluster_context
            )));
        }
        if !server.has_zone() {
            return Err(Failure::one("--dns-zone-name is missing: the zone of all names"));
        }
        let none = BTreeMap::new();
        let files = standing.system.as_ref().map_or(&none, |system| &system.provider_files);
        let files = ProviderFiles::write(files)
            .map_err(|error| Failure::one(format!("a folder for the provider's file: {error}")))?;
        let path = files.path();
        let is_aws_named = self.dns_provider.as_deref().is_some_and(is_aws);
        let aws_file = match provider_file {
            Some(file) if is_aws_named => Some(file),
            _ => {
                let file = path.join(PROVIDER_FILE);
                (server.has_provider_of(&AWS_KINDS) && file.exists()).then_some(file)
            }
        };
        let has_no_provider = !server.has_providers();
        let config = match server.outside(path).checked() {
            Ok(config) => config,
            // Nothing of it is needed then.
            Err(_) if has_no_provider || self.records == Fate::Keep => {
                return Ok(Outside { has_no_provider, ..nothing });
            }
            Err(error) => return Err(unreadable(error.into())),
        };
        Ok(Outside { config: Some(config), has_no_provider, aws_file, _files: Some(files) })
    }

    /// Looks at members and providers.
    pub(super) async fn plan(&self, seen: &Seen, outside: &Outside) -> Result<Plan, Failure> {
        let Seen { standing, federation } = seen;
        let context = self.context(standing).await?;
        // One that is on its way out tells no more of members than of providers.
        let is_whole = standing.system.as_ref().is_some_and(|it| it.config.is_some());
        let mut known: BTreeSet<String> =
            standing.system.as_ref().map(|it| it.members.clone()).unwrap_or_default();
        if standing.system.is_some() && matches!(context, Context::Ours(_)) {
            known.extend(cluster_names(&self.access(&self.name)).await);
        }
        let members = self.member_plans(&known, federation, standing).await?;
        let records = match (&outside.config, self.records) {
            _ if outside.has_no_provider => Records::Found(Vec::new()),
            (_, Fate::Keep) => Records::Kept,
            (None, Fate::Delete) => Records::Unknown,
            (Some(config), Fate::Delete) => {
                let found = records::look(config).await;
                Records::Found(found.map_err(|mut lines| {
                    lines.push(WITHOUT_RECORDS.to_owned());
                    Failure { lines }
                })?)
            }
        };
        Ok(Plan {
            name: self.name.clone(),
            federation: federation.clone(),
            host: self.host_cluster_context.clone(),
            namespace: self.federation_system_namespace.clone(),
            has_members_list: is_whole || !members.is_empty(),
            standing: standing.clone(),
            records,
            delegation: outside.config.as_ref().map(delegation).unwrap_or_default(),
            members,
            objects: self.objects,
            keeps_volumes: self.keep_volumes,
            context,
        })
    }

    async fn member_plans(
        &self,
        known: &BTreeSet<String>,
        federation: &str,
        standing: &Standing,
    ) -> Result<Vec<MemberPlan>, Failure> {
        let targets = targets(known, &self.members);
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let uid = standing.host_uid.as_ref().ok_or_else(|| {
            Failure::one(format!(
                "the namespace kube-system of {} may not be read, by whose UID members know the federation",
                self.host_cluster_context
            ))
        })?;
        let whose = Whose { federation, host_uid: uid, enabled: standing.enabled() };
        Ok(members::look(targets, &|context| self.access(context), whose).await)
    }

    /// Only what leads to this federation goes.
    async fn context(&self, standing: &Standing) -> Result<Context, Failure> {
        let failed = |error| Failure::one(chain_text(&error));
        let local = self.local_kubeconfig()?;
        let Some(server) = local.server_of(&self.name).map_err(failed)? else {
            return Ok(Context::Absent);
        };
        let shown = local.authority_of(&self.name).map_err(failed)?.unwrap_or_default();
        let known = standing.system.as_ref().and_then(|it| it.authority.as_ref());
        let is_ours = match known {
            Some(authority) => authority.as_bytes().trim_ascii() == shown.trim_ascii(),
            None => is_of_control_plane(&shown),
        };
        if !is_ours {
            return Ok(Context::Others(format!(
                "it leads to {server}, and not to this federation"
            )));
        }
        if standing.system.is_none() && self.answers().await {
            return Ok(Context::Others(format!(
                "a federation answers at {server}, whose control plane is elsewhere"
            )));
        }
        Ok(Context::Ours(local.target().display().to_string()))
    }

    async fn answers(&self) -> bool {
        let party = Party::new(self.name.clone(), "NAME", &self.access(&self.name)).await;
        match party {
            Ok(party) => party.answers(PATIENCE).await.is_ok(),
            Err(_) => false,
        }
    }
}

const WITHOUT_RECORDS: &str = "the records are still there; --config FILE names other keys for the provider, and \
                               --records=keep goes on without";

fn unreadable(mut failure: Failure) -> Failure {
    failure.lines.push(WITHOUT_RECORDS.to_owned());
    failure
}
