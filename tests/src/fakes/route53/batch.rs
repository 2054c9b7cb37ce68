//! A batch: all of it lands, or nothing.

use std::collections::BTreeMap;

use super::rules;
use super::zones::{Set, SetKey, Zone};

/// One change of a batch.
#[derive(Clone, Debug)]
pub struct Change {
    pub action: Action,
    pub set: Set,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Delete,
    Upsert,
}

const RECORDS_MAX: usize = 1_000;
const CHARACTERS_MAX: usize = 32_000;

/// Applies all changes, or tells what is wrong with each of those that are.
pub fn apply(zone: &mut Zone, changes: &[Change]) -> Result<(), Vec<String>> {
    let mut problems = too_much(changes);
    problems.extend(contradictions(changes));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut after = zone.sets.clone();
    for change in changes {
        problems.extend(step(zone, &mut after, change).err());
    }
    problems.extend(rules::whole(zone, &after));
    if problems.is_empty() {
        zone.sets = after;
        return Ok(());
    }
    Err(problems)
}

fn too_much(changes: &[Change]) -> Vec<String> {
    let counted = |of: fn(&Set) -> usize| {
        let weight = |change: &Change| if change.action == Action::Upsert { 2 } else { 1 };
        changes.iter().map(|change| of(&change.set) * weight(change)).sum::<usize>()
    };
    let mut problems = Vec::new();
    if counted(|set| set.values.len()) > RECORDS_MAX {
        problems.push(format!("Number of records limit of {RECORDS_MAX} exceeded."));
    }
    if counted(|set| set.values.iter().map(|value| value.chars().count()).sum()) > CHARACTERS_MAX {
        problems.push(format!("RDATA character limit of {CHARACTERS_MAX} exceeded."));
    }
    problems
}

/// A set may be deleted and then created, and is otherwise named once.
fn contradictions(changes: &[Change]) -> Vec<String> {
    let mut seen: BTreeMap<&SetKey, Action> = BTreeMap::new();
    let mut problems = Vec::new();
    for Change { action, set } in changes {
        let is_replacement = *action == Action::Create;
        match seen.insert(&set.key, *action) {
            None => {}
            Some(Action::Delete) if is_replacement => {}
            Some(_) => problems.push(format!(
                "The request contains an invalid set of changes for a resource record set '{} {}'",
                set.key.record_type, set.key.name
            )),
        }
    }
    problems
}

fn step(zone: &Zone, sets: &mut BTreeMap<SetKey, Set>, change: &Change) -> Result<(), String> {
    let Change { action, set } = change;
    let SetKey { name, record_type, .. } = &set.key;
    let named = format!("resource record set [name='{name}', type='{record_type}']");
    if zone.protected.contains(&(name.clone(), record_type.clone())) {
        return Err(format!("Tried to change {named} but it is protected"));
    }
    let standing = sets.get(&set.key);
    match (action, standing) {
        (Action::Create, Some(_)) => {
            return Err(format!("Tried to create {named} but it already exists"));
        }
        (Action::Delete, None) => {
            return Err(format!("Tried to delete {named} but it was not found"));
        }
        (Action::Delete, Some(standing)) if standing != set => {
            return Err(format!(
                "Tried to delete {named} but the values provided do not match the current values"
            ));
        }
        (Action::Delete, Some(_)) => {
            sets.remove(&set.key);
            return Ok(());
        }
        (Action::Create | Action::Upsert, _) => {}
    }
    rules::values(set)?;
    rules::place(zone, sets, set)?;
    sets.insert(set.key.clone(), set.clone());
    Ok(())
}
