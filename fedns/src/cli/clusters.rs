use ::clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Order, Server};
use super::{Admin, CommandResult, Failure, print};
use crate::output::{self, Format};

/// List the member clusters and how fresh the view of each is
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Clusters {
    #[command(subcommand)]
    command: Option<ClustersCommand>,
    #[command(flatten)]
    list: ListClusters,
}

const EXAMPLES: &str = "Examples:
  fedns clusters
  fedns clusters -o wide
  fedns get clusters
  fedns clusters --host-cluster-context hangzhou
  fedns clusters accept beijing

STATUS is Ready; NotReady where a cluster answers but cannot be used (rights, /readyz); Offline
without contact. A cluster that is not Ready keeps its addresses. PROBLEMS are those of the files in
a manifest folder; a broken file keeps what it last gave.";

#[derive(Debug, Subcommand)]
enum ClustersCommand {
    Accept(Accept),
}

/// Take the cluster that answers now in place of the one that was there before
///
/// Where another cluster answers at a member's address, nothing of the old one is removed and
/// nothing of the new one is taken, until somebody says that this is meant. Then the new cluster's
/// first complete view replaces the old one in one step.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns clusters accept beijing

Works on the server's machine, for the user that it runs as, and over TLS for whoever has the token of its
adminTokenFile (--admin https://HOST:PORT --token-file FILE). In a federation with an API of its own,
fedns join NAME again does it for all of its servers.")]
struct Accept {
    /// The member cluster's name
    name: String,
    #[command(flatten)]
    admin: Admin,
}

/// List the member clusters and how fresh the view of each is
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListClusters {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Format,
    #[command(flatten)]
    pub(super) admin: Admin,
    /// Only these; all, where none is named.
    #[arg(skip)]
    pub(super) names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    phase: String,
    reason: Option<String>,
    since: Option<String>,
    region: Vec<String>,
    availability_zones: Vec<String>,
    services: usize,
    addresses: usize,
    #[serde(default)]
    problems: Vec<String>,
}

impl Clusters {
    pub fn run(self) -> CommandResult {
        match self.command {
            Some(ClustersCommand::Accept(accept)) => accept.run(),
            None => self.list.run(),
        }
    }
}

impl Accept {
    fn run(self) -> CommandResult {
        let order = Order::AcceptCluster(&self.name);
        print(Server::find(&self.admin)?.order(&order)? + "\n")
    }
}

impl ListClusters {
    pub fn run(self) -> CommandResult {
        let value: Value = Server::find(&self.admin)?.get_json("/api/v1/clusters")?;
        let value = self.selected(value)?;
        match self.output {
            Format::Json => return print(output::json(&value)),
            Format::Yaml => return print(output::yaml(&value)),
            _ => {}
        }
        let rows: Vec<Row> = serde_json::from_value(value).map_err(|error| {
            Failure::one(format!("the answer is not what this version expects: {error}"))
        })?;
        if self.output == Format::Name {
            let lines: String = rows.iter().map(|row| format!("cluster/{}\n", row.name)).collect();
            return print(lines);
        }
        print(self.table(&rows))
    }

    /// The rows of those that are named, in their order.
    fn selected(&self, value: Value) -> Result<Value, Failure> {
        if self.names.is_empty() {
            return Ok(value);
        }
        let rows = value.as_array().cloned().unwrap_or_default();
        let row = |name: &String| rows.iter().find(|row| row["name"] == name.as_str()).cloned();
        let absent: Vec<&String> = self.names.iter().filter(|name| row(name).is_none()).collect();
        if !absent.is_empty() {
            let lines = absent.iter().map(|name| format!("cluster {name:?} not found"));
            return Err(Failure { lines: lines.collect() });
        }
        Ok(self.names.iter().filter_map(row).collect())
    }

    fn table(&self, rows: &[Row]) -> String {
        let wide = self.output == Format::Wide;
        let mut header = vec!["NAME", "STATUS", "REGION", "ZONES", "SERVICES", "ADDRESSES"];
        if wide {
            header.extend(["LAST CONTACT", "REASON", "PROBLEMS"]);
        }
        let cells = |row: &Row| {
            let mut cells = vec![
                row.name.clone(),
                row.phase.clone(),
                or_dash(row.region.join(",")),
                or_dash(row.availability_zones.join(",")),
                row.services.to_string(),
                row.addresses.to_string(),
            ];
            if wide {
                cells.push(or_dash(row.since.clone().unwrap_or_default()));
                cells.push(or_dash(row.reason.clone().unwrap_or_default()));
                cells.push(or_dash(row.problems.join("; ")));
            }
            cells
        };
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        output::table(&header, &rows)
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".into() } else { text }
}
