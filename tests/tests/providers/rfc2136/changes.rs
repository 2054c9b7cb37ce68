use super::*;

tests::on_each_name_server![
    sets_of_every_kind_are_listed_as_others_list_them,
    a_change_lands_whole_and_again_it_has_moved,
    an_alias_takes_the_place_of_addresses_and_back,
    what_others_changed_since_the_listing_is_not_overwritten,
    nothing_is_put_beside_what_others_put_there,
    one_change_that_cannot_land_keeps_its_whole_message_out,
    ten_thousand_records_take_few_messages,
    the_zone_is_found_above_the_name,
    a_zone_that_the_server_signs_is_changed_like_any_other,
];

/// What others have: a wildcard, the apex, long and many strings, odd labels, rare types.
const OTHERS: &str = r#"@ 600 MX 10 mail
@ 600 TXT "v=spf1 -all"
* 600 A 198.51.100.9
www 600 A 198.51.100.2
www 600 A 198.51.100.1
www 600 AAAA 2001:db8::1
UPPER 600 CNAME WWW.Example.COM.
_http._tcp 600 SRV 0 5 80 www
a\.b 600 TXT "a dot in a label"
mail 600 A 198.51.100.4
caa 600 CAA 0 issue "ca.example.net"
"#;

fn long_text() -> String {
    format!("long 600 TXT \"{}\" \"{}\"\n", "x".repeat(255), "y \\\"".repeat(60))
}

fn sets_of_every_kind_are_listed_as_others_list_them(software: Software) {
    let fixture = Fixture::new(software, &format!("{OTHERS}{}", long_text()));
    let of_dig: Vec<String> =
        fixture.server.records().iter().map(|line| comparable(line)).collect();
    let ours = fixture.list();
    let is_own =
        |line: &String| line.contains(" SOA ") || line.contains(" NS ") || line.starts_with("ns1.");
    let ours: Vec<String> =
        ours.into_iter().filter(|line| !is_own(line)).map(|line| comparable(&line)).collect();
    let (mut ours, mut of_dig) = (ours, of_dig);
    ours.sort();
    of_dig.sort();
    assert_eq!(ours, of_dig);
    assert_eq!(ours.len(), 12, "{ours:?}");
}

/// In one case; of a type that we print in the generic form, the type alone.
fn comparable(line: &str) -> String {
    match line.split_once(" CAA ") {
        Some((before, _)) => format!("{before} CAA"),
        None => line.to_lowercase(),
    }
}

fn a_change_lands_whole_and_again_it_has_moved(software: Software) {
    let fixture = Fixture::new(software, OTHERS);
    let others = fixture.server.records();
    let text = "z".repeat(600);
    let create = [change("new", vec![(None, txt(&text)), (None, a(&["192.0.2.1", "192.0.2.2"]))])];
    fixture.apply(&create).expect("it lands");
    let mut expect = others.clone();
    let strings = [255, 255, 90].map(|count| format!("\"{}\"", "z".repeat(count))).join(" ");
    expect.extend([
        "new.example.com. 180 A 192.0.2.1".to_owned(),
        "new.example.com. 180 A 192.0.2.2".to_owned(),
        format!("new.example.com. 180 TXT {strings}"),
    ]);
    expect.sort();
    assert_eq!(fixture.server.records(), expect);
    fixture.is_moved(&create);
    assert_eq!(fixture.server.records(), expect);

    let update = [change("new", vec![(a(&["192.0.2.1", "192.0.2.2"]), a(&["192.0.2.2"]))])];
    fixture.apply(&update).expect("it lands");
    expect.retain(|line| line != "new.example.com. 180 A 192.0.2.1");
    assert_eq!(fixture.server.records(), expect);
    fixture.is_moved(&update);

    let delete = [change("new", vec![(a(&["192.0.2.2"]), None), (txt(&text), None)])];
    fixture.apply(&delete).expect("it lands, though a wildcard answers in its place");
    assert_eq!(fixture.server.records(), others);
    fixture.is_moved(&delete);
}

fn an_alias_takes_the_place_of_addresses_and_back(software: Software) {
    let fixture = Fixture::new(software, "");
    fixture.apply(&[change("n", vec![(None, a(&["192.0.2.1"]))])]).expect("it lands");
    // Types in the order of their numbers, as a plan has them.
    let there = change("n", vec![(a(&["192.0.2.1"]), None), (None, cname("up"))]);
    fixture.apply(&[there]).expect("it lands");
    assert_eq!(fixture.server.records(), ["n.example.com. 180 CNAME up.example.com."]);
    let back = change("n", vec![(None, a(&["192.0.2.2"])), (cname("up"), None)]);
    fixture.apply(&[back]).expect("it lands");
    assert_eq!(fixture.server.records(), ["n.example.com. 180 A 192.0.2.2"]);
}

fn what_others_changed_since_the_listing_is_not_overwritten(software: Software) {
    let records = "changed 180 A 192.0.2.1\ngone 180 A 192.0.2.1\nmore 180 A 192.0.2.1\n";
    let fixture = Fixture::new(software, records);
    assert_eq!(fixture.list().len(), 6);
    fixture.server.update(
        "update delete changed.example.com. A\nupdate add changed.example.com. 180 A 198.51.100.1\n\
         update delete gone.example.com. A\nupdate add more.example.com. 180 A 198.51.100.1\n\
         update add new.example.com. 180 A 198.51.100.1",
    );
    let records = fixture.server.records();
    let ours = a(&["192.0.2.1"]);
    for name in ["changed", "gone", "more"] {
        fixture.is_moved(&[change(name, vec![(ours.clone(), a(&["192.0.2.2"]))])]);
        fixture.is_moved(&[change(name, vec![(ours.clone(), None)])]);
        fixture.is_moved(&[change(name, vec![(ours.clone(), None), (None, cname("up"))])]);
    }
    fixture.is_moved(&[change("new", vec![(None, a(&["192.0.2.2"]))])]);
    fixture.is_moved(&[change("new", vec![(None, cname("up"))])]);
    assert_eq!(fixture.server.records(), records);
}

fn nothing_is_put_beside_what_others_put_there(software: Software) {
    let records = "n 180 A 192.0.2.1\nalias 180 CNAME www\n";
    let fixture = Fixture::new(software, records);
    fixture.server.update("update add n.example.com. 600 MX 10 ns1.example.com.");
    let records = fixture.server.records();
    let to_alias = change("n", vec![(a(&["192.0.2.1"]), None), (None, cname("up"))]);
    fixture.is_moved(&[to_alias]);
    fixture.is_moved(&[change("alias", vec![(None, a(&["192.0.2.2"]))])]);
    assert_eq!(fixture.server.records(), records);

    // A type that no prerequisite names: what was written is not there, and that is told.
    fixture.server.update("update add rare.example.com. 600 EUI48 00-00-5e-00-53-2a");
    fixture.server.update("update add rare.example.com. 180 A 192.0.2.1");
    let to_alias = change("rare", vec![(a(&["192.0.2.1"]), None), (None, cname("up"))]);
    let failure = fixture.apply(&[to_alias]).expect_err("an alias stands alone");
    match software {
        Software::Bind | Software::Knot => {
            assert_eq!(failure.kind, FailureKind::Moved, "{failure}");
            assert!(
                failure.line.contains("1 of 1 sets do not stand as they were written, first rare."),
                "{failure}"
            );
        }
        // It refuses the message instead.
        Software::PowerDns => {
            assert_eq!(failure.kind, FailureKind::Refused, "{failure}");
            assert_eq!(
                fixture.server.records().iter().filter(|it| it.starts_with("rare.")).count(),
                2
            );
        }
    }
}

fn one_change_that_cannot_land_keeps_its_whole_message_out(software: Software) {
    let fixture = Fixture::new(software, "");
    let outside = name("example.org");
    let mut wrong = change("x", vec![]);
    wrong.sets = vec![set(&outside, None, a(&["192.0.2.1"]))];
    let fine = change("fine", vec![(None, a(&["192.0.2.1"]))]);
    let failure = fixture.apply(&[fine.clone(), wrong]).expect_err("it is outside the zone");
    assert_eq!(failure.kind, FailureKind::Refused, "{failure}");
    assert_eq!(fixture.server.records(), [""; 0]);
    fixture.apply(&[fine]).expect("alone it lands");
}

fn ten_thousand_records_take_few_messages(software: Software) {
    const NAMES: usize = 5_000;
    let fixture = Fixture::new(software, "");
    let create: Vec<Change> = (0..NAMES)
        .map(|number| {
            let address = format!("192.0.{}.{}", number / 250, number % 250);
            let sets = vec![(None, txt("heritage=external-dns")), (None, a(&[&address]))];
            change(&format!("s{number}.default.fed.svc"), sets)
        })
        .collect();
    let calls = apply_all(&fixture, &create);
    assert!((20..=60).contains(&calls), "{calls} messages");
    assert_eq!(fixture.server.records().len(), 2 * NAMES);
    assert_eq!(fixture.list().len(), 2 * NAMES + 3);
    let delete: Vec<Change> = create
        .into_iter()
        .map(|mut change| {
            change.sets.iter_mut().for_each(|set| set.before = set.after.take());
            change
        })
        .collect();
    let calls = apply_all(&fixture, &delete);
    assert!((10..=60).contains(&calls), "{calls} messages");
    assert_eq!(fixture.server.records(), [""; 0]);
}

/// How many messages it took.
fn apply_all(fixture: &Fixture, changes: &[Change]) -> usize {
    let (mut rest, mut calls) = (changes, 0);
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(fixture.provider.fitting(rest));
        fixture.apply(batch).unwrap_or_else(|failure| panic!("{failure}"));
        (rest, calls) = (after, calls + 1);
    }
    calls
}

fn the_zone_is_found_above_the_name(software: Software) {
    let fixture = Fixture::new(software, "other NS ns.other\nns.other A 192.0.2.1\n");
    let client = client(&fixture.server, Key::Fed, Arc::new(SystemClock));
    let find = |text: &str| fixture.runtime.block_on(Rfc2136Zone::find(&client, &name(text)));
    for text in [ZONE, "k8s.example.com", "a.b.c.example.com"] {
        assert_eq!(find(text).expect(text), name(ZONE), "{text}");
    }
    let error = find("k8s.other.example.com").expect_err("it is delegated").to_string();
    assert!(error.ends_with(
        "other.example.com. is delegated to other name servers there; name the server that is its primary"
    ), "{error}");
    let error = find("example.org").expect_err("nobody has it").to_string();
    assert!(error.contains("example.org."), "{error}");
}

fn a_zone_that_the_server_signs_is_changed_like_any_other(software: Software) {
    let server = NameServer::start_signed(software, "www 600 A 198.51.100.1\n");
    server.is_signing();
    let fixture = Fixture::with(server, Key::Fed, Arc::new(SystemClock));
    let others = fixture.server.records();
    // What the signer puts beside each set is nobody's.
    let is_of_signer = |line: &String| line.contains(" RRSIG ") || line.contains(" NSEC ");
    assert!(!fixture.list().iter().any(is_of_signer));
    fixture.apply(&[change("n", vec![(None, txt("marker")), (None, a(&["192.0.2.1"]))])]).unwrap();
    fixture.apply(&[change("m", vec![(None, cname("n"))])]).unwrap();
    let there =
        change("n", vec![(a(&["192.0.2.1"]), None), (txt("marker"), None), (None, cname("up"))]);
    fixture.apply(&[there]).unwrap();
    let at_ours = |line: &String| line.starts_with("n.") || line.starts_with("m.");
    let ours: Vec<String> = fixture.list().into_iter().filter(at_ours).collect();
    assert_eq!(
        ours,
        ["m.example.com. 180 CNAME n.example.com.", "n.example.com. 180 CNAME up.example.com."]
    );
    fixture
        .apply(&[change("n", vec![(cname("up"), None)]), change("m", vec![(cname("n"), None)])])
        .unwrap();
    assert_eq!(fixture.server.records(), others);
}
