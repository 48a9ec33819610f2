//! Bytes to requests, and events to bytes.
//!
//! A framing cuts a transport's bytes into lines; a dialect gives lines meaning and writes events; what a peer said is
//! cleaned before others see it.

pub mod dialect;
pub(crate) mod framing;
pub(crate) mod sanitize;
pub(crate) mod sniff;
mod telnet;
