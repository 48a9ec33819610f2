//! WebSocket as its clients see it: frames in, frames out.

mod closing;
mod cuts;
mod limits;
mod messages;
mod net;
mod rules;
