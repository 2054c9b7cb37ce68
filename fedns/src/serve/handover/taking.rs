//! The new process's part: it asks the one that serves for all that it has.

use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use dns_server::CookieSecrets;
use dns_server::server::Inherited;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use model::{Name, Serial};
use tokio::net::UnixStream;
use tracing::{info, warn};

use super::channel::Channel;
use super::{FromNew, FromOld, HandoverError, Offered, Role};
use crate::admin::{replace, socket};
use crate::config::{Config, ConfigError, Listen};

/// How long the old process may take for a step: it ends calls of providers, gives its Lease back, saves.
const STEP_LIMIT: Duration = Duration::from_secs(60);
/// Until something is said: it may not be said before that either.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
/// How long the zones may take to be loaded, beside `startupTimeout`.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// The process that serves until this one does.
pub struct Predecessor {
    channel: Channel,
    socket: PathBuf,
    sockets: Vec<(Offered, OwnedFd)>,
    cookie_secrets: CookieSecrets,
    notify_socket: Option<OsString>,
    /// It died once all of its state was here: there is nobody to agree with.
    is_dead: bool,
}

/// The state folder, handed over.
pub struct State {
    pub lock: File,
    /// The zones have been answered from it.
    pub is_published: bool,
}

/// Sockets that were bound by the other process.
#[derive(Default)]
pub struct Taken {
    /// The addresses of the config, with the ports that were picked.
    pub listen: Listen,
    pub dns: Inherited,
    pub admin: Option<TcpListener>,
}

// === impl Predecessor ===

impl Predecessor {
    /// Asks whoever serves from the state folder; `None` where nobody does.
    ///
    /// # Errors
    ///
    /// Somebody does, and hands nothing over.
    pub async fn find(config: &Config) -> Result<Option<Self>, ConfigError> {
        let socket = socket::path(&config.state_dir);
        let stream = match UnixStream::connect(&socket).await {
            Ok(stream) => stream,
            Err(error) if is_nobody(&error) => {
                info!(socket = %socket.display(), "nobody serves from this state folder yet");
                return Ok(None);
            }
            Err(error) => return Err(refused(&socket, &error)),
        };
        let taken = async {
            let mut channel = Channel::new(upgraded(stream).await?);
            let version = env!("CARGO_PKG_VERSION").to_owned();
            let patience = (config.startup_timeout + LOAD_LIMIT).as_secs();
            channel.send(&FromNew::Hello { version, patience }, &[]).await?;
            let (message, descriptors) = next(&mut channel).await?;
            let FromOld::Offer { version, sockets, cookie_secret, notify_socket } = message else {
                return Err(unexpected(&message));
            };
            if sockets.len() != descriptors.len() {
                let found = format!("{} sockets, not {}", descriptors.len(), sockets.len());
                return Err(HandoverError::Unexpected(found));
            }
            info!(version, sockets = sockets.len(), "taking over");
            let sockets = sockets.into_iter().zip(descriptors).collect();
            let cookie_secrets = CookieSecrets::new(cookie_secret, Vec::new());
            let (socket, is_dead) = (socket.clone(), false);
            Ok(Self { channel, socket, sockets, cookie_secrets, notify_socket, is_dead })
        };
        taken.await.map(Some).map_err(|error| refused(&socket, &error))
    }

    /// Good for the cookies that clients have.
    pub fn cookie_secrets(&self) -> CookieSecrets {
        self.cookie_secrets.clone()
    }

    /// The sockets at the addresses that this config has; others are not read any more. Those of datagrams
    /// only for what they were for: another use would change them under the process that reads them.
    pub fn take_sockets(&mut self, listen: &Listen) -> Taken {
        let roles = [Role::Udp, Role::Tcp, Role::Dot, Role::Doh, Role::Doq, Role::Admin];
        let offered: Vec<Offered> = self.sockets.iter().map(|(offered, _)| *offered).collect();
        let mut taken = Taken { listen: with_picked_ports(listen, &offered), ..Taken::default() };
        let of_role = |(offered, _): &mut (Offered, OwnedFd)| roles.contains(&offered.role);
        for (offered, socket) in self.sockets.extract_if(.., of_role) {
            let Some((_, address)) = offered.addresses else { continue };
            let listen = &taken.listen;
            match offered.role {
                Role::Udp if listen.dns.contains(&address) => taken.dns.udp.push(socket.into()),
                Role::Doq if listen.doq.contains(&address) => taken.dns.udp.push(socket.into()),
                Role::Udp | Role::Doq | Role::Orders => {}
                Role::Admin if listen.admin == Some(address) => taken.admin = Some(socket.into()),
                Role::Tcp | Role::Dot | Role::Doh | Role::Admin => {
                    taken.dns.tcp.push(socket.into());
                }
            }
        }
        taken
    }

    /// Where orders are taken, with what listens there.
    pub fn take_orders(&mut self) -> Option<(PathBuf, UnixListener)> {
        let is_orders = |(offered, _): &(Offered, OwnedFd)| offered.role == Role::Orders;
        let at = self.sockets.iter().position(is_orders)?;
        Some((self.socket.clone(), UnixListener::from(self.sockets.swap_remove(at).1)))
    }

    /// Where its service manager is told how the service stands.
    pub fn take_notify_socket(&mut self) -> Option<OsString> {
        self.notify_socket.take()
    }

    /// All that can fail here has not: the old process may stop publishing.
    pub async fn take_state(&mut self) -> Result<State, ConfigError> {
        let taken = async {
            self.channel.send(&FromNew::Prepared, &[]).await?;
            match next(&mut self.channel).await? {
                (FromOld::State { is_published }, mut descriptors) if descriptors.len() == 1 => {
                    Ok(State { lock: File::from(descriptors.remove(0)), is_published })
                }
                (message, _) => Err(unexpected(&message)),
            }
        };
        taken.await.map_err(|error| refused(&self.socket, &error))
    }

    /// Whether it died before anybody agreed.
    pub fn is_dead(&self) -> bool {
        self.is_dead
    }

    /// Waits until the other process dies, which leaves everything to this one. It says nothing by itself
    /// but that it goes on or stops.
    pub async fn dies(&mut self) -> Result<(), ConfigError> {
        let received = match self.is_dead {
            true => std::future::pending().await,
            false => self.channel.receive(FOR_EVER).await,
        };
        self.unless_dead(received)
    }

    fn unless_dead(
        &mut self,
        received: Result<(FromOld, Vec<OwnedFd>), HandoverError>,
    ) -> Result<(), ConfigError> {
        match received {
            Ok((FromOld::Go, _)) => Ok(()),
            Ok((message, _)) => Err(refused(&self.socket, &unexpected(&message))),
            Err(HandoverError::Ended) => {
                warn!("the process before has died; this one serves in its place");
                self.is_dead = true;
                Ok(())
            }
            Err(error) => Err(refused(&self.socket, &error)),
        }
    }

    /// The zones are published with these serials. Afterwards nobody reads the sockets, and nobody else
    /// needs the state folder.
    pub async fn tell_published(
        &mut self,
        serials: Vec<(Name, Serial)>,
    ) -> Result<(), ConfigError> {
        if self.is_dead {
            return Ok(());
        }
        let answered = self.answer_to(&FromNew::Published { serials }).await;
        self.unless_dead(answered)
    }

    /// The sockets are read. The old process ends the conversation with that, whether it lives on or not;
    /// if it has lost its patience before, it serves on.
    pub async fn tell_serving(mut self) -> Result<(), ConfigError> {
        if self.is_dead {
            return Ok(());
        }
        match self.answer_to(&FromNew::Serving).await {
            Err(HandoverError::Ended) => Ok(()),
            Ok((message, _)) => Err(refused(&self.socket, &unexpected(&message))),
            Err(error) => Err(refused(&self.socket, &error)),
        }
    }

    /// Who does not listen any more has not died: before it closes the connection, a process that goes on says so.
    async fn answer_to(
        &mut self,
        message: &FromNew,
    ) -> Result<(FromOld, Vec<OwnedFd>), HandoverError> {
        match self.channel.send(message, &[]).await {
            Ok(()) | Err(HandoverError::Ended) => next(&mut self.channel).await,
            Err(error) => Err(error),
        }
    }
}

fn is_nobody(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused)
}

fn refused(socket: &std::path::Path, why: &dyn std::fmt::Display) -> ConfigError {
    let socket = socket.display();
    ConfigError::one(format!("{socket}: the fedns that serves here does not hand over: {why}"))
}

async fn next(channel: &mut Channel) -> Result<(FromOld, Vec<OwnedFd>), HandoverError> {
    channel.receive(STEP_LIMIT).await
}

fn unexpected(message: &FromOld) -> HandoverError {
    match message {
        FromOld::Refused { why } => HandoverError::Failed(why.clone()),
        other => HandoverError::Unexpected(other.word().to_owned()),
    }
}

/// The connection, once the old process has agreed to a hand-over. This process speaks first, so that none
/// of what carries descriptors is read with the answer to the request.
async fn upgraded(stream: UnixStream) -> Result<UnixStream, HandoverError> {
    let failed = |error: &dyn std::fmt::Display| HandoverError::Failed(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| failed(&e))?;
    tokio::spawn(connection.with_upgrades());
    let request = Request::builder()
        .method(Method::POST)
        .uri(replace::PATH)
        .header(HOST, "localhost")
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, replace::PROTOCOL)
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let answered = tokio::time::timeout(STEP_LIMIT, sender.send_request(request)).await;
    let response = answered.map_err(|_| HandoverError::Late(STEP_LIMIT.as_secs()))?;
    let response = response.map_err(|error| failed(&error))?;
    if response.status() == StatusCode::NOT_FOUND {
        return Err(HandoverError::Failed(
            "it is of a version that cannot; stop it, and start this one".into(),
        ));
    }
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let body = response.into_body().collect().await.map_err(|error| failed(&error))?;
        let text = String::from_utf8_lossy(&body.to_bytes()).trim().to_owned();
        return Err(HandoverError::Failed(text));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| failed(&error))?;
    match Upgraded::downcast::<TokioIo<UnixStream>>(upgraded) {
        Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io.into_inner()),
        _ => Err(HandoverError::Unexpected("more than an agreement".into())),
    }
}

/// Where the config leaves the port to the system, the one that was picked at that place before.
fn with_picked_ports(listen: &Listen, offered: &[Offered]) -> Listen {
    let mut used = Vec::new();
    let mut picked = |wanted: SocketAddr, role: Role| {
        if wanted.port() != 0 {
            return wanted;
        }
        let found = offered.iter().find_map(|it| match it.addresses {
            Some((from, bound)) if it.role == role && from == wanted => {
                (!used.contains(&(role, bound))).then_some(bound)
            }
            _ => None,
        });
        used.extend(found.map(|bound| (role, bound)));
        found.unwrap_or(wanted)
    };
    let mut all = |addresses: &[SocketAddr], role| {
        addresses.iter().map(|address| picked(*address, role)).collect::<Vec<_>>()
    };
    let Listen { dns, dot, doh, doq, admin } = listen;
    Listen {
        dns: all(dns, Role::Udp),
        dot: all(dot, Role::Dot),
        doh: all(doh, Role::Doh),
        doq: all(doq, Role::Doq),
        admin: admin.map(|admin| picked(admin, Role::Admin)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The new process's end of a conversation in which the old one says this, and then nothing any more.
    async fn told(last_words: &[FromOld]) -> Predecessor {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut theirs = Channel::new(theirs);
        for message in last_words {
            theirs.send(message, &[]).await.unwrap();
        }
        Predecessor {
            channel: Channel::new(ours),
            socket: "admin.sock".into(),
            sockets: Vec::new(),
            cookie_secrets: CookieSecrets::new([0; 16], Vec::new()),
            notify_socket: None,
            is_dead: false,
        }
    }

    /// This process was frozen, say, and hears of it only when it speaks again.
    #[tokio::test]
    async fn one_that_has_gone_on_long_since_is_not_taken_for_dead() {
        let gone_on = || [FromOld::Refused { why: "it said nothing for 30 s".into() }];
        let line =
            "admin.sock: the fedns that serves here does not hand over: it said nothing for 30 s";
        let mut predecessor = told(&gone_on()).await;
        let error = predecessor.tell_published(Vec::new()).await.unwrap_err();
        assert_eq!((error.lines, predecessor.is_dead()), (vec![line.to_owned()], false));
        let error = told(&gone_on()).await.tell_serving().await.unwrap_err();
        assert_eq!(error.lines, [line]);
    }

    #[tokio::test]
    async fn one_that_ends_without_a_word_leaves_everything_to_this_one() {
        let mut predecessor = told(&[]).await;
        predecessor.tell_published(Vec::new()).await.unwrap();
        assert!(predecessor.is_dead());
        told(&[]).await.tell_serving().await.unwrap();
    }

    #[test]
    fn ports_that_were_picked_are_kept_each_at_its_place() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let offered = |role, wanted, bound| Offered {
            role,
            addresses: Some((address(wanted), address(bound))),
        };
        let offers = [
            offered(Role::Tcp, "127.0.0.1:0", "127.0.0.1:1001"),
            offered(Role::Udp, "127.0.0.1:0", "127.0.0.1:1001"),
            offered(Role::Udp, "127.0.0.1:0", "127.0.0.1:1001"),
            offered(Role::Udp, "127.0.0.1:0", "127.0.0.1:1002"),
            offered(Role::Admin, "127.0.0.1:8053", "127.0.0.1:8053"),
        ];
        let listen = |dns: &[&str], dot: &[&str], admin| Listen {
            dns: dns.iter().map(|text| address(text)).collect(),
            dot: dot.iter().map(|text| address(text)).collect(),
            admin: Some(address(admin)),
            ..Listen::default()
        };
        let wanted = listen(
            &["127.0.0.1:0", "127.0.0.1:53", "127.0.0.1:0", "127.0.0.1:0"],
            &["127.0.0.1:0"],
            "127.0.0.1:0",
        );
        let expect = listen(
            &["127.0.0.1:1001", "127.0.0.1:53", "127.0.0.1:1002", "127.0.0.1:0"],
            &["127.0.0.1:0"],
            "127.0.0.1:0",
        );
        assert_eq!(with_picked_ports(&wanted, &offers), expect);
    }
}
