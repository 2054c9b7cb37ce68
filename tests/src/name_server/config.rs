//! How each server is told what it is.

use std::fs;
use std::process::{Command, Stdio};

use super::{Key, NameServer, Software, ZONE};
use crate::need::find_program;

/// Writes all that the server needs to start.
pub fn prepare(server: &NameServer) {
    match server.software {
        Software::Bind => prepare_bind(server),
        Software::Knot => prepare_knot(server),
        Software::PowerDns => prepare_power_dns(server),
    }
}

/// Starts it in the foreground, on what was prepared.
pub fn command(server: &NameServer) -> Command {
    let folder = server.folder();
    let (mut command, file) = match server.software {
        Software::Bind => (program("named"), "named.conf"),
        Software::Knot => (program("knotd"), "knot.conf"),
        Software::PowerDns => {
            let mut command = program("pdns_server");
            command.arg(format!("--config-dir={}", folder.display()));
            return command;
        }
    };
    if server.software == Software::Bind {
        command.args(["-g", "-n", "1"]);
    }
    command.arg("-c").arg(folder.join(file));
    command
}

fn prepare_bind(server: &NameServer) {
    let (folder, port) = (server.folder().display(), server.port);
    let signed = if server.is_signed { "dnssec-policy default;" } else { "" };
    let keys = [Key::Fed, Key::Reader].map(|key| server.key_text(key)).concat();
    let text = format!(
        r#"options {{
    directory "{folder}"; pid-file "named.pid"; session-keyfile "session.key"; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; dnssec-validation no; allow-query {{ any; }};
}};
controls {{ }};
{keys}
zone "{ZONE}" {{
    type primary; file "zone"; allow-transfer {{ key fed.; key reader.; }};
    update-policy {{ grant fed. zonesub ANY; }}; {signed}
}};
"#
    );
    server.folder.write("named.conf", text);
}

fn prepare_knot(server: &NameServer) {
    let (folder, port) = (server.folder().display(), server.port);
    let [fed, reader] = [Key::Fed, Key::Reader].map(|key| server.secret(key));
    let signed = if server.is_signed { "on" } else { "off" };
    let text = format!(
        "\
server:
  rundir: {folder}
  listen: 127.0.0.1@{port}
database:
  storage: {folder}
log:
  - target: stderr
    any: info
key:
  - id: fed.
    algorithm: hmac-sha256
    secret: {fed}
  - id: reader.
    algorithm: hmac-sha512
    secret: {reader}
acl:
  - id: fed
    key: fed.
    action: [update, transfer]
  - id: reader
    key: reader.
    action: transfer
zone:
  - domain: {ZONE}
    storage: {folder}
    file: zone
    acl: [fed, reader]
    zonefile-sync: -1
    journal-content: all
    dnssec-signing: {signed}
"
    );
    server.folder.write("knot.conf", text);
}

fn prepare_power_dns(server: &NameServer) {
    let (folder, port) = (server.folder(), server.port);
    let database = folder.join("pdns.sqlite3");
    let text = format!(
        "launch=gsqlite3\ngsqlite3-database={}\ngsqlite3-pragma-synchronous=0\ngsqlite3-dnssec=yes\nsocket-dir={}\n\
         local-address=127.0.0.1\nlocal-port={port}\ndnsupdate=yes\nallow-axfr-ips=\nprimary=yes\n\
         guardian=no\ndaemon=no\n",
        database.display(),
        folder.display()
    );
    server.folder.write("pdns.conf", text);
    let schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
    let schema = fs::read_to_string(schema).expect("the package has its schema");
    let mut sqlite = program("sqlite3");
    sqlite.arg("-bail").arg(&database).arg(schema);
    run(sqlite);
    let utility = |words: &[&str]| {
        let mut command = program("pdnsutil");
        command.arg(format!("--config-dir={}", folder.display())).args(words);
        run(command);
    };
    utility(&["load-zone", ZONE, &folder.join("zone").to_string_lossy()]);
    for key in [Key::Fed, Key::Reader] {
        let name = key.name().trim_end_matches('.');
        utility(&["import-tsig-key", name, key.algorithm(), server.secret(key)]);
    }
    utility(&["set-meta", ZONE, "TSIG-ALLOW-DNSUPDATE", "fed"]);
    utility(&["set-meta", ZONE, "TSIG-ALLOW-AXFR", "fed", "reader"]);
    if server.is_signed {
        utility(&["secure-zone", ZONE]);
        utility(&["rectify-zone", ZONE]);
    }
}

fn program(name: &str) -> Command {
    Command::new(find_program(name).expect("it is here, or the test is left out"))
}

fn run(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}
