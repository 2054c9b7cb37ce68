use ::clap::{Args, ValueEnum};
use model::Name;
use serde_json::Value;

use super::client::Server;
use super::{Admin, CommandResult, client, print};
use crate::output;

/// Say why a name has the answer that it has
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns explain nginx.default.fed.svc.example.com
  fedns explain nginx.default.fed.svc.cn-beijing-a.cn-beijing.example.com -o json
  fedns explain nginx.default.fed.svc.example.com --host-cluster-context hangzhou

Shows which clusters and objects give which address, what was left out and why, what is stale or
held, and the answer on the wire.")]
pub struct Explain {
    /// The name, as it is asked for
    name: Name,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: ExplainFormat,
    #[command(flatten)]
    admin: Admin,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ExplainFormat {
    #[default]
    Text,
    Json,
    Yaml,
}

impl Explain {
    pub fn run(self) -> CommandResult {
        let name = client::encode(&self.name.to_string());
        let server = Server::find(&self.admin)?;
        let text = match self.output {
            ExplainFormat::Text => {
                let page = format!("/api/v1/explain?name={name}&format=text");
                return print(String::from_utf8_lossy(&server.get(&page)?));
            }
            ExplainFormat::Json => output::json,
            ExplainFormat::Yaml => output::yaml,
        };
        let value: Value = server.get_json(&format!("/api/v1/explain?name={name}"))?;
        print(text(&value))
    }
}
