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
//! time, acts, and wakes whoever has something to do after it. What any server needs around a hub is in
//! [`chat_proto::driver`], whose guide explains it; the sockets and the tasks are here:
//!
//! | task | how many | what it does |
//! | --- | --- | --- |
//! | `accept` | one a listener | opens sessions; refuses when the hub is full; backs off when descriptors run out |
//! | `reader` | one a connection | waits until its socket is readable, then reads into the one buffer of its thread |
//! | `writer` | one a thread | carries out the hub's commands in rounds, and does all the writing |
//! | `clock` | one | calls the hub at its next deadline, and looks for peers that are gone while nothing is read from them |
//!
//! A writer wakes no other task to write: it takes a round under the lock, unlocks, and offers each socket its bytes with
//! one non-blocking write. More is said meanwhile, so each write carries more the busier the server is.
//!
//! A socket that took less than it was offered is waited for by a waker that queues the session again. Input that the hub
//! leaves untaken, one read at most, is kept with its reader; [`Server::memory_bound`] counts it. Nothing else is kept for
//! a connection: an idle one has no buffer, neither for reading nor for writing.
//!
//! [smol]: https://docs.rs/smol

mod accept;
mod clock;
mod connection;
mod handle;
mod reader;
mod server;
mod shared;
mod signal;
#[cfg(unix)]
mod unix;
mod writer;

pub use chat_proto::driver::Admission;

pub use crate::handle::{Events, Handle};
pub use crate::server::Server;
