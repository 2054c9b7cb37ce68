//! What the plans allow.

/// A plan with its limits. Take one and change a field for a plan of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub version_code: &'static str,
    pub version_name: &'static str,
    /// Seconds; the longest is 86400 everywhere.
    pub ttl_min: u32,
    /// Labels below the registrable domain.
    pub levels: u32,
    /// A, or AAAA, at one host record and line.
    pub addresses: usize,
    pub records: usize,
    /// True: bound to a product instance, as paid plans are.
    pub has_instance: bool,
    pub expired: bool,
    /// True: a TTL below the minimum is raised to it and not refused, as seen in 2019.
    pub raises_ttl: bool,
}

// === impl Plan ===

impl Plan {
    pub fn free() -> Self {
        Self {
            version_code: "mianfei",
            version_name: "Alibaba Cloud DNS Free Edition",
            ttl_min: 600,
            levels: 5,
            addresses: 10,
            records: 100_000,
            has_instance: false,
            expired: false,
            raises_ttl: false,
        }
    }

    pub fn personal() -> Self {
        Self {
            version_code: "version_personal",
            version_name: "Personal Edition",
            levels: 20,
            addresses: 90,
            has_instance: true,
            ..Self::free()
        }
    }

    pub fn enterprise_standard() -> Self {
        Self {
            version_code: "version_enterprise_basic",
            version_name: "Enterprise Standard Edition",
            ttl_min: 60,
            addresses: 100,
            ..Self::personal()
        }
    }

    pub fn enterprise_ultimate() -> Self {
        Self {
            version_code: "version_enterprise_advanced",
            version_name: "Enterprise Ultimate Edition",
            ttl_min: 1,
            ..Self::enterprise_standard()
        }
    }

    /// A paid plan with these limits.
    pub fn custom(ttl_min: u32, levels: u32) -> Self {
        Self { ttl_min, levels, ..Self::enterprise_standard() }
    }
}
