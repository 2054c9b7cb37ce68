use std::fs;

use providers::Secret;

use super::*;

tests::on_each_name_server![
    what_is_allowed_is_proven_without_a_change,
    a_wrong_secret_is_named_and_an_unknown_key_too,
    a_key_that_may_only_read_stops_before_any_write,
    clocks_that_are_far_apart_are_named,
    a_server_that_is_away_is_asked_again_later,
];

fn what_is_allowed_is_proven_without_a_change(software: Software) {
    let fixture = Fixture::new(software, "www A 192.0.2.1\n");
    let (records, serial) = (fixture.server.records(), fixture.server.serial());
    let limits = fixture.limits().expect("all is allowed");
    assert_eq!((limits.ttl_min, limits.depth_max), (Some(0), Some(125)));
    assert_eq!(limits.unknown, [""; 0]);
    assert!(limits.clock_ahead.is_some_and(|ahead| ahead.abs() < 300), "{limits:?}");
    let name_servers: Vec<String> = limits.name_servers.iter().map(Name::to_string).collect();
    assert_eq!(name_servers, ["ns1.example.com."]);
    assert_eq!((fixture.server.records(), fixture.server.serial()), (records, serial));
}

fn a_wrong_secret_is_named_and_an_unknown_key_too(software: Software) {
    let server = NameServer::start(software, "");
    let right = server.key_text(Key::Fed);
    let (secret, other) = (server.secret(Key::Fed), server.secret(Key::Reader));
    let wrong_secret = right.replace(secret, other);
    let unknown = right.replace("\"fed.\"", "\"nobody.\"");
    let expect = match software {
        Software::Bind | Software::Knot => [
            "it has another secret for key fed.: ",
            "it does not take key nobody. for this (BADKEY): ",
        ],
        // It says so without a signature, and with no word of the key.
        Software::PowerDns => ["with key fed.; see ", "with key nobody.; see "],
    };
    for (text, words) in [wrong_secret, unknown].into_iter().zip(expect) {
        fs::write(server.key_file(Key::Fed), text).expect("write the key");
        let fixture_client = client(&server, Key::Fed, Arc::new(SystemClock));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("make a runtime");
        let provider = provider(&fixture_client);
        let failures = [
            runtime.block_on(provider.limits()).expect_err("no limits"),
            runtime.block_on(provider.list()).expect_err("no list"),
            runtime
                .block_on(provider.apply(&[change("n", vec![(None, a(&["192.0.2.1"]))])]))
                .expect_err("no change"),
            runtime
                .block_on(Rfc2136Zone::find(&fixture_client, &name(ZONE)))
                .expect_err("no zone")
                .into(),
        ];
        for failure in &failures {
            assert_eq!(failure.kind, FailureKind::Fatal, "{failure}");
            for secret in [secret, other] {
                let redacted = Secret::new(secret).redacted(&failure.line);
                assert_eq!(redacted, failure.line);
            }
        }
        for failure in [&failures[0], &failures[3]] {
            assert!(failure.line.contains(words), "{failure}");
        }
    }
}

fn a_key_that_may_only_read_stops_before_any_write(software: Software) {
    let server = NameServer::start(software, "www A 192.0.2.1\n");
    let fixture = Fixture::with(server, Key::Reader, Arc::new(SystemClock));
    assert_eq!(fixture.list().len(), 4);
    let failure = fixture.limits().expect_err("it may not update");
    assert_eq!(failure.kind, FailureKind::Fatal, "{failure}");
    assert!(failure.line.contains("let key reader. update the zone (BIND: "), "{failure}");
    let create = change("n", vec![(None, a(&["192.0.2.1"]))]);
    let failure = fixture.apply(&[create]).expect_err("it may not update");
    assert_eq!(failure.kind, FailureKind::Fatal, "{failure}");
    assert_eq!(fixture.server.records(), ["www.example.com. 3600 A 192.0.2.1"]);
}

fn clocks_that_are_far_apart_are_named(software: Software) {
    let mut server = NameServer::start(software, "");
    for (minutes, words) in [(60, "min ahead of the server's"), (-60, "min behind the server's")] {
        let fixture = Fixture::with(server, Key::Fed, clock_off_by(minutes));
        let failure = fixture.limits().expect_err("the time is wrong");
        assert_eq!(failure.kind, FailureKind::Fatal, "{failure}");
        match software {
            Software::Bind | Software::Knot => {
                assert!(failure.line.contains(words), "{failure}");
            }
            // It says so without a signature, and with no word of the time.
            Software::PowerDns => {
                assert!(failure.line.contains("with key fed.; see "), "{failure}")
            }
        }
        server = fixture.server;
    }
}

fn a_server_that_is_away_is_asked_again_later(software: Software) {
    let mut fixture = Fixture::new(software, "");
    fixture.server.stop();
    for failure in [
        fixture.limits().expect_err("nobody is there"),
        fixture.runtime.block_on(fixture.provider.list()).expect_err("nobody is there"),
    ] {
        assert_eq!(failure.kind, FailureKind::Later(None), "{failure}");
        assert!(failure.line.contains("cannot be reached over TCP: "), "{failure}");
    }
    fixture.server.resume();
    assert_eq!(fixture.list().len(), 3);
}
