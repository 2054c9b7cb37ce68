//! The plan as a person reads it. Pure.

use std::fmt;

use clusters::federation::names::{FEDERATION_LABEL, SYSTEM_NAMESPACE};
use clusters::federation::unjoin::inventory::Inventory;
use providers::sync::plan::ChangeRow;

use super::look::{Claim, System};
use super::members::MemberPlan;
use super::records::RecordsPlan;
use super::{Context, End, Fate, Plan, Records};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Federation {:?}, which fedns init called {:?}:", self.federation, self.name)?;
        self.show_records(f)?;
        self.show_members(f)?;
        self.show_host(f)?;
        self.show_context(f)
    }
}

/// What is removed in one member.
pub struct MemberText<'a> {
    pub name: &'a str,
    pub found: &'a Result<Inventory, String>,
    /// The federation's label.
    pub federation: &'a str,
    pub objects: Fate,
}

impl fmt::Display for MemberText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, found, federation, objects } = self;
        let inventory = match found {
            Ok(inventory) if inventory.is_empty() => return writeln!(f, "  {name}: has nothing"),
            Ok(inventory) => inventory,
            Err(why) => {
                return writeln!(f, "  {name}: is skipped, and what it has is listed: {why}");
            }
        };
        let Inventory { account, has_namespace, has_server_block, copies } = inventory;
        writeln!(f, "  {name}:")?;
        account.iter().try_for_each(|item| writeln!(f, "  - {item}"))?;
        if *has_namespace {
            writeln!(f, "  - namespace {SYSTEM_NAMESPACE}")?;
        }
        if *has_server_block {
            writeln!(f, "  - the block of {federation:?} in CoreDNS's Corefile")?;
        }
        let counts = copies.iter().map(|(plural, count)| format!("{count} {plural}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let selector = format!("{FEDERATION_LABEL}={federation}");
        match (copies.is_empty(), objects) {
            (true, _) => Ok(()),
            (false, Fate::Delete) => writeln!(f, "  - {counts} with {selector}"),
            (false, Fate::Keep) => {
                writeln!(f, "    {counts} with {selector} stay (--objects=delete)")
            }
        }
    }
}

// === impl Plan ===

impl Plan {
    fn show_records(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.records {
            Records::Unknown => writeln!(
                f,
                "\nRecords\n  not looked for: nothing says of a provider (--config FILE names it)"
            )?,
            Records::Kept => writeln!(f, "\nRecords\n  stay at their providers, if there are any")?,
            Records::Found(plans) => plans.iter().try_for_each(|plan| write!(f, "\n{plan}"))?,
        }
        if self.delegation.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nName server\n  fedns stops answering; take out of the parent zone first:")?;
        self.delegation.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }

    fn show_members(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nMembers")?;
        if !self.has_members_list {
            writeln!(
                f,
                "  not looked for: nothing says of them (--members CONTEXT,... names them)"
            )?;
        } else if self.members.is_empty() {
            writeln!(f, "  none")?;
        }
        self.members.iter().try_for_each(|member| self.show_member(f, member))
    }

    fn show_member(&self, f: &mut fmt::Formatter<'_>, member: &MemberPlan) -> fmt::Result {
        let MemberPlan { target, found } = member;
        let name = match &target.name {
            Some(name) if *name != target.context => format!("{name} (context {})", target.context),
            _ => target.context.clone(),
        };
        let Self { federation, objects, .. } = self;
        write!(f, "{}", MemberText { name: &name, found, federation, objects: *objects })
    }

    fn show_host(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, namespace, .. } = self;
        writeln!(f, "\nHost cluster {host}")?;
        let Some(system) = &self.standing.system else {
            return writeln!(f, "  namespace {namespace} is not there");
        };
        match self.end() {
            End::Objects => {
                writeln!(f, "  namespace {namespace} stays; out of it go:")?;
            }
            _ if system.is_terminating => writeln!(f, "  - namespace {namespace}, going already")?,
            _ => writeln!(f, "  - namespace {namespace} with:")?,
        }
        let ours = system.contents.ours_words();
        let is_claim = |words: &&String| words.starts_with(super::contents::CLAIM);
        let ours = ours.iter().filter(|words| !is_claim(words));
        ours.clone().try_for_each(|words| writeln!(f, "  - {words}"))?;
        system.claims.iter().try_for_each(|claim| self.show_claim(f, claim))?;
        self.show_others(f, system)
    }

    fn show_claim(&self, f: &mut fmt::Formatter<'_>, claim: &Claim) -> fmt::Result {
        let Claim { name, capacity, volume, is_retained } = claim;
        let words = format!("PersistentVolumeClaim {name} ({capacity})");
        match (self.keeps_volumes, volume) {
            (true, _) => writeln!(f, "    {words} stays with its data, and so does the namespace"),
            (false, Some(volume)) if *is_retained => {
                writeln!(f, "  - {words}; its volume {volume} stays (reclaim policy Retain)")
            }
            (false, _) => writeln!(f, "  - {words} and all data on it (--keep-volumes)"),
        }
    }

    fn show_others(&self, f: &mut fmt::Formatter<'_>, system: &System) -> fmt::Result {
        let others = system.contents.others_words();
        others
            .iter()
            .try_for_each(|words| writeln!(f, "    {words}: not the federation's, stays"))?;
        match system.etcd_servers.is_empty() {
            true => Ok(()),
            false => {
                writeln!(f, "    what is in the etcd at {} stays", system.etcd_servers.join(","))
            }
        }
    }

    fn show_context(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.context {
            Context::Absent => Ok(()),
            Context::Ours(file) => {
                writeln!(f, "\nKubeconfig {file}\n  - context {} with cluster and user", self.name)
            }
            Context::Others(why) => {
                writeln!(f, "\nKubeconfig\n  context {} stays: {why}", self.name)
            }
        }
    }
}

impl fmt::Display for RecordsPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, owner, names, rows, not_allowed, imported } = self;
        writeln!(f, "Records at {title}, owner {owner}: {names} names")?;
        rows.iter().try_for_each(|row| show_row(f, row))?;
        not_allowed
            .iter()
            .try_for_each(|name| writeln!(f, "    {name} stays: the policy deletes nothing"))?;
        imported.iter().try_for_each(|name| writeln!(f, "    {name} stays: it was imported"))
    }
}

fn show_row(f: &mut fmt::Formatter<'_>, row: &ChangeRow) -> fmt::Result {
    let ChangeRow { name, record_type, old, new, .. } = row;
    let set = |set: &providers::sync::plan::SetRow| format!("{} {}", set.ttl, set.values.join(" "));
    let sides: Vec<String> = old.iter().chain(new).map(set).collect();
    let sign = if new.is_some() { '~' } else { '-' };
    writeln!(f, "  {sign} {name} {record_type} {}", sides.join(" -> "))
}

#[cfg(test)]
mod tests;
