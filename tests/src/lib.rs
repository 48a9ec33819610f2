//! What holds the chat core and its adapters to their promises.
//!
//! - [`conformance`]: one suite for any adapter, over real sockets.
//! - [`adapters`]: this project's own adapters, as that suite wants them.
//! - [`program`]: the servers as programs, for tests of what they say and how they end.

pub mod adapters;
pub mod conformance;
pub mod program;

/// The code in the project's README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
