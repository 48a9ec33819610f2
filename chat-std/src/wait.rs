//! The one way in which this adapter's threads wait for sockets.

use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

/// The longest wait; some systems take no more than 24 days. Callers recheck their condition.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to rest when the system cannot poll for want of memory, so that trying again is no spin.
const REST: Duration = Duration::from_millis(100);

/// Waits until one of the sockets is ready, the timeout is over, or for no reason; the sockets tell which.
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
