use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::need::{DIG, Need, program};
use tests::port::HeldPort;
use tests::process::{Process, Signal};
use tests::scratch::Scratch;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] =>
            eventually_returns_the_first_success,
            eventually_tells_what_it_last_saw,
            a_dropped_process_takes_its_children_along,
            a_panic_ends_what_the_test_started,
            a_process_can_be_paused_and_ended,
            a_held_port_is_refused_and_cannot_be_lost,
            a_missing_program_is_named_with_its_package,
            the_binary_under_test_is_built;
        [DIG] => a_met_need_is_not_missing;
    }
}

fn eventually_returns_the_first_success() {
    let mut attempts = 0;
    let value = eventually(GENEROUS, "three attempts", || {
        attempts += 1;
        if attempts == 3 { Ok("done") } else { Err(attempts) }
    });
    assert_eq!((value, attempts), ("done", 3));
}

fn eventually_tells_what_it_last_saw() {
    let message = panic_message(|| {
        eventually::<(), _>(Duration::ZERO, "the sky is green", || Err("a blue sky"));
    });
    assert_eq!(message, "not within 0ns: the sky is green; last seen: a blue sky");
}

fn a_dropped_process_takes_its_children_along() {
    let scratch = Scratch::new("children");
    let parent = shell(&scratch, "sleep 1000 & echo $!; wait");
    let child =
        eventually(GENEROUS, "the child's number is told", || parent.log().trim().parse::<u32>());
    let parent_id = parent.id();
    assert!(exists(child) && exists(parent_id));
    drop(parent);
    // The child's new parent reaps it in its own time.
    eventually_equal(GENEROUS, "both are gone", &(false, false), || {
        (exists(parent_id), exists(child))
    });
}

fn a_panic_ends_what_the_test_started() {
    let mut id = 0;
    let message = panic_message(|| {
        let scratch = Scratch::new("panic");
        let process = shell(&scratch, "echo this log is shown; sleep 1000");
        id = process.id();
        std::fs::remove_dir_all(scratch.path()).expect("leave nothing behind");
        // A panic without its message on the terminal, where it would look like a failure.
        resume_unwind(Box::new("on purpose"));
    });
    assert_eq!(message, "on purpose");
    assert!(!exists(id));
}

fn a_process_can_be_paused_and_ended() {
    let scratch = Scratch::new("pause");
    let mut process =
        shell(&scratch, "trap 'echo asked to end; exit 3' TERM; echo up; sleep 1000 & wait");
    eventually_equal(GENEROUS, "it is up", &"up\n".to_owned(), || process.log());
    process.pause();
    eventually_equal(GENEROUS, "it is stopped", &'T', || state(process.id()));
    process.resume();
    assert!(process.is_running());
    process.signal(Signal::TERM);
    assert_eq!(process.wait(GENEROUS).code(), Some(3));
    assert_eq!(process.log(), "up\nasked to end\n");
    assert!(!process.is_running());
}

fn a_held_port_is_refused_and_cannot_be_lost() {
    let port = HeldPort::new();
    let address = format!("127.0.0.1:{}", port.number());
    let error = std::net::TcpStream::connect(&address).expect_err("nobody listens");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let error = TcpListener::bind(&address).expect_err("the port is held");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

fn a_missing_program_is_named_with_its_package() {
    let need = program("no-such-program", "no-such-package");
    assert_eq!(
        need.missing().as_deref(),
        Some("no no-such-program here; it is in Debian's package no-such-package")
    );
    let test = Test::new("tests::subject", "name", &[], || ());
    assert_eq!(test.name, "subject::name");
}

fn a_met_need_is_not_missing() {
    let Need::Program { name, .. } = DIG else {
        panic!("dig is a program");
    };
    assert_eq!((name, DIG.missing()), ("dig", None));
}

fn shell(scratch: &Scratch, script: &str) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Process::start("shell", &command, scratch.path())
}

fn panic_message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => {
            payload.downcast::<&str>().map_or_else(|_| String::new(), |it| it.to_string())
        }
    }
}

fn exists(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

/// The kernel's letter for what a process does: `T` is stopped.
fn state(id: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process exists");
    let (_, after_name) = stat.rsplit_once(") ").expect("the name is in parentheses");
    after_name.chars().next().expect("the state follows")
}

fn the_binary_under_test_is_built() {
    let output = tests::product::fedns().arg("version").output().expect("start fedns");
    let version = concat!("fedns ", env!("CARGO_PKG_VERSION"));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(version), "{output:?}");
}
