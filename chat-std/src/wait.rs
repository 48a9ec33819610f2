//! The one way in which this adapter's threads wait for sockets.

use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

/// The longest wait; some systems take no more than 24 days. Callers recheck their condition.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause after a failed poll, most likely for lack of memory: retrying at once would spin.
const REST: Duration = Duration::from_millis(100);

/// Waits until one of the sockets is ready or the timeout is over. It may return early: look at `revents`.
pub(crate) fn wait(sockets: &mut [PollFd<'_>], timeout: Option<Duration>) {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout.min(MAX_WAIT)).ok());
    match poll(sockets, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => {
            tracing::debug!(%error, "cannot wait for sockets");
            thread::sleep(REST);
        }
    }
}
