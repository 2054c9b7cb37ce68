use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use ::clap::{Args, ValueEnum};
use providers::preflight::{Finding, Severity};
use serde_json::{Value, json};

use super::{CommandResult, ConfigFile, Failure, print};
use crate::config::{self, Config};
use crate::delegation::look::Settings;
use crate::mirror::alone;
use crate::mirror::check::{Checked, check, check_served};
use crate::output;

/// Check what each zone needs before it can be relied on
///
/// Of a zone at providers: asks each what its plan allows and compares it with what is wanted: TTL, depth
/// of names, records, clock; and asks the parent zone whether it leads to the provider. `fedns serve` does
/// the same at its start, and writes nothing while something is in the way. Of a zone that fedns answers
/// itself: asks the parent zone and the zone's name servers, as the world does: NS records and their
/// addresses, UDP and TCP, SOA, recursion.
/// Nothing is changed anywhere.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns preflight
  fedns preflight -c /etc/fedns/fedns.yaml -o json
  fedns preflight --resolver 192.0.2.1:53

Exit code 1 means that something is wrong: nothing would be written, or the zone does not resolve.")]
pub struct Preflight {
    #[command(flatten)]
    file: ConfigFile,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: PreflightFormat,
    /// Who looks up the parent zone; by default `resolver` of the config, else the system's
    #[arg(long, value_name = "ADDRESS")]
    resolver: Vec<SocketAddr>,
    /// A name server of the parent zone, in place of the one that is looked up
    #[arg(long, value_name = "ADDRESS")]
    parent: Option<SocketAddr>,
    /// Port of name servers, to try things out before they have port 53
    #[arg(long, default_value_t = 53)]
    port: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum PreflightFormat {
    #[default]
    Text,
    Json,
}

impl Preflight {
    pub fn run(self) -> CommandResult {
        let config = config::load(&config::locate(self.file.config.as_deref())?)?;
        let checked = self.checked(&config)?;
        let is_blocked = checked.iter().flat_map(|it| &it.findings).any(is_blocking);
        print(match self.output {
            PreflightFormat::Text => checked.iter().map(text).collect::<String>(),
            PreflightFormat::Json => {
                output::json(&Value::Array(checked.iter().map(value).collect()))
            }
        })?;
        Ok(if is_blocked { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn checked(&self, config: &Config) -> Result<Vec<Checked>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
        runtime.block_on(async {
            let is_mirrored = config.zones.iter().any(|zone| !zone.providers.is_empty());
            let seen = if is_mirrored { Some(alone::look(config).await?) } else { None };
            let missing = seen.iter().flat_map(|seen| &seen.missing);
            for (cluster, why) in missing {
                // A closed stderr leaves nobody to tell.
                let _ = writeln!(
                    std::io::stderr(),
                    "fedns: cluster {cluster} is not known ({why}): what it gives is not counted"
                );
            }
            let asking = self.asking(config);
            let mut checked = Vec::new();
            for zone in &config.zones {
                for provider in &zone.providers {
                    checked.push(check(config, seen.as_ref(), (zone, provider), &asking).await);
                }
                if zone.providers.is_empty() {
                    checked.push(check_served(config, zone, &asking).await?);
                }
            }
            Ok(checked)
        })
    }

    fn asking(&self, config: &Config) -> Settings {
        let resolvers = if self.resolver.is_empty() { &config.resolver } else { &self.resolver };
        let is_by_request = !self.resolver.is_empty() || self.parent.is_some();
        Settings {
            resolvers: resolvers.clone(),
            parent: self.parent,
            port: self.port,
            is_by_request,
        }
    }
}

fn is_blocking(finding: &Finding) -> bool {
    finding.severity == Severity::Blocking
}

fn text(checked: &Checked) -> String {
    let mut text = format!("{}\n", checked.title);
    for finding in &checked.findings {
        let sign = match finding.severity {
            Severity::Fine => "ok     ",
            Severity::Warning => "warning",
            Severity::Blocking if checked.is_served => "WRONG  ",
            Severity::Blocking => "BLOCKED",
        };
        text += &format!("  {sign}  {finding}\n");
    }
    text
}

fn value(checked: &Checked) -> Value {
    let finding = |finding: &Finding| {
        let severity = match finding.severity {
            Severity::Fine => "fine",
            Severity::Warning => "warning",
            Severity::Blocking => "blocking",
        };
        json!({"severity": severity, "subject": finding.subject, "text": finding.text})
    };
    let findings: Vec<Value> = checked.findings.iter().map(finding).collect();
    let provider = (!checked.is_served).then_some(&checked.title);
    json!({"provider": provider, "zone": checked.zone, "findings": findings})
}
