//! The members as the federation's API tells of them. The API server makes the columns, as for kubectl.

use std::path::PathBuf;

use ::clap::Args;
use clusters::federation::steps::Party;
use clusters::federation::table::{self, Table};
use clusters::{Connection, Failure as RequestFailure, KubeconfigAccess};
use serde_json::{Value, json};

use crate::cli::{CommandResult, Failure, print, steps};
use crate::output::{self, Format};

#[derive(Debug, Args)]
pub struct Place {
    /// Context of the federation's API [default: the current context]
    #[arg(long, value_name = "CONTEXT")]
    pub context: Option<String>,
    /// Kubeconfig with the context [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

// === impl Place ===

impl Place {
    pub fn is_named(&self) -> bool {
        self.context.is_some() || self.kubeconfig.is_some()
    }

    /// There is a kubeconfig with a current context.
    pub fn is_there(&self) -> bool {
        matches!(steps::run(Connection::new(&self.access().into())), Ok(Some(Ok(_))))
    }

    fn access(&self) -> KubeconfigAccess {
        KubeconfigAccess { path: self.kubeconfig.clone(), context: self.context.clone() }
    }
}

/// Without a context the current one is asked.
pub fn list(place: &Place, names: &[String], format: Format) -> CommandResult {
    let words = match &place.context {
        Some(context) => format!("context {context}"),
        None => "the current context".to_owned(),
    };
    let failed = |error: &dyn std::fmt::Display| Failure::one(error.to_string());
    let asked = steps::run(async {
        let party = Party::new(words, "--context", &place.access()).await;
        let party = party.map_err(|error| failed(&error))?;
        table::clusters(&party).await.map_err(|failure| match failure {
            RequestFailure::NotFound(line) => Failure::one(format!(
                "{line}; this is no federation's API: name its context with --context, or a running server \
                 with --admin"
            )),
            failure => failed(&failure),
        })
    });
    let table = asked?.ok_or_else(|| Failure::one("interrupted"))??;
    let (kept, absent) = select(table, names);
    let code = print(text(&kept, format))?;
    match absent.as_slice() {
        [] => Ok(code),
        absent => Err(Failure {
            lines: absent.iter().map(|name| format!("cluster {name:?} not found")).collect(),
        }),
    }
}

/// The rows of these names, in their order; all of them where none is named.
fn select(table: Table, names: &[String]) -> (Table, Vec<String>) {
    if names.is_empty() {
        return (table, vec![]);
    }
    let row = |name: &String| table.rows.iter().find(|row| row.name() == Some(name));
    let absent = names.iter().filter(|name| row(name).is_none()).cloned().collect();
    let rows = names.iter().filter_map(row).cloned().collect();
    (Table { rows, ..table }, absent)
}

fn text(table: &Table, format: Format) -> String {
    let objects = || -> Vec<Value> { table.rows.iter().map(|row| row.object.clone()).collect() };
    match format {
        Format::Json => output::json(&all(objects())),
        Format::Yaml => output::yaml(&all(objects())),
        Format::Name => {
            let names = table.rows.iter().filter_map(table::Row::name);
            names.map(|name| format!("cluster.fedns.io/{name}\n")).collect()
        }
        Format::Table | Format::Wide => {
            if table.rows.is_empty() {
                return "No resources found\n".to_owned();
            }
            let (header, rows) = table.cells(format == Format::Wide);
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            output::table(&header, &rows)
        }
    }
}

/// One object as it is, several as a List, as kubectl does it.
fn all(mut objects: Vec<Value>) -> Value {
    match objects.len() {
        1 => objects.remove(0),
        _ => {
            json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": objects})
        }
    }
}
