use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::fakes::alidns::{KEY_ID, KEY_SECRET, Plan};
use tests::suite::Test;

use super::{BOTH, DOMAIN, Scene, prepared, writes};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_plan_that_is_too_small_stops_before_any_write,
            fewer_levels_or_a_longer_ttl_fit_a_smaller_plan,
            preflight_tells_what_the_plan_allows,
            check_reads_the_file_with_the_key,
            aliases_that_would_lead_to_nothing_are_told,
            a_key_that_everybody_may_read_is_told;
    }
}

fn a_plan_that_is_too_small_stops_before_any_write() {
    let mut scene = prepared(Plan::free());
    scene.start();
    scene.is(" MayNotWrite, ");
    let log = scene.fedns.process().log();
    for words in [
        "names of 6 levels below spacexnice.xyz. are needed",
        "or set levels: [global, region] for this provider",
        "TTL 180 is wanted",
        "or set ttl: 600s for this provider",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert_eq!(writes(&scene), 0);
    assert!(!log.contains(KEY_SECRET), "{log}");
}

fn fewer_levels_or_a_longer_ttl_fit_a_smaller_plan() {
    let mut scene = prepared(Plan::custom(180, 5));
    scene.start();
    scene.is(" MayNotWrite, ");
    assert_eq!(writes(&scene), 0);
    scene.configure(", levels: [global, region]");
    scene.holds(&BOTH[..4]);
    scene.is_in_sync();
}

fn preflight_tells_what_the_plan_allows() {
    let scene = prepared(Plan::free());
    let preflight = || {
        let output = scene.fedns.command(&["preflight", "-c", "fedns.yaml"]);
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = preflight();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("alidns for spacexnice.xyz.\n"), "{text}");
    assert!(text.contains("\n  BLOCKED  depth: names of 6 levels"), "{text}");
    assert!(text.contains("\n  BLOCKED  ttl: TTL 180 is wanted"), "{text}");

    scene.host.domains(|domains| domains.change_plan(DOMAIN, Plan::custom(120, 6)));
    let (code, text) = preflight();
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("BLOCKED"), "{text}");

    scene.host.remove_key(KEY_ID);
    let (code, text) = preflight();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("\n  BLOCKED  provider: "), "{text}");
    assert_eq!(writes(&scene), 0);
}

fn check_reads_the_file_with_the_key() {
    let scene = prepared(Plan::free());
    let check = || {
        let output = scene.fedns.command(&["check", "-c", "fedns.yaml"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check().0, Some(0));
    scene.write("alidns.yaml", "[Global]\nacess-key-id = x\n");
    let (code, errors) = check();
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("fedns.yaml:9:") && errors.contains("alidns.yaml:2:1: "), "{errors}");
    fs::remove_file(scene.fedns.home().join("alidns.yaml")).expect("remove the key");
    let (code, errors) = check();
    assert_eq!((code, errors.lines().count()), (Some(1), 1), "{errors}");
}

/// What a command says on stderr.
fn warnings(scene: &Scene, command: &str) -> String {
    let output = scene.fedns.command(&[command, "-c", "fedns.yaml"]);
    String::from_utf8(output.stderr).expect("text")
}

fn aliases_that_would_lead_to_nothing_are_told() {
    let mut scene = prepared(Plan::custom(120, 6));
    for (keys, remedy) in [
        (", levels: [zone]", "add global to levels, or leave aliases out with types: [A, AAAA]"),
        (", types: [CNAME]", "add A and AAAA to types"),
    ] {
        scene.configure(keys);
        let line = warnings(&scene, "check");
        assert!(line.contains("fedns.yaml:4:") && line.contains(remedy), "{line}");
        let output = scene.fedns.command(&["preflight", "-c", "fedns.yaml"]);
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(text.contains("  warning  aliases: ") && text.contains(remedy), "{text}");
        assert_eq!(output.status.code(), Some(0), "{text}");
        scene.start();
        scene.logs(remedy);
        scene.fedns.kill();
    }
    scene.configure(", levels: [zone], types: [A, AAAA]");
    assert!(!warnings(&scene, "check").contains("types"));
}

fn a_key_that_everybody_may_read_is_told() {
    let scene = prepared(Plan::custom(120, 6));
    let file = scene.fedns.home().join("alidns.yaml");
    for (mode, count) in [(0o644, 1), (0o604, 1), (0o640, 0), (0o600, 0)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("change the mode");
        let lines = warnings(&scene, "check");
        assert_eq!(lines.matches("chmod o-r ").count(), count, "{mode:o}: {lines}");
    }
}
