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
//! # What the program around it decides
//!
//! | what | where |
//! | --- | --- |
//! | who may connect | [`Server::on_accept`] |
//! | which names and messages are allowed | a [`Policy`](chat_proto::Policy) in [`Config::policy`] |
//! | wire formats of its own | a [`Dialect`](chat_proto::Dialect) in [`Config::dialects`] |
//! | a bot inside the program | [`Hub::enter`](chat_proto::Hub::enter) by [`Control::with_hub`], and [`Handle::events`] |
//! | tests with a clock of their own | [`chat_proto::testing`] |
//!
//! [`Control::with_hub`]: chat_proto::driver::Control::with_hub
//!
//! # How it works
//!
//! The hub is one state machine behind one lock. All tasks call it through one function, which reads the clock, makes
//! the call, and wakes the tasks that have work afterwards. What any server needs around a hub is in
//! [`chat_proto::driver`], whose guide explains it. The sockets and the tasks are here:
//!
//! | task | how many | what it does |
//! | --- | --- | --- |
//! | `accept` | one a listener | opens sessions; refuses when the hub is full; backs off when descriptors run out |
//! | `newcomer` | one a handshake of TLS | makes it; then opens the session |
//! | `reader` | one a connection | waits until its socket is readable, then reads into the one buffer of its thread |
//! | `writer` | one a thread | carries out the hub's commands in rounds, and does all the writing |
//! | `metrics` | one a metrics port | answers programs that watch over the server |
//! | `clock` | one | calls the hub at its next deadline, and looks for peers that are gone while nothing is read from them |
//!
//! A writer wakes no other task to write: it takes a round under the lock, unlocks, and makes one non-blocking write to
//! each socket. Messages accumulate meanwhile, so a busier server writes larger batches.
//!
//! After a partial write, a waker queues the session again once its socket is writable. Input that the hub leaves
//! untaken, one read at most, is kept by its reader; [`Server::memory_bound`] counts it. An idle connection has no
//! buffer, neither for reading nor for writing; in TLS, rustls keeps one of 4 KiB.
//!
//! [smol]: https://docs.rs/smol

mod accept;
mod clock;
mod connection;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod encrypted;
mod handle;
#[cfg(feature = "tls")]
mod handshakes;
mod metrics;
#[cfg(feature = "tls")]
mod newcomer;
mod reader;
mod send;
mod server;
mod shared;
mod signal;
#[cfg(feature = "tls")]
mod tls;
#[cfg(unix)]
mod unix;
mod web;
mod writer;

pub use chat_proto;
pub use chat_proto::driver::{Admission, Exposition};
pub use chat_proto::{Config, ConfigError, Credentials, Exemptions};

pub use crate::handle::{Events, Handle};
pub use crate::server::Server;
#[cfg(feature = "tls")]
pub use crate::tls::{Tls, TlsError};
