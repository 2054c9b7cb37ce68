//! What must be true before the first write: pure, from what the provider tells and what is wanted.

use std::collections::BTreeSet;
use std::fmt;

use model::{Level, Name, RecordSet};

use crate::provider::Limits;
use crate::sync::change::Change;
use crate::sync::plan::Plan;
use crate::sync::scope::Scope;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Fine,
    /// It may work.
    Warning,
    /// Nothing is written, or nobody gets the right answer.
    Blocking,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// What was looked at, in a word or two.
    pub subject: &'static str,
    /// What was found, what is needed, and what to do.
    pub text: String,
}

/// A clock that is further off makes signatures fail at most providers; seconds.
const SKEW_MAX: i64 = 300;
/// From this part of the records on that a plan allows, in percent, it is worth a word.
const RECORDS_WARN_PERCENT: u64 = 90;

/// Compares what a plan allows with what is wanted. `ttl`: the zone's own, in seconds; `plan`: what is to
/// be written, where that is known.
pub fn judge(limits: &Limits, scope: &Scope, ttl: u32, plan: Option<&Plan>) -> Vec<Finding> {
    let mut findings = vec![depth(limits, scope), allowed_ttl(limits, scope, ttl)];
    findings.extend(records(limits, plan));
    findings.extend(delegation(limits, scope));
    findings.extend(limits.rights.iter().map(|text| Finding {
        severity: Severity::Fine,
        subject: "rights",
        text: text.clone(),
    }));
    findings.extend(clock(limits));
    if limits.is_expired {
        let text = format!("the plan{} has run out; renew it", plan_name(limits));
        findings.push(Finding { severity: Severity::Blocking, subject: "plan", text });
    }
    let unknown = limits.unknown.iter().map(|line| Finding {
        severity: Severity::Warning,
        subject: "limits",
        text: format!("not known: {line}"),
    });
    findings.extend(unknown);
    findings
}

/// How many labels the deepest name of these levels has below the hosted zone:
/// `service.namespace.federation.svc`, one for a region, one for a zone.
pub fn depth_needed(scope: &Scope) -> u32 {
    let deepest = scope.levels.iter().map(depth_of).max().unwrap_or(0);
    let between = scope.domain.label_count().saturating_sub(scope.hosted.label_count());
    deepest + u32::try_from(between).unwrap_or(u32::MAX)
}

fn depth_of(level: Level) -> u32 {
    match level {
        Level::Global => 4,
        Level::Region => 5,
        Level::Zone => 6,
    }
}

fn depth(limits: &Limits, scope: &Scope) -> Finding {
    let needed = depth_needed(scope) + limits.depth_used;
    let subject = "depth";
    let Some(allowed) = limits.depth_max else {
        let text = format!(
            "names of {needed} levels are needed, and how many the plan{} allows is not known",
            plan_name(limits)
        );
        return Finding { severity: Severity::Warning, subject, text };
    };
    if needed <= allowed {
        let text = format!("names of {needed} levels are needed, {allowed} are allowed");
        return Finding { severity: Severity::Fine, subject, text };
    }
    let text = format!(
        "names of {needed} levels below {} are needed, and the plan{} allows {allowed}: upgrade the \
         plan, or {}",
        registrable(&scope.hosted, limits),
        plan_name(limits),
        fewer_levels(scope, needed, allowed)
    );
    Finding { severity: Severity::Blocking, subject, text }
}

/// Where levels are counted from.
fn registrable(hosted: &Name, limits: &Limits) -> Name {
    let mut name = hosted.clone();
    for _ in 0..limits.depth_used {
        name = name.parent().unwrap_or(name);
    }
    name
}

/// The second remedy: those levels that do fit.
fn fewer_levels(scope: &Scope, needed: u32, allowed: u32) -> String {
    let missing = needed - allowed;
    let deepest = scope.levels.iter().map(depth_of).max().unwrap_or(0);
    let fitting: Vec<String> = scope
        .levels
        .iter()
        .filter(|level| depth_of(*level) + missing <= deepest)
        .map(|level| level.to_string())
        .collect();
    match fitting.is_empty() {
        true => "mirror a zone with a shorter name".into(),
        false => format!("set levels: [{}] for this provider", fitting.join(", ")),
    }
}

fn allowed_ttl(limits: &Limits, scope: &Scope, ttl: u32) -> Finding {
    let wanted = scope.ttl.unwrap_or(ttl);
    let subject = "ttl";
    if let Some(most) = limits.ttl_max.filter(|most| wanted > *most) {
        let text = format!(
            "TTL {wanted} is wanted, and the plan{} allows at most {most}: set ttl: {most}s for this \
             provider",
            plan_name(limits)
        );
        return Finding { severity: Severity::Blocking, subject, text };
    }
    let Some(least) = limits.ttl_min else {
        let text = format!(
            "TTL {wanted} is wanted, and the shortest that the plan{} allows is not known",
            plan_name(limits)
        );
        return Finding { severity: Severity::Warning, subject, text };
    };
    if wanted >= least {
        let text = format!("TTL {wanted} is wanted, {least} and more are allowed");
        return Finding { severity: Severity::Fine, subject, text };
    }
    let text = format!(
        "TTL {wanted} is wanted, and the plan{} allows {least} and more: upgrade the plan, or set \
         ttl: {least}s for this provider",
        plan_name(limits)
    );
    Finding { severity: Severity::Blocking, subject, text }
}

/// What stands and what comes, against what the plan allows.
fn records(limits: &Limits, plan: Option<&Plan>) -> Option<Finding> {
    let (records, allowed) = (limits.records?, limits.records_max?);
    let subject = "records";
    let added = plan.map_or(0, |plan| added(limits, plan));
    let total = records.saturating_add_signed(added);
    let what = match limits.counts_sets {
        true => "record sets",
        false => "records",
    };
    let wanted = match added {
        1.. => format!(", and {added} more are wanted"),
        _ => String::new(),
    };
    let stands = format!("the zone has {records} {what} of {allowed} that the plan allows{wanted}");
    if total > allowed && added > 0 {
        // A warning: names that stand must go on being kept, in a zone that is full above all.
        let text = format!(
            "{stands}, so that some will be refused: upgrade the plan, or mirror fewer names by levels: or \
             services:, or with registry: compact"
        );
        return Some(Finding { severity: Severity::Warning, subject, text });
    }
    let is_full = total * 100 >= allowed * RECORDS_WARN_PERCENT;
    let severity = if is_full { Severity::Warning } else { Severity::Fine };
    Some(Finding { severity, subject, text: stands })
}

/// How many more there are after a plan, in what the provider counts.
fn added(limits: &Limits, plan: &Plan) -> i64 {
    let size = |set: &Option<RecordSet>| match set {
        None => 0,
        Some(_) if limits.counts_sets => 1,
        Some(set) => i64::try_from(set.values().len()).unwrap_or(i64::MAX),
    };
    let of_change = |change: &Change| -> i64 {
        change.sets.iter().map(|set| size(&set.after) - size(&set.before)).sum()
    };
    plan.changes.iter().map(of_change).sum()
}

fn delegation(limits: &Limits, scope: &Scope) -> Option<Finding> {
    let delegated = limits.delegated.as_ref()?;
    let who = format!("the parent of {}", scope.hosted);
    Some(compare_delegation(&who, delegated, &limits.name_servers))
}

/// Whether the parent of a hosted zone leads to the servers that answer for it. Records may be written
/// before it does; only then does anybody see them.
///
/// `who` names the NS records, like `the parent of a.example.`.
pub fn compare_delegation(
    who: &str,
    delegated: &BTreeSet<Name>,
    expected: &BTreeSet<Name>,
) -> Finding {
    let subject = "delegation";
    let list = |names: &BTreeSet<Name>| {
        let names: Vec<String> = names.iter().map(Name::to_string).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    };
    if delegated == expected {
        let text = format!("{who} names {}", list(expected));
        return Finding { severity: Severity::Fine, subject, text };
    }
    let sees = match delegated.is_disjoint(expected) {
        true => "until then clients do not see these records",
        false => "until then not every client sees these records",
    };
    let text = format!(
        "{who} names {}, and the provider answers at {}: enter these NS records at the \
         registrar or in the parent zone; {sees}",
        list(delegated),
        list(expected)
    );
    Finding::warning(subject, text)
}

fn clock(limits: &Limits) -> Option<Finding> {
    let ahead = limits.clock_ahead?;
    let text = match ahead.abs() {
        0..=SKEW_MAX => format!("this machine's clock is within {SKEW_MAX} s of the provider's"),
        off => format!(
            "this machine's clock is {off} s {} the provider's, and signatures hold a time: set the clock",
            if ahead > 0 { "ahead of" } else { "behind" }
        ),
    };
    let severity = if ahead.abs() > SKEW_MAX { Severity::Blocking } else { Severity::Fine };
    Some(Finding { severity, subject: "clock", text })
}

fn plan_name(limits: &Limits) -> String {
    limits.plan.as_ref().map(|plan| format!(" {plan:?}")).unwrap_or_default()
}

// === impl Finding ===

impl Finding {
    pub fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, subject, text: text.into() }
    }

    pub fn blocking(subject: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Blocking, subject, text: text.into() }
    }
}

/// `depth: names of 6 levels …`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.text)
    }
}

#[cfg(test)]
mod tests {
    use model::{Label, Levels, Rdata, RecordType};

    use super::*;
    use crate::sync::change::{ChangeKind, Role, SetChange};

    fn scope(domain: &str, hosted: &str, levels: &[Level]) -> Scope {
        Scope {
            federation: Label::new("fed").unwrap(),
            domain: Name::parse(domain).unwrap(),
            hosted: Name::parse(hosted).unwrap(),
            levels: Levels::new(levels.iter().copied()).unwrap(),
            types: Scope::default_types(),
            ttl: None,
            filters: Default::default(),
        }
    }

    fn limits(depth_max: u32, ttl_min: u32) -> Limits {
        Limits {
            plan: Some("Free".into()),
            depth_max: Some(depth_max),
            ttl_min: Some(ttl_min),
            ..Limits::default()
        }
    }

    #[track_caller]
    fn blocks(limits: &Limits, scope: &Scope, expect: &[&str]) {
        let findings = judge(limits, scope, 180, None);
        let blocking = findings.iter().filter(|it| it.severity == Severity::Blocking);
        assert_eq!(blocking.map(Finding::to_string).collect::<Vec<_>>(), expect);
    }

    const ALL: [Level; 3] = Level::ALL;
    const TWO: [Level; 2] = [Level::Global, Level::Region];

    #[test]
    fn a_free_plan_is_refused_with_both_settings_and_both_remedies() {
        blocks(
            &limits(5, 600),
            &scope("spacexnice.xyz", "spacexnice.xyz", &ALL),
            &[
                "depth: names of 6 levels below spacexnice.xyz. are needed, and the plan \"Free\" allows \
                 5: upgrade the plan, or set levels: [global, region] for this provider",
                "ttl: TTL 180 is wanted, and the plan \"Free\" allows 600 and more: upgrade the plan, or \
                 set ttl: 600s for this provider",
            ],
        );
    }

    #[test]
    fn six_levels_and_a_shorter_ttl_pass_and_so_do_fewer_levels() {
        let whole = scope("spacexnice.xyz", "spacexnice.xyz", &ALL);
        blocks(&limits(6, 120), &whole, &[]);
        blocks(&limits(5, 120), &scope("spacexnice.xyz", "spacexnice.xyz", &TWO), &[]);
        assert_eq!(judge(&limits(6, 180), &whole, 180, None).len(), 2);
    }

    #[test]
    fn labels_between_and_above_the_hosted_zone_count() {
        let below = scope("k8s.example.com", "example.com", &ALL);
        assert_eq!(depth_needed(&below), 7);
        let hosted = Limits { depth_used: 1, ..limits(6, 60) };
        blocks(
            &hosted,
            &scope("k8s.example.com", "k8s.example.com", &ALL),
            &[
                "depth: names of 7 levels below example.com. are needed, and the plan \"Free\" allows 6: \
                 upgrade the plan, or set levels: [global, region] for this provider",
            ],
        );
        blocks(
            &limits(4, 60),
            &scope("k8s.example.com", "example.com", &ALL),
            &[
                "depth: names of 7 levels below example.com. are needed, and the plan \"Free\" allows 4: \
                 upgrade the plan, or mirror a zone with a shorter name",
            ],
        );
    }

    #[test]
    fn a_ttl_above_what_is_allowed_is_refused() {
        let whole = scope("a.b", "a.b", &ALL);
        let limits = |ttl_max| Limits { ttl_max: Some(ttl_max), ..limits(6, 60) };
        blocks(&limits(180), &whole, &[]);
        blocks(
            &limits(120),
            &whole,
            &[
                "ttl: TTL 180 is wanted, and the plan \"Free\" allows at most 120: set ttl: 120s for this \
               provider",
            ],
        );
    }

    /// Two addresses and a marker come, one record goes.
    fn plan() -> Plan {
        let at = Name::parse("s.d.fed.svc.a.b").unwrap();
        let set = |values: &[u8]| {
            let values = values.iter().map(|last| Rdata::a([192, 0, 2, *last].into()));
            RecordSet::new(RecordType::A, 180, values)
        };
        let change = |role, before, after| SetChange {
            name: at.clone(),
            record_type: RecordType::A,
            role,
            before,
            after,
        };
        let sets = vec![
            change(Role::Marker, None, set(&[9])),
            change(Role::Data, set(&[1]), set(&[2, 3])),
        ];
        let (level, kind) = (Level::Global, ChangeKind::Create);
        let changes = vec![Change { name: at.clone(), level, kind, sets }];
        Plan { changes, ..Plan::default() }
    }

    #[test]
    fn what_is_wanted_counts_against_the_quota() {
        let whole = scope("a.b", "a.b", &ALL);
        let judged = |counts_sets, records, max| {
            let (records, records_max) = (Some(records), Some(max));
            let limits = Limits { records, records_max, counts_sets, ..limits(6, 60) };
            let found = judge(&limits, &whole, 180, Some(&plan()));
            let found = found.into_iter().find(|it| it.subject == "records").unwrap();
            (found.severity, found.text)
        };
        assert_eq!(judged(false, 5, 100).0, Severity::Fine);
        assert_eq!(judged(false, 8, 10).0, Severity::Warning);
        let (severity, text) = judged(false, 9, 10);
        assert_eq!(severity, Severity::Warning);
        assert_eq!(
            text,
            "the zone has 9 records of 10 that the plan allows, and 2 more are wanted, so that some will be \
             refused: upgrade the plan, or mirror fewer names by levels: or services:, or with registry: \
             compact"
        );
        assert!(!judged(true, 9, 10).1.contains("refused"), "one set more");
        assert!(judged(true, 10, 10).1.contains("refused"));
    }

    #[test]
    fn a_zone_that_is_delegated_elsewhere_warns_with_what_to_enter() {
        let names = |names: &[&str]| names.iter().map(|name| Name::parse(name).unwrap()).collect();
        let name_servers = names(&["ns1.p.example.", "ns2.p.example."]);
        let delegated = Some(names(&["ns.other.example."]));
        let limits = Limits { name_servers, delegated, ..limits(6, 60) };
        let findings = judge(&limits, &scope("a.b", "a.b", &ALL), 180, None);
        let found = findings.iter().find(|it| it.subject == "delegation").unwrap();
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(
            found.text,
            "the parent of a.b. names ns.other.example., and the provider answers at ns1.p.example., \
             ns2.p.example.: enter these NS records at the registrar or in the parent zone; until then \
             clients do not see these records"
        );
    }

    #[test]
    fn what_is_not_known_warns() {
        let findings = judge(&Limits::default(), &scope("a.b", "a.b", &ALL), 180, None);
        assert!(findings.iter().all(|it| it.severity == Severity::Warning), "{findings:?}");
    }

    #[test]
    fn clocks_and_plans_that_ran_out_block() {
        let fine = limits(6, 60);
        let scope = scope("a.b", "a.b", &ALL);
        blocks(&Limits { clock_ahead: Some(-300), ..fine.clone() }, &scope, &[]);
        blocks(
            &Limits { clock_ahead: Some(-301), is_expired: true, ..fine },
            &scope,
            &[
                "clock: this machine's clock is 301 s behind the provider's, and signatures hold a time: \
                 set the clock",
                "plan: the plan \"Free\" has run out; renew it",
            ],
        );
    }
}
