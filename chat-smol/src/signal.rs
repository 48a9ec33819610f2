//! How one task wakes another.

use async_channel::{Receiver, Sender};

/// A flag that a task waits for: raising it any number of times wakes one waiter once.
pub(crate) struct Signal {
    sender: Sender<()>,
    receiver: Receiver<()>,
}

impl Signal {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = async_channel::bounded(1);
        Self { sender, receiver }
    }

    pub(crate) fn raise(&self) {
        // Full: it is raised already. Closed: nobody waits any more.
        let _ = self.sender.try_send(());
    }

    /// Ends all waiting, now and later.
    pub(crate) fn close(&self) {
        self.sender.close();
    }

    /// Waits until the flag is raised, takes it down and returns true; returns false once it is closed.
    pub(crate) async fn wait(&self) -> bool {
        self.receiver.recv().await.is_ok()
    }
}
