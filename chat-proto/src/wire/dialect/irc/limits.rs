//! Limits of lines, which all parts of the dialect share.

use super::line::{MAX_BODY, MAX_TAGS};

/// What stands before the name of a room.
pub(crate) const CHANNEL: &str = "#";

/// The most bytes of a line without its line end.
pub(crate) const LINE_LEN: usize = MAX_BODY;

/// The most bytes of a line that is received: tags, the signs around them, and the rest.
pub(crate) const MAX_LINE: usize = MAX_TAGS + 2 + MAX_BODY;

/// The most lines with which one line, or one of several things that it asks for, is answered at once. The welcome has
/// that many; a longer answer follows as its reader reads. This many lines of the greatest length, with their times and
/// the number of a batch, fit into the space of two of the longest messages.
pub(crate) const MOST_LINES: usize = 16;

/// The most lines about bans that end at once. All that a list may have fit, unless names have more than 40 bytes.
pub(crate) const BAN_LINES: usize = 8;

/// The most targets of one message.
pub(crate) const MAX_TARGETS: usize = 4;
