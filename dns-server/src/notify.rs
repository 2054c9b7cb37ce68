//! Secondaries are told of changes (RFC 1996), over UDP, once for all changes that came meanwhile.
//!
//! Nothing depends on it: a secondary that is not reached looks for itself when its refresh time is
//! over.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use model::{Name, RecordType, Serial};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::respond::{Rcode, skip_name};
use crate::store::Reader;
use crate::transfer::{NotifyTarget, Transfers};

/// The first wait for an answer; each further one is twice as long.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Tries without an answer until it is given up.
const TRIES: u32 = 6;
/// Between one that was answered and the next.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a process that does not write looks whether it does.
const CLOSED_PAUSE: Duration = Duration::from_millis(500);
/// QR is not set; opcode 4, AA.
const FLAGS: [u8; 2] = [0x24, 0];
const HEADER_LENGTH: usize = 12;

/// What came of telling one secondary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has answered, though perhaps that it will not listen.
    Answered(Rcode),
    /// It did not answer, and is not asked again before the next change.
    Unheard { error: Option<String> },
}

/// One secondary of one zone.
pub struct Notifier {
    pub zone: Name,
    pub target: NotifyTarget,
    pub reader: Reader,
    pub transfers: Arc<Transfers>,
    /// Where this server answers, which is what its secondaries know it by: a notice from another
    /// address of this machine is refused (RFC 1996 section 3.10). Unspecified where it answers at all.
    pub own_addresses: Vec<IpAddr>,
    /// An identifier for each message that nobody can guess.
    pub random_id: fn() -> u16,
}

impl Notifier {
    /// Tells of each publication for as long as the zone is transferred. What the zone has at the
    /// beginning counts as one.
    pub async fn run(self, mut on_outcome: impl FnMut(Serial, Outcome)) {
        let Some(mut published) = self.reader.histories().published(&self.zone) else { return };
        published.mark_changed();
        while published.changed().await.is_ok() {
            if let Some((serial, outcome)) = self.tell(&mut published).await {
                on_outcome(serial, outcome);
                sleep(PAUSE).await;
            }
        }
    }

    /// Tries until it is answered; each try says what is newest. None where there is nothing to say.
    async fn tell(
        &self,
        published: &mut watch::Receiver<Option<Serial>>,
    ) -> Option<(Serial, Outcome)> {
        let mut wait = WAIT_MIN;
        let mut tries = 0;
        loop {
            while !self.transfers.is_open() {
                sleep(CLOSED_PAUSE).await;
            }
            published.borrow_and_update();
            let (serial, message) = self.message()?;
            let deadline = Instant::now() + wait;
            let error = match self.ask(message, deadline).await {
                Ok(Some(rcode)) => return Some((serial, Outcome::Answered(rcode))),
                Ok(None) => None,
                Err(error) => Some(error.to_string()),
            };
            tokio::time::sleep_until(deadline).await;
            tries += 1;
            if tries >= TRIES {
                return Some((serial, Outcome::Unheard { error }));
            }
            wait = (2 * wait).min(WAIT_MAX);
        }
    }

    /// The zone's name, and its SOA as it is now (RFC 1996 section 3.7).
    fn message(&self) -> Option<(Serial, Vec<u8>)> {
        let snapshot = self.reader.snapshot();
        let view = snapshot.zone(&self.zone)?;
        let serial = view.serial()?;
        let soa = view.apex_node().sets().get(RecordType::SOA)?.records;
        let [id_high, id_low] = (self.random_id)().to_be_bytes();
        let header = [id_high, id_low, FLAGS[0], FLAGS[1], 0, 1, 0, 1, 0, 0, 0, 0];
        let question = [&RecordType::SOA.0.to_be_bytes()[..], &[0, 1]].concat();
        Some((serial, [&header, self.zone.wire(), &question, soa].concat()))
    }

    /// None where no answer to it came until the deadline.
    async fn ask(&self, mut message: Vec<u8>, deadline: Instant) -> io::Result<Option<Rcode>> {
        let policy = self.transfers.policy();
        let key = match &self.target.key {
            None => None,
            Some(name) => Some(policy.key(name).ok_or(io::ErrorKind::NotFound)?),
        };
        let mac = key.map(|key| key.sign_request(&mut message, self.transfers.now()));
        let socket = self.socket().await?;
        socket.send(&message).await?;
        let mut answer = [0; 1500];
        while let Ok(received) = timeout_at(deadline, socket.recv(&mut answer)).await {
            let answer = &answer[..received?];
            let signed = key.zip(mac.as_deref());
            let is_genuine = signed.is_none_or(|(key, mac)| {
                let start = tsig_start(answer);
                let now = self.transfers.now();
                start.is_some_and(|start| key.is_answer(mac, answer, start, now))
            });
            if is_answer(&message, answer) && is_genuine {
                return Ok(Some(Rcode(u16::from(answer[3] & 0x0f))));
            }
        }
        Ok(None)
    }
}

impl Notifier {
    async fn socket(&self) -> io::Result<UdpSocket> {
        let to = self.target.address;
        let any: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = connected(any, to).await?;
        match known_source(socket.local_addr()?.ip(), &self.own_addresses) {
            // Where it cannot be used for this way, a notice from elsewhere is better than none.
            Some(source) => Ok(connected(source, to).await.unwrap_or(socket)),
            None => Ok(socket),
        }
    }
}

async fn connected(from: IpAddr, to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect(to).await?;
    Ok(socket)
}

/// What to send from in place of `chosen`, which the system would take. None where that is one of
/// `own`, or none of them is of any use for the way.
fn known_source(chosen: IpAddr, own: &[IpAddr]) -> Option<IpAddr> {
    let is_same_kind = |address: &&IpAddr| address.is_ipv4() == chosen.is_ipv4();
    let is_known = |address: &IpAddr| *address == chosen || address.is_unspecified();
    if own.iter().filter(is_same_kind).any(is_known) {
        return None;
    }
    let reaches = |address: &&IpAddr| address.is_loopback() == chosen.is_loopback();
    own.iter().filter(is_same_kind).find(reaches).copied()
}

/// The same identifier and opcode.
fn is_answer(request: &[u8], answer: &[u8]) -> bool {
    answer.len() >= HEADER_LENGTH && answer[..2] == request[..2] && answer[2] & 0xf8 == 0xa0
}

/// Where the last record of a message begins.
fn tsig_start(message: &[u8]) -> Option<usize> {
    let count = |at: usize| Some(u16::from_be_bytes(*message.get(at..)?.first_chunk()?));
    let mut position = HEADER_LENGTH;
    for _ in 0..count(4)? {
        position = skip_name(message, position).ok()? + 4;
    }
    let records = u32::from(count(6)?) + u32::from(count(8)?) + u32::from(count(10)?);
    for _ in 1..records {
        let owner_end = skip_name(message, position).ok()?;
        position = owner_end + 10 + usize::from(count(owner_end + 8)?);
    }
    (records > 0).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_leave_from_where_the_server_answers() {
        let cases = [
            // What the system takes is one of them.
            ("192.0.2.1", "192.0.2.53 192.0.2.1", None),
            // A service's address beside the machine's own.
            ("192.0.2.1", "192.0.2.53", Some("192.0.2.53")),
            ("192.0.2.1", "127.0.0.1 192.0.2.53 192.0.2.54", Some("192.0.2.53")),
            ("2001:db8::1", "192.0.2.53 2001:db8::53", Some("2001:db8::53")),
            ("127.0.0.1", "192.0.2.53 127.0.0.53", Some("127.0.0.53")),
            // At all of them.
            ("192.0.2.1", "192.0.2.53 0.0.0.0", None),
            ("192.0.2.1", "192.0.2.53 ::", Some("192.0.2.53")),
            // None that could be used.
            ("192.0.2.1", "127.0.0.1 2001:db8::53", None),
            ("127.0.0.1", "192.0.2.53", None),
            ("192.0.2.1", "", None),
        ];
        for (chosen, own, expect) in cases {
            let addresses: Vec<IpAddr> =
                own.split_whitespace().map(|it| it.parse().unwrap()).collect();
            let found = known_source(chosen.parse().unwrap(), &addresses);
            let expect: Option<IpAddr> = expect.map(|it| it.parse().unwrap());
            assert_eq!(found, expect, "{chosen} of {own}");
        }
    }
}
