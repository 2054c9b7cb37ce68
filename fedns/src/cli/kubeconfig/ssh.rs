//! Files of other hosts, read with the user's own ssh.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::sources::Host;

/// ssh as the command line wants it. Its own config, agent and known hosts count as ever.
pub struct Ssh {
    pub config: Option<PathBuf>,
    pub identity_file: Option<PathBuf>,
    /// `KEY=VALUE`, stronger than ours.
    pub options: Vec<String>,
}

/// A file that was read.
pub struct RemoteFile {
    /// As the host calls it.
    pub path: String,
    pub content: Vec<u8>,
}

/// Why no file came; what to do about it stands behind the reason.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    #[error(
        "ssh cannot be started: {0}; install an OpenSSH client, or copy the file and name it as NAME=FILE"
    )]
    Start(io::Error),
    #[error("ssh cannot be spoken to: {0}; try again")]
    Pipe(io::Error),
    #[error("no end within {limit_seconds} s; look at that host")]
    TooLong { limit_seconds: u64 },
    #[error("{reason}; {remedy}")]
    Refused { reason: String, remedy: String },
    #[error("{reason}; name another file with --remote-path, or log in as a user who may read it")]
    NoFile { reason: String },
}

/// Nobody may be asked for a password: several hosts are read at once.
const OPTIONS: [&str; 4] =
    ["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3"];
/// From start to end.
const LIMIT: Duration = Duration::from_secs(60);
/// Before the file's name, since shells may print a greeting first.
const MARK: &str = "fedns reads: ";
/// ssh's own exit status where it failed itself.
const FAILED_ITSELF: i32 = 255;

// === impl Ssh ===

impl Ssh {
    /// Reads the first of these files that can be read. `~/` is the user's home there.
    ///
    /// # Errors
    ///
    /// One line, with what ssh or the host said last.
    pub async fn read(&self, host: &Host, paths: &[&str]) -> Result<RemoteFile, SshError> {
        let output = self.run(host, &script(paths)).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(FAILED_ITSELF) {
            let reason = last_line(&said).unwrap_or_else(|| "ssh ended without a word".into());
            let remedy = self.remedy(host, &reason);
            return Err(SshError::Refused { reason, remedy });
        }
        match after_mark(&output.stdout) {
            Some(file) if output.status.success() => Ok(file),
            _ => Err(SshError::NoFile { reason: reasons(&said, output.status) }),
        }
    }

    async fn run(&self, host: &Host, script: &str) -> Result<Output, SshError> {
        let mut child = Command::new("ssh")
            .args(self.arguments(host))
            .args(["sh", "-s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(SshError::Start)?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let run = async {
            match stdin.write_all(script.as_bytes()).await {
                // An ssh that fails ends without reading; its words tell more.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                _ => {
                    drop(stdin);
                    child.wait_with_output().await
                }
            }
        };
        let limit_seconds = LIMIT.as_secs();
        let ended = tokio::time::timeout(LIMIT, run).await;
        ended.map_err(|_| SshError::TooLong { limit_seconds })?.map_err(SshError::Pipe)
    }

    /// Up to the host. Of an option given twice ssh takes the first.
    fn arguments(&self, host: &Host) -> Vec<OsString> {
        let Self { config, identity_file, options } = self;
        let Host { user, name, port } = host;
        let mut arguments: Vec<OsString> = vec!["-T".into()];
        let mut add = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
        config.iter().for_each(|file| add("-F", file.into()));
        identity_file.iter().for_each(|file| add("-i", file.into()));
        port.iter().for_each(|port| add("-p", port.to_string().into()));
        user.iter().for_each(|user| add("-l", user.into()));
        let options = options.iter().map(String::as_str).chain(OPTIONS);
        options.for_each(|option| add("-o", option.into()));
        arguments.extend(["--".into(), name.into()]);
        arguments
    }

    fn remedy(&self, host: &Host, reason: &str) -> String {
        let says = |words: &str| reason.contains(words);
        if says("Permission denied") {
            "name a key that may log in with -i, or load it into ssh-agent; passwords are not asked for, so \
             else copy the file and name it as NAME=FILE"
                .into()
        } else if says("Host key verification failed") || says("host key is known") {
            let name = &host.name;
            format!("log in to {name} once with ssh and accept its key, or put it into known_hosts")
        } else if says("Could not resolve") {
            "correct the host's name".into()
        } else if says("Bad configuration option") || says("Can't open user config file") {
            "correct --ssh-option or --ssh-config".into()
        } else {
            "check address, port, and whether an SSH server runs there".into()
        }
    }
}

/// For the host's own sh, which reads it from its input: no login shell has a part in quoting.
fn script(paths: &[&str]) -> String {
    let paths = paths.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(" ");
    format!(
        "for file in {paths}; do\n\
         if [ -f \"$file\" ] && [ -r \"$file\" ]; then\n\
         printf '\\n{MARK}%s\\n' \"$file\" && cat -- \"$file\"; exit\n\
         fi\n\
         done\n\
         LC_ALL=C cat -- {paths} >/dev/null\n\
         exit 1\n"
    )
}

fn quoted(path: &str) -> String {
    let single = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", single(rest)),
        None => single(path),
    }
}

fn after_mark(output: &[u8]) -> Option<RemoteFile> {
    let mark = format!("\n{MARK}").into_bytes();
    let start = output.windows(mark.len()).position(|bytes| bytes == mark)? + mark.len();
    let rest = &output[start..];
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let path = String::from_utf8_lossy(&rest[..end]).into_owned();
    Some(RemoteFile { path, content: rest[end + 1..].to_vec() })
}

/// What `cat` said of each file, or what was said last.
fn reasons(said: &str, status: std::process::ExitStatus) -> String {
    let files: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("cat: ")).collect();
    match (files.is_empty(), last_line(said)) {
        (false, _) => printable(&files.join(", ")),
        (true, Some(line)) => line,
        (true, None) => format!("sh ended there without a word ({status})"),
    }
}

fn last_line(said: &str) -> Option<String> {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next_back().map(|line| printable(line.trim_end_matches('.')))
}

/// What a host says goes to a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_the_hosts_shell() {
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quoted("~/.kube/$x"), r#""$HOME"/'.kube/$x'"#);
    }

    #[test]
    fn a_greeting_before_the_file_is_no_part_of_it() {
        let file = after_mark(b"Welcome!\nno newline\nfedns reads: /etc/a\na: 1\n\n").unwrap();
        assert_eq!((file.path.as_str(), file.content.as_slice()), ("/etc/a", &b"a: 1\n\n"[..]));
        assert!(after_mark(b"Welcome!\n").is_none());
    }

    #[test]
    fn options_of_the_user_come_first_and_the_host_is_no_option() {
        let ssh = Ssh {
            config: Some("/c".into()),
            identity_file: Some("/k".into()),
            options: vec!["ConnectTimeout=3".into()],
        };
        let host = Host { user: Some("root".into()), name: "h".into(), port: Some(2222) };
        let arguments = ssh.arguments(&host);
        let words: Vec<_> = arguments.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(
            words.join(" "),
            "-T -F /c -i /k -p 2222 -l root -o ConnectTimeout=3 -o BatchMode=yes -o ConnectTimeout=10 \
             -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -- h"
        );
    }

    #[test]
    fn what_a_host_says_moves_no_cursor() {
        assert_eq!(last_line("first\r\n\x1b[2Jlast.\r\n\n").as_deref(), Some("[2Jlast"));
    }
}
