//! Who asks, how and when: what an answer depends on besides the zones and the query.

use std::net::{IpAddr, Ipv4Addr};

use crate::policy::Policy;
use crate::respond::Transport;

/// The other end of an exchange, and how we treat it.
#[derive(Clone, Copy, Debug)]
pub struct Client<'p> {
    pub transport: Transport,
    pub address: IpAddr,
    /// Unix seconds modulo 2^32, as cookies have them; it may lag behind by a second.
    pub now: u32,
    /// For how long an idle connection is kept, in units of 100 ms (RFC 7828 section 3.1).
    pub keepalive: u16,
    pub policy: &'p Policy,
}

static PLAIN: Policy = Policy::PLAIN;

impl Client<'static> {
    /// Nobody in particular, and no policy.
    pub fn anyone(transport: Transport) -> Self {
        let address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self { transport, address, now: 0, keepalive: 0, policy: &PLAIN }
    }
}
