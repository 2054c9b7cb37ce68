//! The command line against a running server; what `fedns X` prints stands in `cli/X.txt`.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use tests::port::free_port;
use tests::serving::Fedns;
use tests::suite::Test;
use tests::{golden, product};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => what_a_server_knows_is_printed_in_every_format,
            tables_line_up,
            json_is_the_page_and_yaml_is_the_same,
            a_query_prints_nothing_that_varies_unless_asked,
            without_a_server_every_command_fails_with_one_line,
            something_else_on_the_port_is_told,
            a_closed_pipe_ends_a_command_quietly,
            every_shell_gets_a_script,
            every_command_has_help_with_examples,
            the_version_is_told_alike,
            what_cannot_be_asked_is_an_error;
    }
}

const WEB: &str = "web.default.fed.svc.example.com";

/// Two clusters in two regions, one of them with an address, and static records.
fn serving() -> Fedns {
    let entry = |name: &str| format!("{{name: {name}, manifests: ./{name}}}");
    let clusters = ["beijing", "hangzhou"].map(entry);
    let mut fedns = Fedns::prepared(&clusters, "staticRecords: [./static.zone]\nlameDuck: 0s\n");
    let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli"));
    for file in ["static.zone", "beijing/all.yaml", "hangzhou/all.yaml"] {
        let to = fedns.home().join(file);
        fs::create_dir_all(to.parent().expect("in a folder")).expect("make a folder");
        fs::copy(examples.join(file), to).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    fedns.start();
    fedns.is_ready();
    for cluster in ["beijing", "hangzhou"] {
        fedns.sees(cluster, "Live");
    }
    fedns
}

fn what_a_server_knows_is_printed_in_every_format() {
    let fedns = serving();
    let serial = fedns.serial().0.to_string();
    let cases: [(&str, &[&str]); 17] = [
        ("records", &["records"]),
        ("records-wide", &["records", "-o", "wide"]),
        ("records-name", &["records", "-o", "name"]),
        ("records-zone", &["records", "-o", "zone"]),
        ("records-json", &["records", "web.default.fed.svc.example", "-o", "json"]),
        ("records-yaml", &["records", "web.default.fed.svc.example", "-o", "yaml"]),
        ("records-of-a-zone", &["records", "NS1", "--zone", "example.com"]),
        ("clusters", &["clusters"]),
        ("clusters", &["get", "clusters"]),
        ("clusters", &["get", "cluster", "--output", "table"]),
        ("clusters-wide", &["clusters", "-o", "wide"]),
        ("clusters-json", &["clusters", "-o", "json"]),
        ("clusters-yaml", &["clusters", "-o", "yaml"]),
        ("clusters-name", &["clusters", "-o", "name"]),
        ("explain", &["explain", "web.default.fed.svc.cn-beijing.example.com"]),
        ("explain-json", &["explain", WEB, "-o", "json"]),
        ("explain-yaml", &["explain", WEB, "-o", "yaml"]),
    ];
    for (name, words) in cases {
        compare(name, &fedns.printed(words).replace(&serial, "SERIAL"));
    }
    let absent = fedns.command(&["records", "--zone", "example.net"]);
    assert_eq!(
        one_line(&absent),
        format!(
            "fedns: 127.0.0.1:{}/api/v1/records?zone=example.net: zone example.net is not served",
            fedns.admin_port()
        )
    );
    assert_eq!(fedns.printed(&["records", "nothing-has-this-name", "-o", "name"]), "");
}

#[track_caller]
fn compare(name: &str, text: &str) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli"));
    golden::compare(&folder.join(name).with_extension("txt"), text);
}

/// The one line of a failed command, which prints nothing else.
#[track_caller]
fn one_line(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    errors.trim_end().to_owned()
}

fn tables_line_up() {
    let fedns = serving();
    for words in [
        ["records", "-o", "table"],
        ["records", "-o", "wide"],
        ["clusters", "-o", "table"],
        ["clusters", "-o", "wide"],
    ] {
        let table = fedns.printed(&words);
        let header = table.lines().next().expect("a header");
        // Titles are single words or stand one space apart; columns stand three.
        let starts: Vec<usize> = (1..header.len())
            .filter(|at| header[..*at].ends_with("   ") && !header[*at..].starts_with(' '))
            .collect();
        assert!(starts.len() >= 3, "{header}");
        for line in table.lines() {
            assert_eq!(line.trim_end(), line);
            for start in &starts {
                let (before, cell) = (&line[..*start], &line[*start..]);
                assert!(before.ends_with("   ") && !cell.starts_with(' '), "{start}: {line}");
            }
        }
    }
}

fn json_is_the_page_and_yaml_is_the_same() {
    let fedns = serving();
    for page in ["records", "clusters"] {
        let printed: serde_json::Value =
            serde_json::from_str(&fedns.printed(&[page, "-o", "json"])).expect("JSON");
        let body = fedns.page(&format!("/api/v1/{page}")).expect("a page").body;
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(printed, body, "{page}");
    }
}

fn a_query_prints_nothing_that_varies_unless_asked() {
    let fedns = serving();
    let server = format!("127.0.0.1:{}", fedns.dns_port());
    let query = |words: &[&str]| fedns.printed(&[&["query", "--server", &server], words].concat());
    let region = "web.default.fed.svc.cn-beijing.example.com";
    let expected = format!(
        ";; NOERROR, authoritative\n{region}. 180 IN CNAME {WEB}.\n{WEB}. 180 IN A 192.0.2.10\n"
    );
    for words in [&[region][..], &[region, "A"], &[region, "a", "--tcp"]] {
        assert_eq!(query(words), expected);
    }
    assert_eq!(query(&[WEB, "AAAA"]), ";; NOERROR, authoritative\n");
    assert_eq!(query(&["absent.example.com"]), ";; NXDOMAIN, authoritative\n");
    assert_eq!(query(&["example.net"]), ";; REFUSED\n");
    assert_eq!(query(&[WEB, "TYPE65280"]), ";; NOERROR, authoritative\n");

    let stats = query(&["absent.example.com", "--stats"]);
    let lines: Vec<&str> = stats.lines().collect();
    assert_eq!(lines.len(), 3, "{stats}");
    assert_eq!(lines[0], ";; NXDOMAIN, authoritative");
    assert!(
        lines[1].starts_with(";; authority example.com. 60 IN SOA ns1.example.com. "),
        "{stats}"
    );
    let last = lines[2].split(' ').collect::<Vec<_>>();
    let [";;", size, "bytes", "from", from, "in", time, "us"] = last[..] else { panic!("{stats}") };
    assert!(size.parse::<u32>().is_ok() && time.parse::<u64>().is_ok(), "{stats}");
    assert_eq!(from, server);
}

fn without_a_server_every_command_fails_with_one_line() {
    let address = format!("127.0.0.1:{}", free_port());
    let commands: [&[&str]; 5] = [
        &["records"],
        &["records", "-o", "zone"],
        &["clusters"],
        &["get", "clusters"],
        &["explain", WEB],
    ];
    for words in commands {
        let output = fedns(words).args(["--admin", &address]).output().expect("fedns runs");
        let expected = format!(
            "fedns: {address}: no fedns answers here: Connection refused (os error 111); start one with \
             fedns serve, or name its address with --admin or FEDNS_ADMIN"
        );
        assert_eq!(one_line(&output), expected, "{words:?}");
    }
    for protocol in [&[][..], &["--tcp"]] {
        let words = [&["query", WEB, "--server", &address], protocol].concat();
        let output = fedns(&words).output().expect("fedns runs");
        let expected = format!(
            "fedns: {address}: no answer: Connection refused (os error 111); name another server with \
             --server"
        );
        assert_eq!(one_line(&output), expected);
    }
}

fn something_else_on_the_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let other = std::thread::spawn(move || {
        use std::io::Write;
        let (mut client, _) = listener.accept().expect("a client");
        client.write_all(b"220 mail.example.com ESMTP\r\n").expect("a greeting");
    });
    let output = fedns(&["clusters", "--admin", &address]).output().expect("fedns runs");
    other.join().expect("the other server ends");
    let line = one_line(&output);
    assert!(line.starts_with(&format!("fedns: {address}: no fedns answers here: ")), "{line}");
}

fn a_closed_pipe_ends_a_command_quietly() {
    let fedns = serving();
    let service = |n: u32| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: s{n}, namespace: default}}\n\
             spec: {{type: LoadBalancer}}\nstatus: {{loadBalancer: {{ingress: [{{ip: 192.0.2.1}}]}}}}\n"
        )
    };
    let many: Vec<String> = (0..500).map(service).collect();
    fs::write(fedns.home().join("hangzhou/many.yaml"), many.join("---\n")).expect("write a file");
    fedns.answers(&WEB.replace("web", "s499"), "NOERROR 192.0.2.1");
    let size = fedns.printed(&["records"]).len();
    assert!(size > 65_536, "{size} bytes fit into a pipe");
    let program = product::fedns().get_program().to_owned();
    for words in ["records", "records -o json", "records -o zone"] {
        let script = format!("\"$0\" {words} | head -n 1");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(&program);
        shell.env("FEDNS_ADMIN", format!("127.0.0.1:{}", fedns.admin_port()));
        let output = shell.output().expect("a shell runs");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "{words}");
    }
    let full = Command::new("sh")
        .args(["-c", "exec \"$0\" version >/dev/full"])
        .arg(&program)
        .output()
        .expect("a shell runs");
    assert_eq!(one_line(&full), "fedns: stdout: No space left on device (os error 28)");
}

fn every_shell_gets_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = fedns(&["completion", shell]).output().expect("fedns runs");
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).expect("UTF-8");
        for command in commands() {
            assert!(script.contains(&command), "no {command} for {shell}");
        }
    }
    let scratch = tests::scratch::Scratch::new("completion");
    let script = fedns(&["completion", "bash"]).output().expect("fedns runs").stdout;
    let file = scratch.write("fedns.bash", script);
    let check = Command::new("bash").arg("-n").arg(&file).output().expect("bash runs");
    assert!(check.status.success() && check.stderr.is_empty(), "{check:?}");
    let complete = ". \"$0\"; COMP_WORDS=(fedns rec); COMP_CWORD=1; _fedns fedns rec fedns; \
                    echo \"${COMPREPLY[@]}\"";
    let completed = Command::new("bash").args(["-c", complete]).arg(&file).output();
    let completed = completed.expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&completed.stdout), "records\n", "{completed:?}");
}

/// The commands that `fedns --help` lists.
fn commands() -> Vec<String> {
    let help = printed(&["--help"]);
    let (_, list) = help.split_once("\nCommands:\n").expect("a list of commands");
    let (list, _) = list.split_once("\n\n").expect("an end of the list");
    let names = list.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn every_command_has_help_with_examples() {
    let commands = commands();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        let help = printed(&[&command, "--help"]);
        // There is nothing more to tell of the version, and `plan` has commands of its own.
        if !["version", "plan"].contains(&command.as_str()) {
            assert!(help.contains(&format!("Examples:\n  {}fedns ", source(&command))), "{help}");
        }
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
    assert!(printed(&["plan", "approve", "--help"]).contains("Examples:\n  fedns plan approve "));
}

/// The first example of `completion` reads the script into a shell.
fn source(command: &str) -> &'static str {
    if command == "completion" { "source <(" } else { "" }
}

fn the_version_is_told_alike() {
    let expected = format!("fedns {}\n", env!("CARGO_PKG_VERSION"));
    for word in ["version", "--version", "-V"] {
        assert_eq!(printed(&[word]), expected);
    }
}

fn what_cannot_be_asked_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let cases: [(&[&str], &str); 9] = [
        (&[], "Usage: fedns <COMMAND>"),
        (&["record"], "a similar subcommand exists: 'records'"),
        (&["get", "pods"], "unrecognized subcommand 'pods'"),
        (&["records", "-o", "xml"], "[possible values: table, wide, json, yaml, name, zone]"),
        (&["clusters", "-o", "zone"], "[possible values: table, wide, json, yaml, name]"),
        (&["query"], "<NAME>"),
        (&["query", "a..b"], "a label is empty"),
        (&["query", "a", "NOTYPE"], "NOTYPE"),
        (&["query", "a", "--server", "localhost"], "'localhost' for '--server <ADDRESS>'"),
    ];
    for (words, expected) in cases {
        let output = fedns(words).output().expect("fedns runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(expected), "{words:?}: {errors}");
        // 2 means that a plan found changes.
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
    let bytes = std::ffi::OsStr::from_bytes(b"rec\xffords");
    let output = fedns(&[]).arg(bytes).output().expect("fedns runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

fn fedns(words: &[&str]) -> Command {
    let mut command = product::fedns();
    command.args(words).env_remove("FEDNS_ADMIN").env_remove("FEDNS_SERVER");
    command
}

#[track_caller]
fn printed(words: &[&str]) -> String {
    let output = fedns(words).output().expect("fedns runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
