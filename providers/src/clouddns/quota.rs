//! What a project allows, from its own description.

use google_cloud_dns_v1::model;

/// Limits of one change, and of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Record sets that one change may add.
    pub additions_max: usize,
    /// Record sets that one change may delete.
    pub deletions_max: usize,
    /// Bytes of all data in one change.
    pub data_max: usize,
    /// Records of one set; `None`: not told.
    pub records_max: Option<u32>,
    /// Record sets of one zone; `None`: not told.
    pub sets_max: Option<u64>,
}

// === impl Quota ===

impl Default for Quota {
    /// What new projects have.
    fn default() -> Self {
        Self {
            additions_max: 1_000,
            deletions_max: 1_000,
            data_max: 100_000,
            records_max: None,
            sets_max: None,
        }
    }
}

impl Quota {
    pub fn of(project: &model::Project) -> Self {
        let default = Self::default();
        let Some(quota) = &project.quota else { return default };
        let number = |given: Option<i32>, default: usize| {
            given.and_then(|it| usize::try_from(it).ok()).filter(|it| *it > 0).unwrap_or(default)
        };
        Self {
            additions_max: number(quota.rrset_additions_per_change, default.additions_max),
            deletions_max: number(quota.rrset_deletions_per_change, default.deletions_max),
            data_max: number(quota.total_rrdata_size_per_change, default.data_max),
            records_max: quota.resource_records_per_rrset.and_then(|it| u32::try_from(it).ok()),
            sets_max: quota.rrsets_per_managed_zone.and_then(|it| u64::try_from(it).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_what_new_projects_have() {
        assert_eq!(Quota::of(&model::Project::new()), Quota::default());
        let quota = model::Quota::new()
            .set_rrset_additions_per_change(100)
            .set_rrset_deletions_per_change(0)
            .set_rrsets_per_managed_zone(10_000)
            .set_resource_records_per_rrset(20);
        let expect = Quota {
            additions_max: 100,
            records_max: Some(20),
            sets_max: Some(10_000),
            ..Quota::default()
        };
        assert_eq!(Quota::of(&model::Project::new().set_quota(quota)), expect);
    }
}
