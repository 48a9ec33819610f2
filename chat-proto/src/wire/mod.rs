//! Decoding bytes into requests, and encoding updates as bytes.
//!
//! A framing cuts a transport's bytes into lines. A dialect decodes lines into requests and encodes updates. What a
//! peer said is cleaned before others see it.

pub mod dialect;
pub(crate) mod framing;
#[cfg(feature = "web")]
pub mod http;
pub(crate) mod sanitize;
pub(crate) mod sniff;
mod telnet;
