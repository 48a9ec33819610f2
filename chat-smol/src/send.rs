//! How sockets send.

/// A write to a peer that is gone returns an error and raises no SIGPIPE, whatever the embedding program does about
/// that signal. (Systems without the flag have no such signal, or a socket option that socket2 sets.)
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) const FLAGS: i32 = rustix::net::SendFlags::NOSIGNAL.bits().cast_signed();
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(crate) const FLAGS: i32 = 0;
