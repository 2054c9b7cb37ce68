//! How many changes go into one call.
//!
//! Webhooks mostly say no more than that something failed, whatever it was. So a call that fails is
//! tried again with a tenth of its changes, and what lands makes the next one larger: one bad change is
//! alone in the end. When it fails alone for the second time, it is to blame, and is set aside; between
//! two calls the records are listed anew, so the provider itself does answer.

use model::Name;

/// ExternalDNS sends all changes at once.
const CHANGES_MAX: usize = 1000;
const STEP: usize = 10;

#[derive(Debug)]
pub struct Batches {
    changes_max: usize,
    /// The change that failed alone, the last time that one did.
    failed_alone: Option<Name>,
}

impl Batches {
    /// How many changes one call may have.
    pub fn changes_max(&self) -> usize {
        self.changes_max
    }

    /// A call has landed.
    pub fn landed(&mut self) {
        self.changes_max = (self.changes_max * STEP).min(CHANGES_MAX);
        self.failed_alone = None;
    }

    /// A call with changes of these names failed. True where the one change in it is to blame.
    pub fn failed(&mut self, names: &[&Name]) -> bool {
        match names {
            [name] if self.failed_alone.as_ref() == Some(*name) => {
                self.failed_alone = None;
                true
            }
            [name] => {
                self.changes_max = 1;
                self.failed_alone = Some((*name).clone());
                false
            }
            _ => {
                self.changes_max = (names.len() / STEP).max(1);
                false
            }
        }
    }
}

impl Default for Batches {
    fn default() -> Self {
        Self { changes_max: CHANGES_MAX, failed_alone: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_change_is_alone_soon_and_blamed_at_its_second_failure() {
        let names: Vec<Name> =
            (0..1000).map(|it| Name::parse(&format!("s{it}.example.com")).unwrap()).collect();
        let names: Vec<&Name> = names.iter().collect();
        let mut batches = Batches::default();
        for expect in [1000, 100, 10] {
            assert_eq!(batches.changes_max(), expect);
            assert!(!batches.failed(&names[..expect]));
        }
        assert_eq!(batches.changes_max(), 1);
        assert!(!batches.failed(&names[..1]), "the first time");
        assert!(batches.failed(&names[..1]), "the second time");
        assert!(!batches.failed(&names[1..2]), "another one");
        batches.landed();
        assert!(!batches.failed(&names[1..2]), "something has landed since");
        batches.landed();
        batches.landed();
        assert_eq!(batches.changes_max(), 100);
    }

    #[test]
    fn a_short_call_that_fails_is_made_shorter() {
        let names = ["a.example", "b.example", "c.example"].map(|it| Name::parse(it).unwrap());
        let mut batches = Batches::default();
        assert!(!batches.failed(&[&names[0], &names[1], &names[2]]));
        assert_eq!(batches.changes_max(), 1);
    }
}
