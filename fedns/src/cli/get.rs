use ::clap::{Args, Subcommand};

use super::clusters::ListClusters;
use super::{Admin, AdminAddress, CommandResult};
use crate::output::Format;

/// List the member clusters, as `kubectl get` does
#[derive(Debug, Subcommand)]
pub enum Get {
    #[command(alias = "cluster")]
    Clusters(GetClusters),
}

/// List the member clusters
///
/// As the federation's API tells of them: what `kubectl get clusters` prints in --context, or in the current
/// context. With --admin, or where a server runs on this machine, as that server does: what `fedns clusters`
/// prints.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns get clusters
  fedns get clusters --context=federation
  fedns get clusters beijing --context=federation -o wide")]
pub struct GetClusters {
    /// Only these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    address: AdminAddress,
    #[cfg(feature = "federation")]
    #[command(flatten)]
    place: federated::Place,
}

impl Get {
    pub fn run(self) -> CommandResult {
        match self {
            Self::Clusters(command) => command.run(),
        }
    }
}

impl GetClusters {
    fn run(self) -> CommandResult {
        #[cfg(feature = "federation")]
        if self.asks_federation() {
            return federated::list(&self.place, &self.names, self.output);
        }
        let admin = Admin {
            address: self.address,
            #[cfg(feature = "federation")]
            reach: super::reach::Reach::default(),
        };
        ListClusters { output: self.output, admin, names: self.names }.run()
    }
}

#[cfg(feature = "federation")]
impl GetClusters {
    /// A server of this machine comes before the current context: asking whether there is one takes no time.
    fn asks_federation(&self) -> bool {
        let is_plugin = super::is_plugin() && self.address.admin.is_none();
        self.place.is_named() || is_plugin || (self.address.is_vain() && self.place.is_there())
    }
}

#[cfg(feature = "federation")]
mod federated;
