//! How each server is told what it is.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use super::{Key, NameServer, Software, ZONE};
use crate::name_daemon;
use crate::need::find_program;

/// Starts it in the foreground, on what [`prepare`] has written.
pub fn command(server: &NameServer) -> Command {
    let config =
        |software: name_daemon::Software| software.command(&server.folder().join("config"));
    match server.software {
        Software::Bind => config(name_daemon::Software::Bind),
        Software::Knot => config(name_daemon::Software::Knot),
        Software::PowerDns => {
            let mut command = program("pdns_server");
            command.arg(format!("--config-dir={}", server.folder().display()));
            command
        }
    }
}

/// Writes all that the server needs to start.
pub fn prepare(server: &NameServer) {
    let write = |software: name_daemon::Software, settings: &str| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port));
        let config = software.config(server.folder(), address, "") + settings;
        server.folder.write("config", config);
    };
    match server.software {
        Software::Bind => write(name_daemon::Software::Bind, &bind(server)),
        Software::Knot => write(name_daemon::Software::Knot, &knot(server)),
        Software::PowerDns => prepare_power_dns(server),
    }
}

fn bind(server: &NameServer) -> String {
    let signed = if server.is_signed { "dnssec-policy default;" } else { "" };
    let keys = [Key::Fed, Key::Reader].map(|key| server.key_text(key)).concat();
    format!(
        r#"{keys}
zone "{ZONE}" {{
    type primary; file "zone"; allow-transfer {{ key fed.; key reader.; }};
    update-policy {{ grant fed. zonesub ANY; }}; {signed}
}};
"#
    )
}

fn knot(server: &NameServer) -> String {
    let folder = server.folder().display();
    let [fed, reader] = [Key::Fed, Key::Reader].map(|key| server.secret(key));
    let signed = if server.is_signed { "on" } else { "off" };
    format!(
        "\
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
    )
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
