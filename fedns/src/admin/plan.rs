//! `/api/v1/plan`: what is about to happen, what is held back, and how the mirrors stand.

use providers::sync::plan::{ChangeRow, rows};
use providers::sync::status::{Phase, Status};
use serde::Serialize;

use super::{Page, Pages};
use crate::mirror::Mirror;
use crate::output::time_text;

/// What the server holds back until it is approved, and every mirror.
#[derive(Serialize)]
struct PlanPage {
    held: Vec<HeldRow>,
    mirrors: Vec<MirrorRow>,
}

#[derive(Serialize)]
struct HeldRow {
    /// `reload`, or `mirror`.
    what: &'static str,
    /// Which mirror.
    provider: Option<String>,
    hash: String,
    reason: String,
    /// Names that would vanish or be rewritten, as far as they are known.
    vanishing: Vec<String>,
    /// What is held at a provider.
    changes: Vec<ChangeRow>,
}

/// One zone at one provider.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MirrorRow {
    provider: String,
    zone: String,
    owner: String,
    /// InSync, Incomplete, Listing, Applying, Failing, MayNotWrite or NotConnected.
    phase: &'static str,
    /// What is in the way, if anything is.
    reason: Option<String>,
    /// Nothing is brought to the provider until it answers, or somebody removes what is in the way.
    failing: bool,
    /// When the provider was last read, which is what the rest is compared with; RFC 3339.
    listed: Option<String>,
    /// Names that are ours at the provider.
    owned: usize,
    /// Since the start.
    applied: u64,
    drifted: u64,
    preflight: Vec<FindingRow>,
    changes: Vec<ChangeRow>,
    conflicts: Vec<String>,
    quarantined: Vec<QuarantinedRow>,
    /// Names whose change the policy does not allow.
    not_allowed: Vec<String>,
    /// Names that were ours to keep, and why nobody keeps them now.
    orphaned: Vec<QuarantinedRow>,
}

#[derive(Serialize)]
struct FindingRow {
    severity: String,
    subject: &'static str,
    text: String,
}

#[derive(Serialize)]
struct QuarantinedRow {
    name: String,
    reason: String,
}

pub fn page(pages: &Pages) -> Page {
    let reload = pages.held_reload().map(|held| HeldRow {
        what: "reload",
        provider: None,
        reason: held.to_string(),
        vanishing: held.vanishing().map(ToString::to_string).collect(),
        changes: Vec::new(),
        hash: held.hash,
    });
    let mirrors = pages.mirrors.get();
    let of_mirrors = mirrors.iter().filter_map(|mirror| held_row(mirror));
    Page::json(&PlanPage {
        held: reload.into_iter().chain(of_mirrors).collect(),
        mirrors: mirrors.iter().map(|mirror| mirror_row(mirror)).collect(),
    })
}

/// A line for each mirror: how it stands. A failing one is marked as such and yet does not fail readiness:
/// answers go on, and a server that is taken out for it would take them along.
pub fn ready_lines(pages: &Pages) -> Vec<String> {
    let line = |mirror: &std::sync::Arc<Mirror>| {
        let row = mirror_row(mirror);
        let reason = row.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let (provider, owned) = (row.provider, row.owned);
        let (sign, note) = if row.failing { ('-', "; answers go on") } else { ('+', "") };
        let mut line =
            format!("[{sign}]mirror {provider} {}, {owned} names{reason}{note}", row.phase);
        if let Some(held) = held_row(mirror) {
            line += &format!("; held: {}", held.reason);
        }
        line
    };
    pages.mirrors.get().iter().map(line).collect()
}

fn held_row(mirror: &Mirror) -> Option<HeldRow> {
    let status = mirror.status()?;
    let hash = status.held_hash?;
    let names = status.plan.held.len();
    Some(HeldRow {
        what: "mirror",
        provider: Some(status.provider),
        reason: format!(
            "{names} names would vanish or be rewritten; if that is meant: fedns plan approve {hash}"
        ),
        vanishing: status.plan.held.iter().map(|change| change.name.to_string()).collect(),
        changes: status.plan.held.iter().flat_map(rows).collect(),
        hash,
    })
}

fn mirror_row(mirror: &Mirror) -> MirrorRow {
    let title = mirror.title();
    let finding = |finding: providers::preflight::Finding| FindingRow {
        severity: format!("{:?}", finding.severity),
        subject: finding.subject,
        text: finding.text,
    };
    let preflight = mirror.findings().into_iter().map(finding).collect();
    let row = MirrorRow {
        provider: title,
        zone: mirror.zone.to_string(),
        owner: mirror.owner.clone(),
        phase: "NotConnected",
        reason: mirror.not_connected(),
        failing: mirror.is_failing(),
        listed: None,
        owned: 0,
        applied: 0,
        drifted: 0,
        preflight,
        changes: Vec::new(),
        conflicts: Vec::new(),
        quarantined: Vec::new(),
        not_allowed: Vec::new(),
        orphaned: Vec::new(),
    };
    match mirror.status() {
        Some(status) => with_status(row, status),
        None => row,
    }
}

fn with_status(row: MirrorRow, status: Status) -> MirrorRow {
    let (phase, reason) = match status.phase {
        // The last failure is told until something has succeeded.
        Phase::Listing => ("Listing", status.failure),
        Phase::Applying(_) => ("Applying", status.failure),
        Phase::InSync => ("InSync", None),
        Phase::Incomplete(what) => ("Incomplete", Some(what)),
        Phase::MayNotWrite(reason) | Phase::Blocked(reason) => ("MayNotWrite", Some(reason)),
        Phase::Failing => ("Failing", status.failure),
    };
    let quarantined = status.quarantined.into_iter();
    MirrorRow {
        provider: status.provider,
        phase,
        reason,
        listed: status.listed.as_ref().map(time_text),
        owned: status.owned,
        applied: status.applied,
        drifted: status.drifted,
        changes: status.plan.changes.iter().flat_map(rows).collect(),
        conflicts: status.plan.conflicts.iter().map(ToString::to_string).collect(),
        quarantined: quarantined
            .map(|(name, reason)| QuarantinedRow { name: name.to_string(), reason })
            .collect(),
        not_allowed: status.not_allowed.iter().map(ToString::to_string).collect(),
        orphaned: status
            .plan
            .orphans
            .iter()
            .map(|it| QuarantinedRow { name: it.name.to_string(), reason: it.why.to_string() })
            .collect(),
        ..row
    }
}
