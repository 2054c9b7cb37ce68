//! Processes that a test owns: whatever happens to the test, none of them outlives it.
//!
//! Three layers see to that. Dropping a [`Process`] kills its process group, also during a panic.
//! A test run that is itself killed takes its children along: the kernel sends them SIGKILL when the
//! thread that started them ends, and that thread is one which lives as long as the run. And no
//! process is reaped before its group has been killed, so a signal can never reach a stranger that
//! got the same number.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use crate::eventually::eventually;

/// What a process takes for a person who looks at it.
mod terminal;

const LOG_LINES_SHOWN: usize = 40;

/// One running program, its output collected in a log file.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Set once the child is reaped: its number may then belong to someone else.
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with its output in `folder/NAME.log`, appended if an earlier run is there.
    pub fn start(name: &str, command: &Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let command = appended(&log).and_then(|out| prepared(command, out.try_clone()?, out));
        Self::spawned(name, command, log)
    }

    /// The same where stderr is a terminal; the log has what went there, control characters too.
    pub fn start_on_terminal(name: &str, command: &Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let command = appended(&log).and_then(|out| {
            let terminal = terminal::copied_to(out.try_clone()?)?;
            prepared(command, out, terminal)
        });
        Self::spawned(name, command, log)
    }

    fn spawned(name: &str, command: io::Result<Command>, log: PathBuf) -> Self {
        let child = spawn(command).unwrap_or_else(|error| panic!("start {name}: {error}"));
        Self { name: name.to_owned(), child, log, ended: None }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything the process has printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub fn is_running(&self) -> bool {
        self.ended.is_none() && !self.has_exited()
    }

    /// Panics, and so shows the log, when the process has ended unasked.
    #[track_caller]
    pub fn assert_running(&self) {
        assert!(self.is_running(), "{} has ended", self.name);
    }

    pub fn signal(&self, signal: Signal) {
        assert!(self.ended.is_none(), "{} has ended already", self.name);
        kill_process(self.pid(), signal)
            .unwrap_or_else(|error| panic!("send {signal:?} to {}: {error}", self.name));
    }

    /// Freezes the process: its connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL to the whole group, then reap.
    pub fn kill(&mut self) -> ExitStatus {
        if let Some(status) = self.ended {
            return status;
        }
        // An error means that the group is empty, which is what is wanted.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let status = self.child.wait().expect("reap a child of ours");
        self.ended = Some(status);
        status
    }

    /// SIGTERM, then wait for a clean end. Panics when the process does not end in time.
    #[track_caller]
    pub fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(deadline)
    }

    /// Waits for the process to end by itself.
    #[track_caller]
    pub fn wait(&mut self, deadline: Duration) -> ExitStatus {
        eventually(deadline, &format!("{} has ended", self.name), || {
            if self.has_exited() { Ok(()) } else { Err("it runs") }
        });
        self.kill()
    }

    fn has_exited(&self) -> bool {
        let look_only = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.pid()), look_only), Ok(None))
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn show_log(&self, end: &str) {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
        let name = self.log.display();
        eprintln!("--- {end}; end of {name} ({} lines):\n{tail}\n---", lines.len());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let was_running = self.is_running();
        let status = self.kill();
        if thread::panicking() {
            let end = if was_running { "it ran".to_owned() } else { format!("ended, {status}") };
            self.show_log(&end);
        }
    }
}

fn appended(log: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(log)
}

/// The command in a group of its own, with no input.
fn prepared(command: &Command, stdout: File, stderr: File) -> io::Result<Command> {
    let mut prepared = bound_to_us(command);
    prepared.stdin(Stdio::null()).stderr(stderr).stdout(stdout).process_group(0);
    Ok(prepared)
}

/// The same command, killed by the kernel when the thread that starts it ends.
pub(crate) fn bound_to_us(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        bound.current_dir(folder);
    }
    bound
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts the child from the one thread that lives as long as the run: the kernel counts the death
/// of a child's parent by thread, and test threads end one by one.
fn spawn(command: io::Result<Command>) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, queue) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in queue {
                // The caller waits for this reply, so it cannot be gone.
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    spawner.send((command?, reply)).expect("the spawner never ends");
    answer.recv().expect("the spawner answers each order")
}
