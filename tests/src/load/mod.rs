//! A load generator: measures how many messages a server delivers and how long they take, and checks that each arrives
//! once and in order.
//!
//! One thread drives all connections, so that its own cost is low and the same for every server:
//!
//! - `options`: the command line.
//! - `wire`: the format of a message; `form` and `irc`: how each dialect puts it into a line; `websocket`: lines as
//!   messages.
//! - `run`: a run: connecting, warming up, measuring, and waiting for the last message.
//! - `crowd`: the connections, all on one epoll; `connection`: one of them.
//! - `sent` and `audience`: what was sent, and what was received; `sequence` finds lost, late and repeated messages.
//! - `window`: the closed loop. The open loop is a schedule: a message that could not be sent when it was due is sent
//!   later, but its latency counts from when it was due. So a server that pauses is not offered less load meanwhile
//!   (coordinated omission).
//! - `report`: the results, as a table or as JSON.
//! - `beside`: this project's servers and another, loaded in turn and compared; `ircd` starts other servers of IRC.

#![expect(clippy::cast_precision_loss, reason = "figures for people need no more than 52 bits")]

mod audience;
mod beside;
mod connection;
mod crowd;
mod dialect;
mod form;
mod irc;
mod ircd;
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
mod status;
mod tls;
mod websocket;
mod window;
mod wire;

pub use self::audience::Got;
pub use self::beside::compare;
pub use self::dialect::{Dialect, Transport};
pub(crate) use self::options::CONNECTING;
pub use self::options::{Beside, Comparison, Invocation, Ircd, Keepalive, Options, Pace, Target, parse};
pub use self::progress::Progress;
pub use self::report::Report;
pub use self::run::{LoadError, run};
pub use self::sequence::Tally;
pub use self::status::{Status, Watch};
pub use self::wire::{RunId, Sizes};
