//! A load tool: how much does a server bear, how long do messages take, and does everything arrive once and in order?
//!
//! One thread drives all connections, so that its own cost is low and the same for every server:
//!
//! - `options`: what can be asked for on the command line.
//! - `wire`: what a message looks like; `form`: in a line of which of the server's dialects.
//! - `run`: the run, from connecting over warming up and measuring to waiting for the last message.
//! - `crowd`: the connections, all on one epoll.
//! - `sent` and `audience`: what was sent, and what came of it; `sequence` tells lost from late from double.
//! - `window` holds the closed loop together. The open loop is a schedule: a message that could not be sent when
//!   it was due is sent later, but its latency counts from when it was due, so that a server that stops to think is
//!   not asked less in the meantime (coordinated omission).
//! - `report`: the table and the JSON in the end.
//! - `beside`: this project's servers and the program `limit`, loaded in turn and compared.

#![expect(clippy::cast_precision_loss, reason = "figures for people need no more than 52 bits")]

mod audience;
mod beside;
mod crowd;
mod dialect;
mod form;
mod keepalive;
mod latency;
mod measure;
mod options;
mod progress;
mod report;
mod run;
mod sent;
mod sequence;
mod sources;
mod standing;
mod window;
mod wire;

pub use self::audience::Got;
pub use self::beside::compare;
pub use self::dialect::Dialect;
pub use self::options::{Comparison, Invocation, Keepalive, Options, Pace, Target, parse};
pub use self::progress::Progress;
pub use self::report::Report;
pub use self::run::{LoadError, run};
pub use self::sequence::Tally;
pub use self::standing::{Standing, Watch};
pub use self::wire::{RunId, Sizes};
