//! The fuzz targets: functions that take any bytes, and panic if a rule is broken.
//!
//! They are here and not in `fuzz/`, so that the same code replays the committed corpus on the stable toolchain
//! (`tests/corpus.rs`). Inputs are scripts that a person can read and write; the file of each target explains its
//! format.

mod driver;
mod entries;
mod http;
mod limits;
mod lockstep;
mod names;
mod receive;
mod round_trip;
mod screen;
mod script;

pub use self::limits::fitted;
pub use self::round_trip::close_reasons;
use crate::model::Checked;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// Every target, with the name of its binary and its corpus.
pub const TARGETS: [(&str, Target); 9] = [
    ("receive_text", receive_text),
    ("receive_classic", receive_classic),
    ("receive_irc", receive_irc),
    ("receive_ws", receive_ws),
    ("receive_http", receive_http),
    ("driver", driver),
    ("round_trip", round_trip),
    ("names", names),
    ("entries", entries),
];

/// Feeds bytes to a session of the text dialect: the output must not depend on how they are cut, nor on how other
/// sessions are written to.
///
/// # Panics
///
/// If a rule is broken.
pub fn receive_text(data: &[u8]) {
    hold(receive::play(data, "text"));
}

/// The same for a session of the classic dialect.
///
/// # Panics
///
/// If a rule is broken.
pub fn receive_classic(data: &[u8]) {
    hold(receive::play(data, "classic"));
}

/// The same for a session of IRC.
///
/// # Panics
///
/// If a rule is broken.
pub fn receive_irc(data: &[u8]) {
    hold(receive::play(data, "irc"));
}

/// The same for a session that sends and reads messages of WebSocket, in any dialect.
///
/// # Panics
///
/// If a rule is broken.
pub fn receive_ws(data: &[u8]) {
    hold(receive::play_messages(data));
}

/// Feeds bytes to a connection of HTTP: the answers must not depend on how they are cut, nor on how they are read.
///
/// # Panics
///
/// If a rule is broken.
pub fn receive_http(data: &[u8]) {
    hold(http::play(data));
}

/// Makes a sequence of a driver's calls, misuse included, and compares the hub with the model after each.
///
/// # Panics
///
/// If a rule is broken.
pub fn driver(data: &[u8]) {
    hold(driver::play(data));
}

/// Encodes and decodes a name and a text in every dialect and kind of event, and sends them through a hub.
///
/// # Panics
///
/// If a rule is broken.
pub fn round_trip(data: &[u8]) {
    hold(round_trip::play(data));
}

/// Makes sessions take names, and names that count as the same.
///
/// # Panics
///
/// If a rule is broken.
pub fn names(data: &[u8]) {
    hold(names::play(data));
}

/// Decodes entries, and applies them to several conversations.
///
/// # Panics
///
/// If a rule is broken.
pub fn entries(data: &[u8]) {
    hold(entries::play(data));
}

#[track_caller]
fn hold(checked: Checked) {
    if let Err(difference) = checked {
        panic!("{difference}");
    }
}
