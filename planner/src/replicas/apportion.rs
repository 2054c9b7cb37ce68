//! A number divided by weights, with a floor and a limit for each share.

/// One share of a division.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) weight: u32,
    /// Not above `limit`.
    pub(super) floor: u32,
    pub(super) limit: u32,
}

/// What a claim got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Award {
    pub(super) amount: u32,
    pub(super) by: AwardedBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AwardedBy {
    /// Its weight among the weights of all claims that were still open.
    Weight { of: u64 },
    /// Its floor is above its share by weight.
    Floor,
    /// Its limit is below its share by weight, which would have been `share`.
    Limit { share: u32 },
}

/// Divides `total`, which is at least the sum of the floors, among `claims`.
///
/// Shares are rounded up in the order of the claims, so the last ones bear the rounding. A claim
/// whose share lies outside its bounds gets the bound and leaves; the others share what then
/// remains, until all lie within. Whichever bounds ask for more go first, so each round ends a
/// claim: the work does not grow with `total`. What no claim takes is left over.
pub(super) fn apportion(total: u32, claims: &[Claim]) -> Vec<Award> {
    let mut awards: Vec<Option<Award>> = vec![None; claims.len()];
    loop {
        let open: Vec<usize> = (0..claims.len()).filter(|at| awards[*at].is_none()).collect();
        if open.is_empty() {
            break;
        }
        let given: u32 = awards.iter().flatten().map(|award| award.amount).sum();
        let shares = share_by_weight(total - given, open.iter().map(|at| claims[*at].weight));
        let of = open.iter().map(|at| u64::from(claims[*at].weight)).sum();
        settle(claims, &open, &shares, of, &mut awards);
    }
    awards.into_iter().flatten().collect()
}

/// Ends the claims whose bounds decide, or all of them where the bounds balance.
fn settle(claims: &[Claim], open: &[usize], shares: &[u32], of: u64, awards: &mut [Option<Award>]) {
    let lacking: u64 = open.iter().zip(shares).map(|(at, share)| below(claims[*at], *share)).sum();
    let spare: u64 = open.iter().zip(shares).map(|(at, share)| above(claims[*at], *share)).sum();
    for (at, share) in open.iter().zip(shares) {
        let claim = claims[*at];
        let award = if below(claim, *share) > 0 && lacking >= spare {
            Award { amount: claim.floor, by: AwardedBy::Floor }
        } else if above(claim, *share) > 0 && spare >= lacking {
            Award { amount: claim.limit, by: AwardedBy::Limit { share: *share } }
        } else if lacking == spare {
            Award { amount: *share, by: AwardedBy::Weight { of } }
        } else {
            continue;
        };
        awards[*at] = Some(award);
    }
}

fn below(claim: Claim, share: u32) -> u64 {
    u64::from(claim.floor.saturating_sub(share))
}

fn above(claim: Claim, share: u32) -> u64 {
    u64::from(share.saturating_sub(claim.limit))
}

/// Each weight's part of `total`, rounded up while it lasts; nothing where all weights are 0.
fn share_by_weight(total: u32, weights: impl Iterator<Item = u32> + Clone) -> Vec<u32> {
    let sum: u64 = weights.clone().map(u64::from).sum();
    let mut left = total;
    weights
        .map(|weight| {
            let share = match sum {
                0 => 0,
                sum => (u64::from(total) * u64::from(weight)).div_ceil(sum),
            };
            let share = u32::try_from(share).unwrap_or(left).min(left);
            left -= share;
            share
        })
        .collect()
}
