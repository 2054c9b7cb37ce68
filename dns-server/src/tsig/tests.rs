use model::{Name, UnixTime};

use super::*;
use crate::testing::{Query, name};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn key(text: &str, algorithm: TsigAlgorithm) -> TsigKey {
    TsigKey::new(name(text), algorithm, b"a secret of some length")
}

fn keys() -> Vec<TsigKey> {
    TsigAlgorithm::ALL.into_iter().map(|(word, algorithm)| key(word, algorithm)).collect()
}

/// A request signed with `key`, where its signature begins, and the signature.
fn signed(key: &TsigKey, now: UnixTime) -> (Vec<u8>, usize, Vec<u8>) {
    let mut request = Query::parse("example.com SOA").bytes();
    let start = request.len();
    let mac = key.sign_request(&mut request, now);
    (request, start, mac)
}

/// The error in the last record of `message`, and the length of its signature.
fn error_of(message: &[u8], start: usize) -> (u16, usize) {
    let tsig = TsigRecord::read(message, start).unwrap();
    (tsig.fields.error, tsig.mac.len())
}

#[test]
fn rfc8945_requests_are_verified_and_answers_signed() {
    for key in keys() {
        let (request, start, mac) = signed(&key, NOW);
        let mut signer = verify(&keys(), &request, start, NOW).unwrap();
        assert_eq!(signer.key_name(), &key.name);
        let mut answer = Query::parse("example.com SOA").bytes();
        let answer_start = answer.len();
        signer.sign(&mut answer, UnixTime(NOW.0 + 1));
        assert_eq!(answer.len(), answer_start + signer.length());
        assert!(key.is_answer(&mac, &answer, answer_start, NOW));
        assert!(!key.is_answer(&[0; 32], &answer, answer_start, NOW), "to another request");
        assert!(!key.is_answer(&mac, &answer, answer_start, UnixTime(NOW.0 + 302)), "late");
        answer[3] ^= 1;
        assert!(!key.is_answer(&mac, &answer, answer_start, NOW), "changed on its way");
    }
}

/// RFC 4231 section 4.3 has this signature for SHA-256.
#[test]
fn signatures_are_those_of_the_standard() {
    let key = TsigKey::new(Name::root(), TsigAlgorithm::HmacSha256, b"Jefe");
    let mac = key.mac(&[b"what do ya want ", b"for nothing?"]);
    let text: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn rfc8945_5_2_1_a_key_that_we_do_not_have() {
    for stranger in
        [key("other", TsigAlgorithm::HmacSha256), key("hmac-sha256", TsigAlgorithm::HmacSha512)]
    {
        let (request, start, _) = signed(&stranger, NOW);
        let Err(Rejection::Unsigned(record)) = verify(&keys(), &request, start, NOW) else {
            panic!("verified");
        };
        assert_eq!(error_of(&record, 0), (BADKEY, 0));
    }
}

#[test]
fn rfc8945_5_2_2_a_signature_that_is_wrong() {
    let ours = key("hmac-sha256", TsigAlgorithm::HmacSha256);
    let theirs = TsigKey::new(ours.name.clone(), ours.algorithm, b"guessed");
    let (request, start, _) = signed(&theirs, NOW);
    let Err(Rejection::Unsigned(record)) = verify(&keys(), &request, start, NOW) else {
        panic!("verified");
    };
    assert_eq!(error_of(&record, 0), (BADSIG, 0));
    for at in 0..start {
        let (mut request, start, _) = signed(&ours, NOW);
        request[at] ^= 1;
        // The identifier may be changed on the way: the record has the one that was signed.
        assert_eq!(verify(&keys(), &request, start, NOW).is_ok(), at < 2, "byte {at}");
    }
}

#[test]
fn rfc8945_5_2_3_clocks_that_differ() {
    let key = key("hmac-sha512", TsigAlgorithm::HmacSha512);
    for (ours, is_near) in [(300, true), (-300, true), (301, false), (-301, false)] {
        let (request, start, _) = signed(&key, NOW);
        let now = UnixTime(NOW.0.strict_add_signed(ours));
        match verify(&keys(), &request, start, now) {
            Ok(_) => assert!(is_near, "{ours}"),
            Err(Rejection::Signed(mut signer)) => {
                assert!(!is_near, "{ours}");
                let mut answer = Query::parse("example.com SOA").bytes();
                let start = answer.len();
                signer.sign(&mut answer, now);
                let tsig = TsigRecord::read(&answer, start).unwrap();
                assert_eq!((tsig.fields.error, tsig.mac.len()), (BADTIME, 64));
                assert_eq!(tsig.fields.time, NOW.0, "theirs");
                assert_eq!(tsig.fields.other, now.0.to_be_bytes()[2..], "ours");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn rfc8945_5_2_2_1_signatures_that_are_cut_short() {
    let key = key("hmac-sha256", TsigAlgorithm::HmacSha256);
    for (length, error) in [(31, Some(BADTRUNC)), (16, Some(BADTRUNC)), (15, None), (0, None)] {
        let (request, start, mac) = signed(&key, NOW);
        let mut short = request[..start].to_vec();
        short[10..12].copy_from_slice(&[0, 0]);
        let id = [short[0], short[1]];
        record::append(&mut short, &key.fields(NOW.0, 0, &[]).record(&mac[..length], id));
        match (verify(&keys(), &short, start, NOW), error) {
            (Err(Rejection::Signed(signer)), Some(error)) => assert_eq!(signer.error.0, error),
            (Err(Rejection::Malformed), None) => {}
            (other, _) => panic!("{length}: {other:?}"),
        }
    }
}

#[test]
fn any_cut_of_a_record_is_malformed_and_no_secret_is_shown() {
    let key = key("hmac-sha384", TsigAlgorithm::HmacSha384);
    let (request, start, _) = signed(&key, NOW);
    for end in start..request.len() {
        assert!(TsigRecord::read(&request[..end], start).is_none(), "{end}");
    }
    let shown = format!("{key:?} {:?}", verify(&keys(), &request, start, NOW));
    assert!(shown.contains("***") && !shown.contains("97, 32"), "{shown}");
}
