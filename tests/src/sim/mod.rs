//! The simulator: a hub, its model and a world of peers, driver and clock, all from one seed.
//!
//! A [`Run`] is a sequence of episodes. Each draws an [`Episode`]: limits, mostly tight; a driver's habits; and the
//! weather, which says how likely each [`Step`] is. The [`World`] plays the steps and tells the model of every call on
//! the hub. After every step the two must agree and every rule must hold. The seed alone decides what happens, so a
//! failure can be repeated and shrunk.

mod check;
mod driver;
mod episode;
#[cfg(feature = "fault-injection")]
mod faults;
mod grammar;
mod misuse;
mod program;
mod random;
mod run;
mod shrink;
mod step;
mod terse;
mod world;

pub use self::episode::{Conduct, Episode};
#[cfg(feature = "fault-injection")]
pub use self::faults::{ENOUGH, Finding, find_faults};
pub(crate) use self::grammar::typing;
pub use self::random::{Digest, Random, mix};
pub use self::run::{Failure, Run, play};
pub use self::step::{Misuse, Speaks, Step, Weather};
pub use self::world::World;
