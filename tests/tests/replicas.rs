use model::Serial;
use serde_json::Value;
use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::kubeconfig::kubeconfig;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            all_answer_with_the_serial_of_the_lease_and_the_next_one_goes_on_above_its_ceiling,
            the_pod_of_the_one_that_writes_has_the_label;
    }
}

const NAME: &str = "nginx.default.fed.svc.example.com";
const ELECTION: &str = "lameDuck: 0s\n\
    leaderElection: {kubeconfig: ./kubeconfig, context: alone, namespace: default, name: fedns}\n";

/// A server of the cluster's Services, not started yet.
fn replica(api: &ApiServer) -> Fedns {
    let entry = "{name: alone, kubeconfig: ./kubeconfig, context: alone}".to_owned();
    let fedns = Fedns::prepared(&[entry], ELECTION);
    std::fs::write(fedns.home().join("kubeconfig"), kubeconfig(&[api.context()]))
        .expect("write a kubeconfig");
    fedns
}

fn expose(api: &ApiServer, address: &str) {
    let service = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "nginx"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}"#;
    api.kubectl().apply(service);
    api.kubectl().set_load_balancer("default", "nginx", &[address]);
}

/// What the Lease says of the zone's serial.
struct Leased {
    holder: String,
    serial: Serial,
    ceiling: Serial,
}

fn leased(api: &ApiServer) -> Result<Leased, String> {
    let lease: Value = serde_json::from_str(&api.kubectl().try_run("get lease fedns -o json")?)
        .map_err(|error| error.to_string())?;
    let text = &lease["metadata"]["annotations"]["fedns.io/serials"];
    let zones: Value = serde_json::from_str(text.as_str().unwrap_or("{}")).expect("JSON");
    let number = |key: &str| {
        let number = zones["example.com."][key].as_u64().ok_or_else(|| lease.to_string())?;
        u32::try_from(number).map(Serial).map_err(|error| error.to_string())
    };
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
    Ok(Leased { holder, serial: number("serial")?, ceiling: number("ceiling")? })
}

fn writer_id(fedns: &Fedns) -> String {
    let file = fedns.home().join("state/writer-id");
    std::fs::read_to_string(file).expect("fedns has an id").trim().to_owned()
}

/// Waits until this one holds the lease, and returns what that says.
#[track_caller]
fn holds(api: &ApiServer, fedns: &Fedns) -> Leased {
    let id = writer_id(fedns);
    eventually(GENEROUS, "it holds the lease", || match leased(api)? {
        leased if leased.holder.ends_with(&id) => Ok(leased),
        leased => Err(leased.holder),
    })
}

#[track_caller]
fn all_answer_the_same(api: &ApiServer, replicas: &[&Fedns]) -> Serial {
    eventually(GENEROUS, "all serials are the lease's", || {
        let expect = leased(api)?.serial;
        let serials: Vec<Serial> = replicas.iter().map(|fedns| fedns.serial()).collect();
        match serials.iter().all(|serial| *serial == expect) {
            true => Ok(expect),
            false => Err(format!("{serials:?}, and the lease says {expect}")),
        }
    })
}

fn all_answer_with_the_serial_of_the_lease_and_the_next_one_goes_on_above_its_ceiling() {
    let api = ApiServer::start("alone");
    expose(&api, "192.0.2.1");
    let (mut first, mut second) = (replica(&api), replica(&api));
    first.start();
    first.answers(NAME, "NOERROR 192.0.2.1");
    holds(&api, &first);
    second.start();
    second.answers(NAME, "NOERROR 192.0.2.1");
    let begun = all_answer_the_same(&api, &[&first, &second]);

    expose(&api, "192.0.2.2");
    for fedns in [&first, &second] {
        fedns.answers(NAME, "NOERROR 192.0.2.2");
    }
    eventually(GENEROUS, "the lease tells the change", || match leased(&api)?.serial {
        serial if serial.is_newer_than(begun) => Ok(()),
        serial => Err(serial.to_string()),
    });
    all_answer_the_same(&api, &[&first, &second]);

    let ceiling = leased(&api).unwrap_or_else(|why| panic!("{why}")).ceiling;
    first.kill();
    let taken = holds(&api, &second);
    assert!(taken.serial.is_newer_than(ceiling), "{} after {ceiling}", taken.serial);
    assert!(taken.ceiling.is_newer_than(taken.serial));
    first.start();
    let both = all_answer_the_same(&api, &[&first, &second]);

    // Given back, nothing is reserved any more.
    assert!(second.stop().success());
    let taken = holds(&api, &first);
    assert!(taken.serial.is_newer_than(both), "{} after {both}", taken.serial);
    assert!(taken.serial.0 - both.0 < 10, "{} after {both}", taken.serial);
    all_answer_the_same(&api, &[&first]);
}

fn pod(name: &str) -> String {
    format!(
        r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}"}},
        "spec": {{"containers": [{{"name": "fedns", "image": "fedns"}}]}}}}"#
    )
}

fn the_pod_of_the_one_that_writes_has_the_label() {
    let api = ApiServer::start("alone");
    let (mut first, mut second) = (replica(&api), replica(&api));
    for name in ["first", "second"] {
        api.kubectl().apply(&pod(name));
    }
    let launch = |fedns: &mut Fedns, pod: &str| {
        fedns.launch(&[], &[("POD_NAMESPACE", "default"), ("POD_NAME", pod)]);
    };
    let labelled = |what: &str, expect: &str| {
        eventually_equal(GENEROUS, what, &expect.to_owned(), || {
            let names = "-o jsonpath={.items[*].metadata.name}";
            api.kubectl().run(&format!("get pods -l fedns.io/leader=true {names}"))
        });
    };
    launch(&mut first, "first");
    labelled("the first one writes", "first");
    launch(&mut second, "second");
    second.is_ready();
    assert!(first.stop().success());
    labelled("the second one took over", "second");

    // Killed, it cannot take the label away; it does when it is back and only stands by.
    second.kill();
    launch(&mut first, "first");
    labelled("the first one took over", "first second");
    launch(&mut second, "second");
    labelled("the second one is back", "first");
}
