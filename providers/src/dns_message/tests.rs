use super::*;

/// The header of an answer with one question for `a.`, one answer record, and these records.
fn answer(answers: u8, rest: &[u8]) -> Vec<u8> {
    let header = [0, 7, 0x84, 0, 0, 1, 0, answers, 0, 0, 0, 0];
    [&header[..], b"\x01a\x00\x00\x01\x00\x01", rest].concat()
}

fn record(name: &[u8], record_type: RecordType, rdata: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    append_record(&mut bytes, name, record_type, CLASS_IN, 180, rdata);
    bytes
}

fn read_one(rest: &[u8]) -> Result<Record, Malformed> {
    Answer::read(&answer(1, rest)).map(|mut answer| answer.answers.remove(0))
}

#[test]
fn owners_in_the_zone_point_to_its_name() {
    let zone = Name::parse("example.com").unwrap();
    let mut update = MessageWriter::update(&zone);
    let start = update.len();
    update.push(Section::Prerequisite, &zone, RecordType::A, CLASS_NONE, 0, &[]);
    assert_eq!(update.len(), start + 12);
    let below = Name::parse("a.example.com").unwrap();
    update.push(Section::Update, &below, RecordType::A, CLASS_IN, 180, &[192, 0, 2, 1]);
    let bytes = update.finish(0x0102);
    assert_eq!(bytes[..12], [1, 2, 0x28, 0, 0, 1, 0, 1, 0, 1, 0, 0]);
    assert_eq!(bytes[start..start + 2], [0xc0, 12]);
    assert_eq!(bytes[start + 12..start + 16], [1, b'a', 0xc0, 12]);
    let outside = Name::parse("b.org").unwrap();
    let mut update = MessageWriter::update(&zone);
    update.push(Section::Update, &outside, RecordType::A, CLASS_ANY, 0, &[]);
    assert!(update.finish(0).windows(7).any(|bytes| bytes == b"\x01b\x03org\x00"));
}

#[test]
fn names_are_decompressed_and_in_lower_case() {
    // `B.a.` by a pointer, in owner and data.
    let compressed = b"\x01B\xc0\x0c";
    let read = read_one(&record(compressed, RecordType::CNAME, compressed)).unwrap();
    assert_eq!(read.name.to_string(), "b.a.");
    assert_eq!(read.rdata.as_name().unwrap().to_string(), "b.a.");
    let mx = [&[0, 10][..], compressed].concat();
    let read = read_one(&record(b"\xc0\x0c", RecordType::MX, &mx)).unwrap();
    assert_eq!(read.rdata.display(RecordType::MX).to_string(), "10 b.a.");
    let naptr = [&[0, 1, 0, 2, 1, b'u', 0, 0][..], compressed].concat();
    let read = read_one(&record(b"\xc0\x0c", RecordType::NAPTR, &naptr)).unwrap();
    assert_eq!(read.rdata.wire(), b"\x00\x01\x00\x02\x01u\x00\x00\x01b\x01a\x00");
    // Data of other types is not looked into.
    let txt = b"\x02\xc0\x0c";
    assert_eq!(read_one(&record(b"\x00", RecordType::TXT, txt)).unwrap().rdata.wire(), txt);
}

#[test]
fn what_is_no_message_is_refused() {
    let whole = answer(1, &record(b"\xc0\x0c", RecordType::CNAME, b"\xc0\x0c"));
    assert!(Answer::read(&whole).is_ok());
    for end in 0..whole.len() {
        assert_eq!(Answer::read(&whole[..end]), Err(Malformed), "{end}");
    }
    let more = [whole.as_slice(), &[0]].concat();
    assert_eq!(Answer::read(&more), Err(Malformed));
    let mut query = whole.clone();
    query[2] = 0;
    assert_eq!(Answer::read(&query), Err(Malformed));
    // Pointers to themselves, forwards, into the header; labels of an unknown kind; data cut short.
    for name in [&b"\xc0\x13"[..], b"\xc0\xff", b"\xc0\x02", b"\x40a\x00"] {
        assert_eq!(read_one(&record(name, RecordType::A, &[0; 4])), Err(Malformed), "{name:?}");
    }
    assert_eq!(read_one(&record(b"\x00", RecordType::MX, &[0, 10, 0xc0])), Err(Malformed));
}
