//! What the fuzzer runs: functions that take any bytes at all and panic if a rule is broken.
//!
//! They are here and not in `fuzz/`, so that the committed corpus is replayed on the stable toolchain by the same code
//! (`tests/corpus.rs`). Inputs are scripts that a person can read and write; what a target makes of them is told in its
//! own file.

mod driver;
mod entries;
mod limits;
mod lockstep;
mod names;
mod receive;
mod round_trip;
mod screen;
mod script;

use crate::model::Checked;

/// What the fuzzer calls with its inputs.
pub type Target = fn(&[u8]);

/// Every target by the name of its binary and of its corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("receive_text", receive_text),
    ("receive_classic", receive_classic),
    ("driver", driver),
    ("round_trip", round_trip),
    ("names", names),
    ("entries", entries),
];

/// Feeds bytes to a session of the text dialect: however they are cut and however others are written to, the same comes
/// out.
///
/// # Panics
///
/// If a rule is broken.
pub fn receive_text(data: &[u8]) {
    hold(receive::play(data, "text"));
}

/// Does the same with a session of the classic dialect.
///
/// # Panics
///
/// If a rule is broken.
pub fn receive_classic(data: &[u8]) {
    hold(receive::play(data, "classic"));
}

/// Makes a sequence of driver's calls, misuse among them, and compares the hub with the model after each.
///
/// # Panics
///
/// If a rule is broken.
pub fn driver(data: &[u8]) {
    hold(driver::play(data));
}

/// Encodes and decodes a name and words in every way there is, and lets them be said.
///
/// # Panics
///
/// If a rule is broken.
pub fn round_trip(data: &[u8]) {
    hold(round_trip::play(data));
}

/// Lets sessions take names, and twins of names.
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
