use providers::provider::FailureKind;
use providers::sync::status::Phase;
use tests::judge::Judge;

use super::fixture::{Fixture, a};

cases! { J: Judge =>
    odd_characters_are_read_and_left_alone,
    long_texts_are_read_and_left_alone,
    a_wildcard_and_the_apex_are_left_alone,
    a_name_that_others_have_stays_theirs,
    a_zone_that_is_not_there_is_told,
}

/// Our names land beside these lines, and go again; the lines stay.
fn stays<J: Judge>(lines: &[&str]) {
    let it = Fixture::<J>::new();
    it.judge.put(lines);
    let before = it.judge.records();
    assert_eq!(before.len(), lines.len(), "{before:?}");
    let mut special = Vec::new();
    let listed = it.listed(&mut special);
    let is_listed = |line: &&String| {
        let name_and_type = |line: &str| {
            let mut parts = line.split(' ');
            format!("{} {}", parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default())
        };
        !special.contains(&name_and_type(line))
    };
    let expect: Vec<&String> = before.iter().filter(is_listed).collect();
    assert_eq!(listed.iter().collect::<Vec<_>>(), expect, "our client reads as the other does");
    assert!(special.iter().all(|set| set.ends_with(" MX")), "{special:?}");
    let mirror = it.mirror();
    mirror.want([(it.name("web"), vec![a(180, &["192.0.2.1"])])]);
    mirror.is_in_sync();
    assert_eq!(it.ours(), ["web 180 A 192.0.2.1"]);
    assert_eq!(it.theirs(), before);
    mirror.want([(it.name("web"), Vec::new())]);
    mirror.is_in_sync();
    assert_eq!(it.judge.records(), before);
}

/// The zone's name in the place of `@`.
fn placed<J: Judge>(lines: &[&str]) -> Vec<String> {
    let zone = Fixture::<J>::new().judge.zone().to_string();
    lines.iter().map(|line| line.replacen('@', &zone, 1)).collect()
}

fn stay<J: Judge>(lines: &[&str]) {
    let lines = placed::<J>(lines);
    stays::<J>(&lines.iter().map(String::as_str).collect::<Vec<_>>());
}

fn odd_characters_are_read_and_left_alone<J: Judge>() {
    stay::<J>(&[
        "_dmarc.@ 600 TXT \"v=DMARC1; p=none; rua=mailto:a@example.net\"",
        &format!("quoted.@ 600 TXT {}", J::ODD_TEXT),
        "_http._tcp.www.@ 600 CNAME web_1.example.net.",
        "xn--fiqs8s.@ 600 A 198.51.100.1",
    ]);
}

fn long_texts_are_read_and_left_alone<J: Judge>() {
    let text = format!("long.@ 600 TXT \"{}\" \"{}\"", "x".repeat(255), "y".repeat(145));
    stay::<J>(&[&text]);
}

fn a_wildcard_and_the_apex_are_left_alone<J: Judge>() {
    stay::<J>(&[
        "@ 600 A 198.51.100.1",
        "@ 600 MX 10 mail.example.net.",
        "@ 600 TXT \"v=spf1 -all\"",
        "*.@ 600 A 198.51.100.2",
        "*.default.fed.@ 600 A 198.51.100.3",
    ]);
}

fn a_name_that_others_have_stays_theirs<J: Judge>() {
    let it = Fixture::<J>::new();
    let line = format!("{} 600 A 198.51.100.1", it.name("web"));
    it.judge.put(&[&line]);
    let mirror = it.mirror();
    mirror.want([
        (it.name("web"), vec![a(180, &["192.0.2.1"])]),
        (it.name("new"), vec![a(180, &["192.0.2.2"])]),
    ]);
    let status = mirror.rests();
    assert_eq!(status.phase, Phase::Incomplete("1 name in conflict".into()));
    assert_eq!(it.ours(), ["new 180 A 192.0.2.2", "web 600 A 198.51.100.1"]);
    let conflicts: Vec<String> = status.plan.conflicts.iter().map(ToString::to_string).collect();
    let [conflict] = conflicts.as_slice() else { panic!("{conflicts:?}") };
    assert!(conflict.starts_with(&it.name("web").to_string()), "{conflict}");
    mirror.want([(it.name("web"), Vec::new()), (it.name("new"), Vec::new())]);
    mirror.is_in_sync();
    assert_eq!(it.judge.records(), [line]);
}

fn a_zone_that_is_not_there_is_told<J: Judge>() {
    let it = Fixture::<J>::new();
    let writes = it.judge.writes();
    let connect = it.judge.connect_elsewhere();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (provider, failure) = runtime.expect("make a runtime").block_on(async {
        match connect().await {
            Err(failure) => (String::new(), failure),
            Ok(provider) => {
                (provider.name(), provider.list().await.expect_err("there is no such zone"))
            }
        }
    });
    assert_eq!(failure.kind, FailureKind::Fatal, "{failure}");
    // As it is told.
    let told = format!("{provider} {failure}");
    assert!(told.contains("example.org"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(it.judge.writes(), writes);
}
