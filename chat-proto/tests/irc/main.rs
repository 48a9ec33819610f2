//! IRC as its clients see it: lines in, lines out.
//!
//! [README.md](README.md) says which test is about which command, mode, capability and numeric.

mod bad_input;
mod capabilities;
mod channels;
mod crossing;
mod elsewhere;
mod labels;
mod messages;
mod modes;
mod monitor;
mod net;
mod operators;
mod order;
mod playback;
mod policy;
mod queries;
mod registration;
mod simulated;
mod table;
