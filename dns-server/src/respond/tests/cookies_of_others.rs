//! Cookies that other servers make, and what they say to ours (RFC 9018).

use std::net::{IpAddr, Ipv4Addr};

use super::options::with_options;
use crate::respond::{CookieSecrets, CookieStanding, Rcode};
use crate::server::unix_seconds;
use crate::testing::Query;
use crate::testing::message::Answer;
use crate::testing::peers::{COOKIE_SECRET, Kind, Peer};

const COOKIE: u16 = 10;
const ZONE: (&str, &str) = (
    "example",
    "@ 3600 SOA ns hostmaster 1 900 300 604800 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n",
);
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn secrets() -> CookieSecrets {
    let byte = |at: usize| u8::from_str_radix(&COOKIE_SECRET[2 * at..2 * at + 2], 16).unwrap();
    CookieSecrets::new(std::array::from_fn(byte), Vec::new())
}

/// The code and the cookie of the server's answer.
fn ask(peer: &Peer, cookie: &[u8]) -> (u16, Vec<u8>) {
    let query = with_options(&Query::parse("example SOA"), &[(COOKIE, cookie)]);
    let answer = Answer::parse(&peer.ask(&query).expect("the server answers"));
    (answer.rcode, answer.option(COOKIE).expect("the server knows cookies"))
}

#[test]
fn their_cookies_are_good_here_and_ours_there() {
    if Kind::Bind.is_installed() {
        let peer = Peer::start(Kind::Bind, &[ZONE]);
        let (_, theirs) = ask(&peer, &[1; 8]);
        let ours = secrets().answer(&theirs, ADDRESS, unix_seconds()).unwrap();
        assert_eq!(ours.standing, CookieStanding::Valid);
        let fresh = secrets().answer(&[2; 8], ADDRESS, unix_seconds()).unwrap();
        let (rcode, back) = ask(&peer, &fresh.bytes);
        assert_eq!(rcode, Rcode::NOERROR.0);
        assert_eq!(back[..8], [2; 8]);
        let forged = [&fresh.bytes[..23], &[fresh.bytes[23] ^ 1]].concat();
        assert_eq!(ask(&peer, &forged).0, Rcode::BADCOOKIE.0, "it does look at cookies");
    }
}
