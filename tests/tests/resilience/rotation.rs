use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::{Fault, Request};
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::suite::Test;

use super::stage::{SYSTEM, Stage, copy};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            an_old_token_is_renewed_without_a_gap,
            a_renewal_that_a_crash_interrupts_is_carried_on,
            a_token_that_ends_by_itself_is_renewed_and_a_missing_right_is_told;
    }
}

const NAME: &str = "web.default.fed.svc.example.com";
const SINCE: &str = "fedns.io/token-since";
const OLD: SignedDuration = SignedDuration::from_hours(31 * 24);
const OLDER: SignedDuration = SignedDuration::from_hours(32 * 24);
/// All servers have seen what is so old.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);

fn secret(stage: &Stage, cluster: &str) -> Value {
    stage.host().json(&format!("{SYSTEM} get secret {cluster}"))
}

fn token(stage: &Stage, cluster: &str) -> String {
    let data = secret(stage, cluster)["data"]["token"].as_str().unwrap_or_default().to_owned();
    String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
}

/// The credential looks so old from now on.
fn age(stage: &Stage, cluster: &str, age: SignedDuration) {
    let since = Timestamp::now().checked_sub(age).unwrap();
    let line = format!("{SYSTEM} annotate --overwrite secret {cluster} {SINCE}={since:.0}");
    stage.host().run(&line);
}

/// Waits for another token than `before`, and returns it.
fn renewed(stage: &Stage, cluster: &str, before: &str) -> String {
    eventually(GENEROUS, "another token stands in the host", || {
        let now = token(stage, cluster);
        if now == before { Err("the one of before".to_owned()) } else { Ok(now) }
    })
}

fn token_secrets(member: &Kubectl) -> Vec<String> {
    let names = member.run(&format!(
        "{SYSTEM} get secrets --field-selector=type=kubernetes.io/service-account-token -o name"
    ));
    names.lines().map(str::to_owned).collect()
}

fn is_alone(member: &Kubectl, name: &str) {
    eventually(GENEROUS, &format!("only {name} stands"), || {
        let names = token_secrets(member);
        if names == [format!("secret/{name}")] { Ok(()) } else { Err(names.join(" ")) }
    });
}

/// The API server takes it as the account's.
fn works(stage: &Stage, member: &ApiServer, token: &str) -> Result<String, String> {
    let mut context = member.context().renamed("account");
    token.clone_into(&mut context.token);
    let file = stage.home().write("account", tests::kubeconfig::kubeconfig(&[context]));
    Kubectl::new(file).try_run("get --raw /api/v1/services?limit=1")
}

fn an_old_token_is_renewed_without_a_gap() {
    let stage = Stage::with_controllers();
    let fedns = stage.serve("");
    let hangzhou = stage.hangzhou.api();
    stage.join("hangzhou", "");
    copy(hangzhou, "web", "192.0.2.1");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    let first = token(&stage, "hangzhou");
    age(&stage, "hangzhou", SignedDuration::from_hours(30 * 24 - 1));
    assert_eq!(token(&stage, "hangzhou"), first);

    age(&stage, "hangzhou", OLD);
    let second = renewed(&stage, "hangzhou", &first);
    works(&stage, hangzhou, &second).unwrap();
    // Other replicas may show the one of before still.
    works(&stage, hangzhou, &first).unwrap();
    let after = secret(&stage, "hangzhou");
    let since: Timestamp =
        after["metadata"]["annotations"][SINCE].as_str().unwrap().parse().unwrap();
    assert!(Timestamp::now().duration_since(since).as_secs() < 3600, "{since}");
    assert_eq!(after["metadata"]["annotations"]["fedns.io/cluster-uid"], hangzhou.uid());
    copy(hangzhou, "web", "192.0.2.2");
    fedns.answers(NAME, "NOERROR 192.0.2.2");

    age(&stage, "hangzhou", SETTLED);
    is_alone(hangzhou.kubectl(), "hangzhou-hangzhou-token-2");
    eventually(GENEROUS, "the token of before is good for nothing", || {
        // The API server remembers for some seconds whom it has let in.
        match works(&stage, hangzhou, &first) {
            Err(_) => Ok(()),
            Ok(_) => Err("it is let in"),
        }
    });
    // The first makes its own what others wrote here.
    stage.join("hangzhou", "");
    let again = stage.join("hangzhou", "");
    assert!(!again.contains("... changed"), "{again}");
    assert_eq!(token(&stage, "hangzhou"), second);

    age(&stage, "hangzhou", OLD);
    let third = renewed(&stage, "hangzhou", &second);
    age(&stage, "hangzhou", SETTLED);
    is_alone(hangzhou.kubectl(), "hangzhou-hangzhou-token");
    works(&stage, hangzhou, &third).unwrap();
    copy(hangzhou, "web", "192.0.2.3");
    fedns.answers(NAME, "NOERROR 192.0.2.3");
    let log = fedns.process().log();
    assert!(!log.contains("the cluster is stale"), "{log}");
    for token in [&first, &second, &third] {
        assert!(!log.contains(token.as_str()), "{log}");
    }
}

fn patches_secret(request: &Request) -> bool {
    request.method == "PATCH" && request.concerns("secrets")
}

fn a_renewal_that_a_crash_interrupts_is_carried_on() {
    let stage = Stage::with_controllers();
    let mut fedns = stage.serve("");
    let hangzhou = stage.hangzhou.api();
    stage.join("hangzhou", "");
    let first = token(&stage, "hangzhou");

    // Between the token in the member and the Secret in the host.
    stage.host_proxy.inject_where(patches_secret, Fault::Status(500));
    age(&stage, "hangzhou", OLD);
    eventually(GENEROUS, "it was tried to hand the new token over", || {
        match stage.host_proxy.requests().iter().any(patches_secret) {
            true => Ok(()),
            false => Err("not yet"),
        }
    });
    let left = token_secrets(hangzhou.kubectl());
    assert_eq!(left.len(), 2, "{left:?}");
    fedns.kill();
    assert_eq!(token(&stage, "hangzhou"), first);
    stage.host_proxy.heal();
    fedns.start();
    let second = renewed(&stage, "hangzhou", &first);
    assert_eq!(token_secrets(hangzhou.kubectl()), left, "what was made is used");

    // Between the Secret in the host and the end of the token of before.
    fedns.kill();
    age(&stage, "hangzhou", SETTLED);
    assert_eq!(token_secrets(hangzhou.kubectl()), left);
    fedns.start();
    is_alone(hangzhou.kubectl(), "hangzhou-hangzhou-token-2");
    works(&stage, hangzhou, &second).unwrap();
    fedns.sees("hangzhou", "Live");
}

fn a_token_that_ends_by_itself_is_renewed_and_a_missing_right_is_told() {
    let stage = Stage::new();
    let fedns = stage.serve("");
    let beijing = stage.beijing.kubectl();
    stage.join("beijing", "--bound-token");
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    let first = token(&stage, "beijing");
    age(&stage, "beijing", OLD);
    let second = renewed(&stage, "beijing", &first);
    works(&stage, &stage.beijing, &second).unwrap();

    beijing.run(&format!("{SYSTEM} delete role beijing-hangzhou"));
    age(&stage, "beijing", OLDER);
    eventually(GENEROUS, "the missing right is told", || {
        let status = fedns.printed(&["status"]);
        let expect = "beijing: its credential is not renewed: its account may not create \
                      serviceaccounts/token \"beijing-hangzhou\" in namespace federation-system, by \
                      which fedns renews its token; `fedns join beijing` again grants it";
        if status.contains(expect) { Ok(()) } else { Err(status) }
    });
    assert_eq!(token(&stage, "beijing"), second);
    fedns.sees("beijing", "Live");
    let log = fedns.process().log();
    assert_eq!(log.matches("its credential is not renewed").count(), 1, "{log}");

    stage.join("beijing", "--bound-token");
    let third = token(&stage, "beijing");
    assert_ne!(third, second);
    age(&stage, "beijing", OLD);
    renewed(&stage, "beijing", &third);
    eventually(GENEROUS, "nothing is in the way", || {
        let status = fedns.printed(&["status"]);
        if status.contains("credential") { Err(status) } else { Ok(()) }
    });
    copy(&stage.beijing, "web", "192.0.2.2");
    fedns.answers(NAME, "NOERROR 192.0.2.2");
}
