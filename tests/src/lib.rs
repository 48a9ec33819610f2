//! What holds the chat core and its adapters to their promises.
//!
//! - [`model`]: the hub as it should be, in vectors and maps.
//! - [`sim`]: a world of peers, driver and clock from one seed, in which core and model must agree.
//! - [`alloc`]: heap, measured from outside.
//! - [`fuzzing`]: what the fuzz targets do, on any toolchain.
//! - [`exact`]: `text` with a line for every join and leave.
//! - [`room`]: a hub and its peers in a test.
//! - [`conformance`](mod@conformance): one suite for any adapter, over real sockets.
//! - [`adapters`]: this project's own adapters, as that suite wants them.
//! - [`examples`]: the core's examples that serve sockets, as it wants them, too.
//! - [`program`]: the servers as programs, for tests of what they say and how they end.
//! - [`load`]: a load tool for whoever sizes a server, and [`soak`]: hostile clients for hours.
//! - [`usage`], [`sockets`], [`resources`], [`figures`]: what these two have in common.
//! - [`growth`]: how the core's costs grow, measured and drawn.

pub mod adapters;
pub mod alloc;
pub mod attack;
pub mod conformance;
pub mod exact;
pub mod examples;
pub mod figures;
pub mod fuzzing;
pub mod growth;
pub mod load;
pub mod model;
pub mod program;
pub mod resources;
pub mod room;
pub mod sim;
pub mod soak;
pub mod sockets;
pub mod usage;

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
