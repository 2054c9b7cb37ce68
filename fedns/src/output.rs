//! Tables, JSON and YAML for people and scripts; the text of errors, times and records.

use std::fmt::Display;
use std::io::{self, Write};

use clap::ValueEnum;
use model::{RecordSet, UnixTime};
use serde_json::Value;

/// `-o`, as in kubectl.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

/// Whole output at once; fails where stdout is closed or full.
pub fn print(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{text}")?;
    out.flush()
}

/// `what: why: why that`, where each error names only its own part.
pub fn chain_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// RFC 3339, UTC.
pub fn time_text(time: &UnixTime) -> String {
    match i64::try_from(time.0).map(jiff::Timestamp::from_second) {
        Ok(Ok(timestamp)) => timestamp.to_string(),
        _ => format!("{} s after 1970", time.0),
    }
}

/// The data of each record of the set as in a master file.
pub fn data_texts(set: &RecordSet) -> impl Iterator<Item = String> + '_ {
    set.values().iter().map(|value| zone_files::rdata_text(set.record_type, value))
}

/// Each record of the set without its owner: type and data as in a master file.
pub fn record_texts(set: &RecordSet) -> Vec<String> {
    data_texts(set).map(|data| format!("{} {data}", set.record_type)).collect()
}

/// Columns as wide as their widest cell, three spaces apart, nothing behind the last.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|title| title.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let header: Vec<String> = header.iter().map(|title| (*title).to_owned()).collect();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:<width$}   ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Indented JSON with a final end of line.
pub fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Block YAML with a final end of line.
pub fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap_or_else(|error| {
        // Every JSON value has a YAML form; JSON itself is one.
        tracing::error!(%error, "a value could not be written as YAML");
        json(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_reads_back_as_the_same_value() {
        let value = json!({"a": [1, {"b": "yes", "c": []}, [true, null]], "12": "192.0.2.1"});
        let text = yaml(&value);
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back, value, "{text}");
        assert!(text.ends_with('\n'), "{text}");
    }

    #[test]
    fn tables_line_up() {
        let rows = [vec!["a".into(), "1".into()], vec!["long".into(), "2".into()]];
        assert_eq!(table(&["NAME", "N"], &rows), "NAME   N\na      1\nlong   2\n");
    }
}
