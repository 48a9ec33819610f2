//! The soak: thousands of hostile clients and a few honest ones, for minutes or days. Afterwards the server must be as
//! before.
//!
//! - [`serve()`] and `server`: the server, in a process of its own so that its memory is its own.
//! - `hostile`: the behaviour of hostile clients; `hostile_clients`: all of them on one thread; each reconnects as
//!   another kind.
//! - The honest clients are the load generator ([`load`](crate::load)) at a low rate. It checks that everything arrives
//!   once and in order, and that nobody is disconnected.
//! - `samples`: the resources of the server's process, and whether they are flat over time.
//! - [`run()`]: all of that, with a table meanwhile and a [`Verdict`] at the end.

mod honest;
mod hostile;
mod hostile_clients;
mod options;
mod run;
mod samples;
mod server;
mod verdict;

pub use self::options::{Adapter, Invocation, Options, parse};
pub use self::run::{SoakError, run};
pub use self::server::serve;
pub use self::verdict::Verdict;
