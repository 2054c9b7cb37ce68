//! Who the process is once its ports are bound: nobody with more rights than it needs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::chown;
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, initgroups, setgid, setuid};
use tracing::info;

use super::failed;
use crate::config::places::STATE_FOLDER;
use crate::config::{Config, ConfigError, RunAs, Subject};

/// Becomes the user that the config names, for good. Whatever is read or written later is read and
/// written as that user, so that what it may not is told at the start and not by a reload.
///
/// # Errors
///
/// Who that user is cannot be found, may not be become, or may not read the config.
pub fn become_user(config: &Config) -> Result<(), ConfigError> {
    let Some(run_as) = &config.user else { return Ok(()) };
    let (user, group) = look_up(config, run_as)?;
    let wrong = |message: String| wrong(config, message);
    if (geteuid(), getegid()) == (user.uid, group) {
        return Ok(());
    }
    if !geteuid().is_root() {
        return Err(wrong(format!(
            "only root may become \"{run_as}\"; start fedns as root or as that user, or remove the key"
        )));
    }
    make_state_folder(&config.state_dir, user.uid, group).map_err(|error| {
        let path = &config.state_dir;
        ConfigError::one(config.places.unusable(&Subject::StateDir, path, STATE_FOLDER, &error))
    })?;
    change(&user, group).map_err(|error| wrong(format!("cannot become \"{run_as}\": {error}")))?;
    File::open(&config.file).map_err(|error| {
        let file = config.file.display();
        failed(&format!("{file}: \"{run_as}\" cannot read the config, which a reload will"), &error)
    })?;
    info!(user = %run_as, "rights are given up");
    Ok(())
}

/// Whether the system knows the user that the config names.
///
/// # Errors
///
/// What it does not know.
pub fn check_user(config: &Config) -> Result<(), ConfigError> {
    config.user.as_ref().map_or(Ok(()), |run_as| look_up(config, run_as).map(drop))
}

fn look_up(config: &Config, run_as: &RunAs) -> Result<(User, Gid), ConfigError> {
    find(run_as).map_err(|message| wrong(config, message))
}

fn wrong(config: &Config, message: String) -> ConfigError {
    ConfigError::one(config.places.line(&Subject::User, message))
}

fn find(run_as: &RunAs) -> Result<(User, Gid), String> {
    let RunAs { user, group } = run_as;
    let unknown = |what, name, command| {
        format!(
            "the system knows no {what} {name:?}; make it ({command} --system {name}), or correct the name"
        )
    };
    let found = User::from_name(user).map_err(|error| format!("user {user:?}: {error}"))?;
    let found = found.ok_or_else(|| unknown("user", user, "useradd"))?;
    let Some(group) = group else {
        let own = found.gid;
        return Ok((found, own));
    };
    let of_group = Group::from_name(group).map_err(|error| format!("group {group:?}: {error}"))?;
    let gid = of_group.ok_or_else(|| unknown("group", group, "groupadd"))?.gid;
    Ok((found, gid))
}

/// Where there is none yet, the user might not be able to make it.
fn make_state_folder(folder: &Path, uid: Uid, gid: Gid) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    chown(folder, Some(uid.as_raw()), Some(gid.as_raw()))
}

/// Groups first: a user may not change them.
fn change(user: &User, group: Gid) -> io::Result<()> {
    let name = std::ffi::CString::new(user.name.as_bytes())?;
    initgroups(&name, group)?;
    setgid(group)?;
    setuid(user.uid)?;
    Ok(())
}
