use super::*;
use crate::dns_message::{Answer, MessageWriter};

const NOW: u64 = 1_793_500_000;

fn key(secret: &[u8]) -> TsigKey {
    TsigKey::new(Name::parse("fed.").unwrap(), Algorithm::HmacSha256, secret.to_vec())
}

fn request() -> (Vec<u8>, Verifier) {
    let name = Name::parse("example.com").unwrap();
    let mut message = MessageWriter::query(&name, model::RecordType::AXFR).finish(7);
    let verifier = key(b"secret").sign(&mut message, NOW);
    (message, verifier)
}

/// An answer without records, as a server makes it; `number` makes it unlike others.
fn unsigned(number: u8) -> Vec<u8> {
    let name = Name::parse(&format!("n{number}.example.com")).unwrap();
    let mut message = MessageWriter::query(&name, model::RecordType::AXFR).finish(7);
    message[2] |= 0x80;
    message
}

/// Signs as a server does: `before` is what its digest begins with, `is_first` whether all variables
/// are in it.
fn signed(key: &TsigKey, before: &[&[u8]], time: u64, is_first: bool, number: u8) -> Vec<u8> {
    let mut message = unsigned(number);
    let variables =
        if is_first { key.variables(time, 0, &[]) } else { time_and_fudge(time).to_vec() };
    let parts: Vec<&[u8]> =
        before.iter().copied().chain([message.as_slice(), variables.as_slice()]).collect();
    let mac = key.mac(&parts);
    append(&mut message, key, time, &mac, 0, &[]);
    message
}

fn append(message: &mut Vec<u8>, key: &TsigKey, time: u64, mac: &[u8], error: u16, other: &[u8]) {
    let rdata = [
        key.algorithm.name().wire(),
        &time_and_fudge(time),
        &(mac.len() as u16).to_be_bytes(),
        mac,
        &7_u16.to_be_bytes(),
        &error.to_be_bytes(),
        &(other.len() as u16).to_be_bytes(),
        other,
    ]
    .concat();
    append_record(message, key.name.wire(), TYPE_TSIG, CLASS_ANY, 0, &rdata);
    message[11] += 1;
}

fn framed_mac(mac: &[u8]) -> Vec<u8> {
    [&(mac.len() as u16).to_be_bytes(), mac].concat()
}

fn mac_of(message: &[u8]) -> Vec<u8> {
    Answer::read(message).unwrap().tsig.unwrap().mac
}

fn take(verifier: &mut Verifier, message: &[u8]) -> Result<(), TsigError> {
    let answer = Answer::read(message).unwrap();
    verifier.verify(message, answer.tsig.as_ref(), NOW)
}

#[test]
fn a_request_is_signed_at_its_end() {
    let (mut message, verifier) = request();
    message[2] |= 0x80;
    let tsig = Answer::read(&message).unwrap().tsig.unwrap();
    assert_eq!((tsig.mac.len(), tsig.original_id, tsig.time_signed), (32, 7, NOW));
    assert_eq!(tsig.mac, verifier.mac);
    assert_eq!(tsig.algorithm.to_string(), "hmac-sha256.");
    for (text, length) in [("hmac-sha384", 48), ("HMAC-SHA512.", 64)] {
        let algorithm = Algorithm::parse(text).unwrap();
        let key = TsigKey::new(Name::parse("fed").unwrap(), algorithm, b"secret".to_vec());
        assert_eq!(key.sign(&mut unsigned(0), NOW).mac.len(), length);
    }
    assert_eq!(Algorithm::parse("hmac-md5"), None);
}

#[test]
fn an_answer_is_bound_to_its_request() {
    let (_, verifier) = request();
    let before = framed_mac(&verifier.mac);
    let answer = signed(&key(b"secret"), &[&before], NOW, true, 0);
    let mut right = verifier.clone();
    assert_eq!(take(&mut right, &answer), Ok(()));
    assert_eq!(right.finish(), Ok(()));
    let wrong = [
        signed(&key(b"other"), &[&before], NOW, true, 0),
        signed(&key(b"secret"), &[], NOW, true, 0),
        signed(&key(b"secret"), &[&framed_mac(&[0; 32])], NOW, true, 0),
    ];
    for answer in wrong {
        assert_eq!(take(&mut verifier.clone(), &answer), Err(TsigError::Wrong));
    }
    let mut changed = answer;
    changed[13] ^= 1;
    assert_eq!(take(&mut verifier.clone(), &changed), Err(TsigError::Wrong));
}

#[test]
fn an_answer_of_another_time_is_refused() {
    let (_, verifier) = request();
    let before = framed_mac(&verifier.mac);
    for (time, expect) in [
        (NOW + 300, Ok(())),
        (NOW - 300, Ok(())),
        (NOW + 301, Err(TsigError::Time { ahead: -301 })),
        (NOW - 301, Err(TsigError::Time { ahead: 301 })),
    ] {
        let answer = signed(&key(b"secret"), &[&before], time, true, 0);
        assert_eq!(take(&mut verifier.clone(), &answer), expect);
    }
}

#[test]
fn what_the_server_says_of_our_signature_is_told() {
    let (_, mut verifier) = request();
    assert_eq!(take(&mut verifier.clone(), &unsigned(0)), Err(TsigError::Unsigned));
    for code in [BADSIG, BADKEY] {
        let mut answer = unsigned(0);
        append(&mut answer, &key(b""), NOW, &[], code, &[]);
        assert_eq!(take(&mut verifier.clone(), &answer), Err(TsigError::Rejected(code)));
    }
    let server_time = &(NOW - 3_600).to_be_bytes()[2..];
    let mut answer = unsigned(0);
    let key = key(b"secret");
    let variables = key.variables(NOW, BADTIME, server_time);
    let mac = key.mac(&[&framed_mac(&verifier.mac), &answer, &variables]);
    append(&mut answer, &key, NOW, &mac, BADTIME, server_time);
    assert_eq!(take(&mut verifier, &answer), Err(TsigError::Time { ahead: 3_600 }));
}

#[test]
fn a_stream_may_leave_signatures_out_but_not_at_its_ends() {
    let (_, verifier) = request();
    let key = key(b"secret");
    let first = signed(&key, &[&framed_mac(&verifier.mac)], NOW, true, 1);
    let between = [unsigned(2), unsigned(3)];
    let before = framed_mac(&mac_of(&first));
    let last = signed(&key, &[&before, &between[0], &between[1]], NOW, false, 4);

    let mut whole = verifier.clone();
    for message in [&first, &between[0], &between[1], &last] {
        assert_eq!(take(&mut whole, message), Ok(()));
    }
    assert_eq!(whole.finish(), Ok(()));

    let mut cut = verifier.clone();
    for message in [&first, &between[0]] {
        assert_eq!(take(&mut cut, message), Ok(()));
    }
    assert_eq!(cut.finish(), Err(TsigError::Unsigned));
    // One of them is missing.
    assert_eq!(take(&mut cut, &last), Err(TsigError::Wrong));

    let mut long = verifier;
    assert_eq!(take(&mut long, &first), Ok(()));
    for number in 0..99 {
        assert_eq!(take(&mut long, &unsigned(number)), Ok(()));
    }
    assert_eq!(take(&mut long, &unsigned(99)), Err(TsigError::Unsigned));
}

#[test]
fn the_secret_is_not_shown() {
    assert!(!format!("{:?}", key(b"secret")).contains("115"));
    assert!(format!("{:?}", key(b"secret")).contains("***"));
}
