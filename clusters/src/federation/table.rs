//! The members as an API server prints them: it makes the columns and their cells itself.

use kube::core::Request;
use kube::core::params::ListParams;
use serde::Deserialize;
use serde_json::Value;

use super::cluster_object::ClusterObject;
use super::steps::{Party, limited};
use crate::failure::Failure;

const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// `meta.k8s.io/v1`, kind `Table`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    pub column_definitions: Vec<Column>,
    #[serde(default)]
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Column {
    pub name: String,
    /// Above 0: only in a wide table.
    #[serde(default)]
    pub priority: i32,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    pub cells: Vec<Value>,
    /// The whole object.
    pub object: Value,
}

/// All `Cluster` objects.
///
/// # Errors
///
/// Why they cannot be listed.
pub async fn clusters(federation: &Party) -> Result<Table, Failure> {
    let words = format!("{}: list clusters", federation.words);
    let url = <ClusterObject as kube::Resource>::url_path(&(), None);
    let bad = |error: &dyn std::fmt::Display| Failure::NotReady(format!("{words}: {error}"));
    let request = Request::new(url).list(&ListParams::default());
    let mut request = request.map_err(|error| bad(&error))?;
    let url = format!("{}&includeObject=Object", request.uri());
    *request.uri_mut() = url.parse().map_err(|error| bad(&error))?;
    request.headers_mut().insert("accept", ACCEPT.parse().map_err(|error| bad(&error))?);
    limited(&words, federation.client().request::<Table>(request)).await
}

// === impl Table, Row ===

impl Table {
    /// Titles and rows, as kubectl writes them.
    pub fn cells(&self, is_wide: bool) -> (Vec<String>, Vec<Vec<String>>) {
        let is_shown = |column: &Column| is_wide || column.priority == 0;
        let shown: Vec<usize> = (0..self.column_definitions.len())
            .filter(|&index| is_shown(&self.column_definitions[index]))
            .collect();
        let titles = shown.iter().map(|&index| self.column_definitions[index].name.to_uppercase());
        let row = |row: &Row| shown.iter().map(|&index| cell(row.cells.get(index))).collect();
        (titles.collect(), self.rows.iter().map(row).collect())
    }
}

impl Row {
    pub fn name(&self) -> Option<&str> {
        self.object["metadata"]["name"].as_str()
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
