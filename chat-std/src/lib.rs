//! A chat server on plain threads: the adapter of [`chat_proto`] to the standard library.
//!
//! ```no_run
//! use chat_std::{Config, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = Server::new(Config::default())?;
//! let addr = server.listen("text", "127.0.0.1:4000".parse()?)?;
//! println!("listening text {addr}");
//! server.run()?; // until somebody calls shut_down on a Handle
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
//! # Threads
//!
//! | thread | file | what it waits for |
//! | --- | --- | --- |
//! | one for each listener | `accept` | a connection |
//! | one for each connection, for a second beyond its end or refusal | `reader` | input; it offers what it reads to the hub |
//! | one writer for each core | `writer` | the hub's commands; it writes to the sockets |
//! | at most four, each for a password that is checked | `writer` | nothing |
//! | the caller of [`Server::run`] | `clock` | deadlines, and sockets that took less than they were offered |
//!
//! They share one [`Hub`](chat_proto::Hub) behind one lock, and call it through one function, which is in `shared`.
//! What any server needs around a hub is in [`chat_proto::driver`], whose guide explains it. Nothing is read or written
//! while the hub is locked. Sockets are non-blocking, so that a writer never waits for a peer; a thread that has to
//! wait does so in `poll(2)`, holding no buffer. So an idle connection costs its thread's kernel stack and the pages of
//! its own stack that it has touched, and a reader that stalls costs an entry in the clock's list. Only input that the
//! hub leaves untaken, one read at most, is held until it is taken; [`Server::memory_bound`] counts it.
//!
//! Unix only: deadlines and shutdown wake threads out of `poll(2)` through pairs of sockets.

mod accept;
mod clock;
mod connection;
mod handle;
mod reader;
mod server;
mod shared;
mod wait;
mod writer;

pub use chat_proto;
pub use chat_proto::driver::{Admission, BlockingEvents};
pub use chat_proto::{Config, ConfigError, Credentials, Exemptions};
pub use handle::Handle;
pub use server::Server;
