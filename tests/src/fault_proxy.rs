//! A proxy in front of an API server that can be told to misbehave.
//!
//! ```text
//!  client --TLS--> FaultProxy --TLS--> kube-apiserver
//!                   |      |
//!         cut, refuse      a fault per request: status, empty list, delay, silence
//! ```
//!
//! It ends TLS with a certificate of the run's authority, so a kubeconfig only changes its address
//! ([`Context::through`]), and the credentials in the requests reach the server unchanged. A fault
//! holds for requests that begin after it was set: watches that run go on until they are cut.

mod forward;
mod request;
mod rules;

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::kubeconfig::Context;
use forward::serve;
pub use request::Request;
pub use rules::Fault;
use rules::{Order, Shared};

/// A running proxy. Dropping it closes everything.
pub struct FaultProxy {
    shared: Arc<Shared>,
    orders: UnboundedSender<(Order, mpsc::Sender<()>)>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Starts a faithful proxy to the server behind `context`.
    pub fn start(context: &Context) -> Self {
        let shared = Arc::new(Shared::default());
        let (orders, queue) = unbounded_channel();
        let thread = std::thread::spawn({
            let (shared, server) = (Arc::clone(&shared), context.server.clone());
            move || serve(shared, server, queue)
        });
        let proxy = Self { shared, orders, thread: Some(thread) };
        proxy.order(Order::Listen);
        proxy
    }

    /// The address to use in place of the server's.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.shared.port.number())
    }

    /// From now on every request meets this fault.
    pub fn inject(&self, fault: Fault) {
        self.inject_where(|_| true, fault);
    }

    /// From now on the selected requests meet this fault. Earlier rules go first.
    pub fn inject_where(&self, selects: impl Fn(&Request) -> bool + Send + 'static, fault: Fault) {
        self.shared.add_rule(Box::new(selects), fault);
    }

    /// Closes all connections, running watches included. New ones are accepted.
    pub fn cut(&self) {
        self.order(Order::Cut);
    }

    /// Closes all connections and refuses new ones.
    pub fn refuse(&self) {
        self.order(Order::Refuse);
    }

    /// Ends all faults, and listens again.
    pub fn heal(&self) {
        self.shared.clear_rules();
        self.order(Order::Listen);
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests()
    }

    /// Returns when the order is carried out.
    fn order(&self, order: Order) {
        // Not tokio's channel: a test may call from inside a runtime of its own.
        let (done, wait) = mpsc::channel();
        let sent = self.orders.send((order, done));
        assert!(sent.is_ok() && wait.recv().is_ok(), "the proxy's thread has ended");
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        let (done, _) = mpsc::channel();
        // Fails only when the thread has ended already.
        let _ = self.orders.send((Order::End, done));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
