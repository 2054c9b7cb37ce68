//! How mirrors stand, read when somebody scrapes.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use providers::sync::status::{Phase, Status};

/// One mirror at the moment of a scrape.
#[derive(Debug)]
pub struct MirrorState {
    /// The kind of provider.
    pub provider: &'static str,
    pub zone: String,
    /// Where it is, if the zone goes to another one of this kind, too.
    pub at: Option<String>,
    /// `None` until it has reached its provider.
    pub status: Option<Status>,
}

/// The numbers of one scrape.
#[derive(Debug, Default)]
pub struct MirrorCounts(pub Vec<MirrorState>);

type Pick = fn(&Status) -> usize;
type Count = fn(&Status) -> u64;

const GAUGES: [(&str, &str, Pick); 8] = [
    ("mirror_in_sync", "1 while the provider holds what is wanted", |status| {
        usize::from(status.phase == Phase::InSync)
    }),
    (
        "mirror_failing",
        "1 while calls to the provider fail, or something there is in the way",
        |status| {
            let is_failing = matches!(status.phase, Phase::Failing | Phase::Blocked(_));
            usize::from(is_failing || status.failure.is_some())
        },
    ),
    ("mirror_owned_names", "Names of ours at the provider", |status| status.owned),
    ("mirror_pending_changes", "Changes that wait to be applied", |status| {
        status.plan.changes.len()
    }),
    ("mirror_held_changes", "Changes that wait for an approval", |status| status.plan.held.len()),
    ("mirror_conflicts", "Record sets of others in the place of ours", |status| {
        status.plan.conflicts.len()
    }),
    ("mirror_orphaned_names", "Names that were ours to keep, and are nobody's", |status| {
        status.plan.orphans.len()
    }),
    ("mirror_quarantined_names", "Names whose change the provider refused", |status| {
        status.quarantined.len()
    }),
];

const COUNTERS: [(&str, &str, Count); 2] = [
    ("mirror_applied_changes", "Changes that landed", |status| status.applied),
    ("mirror_drifted_names", "Names of ours that somebody else changed", |status| status.drifted),
];

impl Collector for MirrorCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        for (name, help, pick) in GAUGES {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for state in &self.0 {
                let value = state.status.as_ref().map_or(0, pick);
                let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
                value.encode(metric.encode_family(&state.labels().as_slice())?)?;
            }
        }
        for (name, help, pick) in COUNTERS {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for state in &self.0 {
                let count = ConstCounter::new(state.status.as_ref().map_or(0, pick));
                count.encode(metric.encode_family(&state.labels().as_slice())?)?;
            }
        }
        Ok(())
    }
}

// === impl MirrorState ===

impl MirrorState {
    fn labels(&self) -> Vec<(&'static str, String)> {
        let both = [("provider", self.provider.to_owned()), ("zone", self.zone.clone())];
        both.into_iter().chain(self.at.clone().map(|at| ("at", at))).collect()
    }
}
