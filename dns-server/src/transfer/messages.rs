//! Records into messages: as many in each as fit, each signed where the request was.

use model::UnixTime;

use crate::respond::{TCP_SIZE_MAX, UDP_SIZE_MAX};
use crate::tsig::Signer;

const HEADER_LENGTH: usize = 12;
const OPT_LENGTH: usize = 11;
/// Where the question's name stands, which is the zone's apex.
const APEX: [u8; 2] = [0xc0, HEADER_LENGTH as u8];
/// Longer messages would hardly be fewer bytes: pointers reach no further (RFC 1035 section 4.1.4).
pub const MESSAGE_LENGTH: usize = 0x3fff;

/// What all messages of one transfer begin with.
#[derive(Clone, Debug)]
pub struct Head {
    pub id: [u8; 2],
    /// The client's RD bit.
    pub recursion_desired: bool,
    /// As the client wrote it; its name is the zone's apex.
    pub question: Vec<u8>,
    /// Where the request had an OPT record, its DO bit.
    pub edns: Option<bool>,
}

/// Why a transfer ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nobody takes the messages any more.
    Gone,
    /// A record fits into no message.
    TooLarge,
}

/// Collects records, and hands each message to `send` when it is full.
pub struct Messages<F> {
    head: Head,
    /// A message has this length at the most, unless it is of one record.
    length_max: usize,
    /// Together with a signature.
    size_max: usize,
    message: Vec<u8>,
    answers: u16,
    is_first: bool,
    /// The owner of the last record of this message, and where it stands.
    owner: (Vec<u8>, [u8; 2]),
    signer: Option<Signer>,
    clock: fn() -> UnixTime,
    send: F,
}

impl<F: FnMut(Vec<u8>) -> Result<(), Stopped>> Messages<F> {
    /// `size_max` is what the transport takes.
    pub fn new(
        head: Head,
        size_max: usize,
        signer: Option<Signer>,
        clock: fn() -> UnixTime,
        send: F,
    ) -> Self {
        let signature = signer.as_ref().map_or(0, Signer::length);
        let size_max = size_max.min(TCP_SIZE_MAX).saturating_sub(signature + OPT_LENGTH);
        let message = head.begin();
        Self {
            head,
            length_max: size_max.min(MESSAGE_LENGTH),
            size_max,
            message,
            answers: 0,
            is_first: true,
            owner: (Vec::new(), APEX),
            signer,
            clock,
            send,
        }
    }

    /// Adds a record as the store has it, with two bytes for its owner, which is in the zone.
    pub fn push(&mut self, owner: &[u8], record: &[u8]) -> Result<(), Stopped> {
        let length = owner.len() + record.len();
        if self.message.len() + length > self.length_max && self.answers > 0 {
            self.flush()?;
        }
        if self.message.len() + length > self.size_max {
            return Err(Stopped::TooLarge);
        }
        self.push_owner(owner);
        self.message.extend_from_slice(&record[2..]);
        self.answers += 1;
        Ok(())
    }

    /// Sends what is left.
    pub fn finish(mut self) -> Result<(), Stopped> {
        self.flush()
    }

    fn push_owner(&mut self, owner: &[u8]) {
        let (last, pointer) = &mut self.owner;
        if last == owner {
            return self.message.extend_from_slice(pointer);
        }
        // All names end with the apex, which is the question's name.
        let own = owner.len() - (self.head.question.len() - 4);
        // A record begins before `length_max`, which pointers reach.
        *pointer = if own == 0 { APEX } else { (0xc000 | self.message.len() as u16).to_be_bytes() };
        last.clear();
        last.extend_from_slice(owner);
        self.message.extend_from_slice(&owner[..own]);
        self.message.extend_from_slice(&APEX);
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        let mut message = std::mem::replace(&mut self.message, self.head.begin());
        message[6..8].copy_from_slice(&self.answers.to_be_bytes());
        if let (true, Some(dnssec_ok)) = (self.is_first, self.head.edns) {
            let [size_high, size_low] = (UDP_SIZE_MAX as u16).to_be_bytes();
            let dnssec_ok = u8::from(dnssec_ok) << 7;
            message.extend_from_slice(&[0, 0, 41, size_high, size_low, 0, 0, dnssec_ok, 0, 0, 0]);
            message[11] = 1;
        }
        if let Some(signer) = &mut self.signer {
            signer.sign(&mut message, (self.clock)());
        }
        (self.answers, self.is_first, self.owner) = (0, false, (Vec::new(), APEX));
        (self.send)(message)
    }
}

impl Head {
    /// Header and question of an authoritative answer.
    fn begin(&self) -> Vec<u8> {
        let flags = 0x84 | u8::from(self.recursion_desired);
        let mut message = vec![self.id[0], self.id[1], flags, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        message.extend_from_slice(&self.question);
        message
    }
}
