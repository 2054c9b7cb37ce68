//! Brings changes to a provider: as many at a time as it takes, and without the ones that it refuses.

use super::change::{Change, ChangeKind};
use crate::provider::{Failure, FailureKind, Provider};

/// What came of changes. Those that are in neither list were not tried, or it is not known.
#[derive(Debug, Default)]
pub struct Applied<'a> {
    pub landed: Vec<&'a Change>,
    pub refused: Vec<(&'a Change, Failure)>,
    /// What ended it early.
    pub failure: Option<Failure>,
}

/// Applies the first of these changes that fit into one call, and says how many those were. A call that
/// is refused is halved until the change that is to blame stands alone; where that is a marker that the
/// others need, they are not tried. `moved_is_refused`: a change
/// that finds something else standing there is to blame as well.
pub async fn apply_first<'a>(
    provider: &dyn Provider,
    changes: &'a [Change],
    moved_is_refused: bool,
) -> (usize, Applied<'a>) {
    let count = provider.fitting(changes).clamp(1, changes.len());
    let mut applied = Applied::default();
    let mut waiting = vec![&changes[..count]];
    while let Some(part) = waiting.pop() {
        let Err(failure) = provider.apply(part).await else {
            applied.landed.extend(part);
            continue;
        };
        let is_refused = failure.kind == FailureKind::Refused
            || (failure.kind == FailureKind::Moved && moved_is_refused);
        match part {
            // Nothing is written without it.
            [change] if change.kind == ChangeKind::Register => {
                applied.failure = Some(failure);
                break;
            }
            _ if !is_refused => {
                applied.failure = Some(failure);
                break;
            }
            [change] => applied.refused.push((change, failure)),
            _ => {
                let (first, second) = part.split_at(part.len() / 2);
                waiting.extend([second, first]);
            }
        }
    }
    (count, applied)
}
