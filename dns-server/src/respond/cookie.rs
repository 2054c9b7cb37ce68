//! Cookies of clients and servers (RFC 7873), in the form that all servers share (RFC 9018).
//!
//! ```text
//! COOKIE option: client cookie 8 | version 1 | reserved 3 | time 4 | hash 8
//! ```
//!
//! The hash is over everything before it and the client's address, so whoever sends our cookie back
//! gets mail at that address. Nothing is remembered about any client.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::respond::siphash::siphash_2_4;

pub const COOKIE_SECRET_LENGTH: usize = 16;
pub(crate) const CLIENT_COOKIE_LENGTH: usize = 8;
/// Client and server cookie.
pub(crate) const COOKIE_LENGTH: usize = CLIENT_COOKIE_LENGTH + 16;
/// The lengths that server cookies of any kind make possible (RFC 7873 section 4).
const LENGTHS_WITH_SERVER_COOKIE: RangeInclusive<usize> = 16..=40;
const VERSION: u8 = 1;
/// Seconds; the times of RFC 9018 section 4.3.
const AGE_MAX: i32 = 3600;
const AGE_RENEWED: i32 = 1800;
const AHEAD_MAX: i32 = 300;

type Secret = [u8; COOKIE_SECRET_LENGTH];

/// The keys of server cookies, which the replicas of one name server share.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieSecrets {
    /// Makes cookies.
    current: Secret,
    /// Cookies made with these are valid, too.
    others: Vec<Secret>,
}

/// What a query's COOKIE option proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CookieStanding {
    /// There is none, or cookies are off.
    Absent,
    /// The client wants to know its server cookie.
    ClientOnly,
    /// A server cookie that is not ours, or too old.
    Invalid,
    /// The client has been at its address before.
    Valid,
}

/// What the answer says, whose COOKIE option is `bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CookieAnswer {
    pub standing: CookieStanding,
    pub bytes: [u8; COOKIE_LENGTH],
}

enum Verdict {
    Good,
    /// Good for now: old, or made with a secret that is on its way out.
    Renew,
    Bad,
}

/// Anything else is malformed (RFC 7873 section 5.2.2).
pub(crate) fn is_cookie_length(length: usize) -> bool {
    length == CLIENT_COOKIE_LENGTH || LENGTHS_WITH_SERVER_COOKIE.contains(&length)
}

// === impl CookieSecrets ===

impl CookieSecrets {
    /// A secret that nobody else has.
    pub fn random() -> std::io::Result<Self> {
        Ok(Self::new(crate::server::random_bytes()?, Vec::new()))
    }

    /// Cookies are made with `current`; those made with one of the others are valid, too, so that
    /// secrets can be rolled.
    pub fn new(current: [u8; 16], others: Vec<[u8; 16]>) -> Self {
        Self { current, others }
    }

    /// What makes cookies, for a process that takes the place of this one.
    pub fn current(&self) -> [u8; COOKIE_SECRET_LENGTH] {
        self.current
    }

    /// `cookie` has one of the lengths that are allowed; `now` is Unix time modulo 2^32.
    pub(crate) fn answer(&self, cookie: &[u8], address: IpAddr, now: u32) -> Option<CookieAnswer> {
        let (client, server) = cookie.split_first_chunk::<CLIENT_COOKIE_LENGTH>()?;
        let standing = match server {
            [] => CookieStanding::ClientOnly,
            server => match self.check(client, server, address, now) {
                Verdict::Good => {
                    let bytes = cookie.try_into().ok()?;
                    return Some(CookieAnswer { standing: CookieStanding::Valid, bytes });
                }
                Verdict::Renew => CookieStanding::Valid,
                Verdict::Bad => CookieStanding::Invalid,
            },
        };
        Some(self.renewed(standing, client, address, now))
    }

    fn renewed(
        &self,
        standing: CookieStanding,
        client: &[u8; CLIENT_COOKIE_LENGTH],
        address: IpAddr,
        now: u32,
    ) -> CookieAnswer {
        let [t0, t1, t2, t3] = now.to_be_bytes();
        let signed = [VERSION, 0, 0, 0, t0, t1, t2, t3];
        let hash = hash(&self.current, client, &signed, address);
        let mut bytes = [0; COOKIE_LENGTH];
        bytes[..8].copy_from_slice(client);
        bytes[8..16].copy_from_slice(&signed);
        bytes[16..].copy_from_slice(&hash.to_le_bytes());
        CookieAnswer { standing, bytes }
    }

    /// The reserved bytes count as the client sent them: another server may make use of them.
    fn check(
        &self,
        client: &[u8; CLIENT_COOKIE_LENGTH],
        server: &[u8],
        address: IpAddr,
        now: u32,
    ) -> Verdict {
        let ([signed, theirs], []) = server.as_chunks::<8>() else { return Verdict::Bad };
        let [VERSION, _, _, _, time @ ..] = signed else { return Verdict::Bad };
        // Serial number arithmetic (RFC 1982), in which a difference is a signed one.
        let age = now.wrapping_sub(u32::from_be_bytes(*time)).cast_signed();
        if !(-AHEAD_MAX..=AGE_MAX).contains(&age) {
            return Verdict::Bad;
        }
        let theirs = u64::from_le_bytes(*theirs);
        let made_with = |secret: &Secret| hash(secret, client, signed, address) == theirs;
        if made_with(&self.current) {
            return if age < AGE_RENEWED { Verdict::Good } else { Verdict::Renew };
        }
        if self.others.iter().any(made_with) { Verdict::Renew } else { Verdict::Bad }
    }
}

/// Secrets stay out of logs.
impl fmt::Debug for CookieSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieSecrets({} in all)", 1 + self.others.len())
    }
}

fn hash(
    secret: &Secret,
    client: &[u8; CLIENT_COOKIE_LENGTH],
    signed: &[u8; 8],
    address: IpAddr,
) -> u64 {
    let mut message = [0; 32];
    message[..8].copy_from_slice(client);
    message[8..16].copy_from_slice(signed);
    let length = match address {
        IpAddr::V4(address) => {
            message[16..20].copy_from_slice(&address.octets());
            20
        }
        IpAddr::V6(address) => {
            message[16..].copy_from_slice(&address.octets());
            32
        }
    };
    siphash_2_4(secret, &message[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    const OLD: &str = "dd3bdf9344b678b185a6f5cb60fca715";
    const NEW: &str = "445536bcd2513298075a5d379663c962";

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        (0..hex.len() / 2).map(digit).collect()
    }

    fn secrets(current: &str, others: &[&str]) -> CookieSecrets {
        let secret = |hex: &&str| bytes(hex).try_into().unwrap();
        CookieSecrets::new(secret(&current), others.iter().map(secret).collect())
    }

    #[track_caller]
    fn check(
        secrets: &CookieSecrets,
        asked: (&str, &str, u32),
        standing: CookieStanding,
        is: &str,
    ) {
        let (address, cookie, now) = asked;
        let answer = secrets.answer(&bytes(cookie), address.parse().unwrap(), now).unwrap();
        assert_eq!(answer.standing, standing);
        assert_eq!(answer.bytes.to_vec(), bytes(is));
    }

    #[test]
    fn rfc9018_a_1_learning_a_new_server_cookie() {
        check(
            &secrets(FIRST, &[]),
            ("198.51.100.100", "2464c4abcf10c957", 1_559_731_985),
            CookieStanding::ClientOnly,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
        );
    }

    #[test]
    fn rfc9018_a_2_the_same_client_learning_a_renewed_server_cookie() {
        check(
            &secrets(FIRST, &[]),
            ("198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1_559_734_385),
            CookieStanding::Valid,
            "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
        );
    }

    /// The cookie of the example is older than an hour by the time of its answer.
    #[test]
    fn rfc9018_a_3_reserved_bytes_count_as_they_are() {
        let cookie = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
        let made = 0x5cf7_8f71;
        let secrets = secrets(FIRST, &[]);
        check(&secrets, ("203.0.113.203", cookie, made + 60), CookieStanding::Valid, cookie);
        check(
            &secrets,
            ("203.0.113.203", cookie, 1_559_734_700),
            CookieStanding::Invalid,
            "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
        );
    }

    #[test]
    fn rfc9018_a_4_ipv6_with_a_rolled_over_secret() {
        let cookie = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
        let asked = ("2001:db8:220:1:59de:d0f4:8769:82b8", cookie, 1_559_741_961);
        let renewed = "22681ab97d52c298010000005cf7c609a6bb79d16625507a";
        check(&secrets(NEW, &[OLD]), asked, CookieStanding::Valid, renewed);
        check(&secrets(NEW, &[]), asked, CookieStanding::Invalid, renewed);
        // A secret that is not in use yet is valid, too: replicas get it one after the other.
        let renewed = secrets(OLD, &[]).answer(&bytes(cookie), asked.0.parse().unwrap(), asked.2);
        assert_eq!(renewed.unwrap().bytes.to_vec(), bytes(cookie));
    }

    #[test]
    fn rfc9018_4_3_cookies_are_good_for_an_hour_and_renewed_after_half_of_it() {
        let secrets = secrets(FIRST, &[]);
        let address = "192.0.2.1".parse().unwrap();
        // Across the wrap of the clock in 2106.
        for made in [1_559_731_985, u32::MAX - 5] {
            let cookie = secrets.answer(&[7; 8], address, made).unwrap().bytes;
            let after = |seconds: i32| {
                let now = made.wrapping_add_signed(seconds);
                let answer = secrets.answer(&cookie, address, now).unwrap();
                (answer.standing, answer.bytes == cookie)
            };
            for (seconds, expect) in [
                (-301, (CookieStanding::Invalid, false)),
                (-300, (CookieStanding::Valid, true)),
                (0, (CookieStanding::Valid, true)),
                (1799, (CookieStanding::Valid, true)),
                (1800, (CookieStanding::Valid, false)),
                (3600, (CookieStanding::Valid, false)),
                (3601, (CookieStanding::Invalid, false)),
            ] {
                assert_eq!(after(seconds), expect, "{seconds}");
            }
        }
    }

    #[test]
    fn a_cookie_is_good_for_its_client_and_address_only() {
        let secrets = secrets(FIRST, &[]);
        let address = "192.0.2.1".parse().unwrap();
        let cookie = secrets.answer(&[7; 8], address, 1000).unwrap().bytes;
        let standing = |cookie: &[u8], address: &str| {
            secrets.answer(cookie, address.parse().unwrap(), 1000).unwrap().standing
        };
        assert_eq!(standing(&cookie, "192.0.2.1"), CookieStanding::Valid);
        assert_eq!(standing(&cookie, "192.0.2.2"), CookieStanding::Invalid);
        for at in 0..COOKIE_LENGTH {
            let mut other = cookie;
            other[at] ^= 1;
            assert_eq!(standing(&other, "192.0.2.1"), CookieStanding::Invalid, "{at}");
        }
        assert_eq!(standing(&cookie[..16], "192.0.2.1"), CookieStanding::Invalid);
        let longer = [&cookie[..], &[0; 16]].concat();
        assert_eq!(standing(&longer, "192.0.2.1"), CookieStanding::Invalid);
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", secrets(FIRST, &[OLD])), "CookieSecrets(2 in all)");
    }
}
