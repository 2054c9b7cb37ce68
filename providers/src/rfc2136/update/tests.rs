use model::Level;

use super::*;
use crate::sync::change::{ChangeKind, Role};
use crate::txt;

fn zone() -> Name {
    Name::parse("example.com").unwrap()
}

fn a(last: u8) -> Option<RecordSet> {
    let rdata = Rdata::from_wire([192, 0, 2, last]);
    Some(RecordSet::single(RecordType::A, 180, rdata))
}

fn cname() -> Option<RecordSet> {
    Some(RecordSet::single(RecordType::CNAME, 180, Rdata::name(&zone())))
}

fn text(length: usize) -> Option<RecordSet> {
    Some(RecordSet::single(RecordType::TXT, 180, txt::rdata(&vec![b'x'; length])))
}

fn change(name: &str, sets: Vec<(Option<RecordSet>, Option<RecordSet>)>) -> Change {
    let name = Name::parse_relative(name, &zone()).unwrap();
    let set = |(before, after): (Option<RecordSet>, Option<RecordSet>)| SetChange {
        name: name.clone(),
        record_type: before.as_ref().or(after.as_ref()).unwrap().record_type,
        role: Role::Data,
        before,
        after,
    };
    let sets = sets.into_iter().map(set).collect();
    Change { name: name.clone(), level: Level::Global, kind: ChangeKind::Update, sets }
}

/// One line for each record: `yx` must stand, `nx` must not, then what is deleted and added.
#[track_caller]
fn says(change: &Change, expect: &[&str]) {
    let line = |entry: &Entry<'_>| {
        let Entry { section, record_type, class, ttl, rdata, .. } = entry;
        let data = Rdata::from_wire(*rdata);
        let data = data.display(*record_type);
        match (section, *class) {
            (Section::Prerequisite, CLASS_IN) => format!("yx {ttl} {record_type} {data}"),
            (Section::Prerequisite, _) => format!("nx {record_type}"),
            (Section::Update, CLASS_ANY) => format!("delete {record_type}"),
            (Section::Update, _) => format!("add {ttl} {record_type} {data}"),
        }
    };
    let lines: Vec<String> = entries(change).iter().map(line).collect();
    assert_eq!(lines, expect);
}

#[test]
fn what_is_changed_is_a_prerequisite() {
    let create = change("n", vec![(None, a(1))]);
    says(&create, &["nx A", "nx CNAME", "add 180 A 192.0.2.1"]);
    let update = change("n", vec![(a(1), a(2))]);
    says(&update, &["yx 0 A 192.0.2.1", "nx CNAME", "delete A", "add 180 A 192.0.2.2"]);
    says(&change("n", vec![(a(1), None)]), &["yx 0 A 192.0.2.1", "delete A"]);
}

#[test]
fn an_alias_needs_the_name_for_itself() {
    let create = change("n", vec![(None, cname())]);
    says(&create, &["nx ANY", "add 180 CNAME example.com."]);
    let from_alias = change("n", vec![(None, a(1)), (cname(), None)]);
    says(&from_alias, &["yx 0 CNAME example.com.", "nx A", "delete CNAME", "add 180 A 192.0.2.1"]);
    let to_alias = change("n", vec![(a(1), None), (None, cname())]);
    let lines = entries(&to_alias);
    let absent: Vec<RecordType> =
        lines.iter().filter(|it| it.class == CLASS_NONE).map(|it| it.record_type).collect();
    assert_eq!(absent.len(), BESIDE_ALIAS.len());
    assert!(absent.contains(&RecordType::MX) && absent.contains(&RecordType::CNAME));
    assert!(!absent.contains(&RecordType::A));
    let last: Vec<(u16, RecordType)> =
        lines.iter().rev().take(2).map(|it| (it.class, it.record_type)).collect();
    assert_eq!(last, [(CLASS_IN, RecordType::CNAME), (CLASS_ANY, RecordType::A)]);
}

#[test]
fn lengths_are_those_of_the_message() {
    let changes = [
        change("a.b", vec![(text(300), text(10)), (a(1), a(2))]),
        change("c", vec![(None, cname())]),
        change("@", vec![(None, a(2))]),
    ];
    let empty = MessageWriter::update(&zone()).len();
    let lengths: usize = changes.iter().flat_map(entries).map(|entry| entry.length(&zone())).sum();
    assert_eq!(message(&zone(), &changes).len(), empty + lengths);
}

#[test]
fn messages_are_bounded_and_changes_stay_whole() {
    let small: Vec<Change> =
        (0..1_000).map(|number| change(&format!("n{number}"), vec![(None, a(1))])).collect();
    assert_eq!(fitting(&zone(), &small, RECORDS_MAX), 333);
    assert_eq!(fitting(&zone(), &small, 60), 20);
    assert_eq!(fitting(&zone(), &small, 1), 1);
    let large: Vec<Change> =
        (0..100).map(|number| change(&format!("n{number}"), vec![(None, text(5_000))])).collect();
    assert_eq!(fitting(&zone(), &large, RECORDS_MAX), 9);
    let huge = [change("n", vec![(None, text(60_000))]), small[0].clone()];
    assert_eq!(fitting(&zone(), &huge, RECORDS_MAX), 1);
    assert_eq!(fitting(&zone(), &small[..1], RECORDS_MAX), 1);
}

#[test]
fn two_changes_at_one_name_go_into_two_messages() {
    let one = change("n", vec![(None, a(1))]);
    let other = change("m", vec![(None, a(1))]);
    assert_eq!(fitting(&zone(), &[one.clone(), other.clone(), one.clone()], RECORDS_MAX), 2);
    assert_eq!(fitting(&zone(), &[one.clone(), one], RECORDS_MAX), 1);
}
