//! Tests of the chat core and its adapters.
//!
//! - [`model`]: the reference model, a hub of vectors and maps.
//! - [`sim`]: the simulator: peers, a driver and a clock from one seed, for which core and model must agree.
//! - [`alloc`]: heap use, counted by the allocator.
//! - [`fuzzing`]: the fuzz targets, on any toolchain.
//! - [`exact`]: `text` with a line for every join and leave.
//! - [`room`]: a hub and its peers in a test; [`output`]: what a hub hands out.
//! - [`websocket`]: frames as a client sends and reads them.
//! - [`conformance`](mod@conformance): one suite for any adapter, over real sockets.
//! - [`adapters`]: this project's own adapters, for that suite.
//! - [`certificate`]: what their servers and clients need for TLS.
//! - [`examples`]: the core's examples that serve sockets, for the same suite.
//! - [`program`]: the servers as programs, for tests of what they print and how they end.
//! - [`metrics`]: asks a server for its metrics.
//! - [`load`]: a load generator, and [`soak`]: hostile clients for hours.
//! - [`usage`], [`sockets`], [`resources`], [`figures`]: shared by these two.
//! - [`growth`]: how the core's costs grow, measured and drawn.

pub mod adapters;
pub mod alloc;
pub mod attack;
pub mod certificate;
pub mod conformance;
pub mod exact;
pub mod examples;
pub mod figures;
pub mod fuzzing;
pub mod growth;
pub mod load;
pub mod metrics;
pub mod model;
pub mod output;
pub mod program;
pub mod resources;
pub mod room;
pub mod sim;
pub mod soak;
pub mod sockets;
mod stream;
pub mod usage;
pub mod websocket;

/// The code in the project's READMEs, as doc tests.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    struct Project;
    #[doc = include_str!("../../chat-proto/README.md")]
    struct ChatProto;
    #[doc = include_str!("../../chat-smol/README.md")]
    struct ChatSmol;
    #[doc = include_str!("../../chat-std/README.md")]
    struct ChatStd;
}
