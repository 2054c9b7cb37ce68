//! A mirror that breaks off by a fault of our own is told, and started again: its records would stay as
//! they are, and nobody would know.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use providers::sync::engine::Input;
use providers::sync::permission::Permission;
use providers::throttle::Backoff;
use tokio::sync::{mpsc, watch};
use tracing::error;

use super::shown::Mirror;

/// Between two lives.
pub(super) const AGAIN: Backoff =
    Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(300) };

/// Lives, and lives again after a panic, until a life ends by itself or the mirror is stopped.
pub(super) async fn keep<L: Future<Output = ()>>(
    title: &str,
    shown: &Mirror,
    permission: &watch::Sender<Permission>,
    again: Backoff,
    live: impl Fn(mpsc::Receiver<Input>) -> L,
) {
    let mut failures = 0;
    // It cannot be opened any more once it is stopped.
    while let Some(inputs) = shown.open() {
        // Nothing of a life that broke off is used by the next one, but what is shown.
        let Err(panic) = AssertUnwindSafe(live(inputs)).catch_unwind().await else { return };
        let line =
            format!("a fault in fedns ended the mirror, which is started again: {}", text(&*panic));
        error!(mirror = title, "{line}");
        shown.set_broken_off(line);
        let mut stopping = permission.subscribe();
        tokio::select! {
            // The sender is borrowed here, so that it does not go away.
            _ = stopping.wait_for(|it| *it == Permission::Stopping) => return,
            () = tokio::time::sleep(again.delay(failures, u64::from(failures))) => {}
        }
        failures += 1;
    }
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const AT_ONCE: Backoff = Backoff { first: Duration::ZERO, longest: Duration::ZERO };

    #[tokio::test]
    async fn a_life_that_panics_is_told_and_followed_by_another() {
        let shown = Mirror::for_test();
        let permission = watch::Sender::new(Permission::Granted);
        let lives = Cell::new(0);
        let (lives, shown) = (&lives, &shown);
        let live = |mut inputs: mpsc::Receiver<Input>| async move {
            lives.set(lives.get() + 1);
            if lives.get() == 1 {
                panic!("index {} out of bounds", 7);
            }
            let line = shown.not_connected().expect("a reason");
            assert!(line.ends_with("started again: index 7 out of bounds"), "{line}");
            assert!(shown.is_failing());
            assert!(shown.order(Input::Check), "the new life takes orders");
            assert!(inputs.recv().await.is_some());
            shown.close();
            assert!(inputs.recv().await.is_none());
        };
        keep("alidns for a.example.", shown, &permission, AT_ONCE, live).await;
        assert_eq!(lives.get(), 2);
    }

    #[tokio::test]
    async fn one_that_is_stopped_is_not_started_again() {
        let shown = Mirror::for_test();
        let permission = watch::Sender::new(Permission::Stopping);
        let lives = Cell::new(0);
        let count = &lives;
        let live = |_inputs| async move {
            count.set(count.get() + 1);
            panic!("it breaks off");
        };
        keep("alidns for a.example.", &shown, &permission, AGAIN, live).await;
        assert_eq!(lives.get(), 1);
    }
}
