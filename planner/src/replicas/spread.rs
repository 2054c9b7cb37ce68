//! Replicas over clusters: minimums first, then what runs, then shares by weight.

use std::collections::BTreeMap;

use model::ClusterName;

use super::apportion::{Award, AwardedBy, Claim, apportion};
use super::preferences::{ClusterPreference, Preferences};

/// Everything that a spread is decided from.
#[derive(Clone, Copy, Debug)]
pub struct SpreadRequest<'a> {
    /// `spec.replicas` of the federated object.
    pub total: u32,
    /// `namespace/name`. With a cluster's name it says who comes first among equals, so that
    /// roundings of many objects do not all fall on the same cluster.
    pub key: &'a str,
    /// The clusters that are selected and count for the spread.
    pub clusters: &'a BTreeMap<ClusterName, Standing>,
    pub preferences: &'a Preferences,
}

/// How things stand in one cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Replicas that the cluster holds; they stay there unless `rebalance` is set.
    pub current: u32,
    /// So many of them are ready: where clusters hold too many, these stay before the others.
    pub ready: u32,
    /// How many replicas fit into the cluster; `None` as long as nothing says that it is full.
    pub capacity: Option<u32>,
}

/// What each cluster gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Every cluster of the request: those with 0 replicas get the object, too.
    pub clusters: BTreeMap<ClusterName, ClusterSpread>,
    /// Replicas that no cluster takes, not even as pods that wait for capacity.
    pub unplaced: u32,
}

/// What one cluster gets, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterSpread {
    /// Replicas that are to run here.
    pub planned: u32,
    /// Replicas asked for beyond the capacity: pods that wait here. With `rebalance` they stand for
    /// the cluster's fair share, which also runs elsewhere meanwhile; without, they run nowhere.
    pub overflow: u32,
    pub reason: SpreadReason,
}

/// What decided a cluster's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpreadReason {
    /// Its weight, of the sum of the weights that shared.
    Share { weight: u32, of: u64 },
    /// It gets its minimum, and no share by weight.
    Minimum,
    /// So many run here already, more than its share, and nothing moves without `rebalance`.
    Kept,
    /// Its `maxReplicas`.
    Maximum { max: u32 },
    /// No more fit, as far as its scheduler said.
    Capacity { capacity: u32 },
    /// Its weight and minimum are 0.
    NoWeight,
    /// It is neither named in the preferences, nor is there a `*`.
    NotPreferred,
    /// The others before it took all replicas.
    NothingLeft,
}

/// One cluster that takes part; sorted by who comes first.
struct Seat<'a> {
    cluster: &'a ClusterName,
    preference: ClusterPreference,
    standing: Standing,
    /// The lower of maximum and capacity.
    limit: u32,
    planned: u32,
    overflow: u32,
    reason: SpreadReason,
}

/// Spreads `total` replicas over the clusters.
///
/// 1. Clusters sit in order of weight, heavy ones first, then of a stable hash of name and key.
/// 2. In this order each gets its minimum, as far as replicas and capacity reach.
/// 3. The rest is divided by weight. Without `rebalance` a cluster keeps at least what it has; where
///    clusters have more than `total`, what is too much leaves those above their share, and what is
///    not ready leaves before what is.
/// 4. What a cluster cannot take above its maximum or capacity goes to the others.
/// 5. What fits nowhere waits as pods in clusters that are full, `maxReplicas` permitting.
pub fn spread(request: &SpreadRequest<'_>) -> Spread {
    let mut seats = seats(request);
    let mut remaining = request.total;
    give_minimums(&mut seats, &mut remaining);
    give_shares(&mut seats, &mut remaining, request.preferences.rebalance);
    let waiting = wait(&seats, &mut remaining);
    for (seat, waiting) in seats.iter_mut().zip(waiting) {
        let shared = if request.preferences.rebalance { seat.overflow } else { 0 };
        seat.overflow = shared.max(waiting);
    }
    assemble(request, seats, remaining)
}

fn seats<'a>(request: &SpreadRequest<'a>) -> Vec<Seat<'a>> {
    let mut seats: Vec<Seat<'a>> = request
        .clusters
        .iter()
        .filter_map(|(cluster, standing)| {
            let preference = request.preferences.of(cluster)?;
            Some(Seat::new(cluster, preference, *standing))
        })
        .collect();
    seats.sort_by_cached_key(|seat| {
        let hash = fnv1_32(&[seat.cluster.as_str().as_bytes(), request.key.as_bytes()]);
        (std::cmp::Reverse(seat.preference.weight), hash, seat.cluster)
    });
    seats
}

fn give_minimums(seats: &mut [Seat<'_>], remaining: &mut u32) {
    for seat in seats {
        seat.planned = seat.preference.min_replicas.min(*remaining).min(seat.limit);
        *remaining -= seat.planned;
    }
}

fn give_shares(seats: &mut [Seat<'_>], remaining: &mut u32, rebalance: bool) {
    let held = |seat: &Seat<'_>| match rebalance {
        true => 0,
        false => seat.standing.current.min(seat.limit).saturating_sub(seat.planned),
    };
    let held_by_all: u64 = seats.iter().map(|seat| u64::from(held(seat))).sum();
    let awards = if held_by_all > u64::from(*remaining) {
        shrink(seats, *remaining, held)
    } else {
        let claims: Vec<Claim> = seats
            .iter()
            .map(|seat| Claim {
                weight: seat.preference.weight,
                floor: held(seat),
                limit: seat.limit - seat.planned,
            })
            .collect();
        apportion(*remaining, &claims)
    };
    for (seat, award) in seats.iter_mut().zip(awards) {
        *remaining -= award.amount;
        seat.take(award);
    }
}

/// More run than are wanted: each keeps its share of what is wanted, and no more than it has. What is
/// ready goes first, so that a cluster that comes back with pods which have yet to start takes none from those
/// that stood in for it.
fn shrink(seats: &[Seat<'_>], remaining: u32, held: impl Fn(&Seat<'_>) -> u32) -> Vec<Award> {
    let ready = |seat: &Seat<'_>| seat.standing.ready.saturating_sub(seat.planned).min(held(seat));
    let ready_of_all: u64 = seats.iter().map(|seat| u64::from(ready(seat))).sum();
    let is_enough = ready_of_all > u64::from(remaining);
    let bounds = |seat: &Seat<'_>| match is_enough {
        true => (0, ready(seat)),
        false => (ready(seat), held(seat)),
    };
    let claim = |seat: &Seat<'_>| {
        let (floor, limit) = bounds(seat);
        Claim { weight: seat.preference.weight, floor, limit }
    };
    let mut awards = apportion(remaining, &seats.iter().map(claim).collect::<Vec<_>>());
    // What clusters with weights leave, those without keep, and none of them before the others.
    let left = remaining - awards.iter().map(|award| award.amount).sum::<u32>();
    let without_weight = |(seat, award): (&Seat<'_>, &Award)| Claim {
        weight: 1,
        floor: 0,
        limit: bounds(seat).1 - award.amount,
    };
    let rest = seats.iter().zip(&awards).map(without_weight).collect::<Vec<_>>();
    for (award, extra) in awards.iter_mut().zip(apportion(left, &rest)) {
        award.amount += extra.amount;
        if extra.amount > 0 {
            award.by = AwardedBy::Floor;
        }
    }
    for award in &mut awards {
        if matches!(award.by, AwardedBy::Limit { .. }) {
            award.by = AwardedBy::Floor;
        }
    }
    awards
}

/// Who lets how many pods wait: first for minimums that did not fit, then by weight.
fn wait(seats: &[Seat<'_>], remaining: &mut u32) -> Vec<u32> {
    let mut waiting = Vec::with_capacity(seats.len());
    for seat in seats {
        let lacking = seat.preference.min_replicas.saturating_sub(seat.planned);
        let amount = if seat.is_at_capacity() { lacking.min(*remaining) } else { 0 };
        *remaining -= amount;
        waiting.push(amount);
    }
    let claims: Vec<Claim> = seats
        .iter()
        .zip(&waiting)
        .map(|(seat, waiting)| {
            let max = seat.preference.max_replicas.unwrap_or(u32::MAX);
            let room = max.saturating_sub(seat.planned).saturating_sub(*waiting);
            let limit = if seat.is_at_capacity() { room } else { 0 };
            Claim { weight: seat.preference.weight, floor: 0, limit }
        })
        .collect();
    for (waiting, award) in waiting.iter_mut().zip(apportion(*remaining, &claims)) {
        *remaining -= award.amount;
        *waiting += award.amount;
    }
    waiting
}

fn assemble(request: &SpreadRequest<'_>, seats: Vec<Seat<'_>>, unplaced: u32) -> Spread {
    let mut clusters: BTreeMap<ClusterName, ClusterSpread> = request
        .clusters
        .keys()
        .map(|cluster| (cluster.clone(), ClusterSpread::none(SpreadReason::NotPreferred)))
        .collect();
    for seat in seats {
        let Seat { planned, overflow, reason, .. } = seat;
        clusters.insert(seat.cluster.clone(), ClusterSpread { planned, overflow, reason });
    }
    Spread { clusters, unplaced }
}

// === impl Seat ===

impl<'a> Seat<'a> {
    fn new(cluster: &'a ClusterName, preference: ClusterPreference, standing: Standing) -> Self {
        let max = preference.max_replicas.unwrap_or(u32::MAX);
        let limit = standing.capacity.unwrap_or(u32::MAX).min(max);
        let reason = SpreadReason::NothingLeft;
        Self { cluster, preference, standing, limit, planned: 0, overflow: 0, reason }
    }

    fn is_at_capacity(&self) -> bool {
        self.standing.capacity == Some(self.planned)
    }

    /// Adds a share to the minimum that was given before.
    fn take(&mut self, award: Award) {
        if let (AwardedBy::Limit { share }, Some(capacity)) = (award.by, self.standing.capacity) {
            let max = self.preference.max_replicas.unwrap_or(u32::MAX);
            self.overflow = self.planned.saturating_add(share).min(max).saturating_sub(capacity);
        }
        let minimum = self.planned;
        self.planned += award.amount;
        self.reason = self.reason_of(award.by, minimum);
    }

    fn reason_of(&self, by: AwardedBy, minimum: u32) -> SpreadReason {
        let ClusterPreference { min_replicas, weight, .. } = self.preference;
        let limited = matches!(by, AwardedBy::Limit { .. }) || self.planned < min_replicas;
        match (by, self.standing.capacity) {
            (_, Some(capacity)) if limited && self.planned == capacity => {
                SpreadReason::Capacity { capacity }
            }
            (AwardedBy::Limit { .. }, _) => SpreadReason::Maximum { max: self.limit },
            (AwardedBy::Floor, _) => SpreadReason::Kept,
            (AwardedBy::Weight { .. }, _)
                if self.planned == 0 && weight == 0 && min_replicas == 0 =>
            {
                SpreadReason::NoWeight
            }
            (AwardedBy::Weight { .. }, _) if self.planned == 0 => SpreadReason::NothingLeft,
            (AwardedBy::Weight { .. }, _) if self.planned == minimum => SpreadReason::Minimum,
            (AwardedBy::Weight { of }, _) => SpreadReason::Share { weight, of },
        }
    }
}

// === impl ClusterSpread, SpreadReason ===

impl ClusterSpread {
    fn none(reason: SpreadReason) -> Self {
        Self { planned: 0, overflow: 0, reason }
    }

    /// `spec.replicas` of the cluster's object.
    pub fn replicas(&self) -> u32 {
        self.planned.saturating_add(self.overflow)
    }
}

impl std::fmt::Display for SpreadReason {
    /// A phrase for people, as in "3 replicas: …".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Share { weight, of } => write!(f, "its share by weight {weight} of {of}"),
            Self::Minimum => write!(f, "its minReplicas, and no share beyond"),
            Self::Kept => write!(f, "they run here, and nothing moves without rebalance"),
            Self::Maximum { max } => write!(f, "its maxReplicas {max}"),
            Self::Capacity { capacity } => write!(f, "no more than {capacity} fit here"),
            Self::NoWeight => write!(f, "its weight and minReplicas are 0"),
            Self::NotPreferred => write!(f, "the preferences name neither it nor \"*\""),
            Self::NothingLeft => write!(f, "other clusters took all replicas"),
        }
    }
}

/// FNV-1, 32 bits: the hash that the first federation ordered clusters by.
fn fnv1_32(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte))
}
