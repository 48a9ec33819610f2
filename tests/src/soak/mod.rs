//! The soak: thousands of hostile clients and a few honest ones, for minutes or days; then the server must be as
//! before.
//!
//! - [`serve()`] and `server`: the server, in a process of its own so that its memory is its own.
//! - `hostile`: what hostile clients do; `mob`: all of them on one thread; each reconnects as another kind.
//! - The honest clients are the load generator ([`load`](crate::load)) at a low rate. It checks that everything arrives
//!   once and in order, and that nobody is disconnected.
//! - `samples`: what the server's process uses, and whether that is flat over time.
//! - [`run()`]: all of that, with a table meanwhile and a [`Verdict`] at the end.

mod honest;
mod hostile;
mod mob;
mod options;
mod run;
mod samples;
mod server;
mod verdict;

pub use self::options::{Adapter, Invocation, Options, parse};
pub use self::run::{SoakError, run};
pub use self::server::serve;
pub use self::verdict::Verdict;
