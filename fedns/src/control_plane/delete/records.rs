//! The federation's records at its providers: what goes, and its removal.

use clusters::federation::steps::{Change, Tell, Told};
use clusters::federation::unjoin::Leftover;
use providers::sync::plan::{ChangeRow, rows};

use crate::config::{Config, ProviderConfig, ZoneConfig};
use crate::mirror::alone::Outcome;
use crate::mirror::withdraw::{self, Withdrawal};

/// What goes of one zone at one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordsPlan {
    /// `alidns for example.com.`
    pub title: String,
    pub owner: String,
    /// How many names change.
    pub names: usize,
    pub rows: Vec<ChangeRow>,
    /// Names of ours that the policy keeps.
    pub not_allowed: Vec<String>,
    /// Names outside of the federation's pattern that were imported.
    pub imported: Vec<String>,
}

/// Lists all providers of a config.
///
/// # Errors
///
/// Those that cannot be listed, one line each.
pub async fn look(config: &Config) -> Result<Vec<RecordsPlan>, Vec<String>> {
    let (mut plans, mut failures) = (Vec::new(), Vec::new());
    for (zone, provider) in mirrored(config) {
        match withdraw::plan(config, (zone, provider)).await {
            Ok(withdrawal) => plans.push(RecordsPlan::of(&withdrawal)),
            Err(failure) => failures.push(line(zone, provider, &failure)),
        }
    }
    if failures.is_empty() { Ok(plans) } else { Err(failures) }
}

/// Lists them once more, for until now somebody may have written, and removes what is the federation's.
///
/// # Errors
///
/// What could not be removed, one line each.
pub async fn remove(config: &Config, tell: Tell<'_>) -> Result<Vec<Leftover>, Vec<String>> {
    let (mut left, mut failures) = (Vec::new(), Vec::new());
    for (zone, provider) in mirrored(config) {
        let title = format!("{} for {}", provider.kind.word(), zone.name);
        tell(Told::Begun(format!("Deleting records at {title}")));
        match withdraw::plan(config, (zone, provider)).await {
            Ok(withdrawal) => {
                let plan = RecordsPlan::of(&withdrawal);
                left.extend(plan.left());
                let Outcome { failures: lines, .. } = withdrawal.planned.apply(|_, _| {}).await;
                tell(match (lines.is_empty(), plan.is_empty()) {
                    (false, _) => Told::Failed,
                    (true, true) => Told::Done(Change::Absent),
                    (true, false) => Told::Done(Change::Removed),
                });
                failures.extend(lines.into_iter().map(|line| format!("{title}: {line}")));
            }
            Err(failure) => {
                tell(Told::Failed);
                failures.push(line(zone, provider, &failure));
            }
        }
    }
    if failures.is_empty() { Ok(left) } else { Err(failures) }
}

fn mirrored(config: &Config) -> impl Iterator<Item = (&ZoneConfig, &ProviderConfig)> {
    let providers = |zone| std::iter::repeat(zone);
    config.zones.iter().flat_map(move |zone| providers(zone).zip(&zone.providers))
}

fn line(zone: &ZoneConfig, provider: &ProviderConfig, failure: &dyn std::fmt::Display) -> String {
    format!("{} for {}: {failure}", provider.kind.word(), zone.name)
}

// === impl RecordsPlan ===

impl RecordsPlan {
    fn of(withdrawal: &Withdrawal) -> Self {
        let Withdrawal { planned, owner, stays } = withdrawal;
        let changes = || planned.plan.changes.iter().chain(&planned.plan.held);
        Self {
            title: planned.title.clone(),
            owner: owner.clone(),
            names: changes().count(),
            rows: changes().flat_map(rows).collect(),
            not_allowed: planned.mirror.not_allowed().iter().map(ToString::to_string).collect(),
            imported: stays.iter().map(ToString::to_string).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn left(&self) -> Vec<Leftover> {
        let Self { title, not_allowed, imported, .. } = self;
        let left = |names: &[String], why: &str| {
            (!names.is_empty()).then(|| Leftover {
                what: format!("{} at {title}", names.join(", ")),
                why: why.to_owned(),
                command: None,
            })
        };
        let kept = "the policy of the provider deletes nothing; with policy: sync in a file for --config they go";
        let outside = "imported, and outside of the federation's names; delete them there if nobody needs them";
        [left(not_allowed, kept), left(imported, outside)].into_iter().flatten().collect()
    }
}
