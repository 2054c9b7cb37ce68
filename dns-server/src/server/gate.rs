//! Whether the threads of a server take anything new. While another process gets their sockets, they hold
//! still: what arrives waits in the sockets, and nothing is lost.
//!
//! ```text
//! Serving <--> Holding --> Draining --> Stopped        (and from each to Stopped)
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// What a server's threads do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Queries and connections are taken.
    Serving,
    /// Neither is. Connections that are open are answered on.
    Holding,
    /// The same for good: each thread ends with its last connection.
    Draining,
    /// Connections are closed, too.
    Stopped,
}

/// A phase, and how often there was another one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    phase: Phase,
    number: u64,
}

pub(crate) struct Gate {
    /// The phase is `Serving`; all that a thread looks at between two batches.
    is_open: AtomicBool,
    step: watch::Sender<Step>,
    /// How many have noticed that the present step is not one of serving.
    noticed: Mutex<usize>,
    changed: Condvar,
}

/// The gate as a task sees it that takes connections.
pub(crate) struct Doorkeeper {
    gate: Arc<Gate>,
    step: watch::Receiver<Step>,
    /// The step that it has noticed last.
    noticed: u64,
}

// === impl Gate ===

impl Gate {
    pub fn new() -> Arc<Self> {
        let (step, _) = watch::channel(Step { phase: Phase::Serving, number: 0 });
        let (is_open, noticed) = (AtomicBool::new(true), Mutex::new(0));
        Arc::new(Self { is_open, step, noticed, changed: Condvar::new() })
    }

    #[inline]
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    pub fn enter(&self, phase: Phase) {
        let mut noticed = self.noticed();
        *noticed = 0;
        self.step.send_modify(|step| *step = Step { phase, number: step.number + 1 });
        self.is_open.store(phase == Phase::Serving, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Waits until so many have noticed the present step, calling `remind` again and again meanwhile.
    /// False where that takes longer than `limit`.
    pub fn is_noticed_by(&self, count: usize, limit: Duration, mut remind: impl FnMut()) -> bool {
        const PAUSE: Duration = Duration::from_millis(1);
        let deadline = Instant::now() + limit;
        let mut noticed = self.noticed();
        while *noticed < count {
            if Instant::now() > deadline {
                return false;
            }
            remind();
            let waited = self.changed.wait_timeout(noticed, PAUSE);
            noticed = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Blocks while the gate is not open; false at the end.
    #[cold]
    pub fn wait(&self) -> bool {
        let mut noticed = self.noticed();
        let mut last = None;
        loop {
            let Step { phase, number } = *self.step.borrow();
            match phase {
                Phase::Serving => return true,
                Phase::Stopped => return false,
                Phase::Holding | Phase::Draining => {}
            }
            if last != Some(number) {
                last = Some(number);
                *noticed += 1;
                self.changed.notify_all();
            }
            noticed = self.changed.wait(noticed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn doorkeeper(self: &Arc<Self>) -> Doorkeeper {
        Doorkeeper { gate: Arc::clone(self), step: self.step.subscribe(), noticed: 0 }
    }

    /// Waits for the end of everything.
    pub async fn stopped(&self) {
        let mut step = self.step.subscribe();
        // The sender is this gate's own.
        let _ = step.wait_for(|step| step.phase == Phase::Stopped).await;
    }

    fn notice(&self, number: u64) {
        let mut noticed = self.noticed();
        if self.step.borrow().number == number {
            *noticed += 1;
            self.changed.notify_all();
        }
    }

    fn noticed(&self) -> MutexGuard<'_, usize> {
        // A number is right whatever happened to another thread.
        self.noticed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Doorkeeper ===

impl Doorkeeper {
    /// Waits until the gate is open; false where it will not be any more. Whoever calls this has nothing in
    /// hand that came through it.
    pub async fn opens(&mut self) -> bool {
        loop {
            let Step { phase, number } = *self.step.borrow_and_update();
            if phase == Phase::Serving {
                return true;
            }
            if self.noticed != number {
                self.noticed = number;
                self.gate.notice(number);
            }
            if phase >= Phase::Draining || self.step.changed().await.is_err() {
                return false;
            }
        }
    }

    /// Waits until the gate is not open.
    pub async fn closes(&mut self) {
        // The sender lives as long as the gate that this has.
        let _ = self.step.wait_for(|step| step.phase != Phase::Serving).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn threads_hold_still_as_often_as_they_are_told_and_end() {
        let gate = Gate::new();
        let waiter = || {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                let mut passed = 0_u64;
                while gate.is_open() || gate.wait() {
                    passed += 1;
                    thread::yield_now();
                }
                passed
            })
        };
        let threads = [waiter(), waiter(), waiter()];
        for _ in 0..100 {
            gate.enter(Phase::Holding);
            assert!(gate.is_noticed_by(threads.len(), LONG, || {}));
            gate.enter(Phase::Serving);
        }
        gate.enter(Phase::Stopped);
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[tokio::test]
    async fn doorkeepers_notice_each_step_once() {
        let gate = Gate::new();
        let mut doorkeeper = gate.doorkeeper();
        assert!(doorkeeper.opens().await);
        gate.enter(Phase::Holding);
        doorkeeper.closes().await;
        let keeper = tokio::spawn(async move { (doorkeeper.opens().await, doorkeeper) });
        while !gate.is_noticed_by(1, Duration::ZERO, || {}) {
            tokio::task::yield_now().await;
        }
        assert!(!gate.is_noticed_by(2, Duration::ZERO, || {}));
        gate.enter(Phase::Serving);
        let (opens, mut doorkeeper) = keeper.await.unwrap();
        assert!(opens);
        gate.enter(Phase::Draining);
        assert!(!doorkeeper.opens().await);
        assert!(gate.is_noticed_by(1, Duration::ZERO, || {}));
    }
}
