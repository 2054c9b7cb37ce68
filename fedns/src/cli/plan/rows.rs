//! The rows of a plan as a person reads them.

use std::collections::BTreeSet;

use clap::ValueEnum;
use providers::sync::plan::{ChangeRow, SetRow};

/// `-o` of what shows plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// A row for each record set
    #[default]
    Table,
    /// A line for each record, as in a master file, with - for those that go and + for those that come
    Diff,
    Json,
    Yaml,
}

// === impl PlanFormat ===

impl PlanFormat {
    /// The text of these rows; nothing where a program reads them.
    pub fn rows<'a>(self, rows: impl IntoIterator<Item = &'a ChangeRow>) -> String {
        let text = if self == Self::Diff { diff } else { row };
        rows.into_iter().map(text).collect()
    }

    /// What is no row, like a heading.
    pub fn remark(self, text: &str) -> String {
        match self {
            Self::Diff => text.lines().map(|line| format!("# {}\n", line.trim_start())).collect(),
            _ => text.to_owned(),
        }
    }
}

/// `+` what is new, `-` what goes, `~` what changes.
fn row(row: &ChangeRow) -> String {
    let ChangeRow { action, name, record_type, old, new } = row;
    let records = |set: &SetRow| format!("{} {}", set.ttl, set.values.join(" "));
    let sign = match action.as_str() {
        "create" => '+',
        "delete" => '-',
        _ => '~',
    };
    let sides: Vec<String> = old.iter().chain(new).map(records).collect();
    format!("  {sign} {name} {record_type} {}\n", sides.join(" -> "))
}

/// Records of a set that stay are shown as well: a set is one thing.
fn diff(row: &ChangeRow) -> String {
    let records = |set: &Option<SetRow>| -> BTreeSet<String> {
        let set = set.iter().flat_map(|set| set.values.iter().map(|value| (set.ttl, value)));
        let line = |(ttl, value)| format!("{} {ttl} IN {} {value}", row.name, row.record_type);
        set.map(line).collect()
    };
    let (old, new) = (records(&row.old), records(&row.new));
    let gone = old.difference(&new).map(|line| format!("-{line}\n"));
    let stays = old.intersection(&new).map(|line| format!(" {line}\n"));
    let comes = new.difference(&old).map(|line| format!("+{line}\n"));
    stays.chain(gone).chain(comes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ttl: u32, values: &[&str]) -> Option<SetRow> {
        Some(SetRow { ttl, values: values.iter().map(|value| (*value).to_owned()).collect() })
    }

    fn change(action: &str, old: Option<SetRow>, new: Option<SetRow>) -> ChangeRow {
        let (name, record_type) = ("www.example.com.".into(), "A".into());
        ChangeRow { action: action.into(), name, record_type, old, new }
    }

    #[test]
    fn a_diff_shows_records_and_a_table_sets() {
        let rows = [
            change("create", None, set(180, &["192.0.2.1"])),
            change("update", set(180, &["192.0.2.1", "192.0.2.2"]), set(180, &["192.0.2.2"])),
            change("delete", set(60, &["192.0.2.2"]), None),
        ];
        assert_eq!(
            PlanFormat::Diff.rows(&rows),
            "+www.example.com. 180 IN A 192.0.2.1\n \
             www.example.com. 180 IN A 192.0.2.2\n\
             -www.example.com. 180 IN A 192.0.2.1\n\
             -www.example.com. 60 IN A 192.0.2.2\n"
        );
        assert_eq!(
            PlanFormat::Table.rows(&rows),
            "  + www.example.com. A 180 192.0.2.1\n  \
             ~ www.example.com. A 180 192.0.2.1 192.0.2.2 -> 180 192.0.2.2\n  \
             - www.example.com. A 60 192.0.2.2\n"
        );
        assert_eq!(PlanFormat::Diff.remark("  ! a conflict\n"), "# ! a conflict\n");
    }
}
