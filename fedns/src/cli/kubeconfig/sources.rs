//! Where a kubeconfig comes from, as it is typed.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use crate::config::{expand_path, host_label};

/// `NAME=FILE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSource {
    pub name: String,
    pub path: PathBuf,
}

/// `NAME:[USER@]HOST[:PORT]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSource {
    pub name: String,
    pub host: Host,
    typed: String,
}

/// What ssh connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub user: Option<String>,
    /// A name, an IP address, or one of the `Host` entries of ssh's config.
    pub name: String,
    pub port: Option<u16>,
}

/// `NAME=CONTEXT`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextChoice {
    pub name: String,
    pub context: String,
}

// === impl FileSource ===

impl FileSource {
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, path) = split(text, '=', "NAME=FILE, like beijing=beijing.conf")?;
        Ok(Self { name, path: expand_path(path, Path::new(""))? })
    }
}

// === impl ContextChoice ===

impl ContextChoice {
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, context) = split(text, '=', "NAME=CONTEXT, like beijing=admin@beijing")?;
        Ok(Self { name, context: context.to_owned() })
    }
}

// === impl HostSource ===

impl HostSource {
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = "NAME:[USER@]HOST[:PORT], like beijing:root@192.0.2.2";
        let (name, host) = split(text, ':', wanted)?;
        Ok(Self { name, host: Host::parse(host)?, typed: text.to_owned() })
    }
}

impl fmt::Display for HostSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

// === impl Host ===

impl Host {
    fn parse(text: &str) -> Result<Self, String> {
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        let (name, port) = host_and_port(rest)?;
        // ssh would take a dash for an option.
        let is_word =
            |word: &str| !word.is_empty() && !word.starts_with('-') && !word.contains(is_odd);
        if !is_word(name) {
            return Err(format!("{name:?} is no host"));
        }
        if let Some(user) = user.filter(|user| !is_word(user)) {
            return Err(format!("{user:?} is no user"));
        }
        let port = port.map(|port| match port.parse() {
            Ok(0) | Err(_) => Err(format!("{port:?} is no port; wanted 1 to 65535")),
            Ok(port) => Ok(port),
        });
        Ok(Self { user: user.map(str::to_owned), name: name.to_owned(), port: port.transpose()? })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, name, port } = self;
        if let Some(user) = user {
            write!(f, "{user}@")?;
        }
        match (port, name.contains(':')) {
            (Some(port), true) => write!(f, "[{name}]:{port}"),
            (Some(port), false) => write!(f, "{name}:{port}"),
            (None, _) => f.write_str(name),
        }
    }
}

fn host_and_port(text: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (name, rest) = rest.split_once(']').ok_or_else(|| format!("{text:?} lacks a ]"))?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((name, Some(port))),
            None if rest.is_empty() => Ok((name, None)),
            None => Err(format!("{rest:?} stands behind the ]; wanted :PORT")),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => match text.parse::<Ipv6Addr>() {
            Ok(_) => Ok((text, None)),
            Err(_) => Err(format!("{text:?} is no host; write an IPv6 address as [2001:db8::1]")),
        },
        Some((name, port)) => Ok((name, Some(port))),
        None => Ok((text, None)),
    }
}

fn is_odd(character: char) -> bool {
    character.is_whitespace() || character.is_control()
}

/// A cluster's name, and what stands behind the mark.
fn split<'a>(text: &'a str, mark: char, wanted: &str) -> Result<(String, &'a str), String> {
    let parts = text.split_once(mark).filter(|(_, rest)| !rest.is_empty());
    let (name, rest) = parts.ok_or_else(|| format!("wanted {wanted}"))?;
    let label =
        host_label(name).map_err(|error| format!("{name:?} is no cluster's name: {error}"))?;
    Ok((label.to_string(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares what is read: `name user host port`, with a dash for what is not given.
    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let found = HostSource::parse(text).map(|HostSource { name, host, .. }| {
            let port = host.port.map_or("-".into(), |port| port.to_string());
            format!("{name} {} {} {port}", host.user.as_deref().unwrap_or("-"), host.name)
        });
        assert_eq!(found.as_deref().map_err(String::as_str), expect, "{text}");
    }

    #[test]
    fn hosts_are_read_as_ssh_writes_them() {
        check("a:192.0.2.1", Ok("a - 192.0.2.1 -"));
        check("a:root@h.example:2222", Ok("a root h.example 2222"));
        check("a:ann@corp@jump", Ok("a ann@corp jump -"));
        check("a:2001:db8::1", Ok("a - 2001:db8::1 -"));
        check("a:u@[2001:db8::1]", Ok("a u 2001:db8::1 -"));
        check("a:[2001:db8::1]:22", Ok("a - 2001:db8::1 22"));
    }

    #[test]
    fn what_is_no_host_is_told() {
        let wanted = "wanted NAME:[USER@]HOST[:PORT], like beijing:root@192.0.2.2";
        check("beijing", Err(wanted));
        check("beijing:", Err(wanted));
        check("a:h:port", Err("\"port\" is no port; wanted 1 to 65535"));
        check("a:h:0", Err("\"0\" is no port; wanted 1 to 65535"));
        check("a:h:1:2", Err("\"h:1:2\" is no host; write an IPv6 address as [2001:db8::1]"));
        check("a:-oProxyCommand=x", Err("\"-oProxyCommand=x\" is no host"));
        check("a:-l@h", Err("\"-l\" is no user"));
        check("a:u@", Err("\"\" is no host"));
        check("a:h h", Err("\"h h\" is no host"));
        check("a:[::1", Err("\"[::1\" lacks a ]"));
        check("a:[::1]22", Err("\"22\" stands behind the ]; wanted :PORT"));
        check(
            "a_b:h",
            Err(
                "\"a_b\" is no cluster's name: only letters, digits and hyphens are allowed, a hyphen at \
                 neither end",
            ),
        );
    }

    #[test]
    fn a_host_is_shown_as_it_can_be_typed() {
        for text in ["192.0.2.1", "root@h:2222", "u@[2001:db8::1]:22", "2001:db8::1"] {
            assert_eq!(Host::parse(text).unwrap().to_string(), text);
        }
    }
}
