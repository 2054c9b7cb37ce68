use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tests::certificates::{ServerCertificate, client_config, server_certificate};
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::process::{Process, Signal};
use tests::product;
use tests::serving::Fedns;
use tests::suite::Test;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use super::stage::{A, Stage, TLS, framed, query};
use crate::serve::folder::entries;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_wrong_key_ends_the_start_and_is_told_by_check,
            what_may_be_meant_otherwise_is_told_by_check,
            a_renewed_certificate_is_shown_and_open_connections_go_on,
            a_bad_certificate_leaves_the_old_one_in_place,
            a_reload_that_names_a_bad_certificate_changes_nothing;
        [Need::Peers] => a_renewed_certificate_is_shown_over_quic;
    }
}

type Client = StreamOwned<ClientConnection, TcpStream>;

fn client(stage: &Stage) -> Client {
    let stream = TcpStream::connect(("127.0.0.1", stage.dot)).expect("fedns listens");
    stream.set_read_timeout(Some(GENEROUS)).expect("set a time-out");
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(client_config(), name).expect("a client");
    StreamOwned::new(connection, stream)
}

/// The query's answer is that the name has an address.
fn ask(client: &mut Client) -> Result<(), String> {
    client.write_all(&framed(&query(A, &[]))).map_err(|error| error.to_string())?;
    let mut length = [0; 2];
    client.read_exact(&mut length).map_err(|error| error.to_string())?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    client.read_exact(&mut answer).map_err(|error| error.to_string())?;
    match answer[7] {
        1 => Ok(()),
        count => Err(format!("{count} answers")),
    }
}

/// The certificate that a new connection is shown.
fn shown(stage: &Stage) -> Vec<u8> {
    let mut client = client(stage);
    ask(&mut client).unwrap_or_else(|error| panic!("{error}"));
    client.conn.peer_certificates().expect("a certificate")[0].to_vec()
}

#[track_caller]
fn logs(stage: &Stage, words: &str) {
    eventually(GENEROUS, &format!("{words:?} is logged"), || {
        let log = stage.fedns.process().log();
        if log.contains(words) { Ok(()) } else { Err(log) }
    });
}

fn a_wrong_key_ends_the_start_and_is_told_by_check() {
    let stage = Stage::prepared("");
    let ServerCertificate { chain, .. } = server_certificate();
    let ServerCertificate { key, .. } = server_certificate();
    stage.show(&ServerCertificate { chain, key: key.clone() });
    let home = stage.fedns.home();
    let expect = format!(
        "fedns: {home}/fedns.yaml:8:41: key \"tls.keyFile\": {home}/tls/tls.key: the private key is not the one of \
         the certificate in {home}/tls/tls.crt; name the files that belong together\n",
        home = home.display(),
    );
    let output =
        stage.fedns.command(&["check", "--config", &home.join("fedns.yaml").to_string_lossy()]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.ends_with(&expect), "{errors}");
    assert_eq!(output.status.code(), Some(1));
    let mut command = product::fedns();
    command.arg("serve").arg("--config").arg(home.join("fedns.yaml"));
    let mut process = Process::start("refused", &command, home);
    assert_eq!(process.wait(GENEROUS).code(), Some(1));
    assert_eq!(process.log(), expect);
    assert!(!process.log().contains(key.lines().nth(1).expect("a line of the key")));
}

fn what_may_be_meant_otherwise_is_told_by_check() {
    let fedns = Fedns::prepared(&[], TLS);
    let ServerCertificate { chain, key } = server_certificate();
    fs::create_dir(fedns.home().join("tls")).expect("make a folder");
    let key_file = fedns.home().join("tls/tls.key");
    fs::write(fedns.home().join("tls/tls.crt"), chain).expect("write the certificate");
    fs::write(&key_file, key).expect("write the key");
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).expect("set the mode");
    let config = fedns.home().join("fedns.yaml").display().to_string();
    let output = fedns.command(&["check", "--config", &config]);
    let key_file = key_file.display();
    let expect = format!(
        "fedns: warning: {config}:8:17: key \"tls.certFile\": nobody is shown the certificate: listen.dot, listen.doh \
         and listen.doq are empty\n\
         fedns: warning: {config}:8:41: key \"tls.keyFile\": {key_file} holds a key, and everybody on this machine \
         may read it; chmod o-r {key_file}\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), expect);
    assert!(output.status.success());
}

fn a_renewed_certificate_is_shown_and_open_connections_go_on() {
    let stage = Stage::serving("");
    let mut open = client(&stage);
    ask(&mut open).expect("an answer");
    let before = shown(&stage);
    assert_eq!(shown(&stage), before);
    stage.show(&server_certificate());
    eventually(GENEROUS, "the new certificate is shown", || {
        // A connection without a query in ten seconds would be closed as idle.
        ask(&mut open)?;
        if shown(&stage) == before { Err("the old one is".to_owned()) } else { Ok(()) }
    });
    ask(&mut open).expect("the connection stays");
}

fn a_renewed_certificate_is_shown_over_quic() {
    let stage = Stage::serving("");
    let shown = || stage.doq(&[json!(["certificate"])]).remove(0);
    let before = shown();
    assert!(before["answer"].is_string(), "{before}");
    stage.show(&server_certificate());
    eventually(GENEROUS, "the new certificate is shown", || {
        let now: Value = shown();
        if now == before || !now["answer"].is_string() { Err(now.to_string()) } else { Ok(()) }
    });
}

fn a_bad_certificate_leaves_the_old_one_in_place() {
    let stage = Stage::serving("");
    let before = shown(&stage);
    fs::write(stage.file("tls/tls.crt"), "no certificate\n").expect("write the file");
    logs(&stage, "certificate and key stay as they were: ");
    logs(&stage, "there is no certificate in PEM");
    assert_eq!(shown(&stage), before);
    stage.show(&server_certificate());
    eventually(GENEROUS, "a good one is taken again", || {
        if shown(&stage) == before { Err("the old one is shown") } else { Ok(()) }
    });
}

fn a_reload_that_names_a_bad_certificate_changes_nothing() {
    let stage = Stage::serving("");
    let before = shown(&stage);
    let bad = TLS.replace("tls/tls.crt", "tls/absent.crt");
    stage.fedns.configure(&entries(&["a"]), &format!("{bad}ttl: 60s\n"));
    logs(&stage, "config not reloaded, the old one runs on: ");
    logs(&stage, "tls/absent.crt, wanted a file with a certificate chain in PEM");
    assert_eq!(shown(&stage), before);
    // The same files under the old names, asked for by a signal.
    stage.fedns.configure(&entries(&["a"]), TLS);
    stage.fedns.process().signal(Signal::HUP);
    logs(&stage, "nothing to reload");
    assert_eq!(shown(&stage), before);
}
