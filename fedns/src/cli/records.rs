use std::collections::BTreeMap;
use std::process::ExitCode;

use ::clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::Value;

use super::client::Server;
use super::{Admin, CommandResult, Failure, client, print};
use crate::output;

/// List the records that the running server answers
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns records
  fedns records nginx.default -o wide
  fedns records --host-cluster-context hangzhou
  fedns records --zone example.com -o zone > example.com.zone

-o zone is a master file that every name server loads: of one zone, so --zone is needed where
several are served. With a filter it is a part of one, to be included in another.")]
pub struct Records {
    /// Only names that contain this text
    filter: Option<String>,
    /// Only this zone
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: RecordFormat,
    #[command(flatten)]
    admin: Admin,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum RecordFormat {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
    /// RFC 1035 master file of one zone
    Zone,
}

#[derive(Deserialize)]
struct Record {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    ttl: u32,
    values: Vec<String>,
    level: Option<String>,
    service: Option<String>,
    #[serde(default)]
    mirrors: Vec<AtProvider>,
}

#[derive(Deserialize)]
struct AtProvider {
    provider: String,
    state: String,
}

fn rows(server: &Server, value: Value) -> Result<Vec<Record>, Failure> {
    serde_json::from_value(value).map_err(|error| {
        let server = server.name();
        Failure::one(format!("{server}: the answer is not what this version expects: {error}"))
    })
}

impl Records {
    pub fn run(self) -> CommandResult {
        let server = Server::find(&self.admin)?;
        if self.output == RecordFormat::Zone {
            let text = server.get(&self.path("/api/v1/zone"))?;
            return print(String::from_utf8_lossy(&text));
        }
        let path = self.path("/api/v1/records");
        let value: Value = server.get_json(&path)?;
        match self.output {
            RecordFormat::Json => print(output::json(&value)),
            RecordFormat::Yaml => print(output::yaml(&value)),
            _ => self.print_rows(&rows(&server, value)?),
        }
    }

    fn path(&self, page: &str) -> String {
        let mut query = Vec::new();
        for (key, value) in [("zone", &self.zone), ("filter", &self.filter)] {
            if let Some(value) = value {
                query.push(format!("{key}={}", client::encode(value)));
            }
        }
        match query.as_slice() {
            [] => page.to_owned(),
            query => format!("{page}?{}", query.join("&")),
        }
    }

    fn print_rows(&self, records: &[Record]) -> CommandResult {
        if self.output == RecordFormat::Name {
            let names: BTreeMap<&str, ()> =
                records.iter().map(|record| (record.name.as_str(), ())).collect();
            let lines: String = names.keys().map(|name| format!("{name}\n")).collect();
            return print(lines);
        }
        let wide = self.output == RecordFormat::Wide;
        let is_mirrored = wide && records.iter().any(|record| !record.mirrors.is_empty());
        let header: &[&str] = match (wide, is_mirrored) {
            (true, true) => &["NAME", "TYPE", "TTL", "VALUES", "LEVEL", "SERVICE", "MIRROR"],
            (true, false) => &["NAME", "TYPE", "TTL", "VALUES", "LEVEL", "SERVICE"],
            (false, _) => &["NAME", "TYPE", "TTL", "VALUES"],
        };
        let row = |record: &Record| {
            let mut cells = vec![
                record.name.clone(),
                record.record_type.clone(),
                record.ttl.to_string(),
                record.values.join(", "),
            ];
            if wide {
                let or_dash = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".into());
                cells.push(or_dash(&record.level));
                cells.push(or_dash(&record.service));
            }
            if is_mirrored {
                let states =
                    record.mirrors.iter().map(|it| format!("{} {}", it.provider, it.state));
                let states: Vec<String> = states.collect();
                cells.push(if states.is_empty() { "-".into() } else { states.join(", ") });
            }
            cells
        };
        let rows: Vec<Vec<String>> = records.iter().map(row).collect();
        print(output::table(header, &rows))?;
        Ok(ExitCode::SUCCESS)
    }
}
