use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, expect: Result<&str, NameError>) {
    assert_eq!(Name::parse(text).map(|name| name.to_string()), expect.map(str::to_owned));
}

#[test]
fn parses_and_prints() {
    check("Nginx.Default.fed.svc.EXAMPLE.com", Ok("nginx.default.fed.svc.example.com."));
    check(".", Ok("."));
    check(r"a\.b.c.", Ok(r"a\.b.c."));
    check(r"a\046b.c.", Ok(r"a\.b.c."));
    check(r"\000\255.", Ok(r"\000\255."));
    check("*.a", Ok("*.a."));
    check("_http._tcp.a.", Ok("_http._tcp.a."));
}

#[test]
fn refuses_what_is_no_name() {
    check("", Err(NameError::EmptyLabel));
    check("a..b", Err(NameError::EmptyLabel));
    check(".a", Err(NameError::EmptyLabel));
    check(r"a\", Err(NameError::BadEscape));
    check(r"a\25", Err(NameError::BadEscape));
    check(r"a\256", Err(NameError::BadEscape));
    let long = "x".repeat(64);
    check(&long, Err(NameError::LabelTooLong { label: long.clone(), length: 64 }));
    let deep = ["y".repeat(63), "y".repeat(63), "y".repeat(63), "y".repeat(62)].join(".");
    check(&deep, Err(NameError::NameTooLong { length: 256 }));
    assert!(Name::parse(&deep[1..]).is_ok());
}

#[test]
fn relative_names_take_the_origin() {
    let origin = Name::parse("example.com").unwrap();
    let text = |name: &str| Name::parse_relative(name, &origin).unwrap().to_string();
    assert_eq!(text("@"), "example.com.");
    assert_eq!(text("www"), "www.example.com.");
    assert_eq!(text("www."), "www.");
    assert_eq!(text(r"www\."), r"www\..example.com.");
}

#[test]
fn ancestry_goes_by_labels() {
    let name = |text| Name::parse(text).unwrap();
    assert!(name("a.example.com").is_below(&name("example.com")));
    assert!(!name("example.com").is_below(&name("example.com")));
    assert!(!name("badexample.com").is_at_or_below(&name("example.com")));
    // The bytes of "\003com\000" end the first name, but not at a label.
    assert!(!name(r"a\003com").is_at_or_below(&name("com")));
    assert_eq!(name("a.b").parent(), Some(name("b")));
    assert_eq!(Name::root().parent(), None);
}

/// The list of RFC 4034 section 6.1.
#[test]
fn order_is_canonical() {
    let sorted = [
        "example",
        "a.example",
        "yljkjljk.a.example",
        "Z.a.example",
        "zABC.a.EXAMPLE",
        "z.example",
        r"\001.z.example",
        "*.z.example",
        r"\200.z.example",
    ];
    let names: Vec<Name> = sorted.iter().map(|text| Name::parse(text).unwrap()).collect();
    assert!(names.is_sorted_by(|a, b| a < b));
}

/// Few bytes, so that ends are often shared and labels hold what looks like a length.
fn labels() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop::sample::select(vec![0, 1, 2, 8, b'a', b'b']);
    prop::collection::vec(prop::collection::vec(byte, 1..12), 0..6)
}

proptest! {
    #[test]
    fn order_is_that_of_the_labels_from_the_right(a in labels(), b in labels()) {
        let name = |labels: &[Vec<u8>]| {
            Name::from_labels(labels.iter().map(Vec::as_slice), &Name::root()).unwrap()
        };
        prop_assert_eq!(name(&a).cmp(&name(&b)), a.iter().rev().cmp(b.iter().rev()));
    }

    #[test]
    fn text_and_wire_round_trip(
        labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..64), 0..4)
    ) {
        let name = Name::from_labels(labels.iter().map(Vec::as_slice), &Name::root())?;
        prop_assert_eq!(Name::parse(&name.to_string())?, name.clone());
        prop_assert_eq!(Name::from_wire(name.wire())?, name);
    }
}
