use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::suite::Test;

use super::stage::{SYSTEM, Stage, copy};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            no_output_has_a_secret;
    }
}

/// Of every test's admin.
const ADMIN_TOKEN: &str = "admin-token";

/// The credential of a member, as it stands in the host.
fn token(stage: &Stage, cluster: &str) -> String {
    let path = "-o jsonpath={.data.token}";
    let data = stage.host().run(&format!("{SYSTEM} get secret {cluster} {path}"));
    String::from_utf8(STANDARD.decode(data).expect("base64")).expect("a token is text")
}

fn no_output_has_a_secret() {
    let stage = Stage::with_controllers();
    let mut fedns = stage.serve("lameDuck: 0s\n");
    fedns.stop();
    fedns.launch(&["--log", "trace"], &[]);
    let mut texts = Vec::new();
    let mut tokens = Vec::new();
    let run = |line: &str| -> String {
        let Output { stdout, stderr, .. } = stage.output(line);
        let text = [stdout, stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    };
    let place = "--context=federation --host-cluster-context=hangzhou";
    for (cluster, more) in [("hangzhou", ""), ("beijing", "--bound-token")] {
        texts.push(run(&format!("join {cluster} {place} {more} --dry-run")));
        let joined = run(&format!("join {cluster} {place} {more}"));
        assert!(joined.contains("is Ready"), "{joined}");
        texts.push(joined);
        tokens.push(token(&stage, cluster));
        let line = format!("{SYSTEM} annotate --overwrite secret {cluster}");
        stage.host().run(&format!("{line} fedns.io/token-since=2020-01-01T00:00:00Z"));
        eventually(GENEROUS, "another token stands in the host", || {
            let now = token(&stage, cluster);
            if tokens.contains(&now) { Err("the one of before") } else { Ok(()) }
        });
        tokens.push(token(&stage, cluster));
    }
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1");
    // Credentials that are refused are a reason to tell something.
    let wrong = STANDARD.encode(format!("{}x", tokens[2]));
    let patch = format!(r#"{{"data":{{"token":"{wrong}"}}}}"#);
    stage.host().args(&["-n", "federation-system", "patch", "secret", "beijing", "-p", &patch]);
    eventually(GENEROUS, "the refusal is told", || {
        let status = fedns.printed(&["status"]);
        if status.contains("401") { Ok(()) } else { Err(status) }
    });
    for path in ["/metrics", "/readyz?verbose", "/api/v1/clusters", "/api/v1/federation"] {
        texts.push(fedns.page(path).expect("a page").body);
    }
    texts.push(fedns.printed(&["status"]));
    for cluster in ["beijing", "hangzhou"] {
        texts.push(run(&format!("unjoin {cluster} {place}")));
    }
    let log = fedns.process().log();
    assert!(log.contains("TRACE"), "the log is at its most verbose");
    texts.push(log);

    tokens.push(ADMIN_TOKEN.to_owned());
    let encoded: Vec<String> = tokens.iter().map(|token| STANDARD.encode(token)).collect();
    // What makes a token one is its signature.
    let signatures = tokens.iter().filter_map(|token| token.rsplit_once('.')).map(|(_, it)| it);
    let secrets = tokens.iter().chain(&encoded).map(String::as_str).chain(signatures);
    let secrets: Vec<&str> = secrets.chain(["PRIVATE KEY"]).collect();
    for text in &texts {
        for line in text.lines() {
            let shown = secrets.iter().find(|secret| line.contains(**secret));
            assert!(shown.is_none(), "a secret is shown: {line}");
        }
    }
}
