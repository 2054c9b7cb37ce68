//! The old process's part: it gives all that it has, and takes it up again where that was in vain.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use clusters::lease::Leave;
use dns_server::Transport;
use dns_server::server::{NotHeld, Server};
use model::{Name, Serial};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::channel::Channel;
use super::{FromNew, FromOld, HandoverError, Offered, Role};
use crate::admin::orders::Placed;
use crate::admin::replace::Candidate;
use crate::config::Listen;
use crate::serve::signals::{Signal, Signals};
use crate::serve::watchers::Remember;
use crate::serve::{Ending, Running};

/// How long the new process may take to bind what is new to it.
const PREPARE_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to read the sockets once nobody else does.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// It may ask for no more than this to load its zones.
const PATIENCE_MAX: Duration = Duration::from_secs(3600);

/// What came of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The other process serves; this one is to end.
    Over { to: Option<u32> },
    /// This process serves on; whether it was told to reload meanwhile.
    NotOver { reload: bool },
    /// Neither: this one was told to end.
    Stopped(Ending),
}

/// Why it came to nothing.
enum Broken {
    Stopped(Ending),
    Failed(HandoverError),
}

/// How far it has come.
#[derive(Debug, Default)]
struct Given {
    /// Nothing is written outside.
    writers: bool,
    /// The pipeline stands still.
    pipeline: bool,
    /// The sockets are not read.
    sockets: bool,
    /// The other process may have answered with these.
    serials: Vec<(Name, Serial)>,
}

// === impl Running ===

impl Running {
    /// Hands everything over. Meanwhile orders are refused and reloads wait.
    pub async fn hand_over(
        &mut self,
        candidate: Candidate,
        signals: &mut Signals,
        orders: &mut mpsc::Receiver<Placed>,
    ) -> Handed {
        let Candidate { stream, turn } = candidate;
        let mut channel = Channel::new(stream);
        let to = channel.peer();
        info!(process = to, "another process wants to take over");
        let mut given = Given::default();
        let mut reload = false;
        let result = tokio::select! {
            biased;
            ending = ending(signals, &mut reload) => Err(Broken::Stopped(ending)),
            never = refuse(orders) => match never {},
            result = self.give(&mut channel, &mut given) => result.map_err(Broken::Failed),
        };
        let (handed, why) = match result {
            Ok(()) => return Handed::Over { to },
            Err(Broken::Failed(why)) => {
                warn!(process = to, "the other process did not take over, this one goes on: {why}");
                (Handed::NotOver { reload }, why.to_string())
            }
            Err(Broken::Stopped(ending)) => (Handed::Stopped(ending), "it was told to stop".into()),
        };
        // It may be gone.
        let _ = channel.send(&FromOld::Refused { why }, &[]).await;
        // With it ends the other process's wait.
        drop(channel);
        self.take_up_again(given).await;
        drop(turn);
        handed
    }

    async fn give(
        &mut self,
        channel: &mut Channel,
        given: &mut Given,
    ) -> Result<(), HandoverError> {
        let FromNew::Hello { version, patience } = next(channel, PREPARE_LIMIT).await? else {
            return Err(HandoverError::Unexpected("something else than hello".into()));
        };
        info!(version, "its sockets are handed to it");
        self.offer(channel).await?;
        expect(matches!(next(channel, PREPARE_LIMIT).await?, FromNew::Prepared))?;

        given.writers = true;
        self.stop_writing().await;
        self.watchers.remember(Remember::All).await;
        given.pipeline = true;
        let lock = self.pipeline.stand_still().await.map_err(|error| {
            HandoverError::Failed(format!("the state cannot be saved: {error}"))
        })?;
        // Now that no serial moves on any more.
        self.leave_lease(Leave::ToSuccessor).await;
        let is_published = self.pipeline.ask(|pipeline| pipeline.is_published()).await;
        let is_published =
            is_published.map_err(|_| HandoverError::Failed("the pipeline has ended".into()))?;
        channel.send(&FromOld::State { is_published }, &[lock.as_fd()]).await?;
        drop(lock);
        info!("everything is saved; nothing is published until it serves");
        let patience = Duration::from_secs(patience).min(PATIENCE_MAX);
        let FromNew::Published { serials } = next(channel, patience).await? else {
            return Err(HandoverError::Unexpected("something else than its serials".into()));
        };

        let reserved = self.pipeline.reserve(serials.clone()).await;
        reserved.map_err(|error| {
            HandoverError::Failed(format!("its serials cannot be reserved: {error}"))
        })?;
        given.sockets = true;
        self.hold_sockets().await?;
        // From here on it may answer.
        given.serials = serials;
        channel.send(&FromOld::Go, &[]).await?;
        expect(matches!(next(channel, READ_LIMIT).await?, FromNew::Serving))
    }

    async fn offer(&self, channel: &mut Channel) -> Result<(), HandoverError> {
        let sockets = self.offered()?;
        let descriptors: Vec<BorrowedFd<'_>> =
            sockets.iter().map(|(_, socket)| socket.as_fd()).collect();
        let offer = FromOld::Offer {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sockets: sockets.iter().map(|(offered, _)| *offered).collect(),
            cookie_secret: self.own_secrets.current(),
            notify_socket: self.manager.socket().map(ToOwned::to_owned),
        };
        channel.send(&offer, &descriptors).await
    }

    fn offered(&self) -> Result<Vec<(Offered, OwnedFd)>, HandoverError> {
        let listen = self.started.listen();
        let mut offered = Vec::new();
        if let Some(dns) = &self.dns {
            for socket in dns.sockets() {
                let role = role(socket.transport);
                let wanted = wanted(listen, dns, role, socket.address);
                let addresses = Some((wanted, socket.address));
                offered.push((Offered { role, addresses }, socket.as_fd().try_clone_to_owned()?));
            }
        }
        if let Some(admin) = &self.doors.admin {
            let bound = admin.local_addr()?;
            let addresses = Some((listen.admin.unwrap_or(bound), bound));
            offered.push((
                Offered { role: Role::Admin, addresses },
                admin.as_fd().try_clone_to_owned()?,
            ));
        }
        if let Some((_, orders)) = &self.doors.orders {
            let orders = orders.as_fd().try_clone_to_owned()?;
            offered.push((Offered { role: Role::Orders, addresses: None }, orders));
        }
        Ok(offered)
    }

    async fn hold_sockets(&mut self) -> Result<(), HandoverError> {
        self.admin.abort_all();
        while self.admin.join_next().await.is_some() {}
        let Some(dns) = self.dns.clone() else { return Ok(()) };
        match tokio::task::spawn_blocking(move || dns.hold()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(NotHeld)) => {
                Err(HandoverError::Failed("a thread of this process goes on reading".into()))
            }
            Err(error) => Err(HandoverError::Failed(error.to_string())),
        }
    }

    /// What was given is this process's again, in the opposite order.
    async fn take_up_again(&mut self, given: Given) {
        if given.sockets {
            if let Some(dns) = &self.dns {
                dns.serve_on();
            }
            self.admin = self.doors.open(&self.pages);
        }
        if given.pipeline && self.pipeline.go_on(given.serials).await.is_err() {
            error!("the pipeline has ended; nothing more is published");
        }
        if given.writers {
            self.start_writers().await;
        }
    }

    /// After a hand-over: answers what is open, and ends.
    pub async fn leave(self, mut signals: Signals) {
        let Self { config, dns, pages, pipeline, pipeline_thread, watchers, transfers, .. } = self;
        drop((watchers, transfers));
        // It stands still: what is saved is the other process's.
        if pipeline.send(crate::pipeline::Input::Stop).await.is_err()
            || pipeline_thread.join().is_err()
        {
            error!("the pipeline ended early");
        }
        if let Some(dns) = dns {
            let limit = config.lame_duck;
            info!(?limit, "another process serves; connections that are open are answered on");
            let draining = Arc::clone(&dns);
            let drained = tokio::task::spawn_blocking(move || draining.drain(limit));
            tokio::select! {
                open = drained => match open {
                    Ok(0) => {}
                    Ok(open) => info!(open, "connections are closed that their clients keep open"),
                    Err(error) => error!(%error, "connections were not drained"),
                },
                () = signals.ending() => dns.close(),
            }
        }
        drop(pages);
        info!("stopped");
    }
}

async fn next(channel: &mut Channel, limit: Duration) -> Result<FromNew, HandoverError> {
    Ok(channel.receive(limit).await?.0)
}

fn expect(is_expected: bool) -> Result<(), HandoverError> {
    match is_expected {
        true => Ok(()),
        false => Err(HandoverError::Unexpected("something out of turn".into())),
    }
}

async fn ending(signals: &mut Signals, reload: &mut bool) -> Ending {
    loop {
        match signals.next().await {
            Signal::Terminate => return Ending::Drain,
            Signal::Interrupt => return Ending::Now,
            Signal::Hangup => *reload = true,
        }
    }
}

async fn refuse(orders: &mut mpsc::Receiver<Placed>) -> std::convert::Infallible {
    while let Some(Placed { reply, .. }) = orders.recv().await {
        let why = "another process is taking over; give the order to that one";
        // Who gave it may have gone.
        let _ = reply.send(Err(why.into()));
    }
    std::future::pending().await
}

fn role(transport: Transport) -> Role {
    match transport {
        Transport::Udp => Role::Udp,
        Transport::Tcp => Role::Tcp,
        Transport::Tls => Role::Dot,
        Transport::Https => Role::Doh,
        Transport::Quic => Role::Doq,
    }
}

/// The address as the config had it at the start: servers keep its order.
fn wanted(listen: &Listen, dns: &Server, role: Role, bound: SocketAddr) -> SocketAddr {
    let at_same_place = |wanted: &[SocketAddr], all: Vec<SocketAddr>| {
        let place = all.iter().position(|address| *address == bound)?;
        wanted.get(place).copied()
    };
    let encrypted = |transport| {
        let of_transport = dns.encrypted_addrs().iter().filter(|(it, _)| *it == transport);
        of_transport.map(|(_, address)| *address).collect()
    };
    let found = match role {
        Role::Udp | Role::Tcp => at_same_place(&listen.dns, dns.local_addrs().to_vec()),
        Role::Dot => at_same_place(&listen.dot, encrypted(Transport::Tls)),
        Role::Doh => at_same_place(&listen.doh, encrypted(Transport::Https)),
        Role::Doq => at_same_place(&listen.doq, encrypted(Transport::Quic)),
        Role::Admin | Role::Orders => None,
    };
    found.unwrap_or(bound)
}
