//! What a control plane answers at its node.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use tests::product;

use super::init::Host;

/// Of Service `web` of federation `fed` in all clusters.
pub(super) const NAME: &str = "web.default.fed.svc.example.com";

/// In place of an answer.
pub(super) const SILENCE: &str = "no answer";

/// Address and port of a DNS Service with a port of the node.
pub(super) fn dns_server(host: &Host) -> String {
    let service = host.kubectl().json("-n federation-system get service fedns-dns");
    let ports = service["spec"]["ports"].as_array().cloned().unwrap_or_default();
    let udp = ports.iter().find(|port| port["protocol"] == "UDP").expect("a port for DNS");
    format!("{}:{}", host.node_address(), udp["nodePort"])
}

/// The response code and the addresses, `NOERROR 192.0.2.1`, or [`SILENCE`].
pub(super) fn answer(server: &str) -> String {
    let mut command = product::fedns();
    command.args(["query", NAME, "A", "--server", server]);
    let output = command.output().expect("fedns runs");
    if !output.status.success() {
        return SILENCE.to_owned();
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let code = lines.next().and_then(|line| line.split_whitespace().nth(1));
    let code = code.map(|code| code.trim_end_matches(','));
    let addresses = lines.filter_map(|line| line.split_whitespace().last());
    code.into_iter().chain(addresses).collect::<Vec<_>>().join(" ")
}

/// Every answer that was given while `work` was done, each once.
pub(super) fn answers_during(server: &str, work: impl FnOnce()) -> BTreeSet<String> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                answers.insert(answer(server));
            }
            answers
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // Also where that failed: else the scope would wait for ever.
        is_over.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        asking.join().expect("asking does not fail")
    })
}
