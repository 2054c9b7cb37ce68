use std::fs;

use tests::need::{DIG, NSD};
use tests::serving::Fedns;
use tests::suite::Test;

use parent::Parent;

/// The zone above, at a name server that others wrote.
mod parent;

/// A zone at a provider, and whether clients are led there.
mod hosted;

pub(crate) fn tests() -> Vec<Test> {
    [served(), hosted::tests()].into_iter().flatten().collect()
}

fn served() -> Vec<Test> {
    tests::tests! {
        [NSD, DIG] => a_zone_that_its_parent_delegates_rightly_is_fine,
            what_differs_at_the_parent_is_wrong,
            a_parent_without_the_zone_is_told_what_to_enter;
        [] => a_zone_that_nobody_answers_is_wrong_and_not_blocked;
    }
}

/// Answers for `fed.example.` at two addresses; `name_servers` is the config's key.
fn prepared(name_servers: &str) -> Fedns {
    let fedns = Fedns::prepared(&[], "");
    let (dns, admin) = (fedns.dns_port(), fedns.admin_port());
    let text = format!(
        "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: fed.example.\n\
         nameServers: {name_servers}\nlameDuck: 0s\n\
         listen: {{dns: [\"127.0.0.1:{dns}\", \"127.0.0.3:{dns}\"], admin: \"127.0.0.1:{admin}\"}}\n\
         clusters: []\n"
    );
    fs::write(fedns.home().join("fedns.yaml"), text).expect("write the config");
    fedns
}

const TWO: &str = "[{name: ns1.fed.example., addresses: [127.0.0.1]}, {name: ns2.fed.example., addresses: [127.0.0.3]}]";

fn preflight(fedns: &Fedns, more: &[&str]) -> (Option<i32>, String) {
    let port = fedns.dns_port();
    let (resolver, port) = (format!("127.0.0.2:{port}"), port.to_string());
    let words = ["preflight", "-c", "fedns.yaml", "--resolver", &resolver, "--port", &port];
    let output = fedns.command(&[&words, more].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

fn a_zone_that_its_parent_delegates_rightly_is_fine() {
    let mut fedns = prepared(TWO);
    let port = fedns.dns_port();
    let delegation = "fed NS ns1.fed\nfed NS ns2.fed\nns1.fed A 127.0.0.1\nns2.fed A 127.0.0.3\n";
    let _parent = Parent::start(port, delegation);
    fedns.start();
    fedns.is_ready();
    let expect = format!(
        "served: fed.example.\n\
         \x20 ok       delegation: the parent zone example. and the config name ns1.fed.example., ns2.fed.example.\n\
         \x20 ok       glue: the parent has the same addresses of name servers as the config\n\
         \x20 ok       secondary: 2 name servers answer at 2 addresses\n\
         \x20 ok       name server: ns1.fed.example. at 127.0.0.1:{port} answers over UDP and TCP\n\
         \x20 ok       name server: ns2.fed.example. at 127.0.0.3:{port} answers over UDP and TCP\n\
         \x20 ok       soa: every name server has the same SOA record\n\
         \x20 ok       recursion: no name server offers recursion\n"
    );
    assert_eq!(preflight(&fedns, &[]), (Some(0), expect));
    // The parent's name server named by hand.
    let (code, text) = preflight(&fedns, &["--parent", &format!("127.0.0.2:{port}"), "-o", "json"]);
    assert_eq!(code, Some(0), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&value[0]["zone"], &value[0]["provider"]), (&"fed.example.".into(), &().into()));
    assert_eq!(value[0]["findings"][0]["severity"], "fine");
}

fn what_differs_at_the_parent_is_wrong() {
    let mut fedns = prepared(TWO);
    let port = fedns.dns_port();
    // The parent itself has no fed.example. of its own: it is lame for it.
    let delegation = "fed NS ns1.fed\nfed NS ns3.fed\nns1.fed A 127.0.0.3\nns3.fed A 127.0.0.2\n";
    let _parent = Parent::start(port, delegation);
    fedns.start();
    fedns.is_ready();
    let (code, text) = preflight(&fedns, &[]);
    assert_eq!(code, Some(1), "{text}");
    for words in [
        "  WRONG    delegation: the parent zone example. names ns1.fed.example., ns3.fed.example., and the \
         config ns1.fed.example., ns2.fed.example.: enter NS records",
        "  WRONG    glue: ns1.fed.example. has 127.0.0.3 there, and 127.0.0.1 in the config",
        &format!(
            "  WRONG    name server: ns3.fed.example. at 127.0.0.2:{port} has no SOA record of fed.example. \
             over TCP (rcode 0): it does not serve the zone"
        ),
        &format!(
            "  ok       name server: ns2.fed.example. at 127.0.0.3:{port} answers over UDP and TCP"
        ),
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

fn a_parent_without_the_zone_is_told_what_to_enter() {
    let fedns = prepared("[{name: ns1.fed.example., addresses: [127.0.0.1]}]");
    let port = fedns.dns_port();
    let _parent = Parent::start(port, "");
    let (code, text) = preflight(&fedns, &[]);
    assert_eq!(code, Some(1), "{text}");
    for words in [
        "  warning  delegation: the parent zone example. has nothing of fed.example.",
        "enter there: fed.example. NS ns1.fed.example., ns1.fed.example. A 127.0.0.1\n",
        "  warning  secondary: fed.example. has 1 name server at 1 address, and needs two",
        &format!(
            "  WRONG    name server: ns1.fed.example. at 127.0.0.1:{port} does not answer over UDP: \
             Connection refused (os error 111); start fedns serve there, and let port {port} through"
        ),
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

fn a_zone_that_nobody_answers_is_wrong_and_not_blocked() {
    let fedns = prepared(TWO);
    let text = "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: fed.example.\n\
                listen: {dns: []}\nclusters: []\n";
    fs::write(fedns.home().join("fedns.yaml"), text).expect("write the config");
    let (code, text) = preflight(&fedns, &[]);
    assert_eq!(code, Some(1));
    assert_eq!(
        text,
        "served: fed.example.\n  WRONG    listen: the zone has no provider, and no port is opened for it: \
         give it providers, or set listen: {dns: [\"0.0.0.0:53\"]}\n"
    );
}
