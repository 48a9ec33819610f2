//! A kit for drivers: what every server needs around a [`Hub`](crate::Hub) and no one should have to write again.
//!
//! The crate's documentation explains how to drive a hub by hand. A server with many sockets has more to do. It writes
//! to a thousand readers without copying the bytes or taking the lock a thousand times. It shares its time fairly among
//! sockets that are blocked and those that are not. It lets connections linger, notices peers that are gone while
//! nothing is read from them, and backs off when descriptors run out. It postpones deadlines that passed while its
//! process was stopped. The kit does all that without I/O and without a clock; a driver adds sockets, waking, and
//! threads or tasks.
//!
//! # The parts of a driver
//!
//! A driver keeps a [`ConnectedHub`] behind a lock, and calls it through one function: lock, take the time, act, take
//! the [`Wakes`], unlock, wake. Everything else is four loops. Each of them may be a thread, a task, or a part of one
//! loop around a poller.
//!
//! 1. **Accept.** For each connection call [`ConnectedHub::open`], then start its reader. Pass the peer's address, or
//!    nobody is limited by address. Make the hub with [`ConnectedHub::start`], which gives it a random [`CloakKey`].
//!    Without one, IRC shows nothing in the place of a host, and bans cannot be of where somebody comes from. Set the
//!    listener's buffers to [`SOCKET_BUFFER`], which its connections inherit, and let the system check silent peers
//!    ([`KEEPALIVE`]). If accepting fails, [`ConnectedHub::accept_failed`] says how long to wait.
//! 2. **Read.** A reader offers what it reads to [`ConnectedHub::receive`]. If the hub leaves some, the reader keeps
//!    that and reads no more until a round resumes the connection; then it offers the rest. At the end of the input it
//!    calls [`Hub::receive_eof`](crate::Hub::receive_eof), after an error [`Hub::disconnect`](crate::Hub::disconnect),
//!    and ends. [`ReadBudget`] says how much to read in a turn.
//! 3. **Write.** When [`Wakes::writer`] is true, a writer carries out rounds until one is empty: see [`Round`]. Drain
//!    everything that is in a round, or it never becomes empty.
//! 4. **Keep time.** A timer calls [`ConnectedHub::handle_timeout`], does what is [`Due`], and sleeps as long as that
//!    says, or until [`Wakes::timer`] is true. In a driver with only one loop, take the wakes last: handling a timeout
//!    may have made work for the writer, or an earlier deadline.
//!
//! Here they are in one loop, on one thread, with byte arrays for sockets:
//!
//! ```
//! use std::cell::RefCell;
//! use std::convert::Infallible;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use chat_proto::driver::{ConnectedHub, Round};
//! use chat_proto::{Config, Hub, Timestamp};
//!
//! /// What has been written to a peer.
//! struct Socket(RefCell<Vec<u8>>);
//!
//! /// Writes until there is nothing to write.
//! fn write(hub: &mut ConnectedHub<Socket>, round: &mut Round<Socket>, now: Timestamp) {
//!     while round.report_and_gather(hub, now) {
//!         // A real driver has unlocked the hub by now.
//!         for (id, _socket) in round.drain_blocked() {
//!             unreachable!("{id} took all; else we would wait for its socket, and then call `note_writable`");
//!         }
//!         for _socket in round.drain_resumed() {} // would wake its reader
//!         for (_socket, _reason) in round.drain_closed() {} // would shut down the socket's output
//!         round.write(|socket, bytes| {
//!             socket.0.borrow_mut().extend_from_slice(bytes);
//!             Ok::<_, Infallible>(bytes.len())
//!         });
//!     }
//! }
//!
//! let mut hub = ConnectedHub::new(Hub::new(Config::default())?);
//! let text = hub.hub().dialect("text").expect("it is spoken by default");
//! let (mut round, now) = (Round::new(), Timestamp::ZERO);
//!
//! // Two connections are accepted, and one says something.
//! # #[expect(clippy::arc_with_non_send_sync, reason = "one thread is enough for an example")]
//! let sockets = [(); 2].map(|()| Arc::new(Socket(RefCell::new(Vec::new()))));
//! let alice = hub.open(now, text, None, &sockets[0]).expect("there is room");
//! let bob = hub.open(now, text, None, &sockets[1]).expect("there is room");
//! let line = b"hello\n";
//! assert_eq!(hub.receive(now, alice, line), line.len());
//! assert!(hub.take_wakes(now).writer);
//! write(&mut hub, &mut round, now);
//! assert!(sockets[1].0.borrow().ends_with(b"guest-1: hello\n"));
//!
//! // The timer sleeps as long as it is told to. Ten minutes later everybody has been silent for too long.
//! let mut now = now;
//! while let Some(wait) = hub.handle_timeout(now).wait {
//!     now = now + wait;
//!     write(&mut hub, &mut round, now);
//! }
//! assert!(now.saturating_duration_since(Timestamp::ZERO) >= Duration::from_secs(600));
//! assert!(sockets[1].0.borrow().ends_with(b"! closed: timed out\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Closing
//!
//! [`Round::drain_closed`] returns each connection whose session is over. Shut down its output. Its reader goes on, and
//! the hub ignores what the reader offers. Otherwise the system would answer the peer's own writing with a reset, and
//! the reset would discard the last words. When the peer closes too, the reader ends, and with it the connection. If
//! the peer does not, the connection is [`expired`](Due::expired) after a second: shut down both directions, and the
//! reader ends, too. At most 1,024 connections linger. Beyond that the oldest one expires for each that is added,
//! unless the server shuts down.
//!
//! A peer that no longer reads needs no lingering. If the reason [has no last
//! words](crate::CloseReason::has_last_words), reset the connection (`SO_LINGER` of zero) and shut down both directions
//! at once. Otherwise set a [`USER_TIMEOUT`], or the system keeps for minutes what the peer has not taken.
//!
//! A server has ended when [`Wakes::closed`] was true and all readers have ended.
//!
//! # The program around it
//!
//! A driver that implements [`SharedHub`] has a [`Control`], by which the program around the server speaks to sessions
//! and finds them, and [`Events`] or [`BlockingEvents`], by which it follows along. If it asks an [`OnAccept`] about
//! each connection before it calls [`ConnectedHub::admit`], the program also decides who comes in.
//!
//! A program whose clients of IRC [need a password](crate::dialect::IrcSettings::asks_password) says which is right by
//! [`ConnectedHub::verify_with`]. Then rounds have [`Authentication`]s, each to be run on a thread that may wait.
//!
//! # Metrics
//!
//! [`ConnectedHub::metrics`] copies the numbers of a server under the lock, and [`Metrics::write`] makes an
//! [`Exposition`] of them, as Prometheus collects it, without the lock. How long calls hold the lock and how long
//! messages take is measured only after [`ConnectedHub::measure`]: the function through which the hub is called then
//! ends with [`ConnectedHub::note_call`], and a writer says with [`Round::note_written`] when it has written a round.

mod admission;
mod arrival;
mod authentication;
mod backoff;
mod cloak;
mod connected_hub;
mod connections;
mod control;
mod events;
mod exposition;
mod histogram;
mod late;
mod linger;
mod log_summary;
mod measure;
mod metrics;
mod opening;
mod read_budget;
mod round;
mod samples;
mod socket;
mod start;
#[cfg(feature = "web")]
mod visit;
mod waiting;

pub use admission::{Admission, OnAccept};
pub use arrival::{Arrival, Denial};
pub use authentication::{Authentication, Verifier};
pub use cloak::CloakKey;
pub use connected_hub::{ConnectedHub, Due, UnknownDialect, Wakes};
pub use control::{Access, ConnectedSession, Control, SharedHub};
pub use events::{BlockingEvents, Events};
pub use exposition::{Exposition, Family};
pub use histogram::Histogram;
pub use late::LateGuard;
pub use linger::MAX_LINGERING;
pub use log_summary::LogSummary;
pub use metrics::Metrics;
pub use opening::Refusal;
pub use read_budget::{Flooding, ReadBudget};
pub use round::Round;
pub use socket::{ACCEPT_QUEUE, KEEPALIVE, SOCKET_BUFFER, USER_TIMEOUT, system_bound};
#[cfg(feature = "web")]
pub use visit::Visit;
