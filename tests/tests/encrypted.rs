use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually};
use tests::need::{CURL, KDIG, Need};
use tests::suite::Test;

use crate::serve::folder::WEB;
use stage::{A, AXFR, Stage, framed, hex, query};

/// A server with a listener of each kind.
pub(crate) mod stage;

/// Certificates that are wrong, and such that are renewed.
mod certificates;

pub(crate) fn tests() -> Vec<Test> {
    let own = tests::tests! {
        [KDIG] => kdig_asks_over_tls,
            kdig_asks_over_https_by_get_and_by_post;
        [CURL] => what_is_no_query_gets_the_right_status;
        [Need::Peers] => dnspython_asks_over_quic,
            quic_connections_end_when_the_protocol_is_broken;
        [KDIG, CURL, Need::Peers] => zones_go_over_tls_and_no_other_way,
            each_listener_is_told_and_counted;
    };
    own.into_iter().chain(certificates::tests()).collect()
}

const DNS_MESSAGE: &str = "content-type: application/dns-message";

fn kdig_asks_over_tls() {
    let stage = Stage::serving("");
    let text = stage.kdig(stage.dot, &["+padding=128", "+cookie", WEB]);
    assert!(text.contains("status: NOERROR"), "{text}");
    assert!(text.contains("A\t192.0.2.1"), "{text}");
    assert!(text.contains("PADDING"), "{text}");
    // As long as all padded answers are.
    assert!(text.contains("Received 468 B"), "{text}");
    let text = stage.kdig(
        stage.dot,
        &["+keepopen", "+nopadding", "-q", WEB, "-q", "nope.example.com", "-q", WEB],
    );
    assert_eq!(text.matches("status: NOERROR").count(), 2, "{text}");
    assert_eq!(text.matches("status: NXDOMAIN").count(), 1, "{text}");
    assert!(!text.contains("PADDING"), "{text}");
}

fn kdig_asks_over_https_by_get_and_by_post() {
    let stage = Stage::serving("");
    for (words, session) in [
        (["+https", "+nohttps-get"], "(HTTP/2-POST)-(localhost/dns-query)-(status: 200)"),
        (["+https", "+https-get"], "(HTTP/2-GET)-(localhost/dns-query)-(status: 200)"),
    ] {
        let text = stage.kdig(stage.doh, &[words[0], words[1], "+padding=128", WEB]);
        assert!(text.contains(session), "{text}");
        assert!(text.contains("A\t192.0.2.1"), "{text}");
        assert!(text.contains("Received 468 B"), "{text}");
    }
}

fn what_is_no_query_gets_the_right_status() {
    let stage = Stage::serving("");
    let question = stage.file("query");
    let write = |bytes: &[u8]| std::fs::write(&question, bytes).expect("write the query");
    let data = format!("@{}", question.display());
    let post = |content_type: &str, version: &str| {
        let content_type = format!("Content-Type: {content_type}");
        stage.curl(&[version, "--data-binary", &data, "--header", &content_type], "/dns-query")
    };
    for (version, shown) in [("--http2", "http/2"), ("--http1.1", "http/1.1")] {
        write(&query(A, &[]));
        let (status, headers) = post("application/dns-message", version);
        assert!(status.starts_with(&format!("{shown} 200")), "{status}");
        assert!(headers.contains(DNS_MESSAGE), "{headers}");
        assert!(headers.contains("cache-control: max-age=180"), "{headers}");
        assert!(stage.body().ends_with(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]));
        let code = |(status, _): (String, String)| status.split(' ').nth(1).map(str::to_owned);
        assert_eq!(code(post("text/plain", version)).as_deref(), Some("415"));
        let get = |path: &str| code(stage.curl(&[version], path));
        assert_eq!(get("/").as_deref(), Some("404"));
        assert_eq!(get("/dns-query/").as_deref(), Some("404"));
        assert_eq!(get("/dns-query").as_deref(), Some("400"));
        assert_eq!(get("/dns-query?dns=!").as_deref(), Some("400"));
        assert_eq!(get("/dns-query?dns=AAAA").as_deref(), Some("400"));
        let (status, headers) = stage.curl(&[version, "--request", "DELETE"], "/dns-query");
        assert!(status.contains(" 405"), "{status}");
        assert!(headers.contains("allow: get, post"), "{headers}");
        write(&[0; 4097]);
        assert_eq!(code(post("application/dns-message", version)).as_deref(), Some("413"));
        write(&[0; 11]);
        assert_eq!(code(post("application/dns-message", version)).as_deref(), Some("400"));
    }
}

fn dnspython_asks_over_quic() {
    let stage = Stage::serving("");
    let results = stage.doq(&[json!(["ask", WEB, "A"]), json!(["ask", "nope.example.com", "A"])]);
    let answer = &results[0]["answer"];
    assert_eq!(answer["code"], "NOERROR", "{results:?}");
    assert_eq!(answer["answers"], json!([format!("{WEB}. 180 IN A 192.0.2.1")]));
    assert_eq!(answer["length"], 468);
    assert_eq!(results[1]["answer"]["code"], "NXDOMAIN", "{results:?}");
    // Each on a stream of its own.
    let one = hex(&framed(&query(A, &[])));
    let many: Vec<Value> =
        std::iter::once(json!("send")).chain((0..50).map(|_| json!(one))).collect();
    let results = stage.doq(&[Value::Array(many)]);
    let answers = results[0]["answer"]["answers"].as_array().expect("answers");
    assert_eq!(answers.len(), 50);
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
}

const DOQ_PROTOCOL_ERROR: u64 = 2;
const DOQ_EXCESSIVE_LOAD: u64 = 4;

fn quic_connections_end_when_the_protocol_is_broken() {
    let stage = Stage::serving("");
    let good = query(A, &[]);
    let with_id = [&[1, 2], &good[2..]].concat();
    let mut response = good.clone();
    response[2] = 0x80;
    for (what, stream) in [
        ("an ID", framed(&with_id)),
        ("a keepalive", framed(&query(A, &[0, 11, 0, 0]))),
        ("a response", framed(&response)),
        ("two queries", [framed(&good), framed(&good)].concat()),
        ("half a query", framed(&good)[..20].to_vec()),
        ("half a length", vec![0]),
        ("nothing", Vec::new()),
    ] {
        let ended = stage.doq_stream(&stream);
        assert_eq!(ended["code"], DOQ_PROTOCOL_ERROR, "{what}: {ended}");
    }
    assert_eq!(stage.doq_stream(&[0; 70_000])["code"], DOQ_EXCESSIVE_LOAD);
    let answer = stage.doq_stream(&framed(&good));
    assert!(answer["answers"][0].is_string(), "{answer}");
}

const REFUSED: u8 = 5;

fn zones_go_over_tls_and_no_other_way() {
    let stage = Stage::serving("transfer: {allow: [127.0.0.1]}\n");
    let text = stage.kdig(stage.dot, &["example.com", "AXFR"]);
    assert!(text.contains("A\t192.0.2.1"), "{text}");
    assert_eq!(text.matches("\tSOA\t").count(), 2, "{text}");
    let answer = stage.doq_stream(&framed(&query(AXFR, &[])));
    let answer = answer["answers"][0].as_str().unwrap_or_else(|| panic!("{answer}"));
    // Behind the length: ID, flags, and the code in the last half byte.
    assert_eq!(answer.get(11..12), Some(REFUSED.to_string().as_str()), "{answer}");
    let question = stage.file("query");
    std::fs::write(&question, query(AXFR, &[])).expect("write the query");
    let data = format!("@{}", question.display());
    let header = "Content-Type: application/dns-message";
    let (status, headers) = stage.curl(&["--data-binary", &data, "--header", header], "/dns-query");
    assert!(status.contains(" 200"), "{status}");
    assert!(headers.contains("cache-control: max-age=0"), "{headers}");
    assert_eq!(stage.body()[3] & 0x0f, REFUSED);
}

fn each_listener_is_told_and_counted() {
    let stage = Stage::serving("");
    let Stage { fedns, dot, doh, doq } = &stage;
    eventually(GENEROUS, "the listeners are told", || {
        let log = fedns.process().log();
        let lines = [
            format!("  dot    127.0.0.1:{dot} (tls)\n"),
            format!("  doh    https://127.0.0.1:{doh}/dns-query\n"),
            format!("  doq    127.0.0.1:{doq} (quic)\n"),
        ];
        if lines.iter().all(|line| log.contains(line)) { Ok(()) } else { Err(log) }
    });
    let server: Value = serde_json::from_str(&fedns.page("/api/v1/server").expect("a page").body)
        .expect("the page is JSON");
    assert_eq!(server["dot"], json!([format!("127.0.0.1:{dot}")]));
    stage.kdig(*dot, &["+tls", WEB]);
    stage.kdig(*doh, &["+https", WEB]);
    stage.doq(&[json!(["ask", WEB, "A"])]);
    let page = fedns.page("/metrics").expect("a page").body;
    for (scheme, proto, port) in [("tls", "dot", dot), ("https", "doh", doh), ("quic", "doq", doq)]
    {
        let expect = format!(
            "fedns_dns_responses_total{{server=\"{scheme}://127.0.0.1:{port}\",zone=\"example.com.\",view=\"\",\
             proto=\"{proto}\",family=\"1\",rcode=\"NOERROR\"}} 1\n"
        );
        assert!(page.contains(&expect), "{expect}\n{page}");
    }
    assert!(page.contains("fedns_dns_certificate_expiry_timestamp_seconds "), "{page}");
}
