//! Packets with any signature (RFC 8945).

use crate::respond::{Request, TCP_SIZE_MAX, Transport};
use crate::server::special::{Asked, Outcome};
use crate::tsig::TsigRecord;
use crate::{Reply, TsigKey};

use super::answers::{check_answer, client};
use super::{NOW, STAGE, Stage};

const HEADER_LENGTH: usize = 12;

/// What the first bytes say is done to the packet that follows them.
struct Orders {
    /// Signs it.
    key: Option<usize>,
    /// How late.
    late: u64,
    /// Changes a byte of what is signed.
    place: usize,
    change: u8,
}

/// Bytes: which key signs the packet, if one does; by how many seconds the time is off; which byte
/// (2) changes after that, and by which bits; then the packet.
///
/// # Panics
///
/// Where a packet counts as signed that was not, or has been changed, or is too old; where the answer
/// to one that is signed is not signed itself; and where an answer is not what one must be.
pub fn check_signature(bytes: &[u8]) {
    let Some(([key, late, high, low, change], packet)) = bytes.split_first_chunk() else { return };
    STAGE.with(|stage| {
        let orders = Orders {
            key: (*key & 1 == 1).then_some(usize::from(*key >> 1) % stage.keys.len()),
            late: u64::from(*late) * 10,
            place: usize::from(u16::from_be_bytes([*high, *low])),
            change: *change,
        };
        for transport in [Transport::Udp, Transport::Tcp] {
            check(stage, &orders, packet.to_vec(), transport);
        }
    });
}

fn check(stage: &Stage, orders: &Orders, mut packet: Vec<u8>, transport: Transport) {
    let unsigned_length = packet.len();
    let mut signature = None;
    // What has more records than can be counted, or no header, cannot be signed.
    if let Some(key) = orders.key
        && packet.len() >= HEADER_LENGTH
        && packet[10..12] != [0xff, 0xff]
    {
        let key = &stage.keys[key];
        let now = model::UnixTime(NOW.0 - orders.late);
        signature = Some((key, key.sign_request(&mut packet, now)));
    }
    let is_signed = signature.is_some();
    // Neither the identifier nor the count of records is signed as it stands in the packet.
    let place = orders.place % unsigned_length.max(1);
    let is_changed =
        orders.change != 0 && place < unsigned_length && !matches!(place, 0 | 1 | 10 | 11);
    if is_changed {
        packet[place] ^= orders.change;
    }
    let mut out = [0; TCP_SIZE_MAX];
    let Some(reply) = answer(stage, &packet, transport, &mut out) else { return };
    let answer = &out[..reply.length];
    check_answer(&packet, answer, transport);
    if is_signed && (is_changed || orders.late > 300) {
        assert!(!reply.is_authenticated, "what is signed was changed, or is too old");
    }
    if reply.is_authenticated {
        // One that nobody here has signed cannot be right by chance.
        let (key, mac) = signature.expect("the packet was signed");
        check_signed(key, &mac, answer);
    }
}

fn check_signed(key: &TsigKey, mac: &[u8], answer: &[u8]) {
    let starts = (HEADER_LENGTH..answer.len()).rev();
    let is_record = |start: &usize| {
        answer[*start..].starts_with(key.name.wire()) && TsigRecord::read(answer, *start).is_some()
    };
    let mut starts = starts.filter(is_record);
    assert!(starts.any(|start| key.is_answer(mac, answer, start, NOW)), "the answer is signed");
}

/// None where there is no answer, or a transfer in its place.
fn answer(stage: &Stage, packet: &[u8], transport: Transport, out: &mut [u8]) -> Option<Reply> {
    let mut request = Request::new();
    let snapshot = stage.special.reader.snapshot();
    if !request.parse(packet, &snapshot) || !request.is_special() {
        return None;
    }
    let client = client(transport, &stage.policy);
    match stage.special.answer(&snapshot, Asked { packet, request: &request, client: &client }, out)
    {
        Outcome::Reply(reply) => reply,
        Outcome::Transfer(_) => None,
    }
}
