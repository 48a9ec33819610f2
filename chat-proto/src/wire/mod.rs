//! Decoding bytes into requests, and encoding events as bytes.
//!
//! A framing cuts a transport's bytes into lines. A dialect decodes lines into requests and encodes events. What a peer
//! said is cleaned before others see it.

pub mod dialect;
pub(crate) mod framing;
pub(crate) mod sanitize;
pub(crate) mod sniff;
mod telnet;
