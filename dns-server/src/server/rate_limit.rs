//! Response rate limiting: how many equal answers go to one block of addresses.
//!
//! One table for each UDP thread, of a fixed size, which no other thread touches. Each answer takes
//! one token from the bucket of its client's block and its likeness; a bucket holds the answers of
//! one second and is filled all the time.
//!
//! ```text
//! hash of block and likeness: | 14 bits: set | ... | 32 bits: tag |
//! set, one cache line: 4 buckets: full_at 8 | tag 4 | limited 4
//! ```
//!
//! 1. A bucket is kept as the time when it will be full again: until then it lacks as many tokens
//!    as come in by then. One that is full needs no memory.
//! 2. What is new to a set takes the bucket that lacks least, nearly always a full one. It begins
//!    with what that one lacks: where all four are busy, a flood cannot get more by coming with
//!    ever new names and addresses.
//! 3. Two keys with the same tag in one set share a bucket: with a random key for the hash, nobody
//!    can choose whose.

use std::net::IpAddr;

use crate::policy::RateLimit;
use crate::prefix::masked;

const SETS_LOG2: u32 = 14;
const WAYS: usize = 4;
const SECOND: u64 = 1_000_000_000;

pub(crate) struct RateLimiter {
    settings: RateLimit,
    /// Nanoseconds in which one token comes.
    interval: u64,
    seeds: [u64; 3],
    sets: Box<[Set]>,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Set([Bucket; WAYS]);

#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Nanoseconds.
    full_at: u64,
    tag: u32,
    /// How many answers were above the limit since the last that was not.
    limited: u32,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Send,
    /// Something short goes in its place.
    CutShort,
    Drop,
}

/// Whose and which answer it is.
#[derive(Clone, Copy)]
pub(crate) struct AccountKey(u64);

// === impl RateLimiter ===

impl RateLimiter {
    /// `sharers` threads share the clients, so each grants its part of the limit, at least one
    /// answer a second.
    pub fn new(settings: &RateLimit, sharers: usize, seeds: [u64; 3]) -> Self {
        let sharers = u32::try_from(sharers).unwrap_or(u32::MAX).max(1);
        let own = settings.responses_per_second.div_ceil(sharers).max(1);
        let buckets = [Bucket::default(); WAYS];
        Self {
            settings: settings.clone(),
            interval: SECOND / u64::from(own),
            // Zero would make every product zero.
            seeds: seeds.map(|seed| seed | 1),
            sets: vec![Set(buckets); 1 << SETS_LOG2].into_boxed_slice(),
        }
    }

    #[inline]
    pub fn key(&self, address: IpAddr, likeness: u64) -> AccountKey {
        let RateLimit { ipv4_prefix_length, ipv6_prefix_length, .. } = self.settings;
        let [first, second, third] = self.seeds;
        let block = match address {
            IpAddr::V4(_) => match masked(address, ipv4_prefix_length) {
                IpAddr::V4(block) => u64::from(block.to_bits()),
                IpAddr::V6(_) => 0,
            },
            IpAddr::V6(_) => match masked(address, ipv6_prefix_length) {
                IpAddr::V6(block) => {
                    let bits = block.to_bits();
                    // No IPv4 address has bits so high.
                    mix((bits >> 64) as u64 ^ second, bits as u64 ^ third) | 1 << 32
                }
                IpAddr::V4(_) => 0,
            },
        };
        AccountKey(mix(block ^ first, likeness ^ second))
    }

    /// Whether the client's answers are not counted at all.
    #[inline]
    pub fn is_exempt(&self, address: IpAddr) -> bool {
        self.settings.exempt.iter().any(|prefix| prefix.contains(address))
    }

    /// Starts to load what [`Self::check`] will look at.
    #[inline]
    pub fn prefetch(&self, key: AccountKey) {
        crate::store::prefetch(std::ptr::from_ref(&self.sets[key.set()]).cast());
    }

    /// Decides on one answer; `now` is in nanoseconds and never goes back.
    #[inline]
    pub fn check(&mut self, key: AccountKey, now: u64) -> Verdict {
        let bucket = self.sets[key.set()].bucket(key.tag());
        let full_at = bucket.full_at.max(now);
        if full_at - now + self.interval <= SECOND {
            bucket.full_at = full_at + self.interval;
            bucket.limited = 0;
            return Verdict::Send;
        }
        bucket.limited = bucket.limited.wrapping_add(1);
        match bucket.limited.checked_rem(self.settings.slip) {
            Some(0) => Verdict::CutShort,
            Some(_) | None => Verdict::Drop,
        }
    }
}

/// Both halves of the product depend on all bits of both numbers.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

// === impl AccountKey ===

impl AccountKey {
    #[inline]
    fn set(self) -> usize {
        (self.0 >> (64 - SETS_LOG2)) as usize
    }

    #[inline]
    fn tag(self) -> u32 {
        self.0 as u32
    }
}

// === impl Set ===

impl Set {
    #[inline]
    fn bucket(&mut self, tag: u32) -> &mut Bucket {
        let found = self.0.iter().position(|bucket| bucket.tag == tag);
        let at = found.unwrap_or_else(|| self.take_over(tag));
        &mut self.0[at]
    }

    fn take_over(&mut self, tag: u32) -> usize {
        let mut at = 0;
        for other in 1..WAYS {
            if self.0[other].full_at < self.0[at].full_at {
                at = other;
            }
        }
        self.0[at] = Bucket { tag, limited: 0, ..self.0[at] };
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = SECOND / 1000;
    const START: u64 = 77 * SECOND;

    fn limiter(settings: RateLimit) -> RateLimiter {
        RateLimiter::new(&settings, 1, [0x1234_5678_9abc_def1, 0xfedc_ba98_7654_3211, 99])
    }

    fn limit(responses_per_second: u32) -> RateLimit {
        RateLimit { responses_per_second, exempt: Vec::new(), ..RateLimit::default() }
    }

    fn ask(limiter: &mut RateLimiter, address: &str, likeness: u64, now: u64) -> Verdict {
        let address = address.parse().unwrap();
        if limiter.is_exempt(address) {
            return Verdict::Send;
        }
        let key = limiter.key(address, likeness);
        limiter.prefetch(key);
        limiter.check(key, now)
    }

    /// How many of `count` equal answers go out whole, cut short, not at all.
    fn flood(limiter: &mut RateLimiter, address: &str, count: usize, now: u64) -> [usize; 3] {
        let mut counts = [0; 3];
        for _ in 0..count {
            counts[ask(limiter, address, 1, now) as usize] += 1;
        }
        counts
    }

    #[test]
    fn a_second_full_of_answers_then_every_other_one_cut_short() {
        let mut limiter = limiter(limit(200));
        assert_eq!(flood(&mut limiter, "192.0.2.1", 1200, START), [200, 500, 500]);
        assert_eq!(flood(&mut limiter, "192.0.2.1", 10, START), [0, 5, 5]);
        // 5 ms bring one token, a second all of them, an hour no more than that.
        assert_eq!(flood(&mut limiter, "192.0.2.1", 3, START + 5 * MILLISECOND), [1, 1, 1]);
        assert_eq!(flood(&mut limiter, "192.0.2.1", 300, START + 2 * SECOND), [200, 50, 50]);
        assert_eq!(flood(&mut limiter, "192.0.2.1", 300, START + 3600 * SECOND), [200, 50, 50]);
    }

    #[test]
    fn the_rate_holds_whatever_the_step_of_the_clock() {
        for (rate, step) in [(1, 4), (3, 4), (200, 1), (200, 4), (200, 10), (50_000, 4)] {
            let mut limiter = limiter(limit(rate));
            flood(&mut limiter, "192.0.2.1", rate as usize, START);
            let mut sent = 0;
            for now in (0..10_000).step_by(step as usize).skip(1) {
                let now = START + now * MILLISECOND;
                let asked = 2 + rate as usize * step as usize / 1000;
                sent += flood(&mut limiter, "192.0.2.1", asked, now)[0];
            }
            let expect = 10 * rate as usize;
            assert!(sent <= expect && sent + 1 + expect / 100 >= expect, "{rate} {step}: {sent}");
        }
    }

    #[test]
    fn slip_says_how_many_are_cut_short() {
        for (slip, expect) in [(0, [10, 0, 90]), (1, [10, 90, 0]), (3, [10, 30, 60])] {
            let mut limiter = limiter(RateLimit { slip, ..limit(10) });
            assert_eq!(flood(&mut limiter, "192.0.2.1", 100, START), expect, "{slip}");
        }
    }

    #[test]
    fn clients_of_one_block_count_as_one_and_others_do_not() {
        for (spender, same, other) in [
            ("192.0.2.1", "192.0.2.254", "192.0.3.1"),
            ("2001:db8:0:ff::1", "2001:db8::5", "2001:db8:0:100::1"),
        ] {
            let mut limiter = limiter(limit(10));
            assert_eq!(flood(&mut limiter, spender, 10, START), [10, 0, 0]);
            assert_eq!(flood(&mut limiter, same, 2, START), [0, 1, 1], "{same}");
            assert_eq!(flood(&mut limiter, other, 2, START), [2, 0, 0], "{other}");
            assert_eq!(ask(&mut limiter, spender, 2, START), Verdict::Send);
        }
    }

    #[test]
    fn any_length_of_the_blocks_will_do() {
        for (lengths, apart) in [((0, 0), false), ((32, 128), true)] {
            let (ipv4_prefix_length, ipv6_prefix_length) = lengths;
            let settings = RateLimit { ipv4_prefix_length, ipv6_prefix_length, ..limit(1) };
            for [first, second] in [["192.0.2.0", "192.0.2.1"], ["2001:db8::", "2001:db8::1"]] {
                let mut limiter = limiter(settings.clone());
                assert_eq!(ask(&mut limiter, first, 1, START), Verdict::Send);
                let verdict = ask(&mut limiter, second, 1, START);
                assert_eq!(verdict == Verdict::Send, apart, "{first} {second}");
            }
        }
    }

    #[test]
    fn exempt_clients_are_not_limited() {
        let mut limiter = limiter(RateLimit { exempt: RateLimit::default().exempt, ..limit(1) });
        assert_eq!(flood(&mut limiter, "127.9.9.9", 100, START), [100, 0, 0]);
        assert_eq!(flood(&mut limiter, "::1", 100, START), [100, 0, 0]);
        assert_eq!(flood(&mut limiter, "::2", 3, START), [1, 1, 1]);
    }

    #[test]
    fn threads_share_the_limit() {
        let limiter = |rate, sharers| RateLimiter::new(&limit(rate), sharers, [1, 2, 3]);
        for (rate, sharers, expect) in [(200, 4, 50), (200, 3, 67), (1, 8, 1)] {
            let sent = flood(&mut limiter(rate, sharers), "192.0.2.1", 300, START)[0];
            assert_eq!(sent, expect, "{rate} {sharers}");
        }
    }

    #[test]
    fn a_flood_from_everywhere_leaves_one_that_is_limited_as_it_is() {
        let mut limiter = limiter(limit(200));
        flood(&mut limiter, "192.0.2.1", 1000, START);
        for likeness in 0..1_000_000 {
            let address = std::net::Ipv4Addr::from_bits(likeness as u32 * 4096).to_string();
            ask(&mut limiter, &address, likeness, START);
        }
        assert_eq!(flood(&mut limiter, "192.0.2.1", 2, START)[0], 0);
    }

    #[test]
    fn others_are_answered_during_a_flood_from_many_blocks() {
        let mut limiter = limiter(limit(200));
        // A second of it: 65,536 blocks, each asking twice.
        for at in 0..131_072_u32 {
            let now = START + u64::from(at) * (SECOND / 131_072);
            let address = std::net::Ipv4Addr::from_bits((at % 65_536) << 8).to_string();
            assert_eq!(ask(&mut limiter, &address, 1, now), Verdict::Send);
        }
        assert_eq!(ask(&mut limiter, "203.0.113.9", 1, START + SECOND), Verdict::Send);
    }
}
