//! `stateDir/admin.sock`: where a running server takes orders from whoever owns its files.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// Connections that the kernel keeps waiting.
const BACKLOG: i32 = 16;

/// Listens at `path` with mode 0600. Whoever calls this holds the folder's lock, so a socket that is
/// there already belongs to a process that has ended.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let socket = private(socket)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(UnixListener::from(OwnedFd::from(socket)))
}

/// Before the socket has a name it has a mode already, so at no moment could anyone else connect.
fn private(socket: Socket) -> io::Result<Socket> {
    let file = File::from(OwnedFd::from(socket));
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(Socket::from(OwnedFd::from(file)))
}

/// Its place in a state folder, absolute, since clients run elsewhere.
pub fn path(state_dir: &Path) -> PathBuf {
    let path = state_dir.join("admin.sock");
    std::path::absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_may_connect_and_an_old_socket_is_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let path = path(temp.path());
        for _ in 0..2 {
            let listener = bind(&path).unwrap();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            drop(listener);
        }
    }
}
