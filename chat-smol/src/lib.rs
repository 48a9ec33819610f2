//! A chat server on [smol]: the [`chat_proto`] core over TCP and Unix sockets, on as many threads as there are cores.
//!
//! ```no_run
//! use std::net::{Ipv4Addr, SocketAddr};
//! use std::thread;
//!
//! use chat_proto::Config;
//! use chat_smol::Server;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = Server::new(Config::default())?;
//! let addr = server.listen("text", SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)))?;
//! println!("try: nc {} {}", addr.ip(), addr.port());
//!
//! let handle = server.handle();
//! thread::spawn(move || {
//!     handle.announce("one minute left");
//!     handle.shut_down();
//!     smol::block_on(handle.closed());
//!     println!("all is closed");
//! });
//! server.run_on_threads(thread::available_parallelism()?)?;
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! The hub is one state machine behind one lock, and everybody calls it through the same function, which takes the
//! time, acts, and then looks at what follows: commands wake a flusher, a deadline that moved forward wakes the clock.
//!
//! | task | how many | what it does |
//! | --- | --- | --- |
//! | `accept` | one a listener | opens sessions; refuses when the hub is full; backs off when descriptors run out |
//! | `connection` | one a session | waits until its socket is readable, then reads into the one buffer of its thread |
//! | `flusher` | one a thread | carries out the hub's commands, and does all the writing |
//! | `clock` | one | calls the hub at its next deadline, and has the log sum up what happens often |
//! | `hangup` | one | asks whether peers are still there from whom nothing is read |
//! | `farewell` | one | lets peers of ended sessions read their last words before the socket is closed |
//!
//! A flusher does not wake anybody to write: it takes a round of up to some hundred sessions under the lock, with one
//! copy of the bytes for all readers at the same place in the log, lets the lock go, and offers each socket its bytes
//! with one non-blocking write. What the sockets took is reported when the lock is taken for the next round. While
//! it is at it, more is said, so that the busier the server is, the more each write carries.
//!
//! A socket that took less than it was offered is waited for by a waker that puts the session back in line. Input that
//! the hub leaves untaken, one read at most, is kept with its connection; [`Server::memory_bound`] counts it. Nothing
//! else is kept for one: an idle connection has no buffer, neither for reading nor for writing.
//!
//! [smol]: https://docs.rs/smol

mod accept;
mod clock;
mod connection;
mod farewell;
mod flusher;
mod handle;
#[cfg(unix)]
mod hangup;
mod server;
mod shared;
mod signal;
#[cfg(unix)]
mod unix;

pub use crate::handle::Handle;
pub use crate::server::Server;
