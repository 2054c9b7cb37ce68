use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A terminal; what is written there is copied to the log until nobody has it open any more.
pub(super) fn copied_to(mut log: File) -> io::Result<File> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    let theirs = other_end(&ours)?;
    let mut ours = File::from(ours);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        // Once the other end is closed, reading fails.
        while let Ok(count @ 1..) = ours.read(&mut bytes) {
            log.write_all(&bytes[..count]).expect("write the log");
        }
    });
    Ok(theirs)
}

fn other_end(ours: &OwnedFd) -> io::Result<File> {
    grantpt(ours.as_fd())?;
    unlockpt(ours.as_fd())?;
    let name = ptsname(ours.as_fd(), Vec::new())?;
    let theirs = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(File::from(theirs))
}
