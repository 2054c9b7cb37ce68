use std::process::ExitCode;

use ::clap::{Args, ValueEnum};
use providers::preflight::{Finding, Severity};
use serde_json::{Value, json};

use super::{CommandResult, ConfigFile, Failure, print};
use crate::config::{self, Config, ProviderConfig, ZoneConfig};
use crate::mirror::check::{Checked, check};
use crate::output;

/// Check each provider of the config before the first write
///
/// Asks providers what the plan of each zone allows and compares it with what is wanted: TTL, depth of
/// names, records, delegation, clock. Nothing is written. `fedns serve` does the same at its start,
/// and writes nothing while something is in the way.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns preflight
  fedns preflight -c /etc/fedns/fedns.yaml -o json

Exit code 1 means that nothing would be written.")]
pub struct Preflight {
    #[command(flatten)]
    file: ConfigFile,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: PreflightFormat,
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
        let checked = checked(&config)?;
        let is_blocked = checked.iter().flat_map(|it| &it.findings).any(is_blocking);
        print(match self.output {
            PreflightFormat::Text => checked.iter().map(text).collect::<String>(),
            PreflightFormat::Json => {
                output::json(&Value::Array(checked.iter().map(value).collect()))
            }
        })?;
        Ok(if is_blocked { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn checked(config: &Config) -> Result<Vec<Checked>, Failure> {
    let mirrored: Vec<(&ZoneConfig, &ProviderConfig)> = config
        .zones
        .iter()
        .flat_map(|zone| zone.providers.iter().map(move |provider| (zone, provider)))
        .collect();
    if mirrored.is_empty() {
        let file = config.file.display();
        return Err(Failure::one(format!(
            "{file}: no provider is configured, and zones that fedns answers itself are not checked by \
             this version; give providers, like [{{kind: alidns, owner: shop}}]"
        )));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
    let check_one = |(zone, provider)| runtime.block_on(check(config, zone, provider));
    Ok(mirrored.into_iter().map(check_one).collect())
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
    json!({"provider": checked.title, "zone": checked.zone, "findings": findings})
}
