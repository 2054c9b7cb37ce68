//! What one host name's answers mean. Pure: the clock comes in as an argument.
//!
//! ```text
//! answer             | what becomes of the addresses
//! -------------------+---------------------------------------------------------
//! addresses          | those in it stand; the others leave at their 2nd absence
//! NXDOMAIN, NODATA   | they stand until the 3rd such answer, at least 60 s after the 1st
//! SERVFAIL, time-out | they stand
//! ```
//!
//! IPv4 and IPv6 are two questions, each with its own answers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// However short a TTL is, nobody is asked more often.
const TTL_MIN: Duration = Duration::from_secs(5);
/// However long a TTL is, a load balancer's move is seen within this time.
const TTL_MAX: Duration = Duration::from_secs(300);
/// So many answers without an address remove it.
const ABSENCES_TO_LEAVE: u8 = 2;
/// So many negative answers remove all addresses, once they span [`NEGATIVE_SPAN`].
const NEGATIVES_TO_LEAVE: u32 = 3;
const NEGATIVE_SPAN: Duration = Duration::from_secs(60);
/// Three of these make the span.
const NEGATIVE_DELAY: Duration = Duration::from_secs(30);
const FAILURE_DELAY_MIN: Duration = Duration::from_secs(5);
const FAILURE_DELAY_MAX: Duration = Duration::from_secs(60);

/// What the DNS said to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Addresses {
        addresses: Vec<IpAddr>,
        ttl: Duration,
    },
    /// The name does not exist.
    NxDomain,
    /// The name exists and has no address of this family.
    NoData,
    /// No answer that says anything of the name; the text says why.
    Failed(Box<str>),
}

/// What is known of a host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Sorted, unique.
    pub addresses: Vec<IpAddr>,
    /// Why the last look-up gave nothing new; `None` after a good one.
    pub failure: Option<Box<str>>,
    /// True once a look-up has ended, however it ended.
    pub is_attempted: bool,
    /// True once the addresses, or that there are none, can be relied on.
    pub is_settled: bool,
}

/// All that is remembered of one host name.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostState {
    v4: Family,
    v6: Family,
    is_attempted: bool,
}

#[derive(Clone, Debug, Default)]
struct Family {
    /// With the number of good answers in a row that lacked it.
    addresses: BTreeMap<IpAddr, u8>,
    /// True once there was an address.
    had_addresses: bool,
    negatives: u32,
    first_negative: Option<Instant>,
    failures: u32,
    failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Failure {
    NxDomain,
    NoData,
    Other(Box<str>),
}

// === impl HostState ===

impl HostState {
    /// Begins with addresses that were known before a restart.
    pub(crate) fn seeded(addresses: &[IpAddr]) -> Self {
        let mut state = Self::default();
        for address in addresses {
            let family = if address.is_ipv4() { &mut state.v4 } else { &mut state.v6 };
            family.addresses.insert(*address, 0);
            family.had_addresses = true;
        }
        state
    }

    /// Takes in the answers to one pair of questions; returns how long to wait for the next.
    pub(crate) fn take(&mut self, v4: Answer, v6: Answer, now: Instant) -> Duration {
        self.is_attempted = true;
        self.v4.take(v4, now).min(self.v6.take(v6, now))
    }

    pub(crate) fn resolution(&self) -> Resolution {
        let families = [&self.v4, &self.v6];
        let addresses = families.iter().flat_map(|family| family.addresses.keys().copied());
        Resolution {
            addresses: addresses.collect(),
            failure: self.failure(),
            is_attempted: self.is_attempted,
            is_settled: families.iter().any(|family| family.had_addresses)
                || families.iter().all(|family| family.is_gone()),
        }
    }

    /// That a host has addresses of one family only is no failure.
    fn failure(&self) -> Option<Box<str>> {
        use Failure::{NoData, NxDomain, Other};
        match (&self.v4.failure, &self.v6.failure) {
            (Some(Other(v4)), Some(Other(v6))) if v4 == v6 => Some(v4.clone()),
            (Some(Other(text)), _) => Some(format!("A: {text}").into()),
            (_, Some(Other(text))) => Some(format!("AAAA: {text}").into()),
            (Some(NxDomain), _) | (_, Some(NxDomain)) => {
                Some("the host name does not exist (NXDOMAIN)".into())
            }
            (Some(NoData), Some(NoData)) => Some("the host name has no address (NODATA)".into()),
            (None | Some(NoData), None | Some(NoData)) => None,
        }
    }
}

// === impl Family ===

impl Family {
    fn take(&mut self, answer: Answer, now: Instant) -> Duration {
        match answer {
            Answer::Addresses { addresses, ttl } => self.take_addresses(&addresses, ttl),
            Answer::NxDomain => self.take_negative(Failure::NxDomain, now),
            Answer::NoData => self.take_negative(Failure::NoData, now),
            Answer::Failed(text) => self.take_failure(text),
        }
    }

    fn take_addresses(&mut self, addresses: &[IpAddr], ttl: Duration) -> Duration {
        for absences in self.addresses.values_mut() {
            *absences += 1;
        }
        self.addresses.extend(addresses.iter().map(|address| (*address, 0)));
        self.addresses.retain(|_, absences| *absences < ABSENCES_TO_LEAVE);
        let addresses = std::mem::take(&mut self.addresses);
        *self = Self { addresses, had_addresses: true, ..Self::default() };
        ttl.clamp(TTL_MIN, TTL_MAX)
    }

    fn take_negative(&mut self, failure: Failure, now: Instant) -> Duration {
        self.failures = 0;
        self.failure = Some(failure);
        self.negatives = self.negatives.saturating_add(1);
        let first = *self.first_negative.get_or_insert(now);
        if self.is_gone() && now.duration_since(first) >= NEGATIVE_SPAN {
            self.addresses.clear();
        }
        NEGATIVE_DELAY
    }

    fn take_failure(&mut self, text: Box<str>) -> Duration {
        let doublings = self.failures.min(10);
        self.failures = self.failures.saturating_add(1);
        self.failure = Some(Failure::Other(text));
        FAILURE_DELAY_MIN.saturating_mul(1 << doublings).min(FAILURE_DELAY_MAX)
    }

    /// True once it has been said often enough that there is nothing.
    fn is_gone(&self) -> bool {
        self.negatives >= NEGATIVES_TO_LEAVE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `second: A answer / AAAA answer` lines and compares what is known afterwards, and how
    /// long to wait. An answer is addresses with `@ttl`, `nxdomain`, `nodata` or `servfail`.
    #[track_caller]
    fn check(seed: &str, answers: &[(u64, &str, &str)], expect: &str, wait: u64) {
        let start = Instant::now();
        let mut state = HostState::seeded(&addresses(seed));
        let mut next = Duration::ZERO;
        for (second, v4, v6) in answers {
            next = state.take(answer(v4), answer(v6), start + Duration::from_secs(*second));
        }
        let known: Vec<String> =
            state.resolution().addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(known.join(" "), expect, "{answers:?}");
        assert_eq!(next.as_secs(), wait, "{answers:?}");
    }

    fn addresses(text: &str) -> Vec<IpAddr> {
        text.split_whitespace().map(|address| address.parse().unwrap()).collect()
    }

    fn answer(text: &str) -> Answer {
        match text {
            "nxdomain" => Answer::NxDomain,
            "nodata" => Answer::NoData,
            "servfail" => Answer::Failed("SERVFAIL".into()),
            text => {
                let (list, ttl) = text.split_once('@').unwrap();
                let ttl = Duration::from_secs(ttl.parse().unwrap());
                Answer::Addresses { addresses: addresses(list), ttl }
            }
        }
    }

    #[test]
    fn both_families_are_asked_and_sorted() {
        check(
            "",
            &[(0, "192.0.2.2 192.0.2.1@60", "2001:db8::1@60")],
            "192.0.2.1 192.0.2.2 2001:db8::1",
            60,
        );
        check("", &[(0, "192.0.2.1@60", "nodata")], "192.0.2.1", 30);
    }

    #[test]
    fn the_ttl_counts_within_5_and_300_seconds() {
        check("", &[(0, "192.0.2.1@0", "2001:db8::1@60")], "192.0.2.1 2001:db8::1", 5);
        check("", &[(0, "192.0.2.1@3600", "2001:db8::1@7200")], "192.0.2.1 2001:db8::1", 300);
    }

    #[test]
    fn an_address_leaves_after_2_answers_without_it() {
        let (one, both, two) = ("192.0.2.1@60", "192.0.2.1 192.0.2.2@60", "192.0.2.2@60");
        check("", &[(0, both, "nodata"), (60, one, "nodata")], "192.0.2.1 192.0.2.2", 30);
        check(
            "",
            &[(0, both, "nodata"), (60, one, "nodata"), (90, one, "nodata")],
            "192.0.2.1",
            30,
        );
        // A load balancer that gives another part of its addresses each time keeps all of them.
        check(
            "",
            &[(0, one, "nodata"), (60, two, "nodata"), (90, one, "nodata"), (99, two, "nodata")],
            "192.0.2.1 192.0.2.2",
            30,
        );
    }

    #[test]
    fn servfail_and_time_out_keep_the_last() {
        let good = (0, "192.0.2.1@60", "2001:db8::1@60");
        check("", &[good, (60, "servfail", "servfail")], "192.0.2.1 2001:db8::1", 5);
        let failures: Vec<_> = (1..=9).map(|n| (60 * n, "servfail", "servfail")).collect();
        let all: Vec<_> = [good].into_iter().chain(failures).collect();
        check("", &all, "192.0.2.1 2001:db8::1", 60);
    }

    #[test]
    fn a_failure_between_two_absences_counts_for_nothing() {
        check(
            "",
            &[
                (0, "192.0.2.1@9", "nodata"),
                (9, "192.0.2.2@9", "nodata"),
                (18, "servfail", "nodata"),
            ],
            "192.0.2.1 192.0.2.2",
            5,
        );
    }

    #[test]
    fn nxdomain_and_nodata_count_after_3_answers_over_60_seconds() {
        let good = (0, "192.0.2.1@60", "nodata");
        let nxdomain = |second| (second, "nxdomain", "nxdomain");
        check("", &[good, nxdomain(60), nxdomain(90)], "192.0.2.1", 30);
        check("", &[good, nxdomain(60), nxdomain(90), nxdomain(120)], "", 30);
        check("", &[good, nxdomain(60), nxdomain(61), nxdomain(62)], "192.0.2.1", 30);
        check("", &[good, nxdomain(60), nxdomain(61), nxdomain(62), nxdomain(121)], "", 30);
        let nodata = |second| (second, "nodata", "nodata");
        check("", &[good, nodata(60), nxdomain(90), nodata(120)], "", 30);
        // A good answer in between begins the count anew.
        check(
            "",
            &[good, nxdomain(60), nxdomain(90), (91, "192.0.2.1@60", "nodata"), nxdomain(120)],
            "192.0.2.1",
            30,
        );
    }

    #[test]
    fn one_family_that_is_gone_leaves_the_other() {
        let good = (0, "192.0.2.1@60", "2001:db8::1@60");
        let v4_gone = |second| (second, "nodata", "2001:db8::1@60");
        check("", &[good, v4_gone(60), v4_gone(90), v4_gone(120)], "2001:db8::1", 30);
    }

    #[test]
    fn what_was_known_before_a_restart_stands_like_any_answer() {
        check("192.0.2.1 2001:db8::1", &[], "192.0.2.1 2001:db8::1", 0);
        check("192.0.2.1", &[(0, "servfail", "servfail")], "192.0.2.1", 5);
        check("192.0.2.1", &[(0, "192.0.2.2@60", "nodata")], "192.0.2.1 192.0.2.2", 30);
    }

    #[track_caller]
    fn check_told(answers: &[(u64, &str, &str)], failure: Option<&str>, is_settled: bool) {
        let start = Instant::now();
        let mut state = HostState::default();
        for (second, v4, v6) in answers {
            state.take(answer(v4), answer(v6), start + Duration::from_secs(*second));
        }
        let resolution = state.resolution();
        assert_eq!(resolution.failure.as_deref(), failure, "{answers:?}");
        assert_eq!(resolution.is_settled, is_settled, "{answers:?}");
        assert_eq!(resolution.is_attempted, !answers.is_empty());
    }

    #[test]
    fn the_last_failure_is_told_and_one_family_is_enough() {
        check_told(&[], None, false);
        check_told(&[(0, "192.0.2.1@60", "nodata")], None, true);
        check_told(&[(0, "servfail", "servfail")], Some("SERVFAIL"), false);
        check_told(&[(0, "192.0.2.1@60", "servfail")], Some("AAAA: SERVFAIL"), true);
        check_told(
            &[(0, "nxdomain", "nxdomain")],
            Some("the host name does not exist (NXDOMAIN)"),
            false,
        );
        check_told(
            &[(0, "nodata", "nodata")],
            Some("the host name has no address (NODATA)"),
            false,
        );
        check_told(&[(0, "nodata", "nodata"), (5, "192.0.2.1@60", "nodata")], None, true);
        let nxdomain = |second| (second, "nxdomain", "nxdomain");
        check_told(
            &[nxdomain(0), nxdomain(30), nxdomain(60)],
            Some("the host name does not exist (NXDOMAIN)"),
            true,
        );
    }
}
