//! A real systemd, as the first process of a machine of its own: units are started, reloaded and stopped by
//! `systemctl`, as on any machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::eventually::{GENEROUS, eventually};
use crate::process::Process;
use crate::product;
use crate::scratch::Scratch;

/// Where this machine's own systemd keeps its groups of processes, or would.
pub const GROUPS: &str = "/sys/fs/cgroup/systemd";

/// What it begins with: nothing.
const EMPTY: &str = "[Unit]\nDescription=Nothing\nDefaultDependencies=no\n";

/// The machine. Its network has loopback with 192.0.2.53; `/usr/local/bin/fedns` is the binary under test.
pub struct Systemd {
    process: Process,
    /// systemd, as this machine counts.
    first: u32,
    _folder: Scratch,
}

// === impl Systemd ===

impl Systemd {
    /// With these units, and files at these absolute paths.
    pub fn boot(units: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let folder = Scratch::new("systemd");
        let write = |place: PathBuf, text: &str| {
            fs::create_dir_all(place.parent().expect("it is in a folder")).expect("make a folder");
            fs::write(place, text).expect("write a file");
        };
        let targets = ["only", "sysinit", "basic", "sockets"].map(|name| format!("{name}.target"));
        let empty = targets.iter().map(|name| (name.as_str(), EMPTY));
        for (name, text) in empty.chain(units.iter().copied()) {
            write(folder.path().join("units").join(name), text);
        }
        for (path, text) in files {
            write(folder.path().join("files").join(path.trim_start_matches('/')), text);
        }
        fs::create_dir(folder.path().join("machine")).expect("make a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/boot");
        let mut command = Command::new(script);
        command.arg(folder.path()).env("FEDNS", product::fedns().get_program());
        let process = Process::start("systemd", &command, folder.path());
        let first = eventually(GENEROUS, "there is a first process", || {
            let children = format!("/proc/{0}/task/{0}/children", process.id());
            let children = fs::read_to_string(children).map_err(|error| error.to_string())?;
            children.trim().parse::<u32>().map_err(|_| process.log())
        });
        let machine = Self { process, first, _folder: folder };
        eventually(GENEROUS, "systemd runs", || {
            machine.process.assert_running();
            match machine.run(&["systemctl", "is-system-running"]) {
                (true, said) if said == "running\n" => Ok(()),
                (_, said) => Err(said),
            }
        });
        machine
    }

    /// Runs a command there: whether it succeeded, and what it said.
    pub fn run(&self, words: &[&str]) -> (bool, String) {
        let output = Command::new("nsenter")
            .args(["--target", &self.first.to_string()])
            .args(["--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--"])
            .args(words)
            .output()
            .expect("run nsenter");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// The same of a command that succeeds.
    #[track_caller]
    pub fn does(&self, words: &[&str]) -> String {
        match self.run(words) {
            (true, said) => said,
            (false, said) => panic!("{words:?}: {said}"),
        }
    }

    /// What systemd says of a unit, `PROPERTY=VALUE` each, in the order of their names.
    #[track_caller]
    pub fn shows(&self, unit: &str, properties: &[&str]) -> Vec<String> {
        let said = self.does(&["systemctl", "show", unit, "-p", &properties.join(",")]);
        let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        self.process.kill();
        let group = Path::new(GROUPS).join(format!("fedns-test-{}", self.process.id()));
        // What ended there has left empty groups.
        if thread::panicking() {
            remove_groups(&group);
            return;
        }
        eventually(GENEROUS, "its groups are gone", || {
            if remove_groups(&group) { Ok(()) } else { Err(group.display()) }
        });
    }
}

/// From the inside out; false while there are processes in any.
fn remove_groups(group: &Path) -> bool {
    let Ok(entries) = fs::read_dir(group) else { return true };
    let below = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    // All of them, also behind one that stays.
    let stay = below.filter(|path| !remove_groups(path)).count();
    stay == 0 && fs::remove_dir(group).is_ok()
}
