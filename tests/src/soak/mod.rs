//! The soak: thousands of hostile clients for minutes or days, and a few honest ones; is the server the same after?
//!
//! - [`serve()`] and `server`: the server, in a process of its own so that its memory is its own.
//! - `hostile`: what hostile clients do; `mob`: all of them on one thread, each reborn as another kind when it is done.
//! - The honest ones are the [`load`](crate::load) tool at a low rate: it checks that everything arrives once and in
//!   order, and that nobody is disconnected.
//! - `samples`: what the server's process uses, and whether that is flat over time.
//! - [`run()`]: all of that, with a table while it goes on and a [`Verdict`] in the end.

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
