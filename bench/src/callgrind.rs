//! Instructions, counted by valgrind's callgrind.
//!
//! The program starts itself under callgrind with counting off, so that even a set-up with a
//! million services takes minutes, not hours. Once it says that it is set up, counting is switched
//! on; then only what runs inside one function counts.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use tests::scratch::Scratch;

const READY: &str = "set up";

/// The instructions that run inside `function` while the program does its measurement with these
/// arguments; `function` is the name of one that is never inlined.
pub fn instructions(arguments: &[&str], function: &str) -> u64 {
    let scratch = Scratch::new("callgrind");
    let totals = scratch.path().join("totals");
    let program = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", "--instr-atstart=no", "--quiet"])
        .arg(format!("--toggle-collect=*{function}*"))
        .arg(format!("--callgrind-out-file={}", totals.display()))
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("valgrind: {error}; install the Debian package valgrind"));
    let mut said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let first = said.next().and_then(Result::ok);
    assert_eq!(first.as_deref(), Some(READY), "the program under callgrind says so");
    switch_on(child.id());
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(b"go\n").expect("the program under callgrind reads");
    let status = child.wait().expect("it is our child");
    assert!(status.success(), "valgrind ended with {status}");
    read_total(&fs::read_to_string(&totals).expect("callgrind wrote its totals"))
}

/// Called by the program under callgrind, when only the measurement is left to do.
pub fn wait_for_counting() {
    println!("{READY}");
    let mut line = String::new();
    let length = std::io::stdin().read_line(&mut line).expect("stdin is a pipe");
    assert!(length > 0, "whoever wanted the count has gone");
}

fn switch_on(process: u32) {
    let mut control = Command::new("callgrind_control");
    let output = control.args(["-i", "on", &process.to_string()]).output();
    let output = output.unwrap_or_else(|error| panic!("callgrind_control: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("OK"), "callgrind_control cannot switch counting on: {said}");
}

fn read_total(totals: &str) -> u64 {
    let line = totals.lines().find_map(|line| line.strip_prefix("totals: "));
    let total = line.and_then(|line| line.trim().parse().ok()).expect("callgrind tells a total");
    assert!(total > 0, "callgrind counted nothing: was the function inlined?");
    total
}
