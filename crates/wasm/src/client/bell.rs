//! Waiting for something to change, without polling.

use futures_channel::oneshot;
use std::cell::RefCell;

/// Wakes everyone who waits.
#[derive(Default)]
pub struct Bell(RefCell<Vec<oneshot::Sender<()>>>);

impl Bell {
    /// Wakes all.
    pub fn ring(&self) {
        for sleeper in self.0.take() {
            // A sleeper may have been dropped with its merge.
            let _ = sleeper.send(());
        }
    }

    /// Waits for the next [`ring`](Self::ring).
    pub async fn wait(&self) {
        let (wake, woken) = oneshot::channel();
        self.0.borrow_mut().push(wake);
        // An error means that the bell is gone; then there is nothing to wait for.
        let _ = woken.await;
    }
}
