//! A chat server's core as a pure state machine: bytes and time in, commands out.

#![no_std]

extern crate alloc;

#[cfg(feature = "cli")]
extern crate std;

mod batch;
mod bucket;
mod buffers;
#[cfg(feature = "cli")]
pub mod cli;
mod command;
pub mod config;
mod deadline;
pub mod dialect;
mod hub;
mod journal;
mod line;
mod lists;
mod log;
mod name;
mod outbox;
mod policy;
mod session;
mod time;
mod words;

pub use batch::Batch;
pub use command::{CloseReason, Command, OpenError};
pub use config::{Config, ConfigError, DialectConfig, OnLag, Rate};
pub use dialect::{Dialect, DialectId};
pub use hub::{Hub, HubStats, Pending};
pub use journal::{Record, RecordKind};
pub use name::NameError;
pub use policy::{Policy, Proposal, Verdict};
pub use session::{SessionId, SessionStats};
pub use time::Timestamp;
