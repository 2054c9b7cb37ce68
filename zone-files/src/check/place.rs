//! Where a check looks.

use model::{Name, RecordSet, RecordType, ZoneContents};

use super::finding::Finding;
use super::issue::Issue;

/// The name that is looked at.
#[derive(Clone, Copy)]
pub struct Place<'z> {
    pub zone: &'z ZoneContents,
    pub name: &'z Name,
    pub sets: &'z [RecordSet],
}

// === impl Place ===

impl<'z> Place<'z> {
    pub fn set(self, record_type: RecordType) -> Option<&'z RecordSet> {
        self.sets.iter().find(|set| set.record_type == record_type)
    }

    pub fn has(self, record_type: RecordType) -> bool {
        self.set(record_type).is_some()
    }

    pub fn is_apex(self) -> bool {
        *self.name == self.zone.apex
    }

    pub fn report(self, record_type: RecordType, issue: Issue, findings: &mut Vec<Finding>) {
        let name = self.name.clone();
        findings.push(Finding { name, record_type: Some(record_type), rdata: None, issue });
    }

    pub fn report_each_set(self, issue: &Issue, findings: &mut Vec<Finding>) {
        for set in self.sets {
            self.report(set.record_type, issue.clone(), findings);
        }
    }
}
