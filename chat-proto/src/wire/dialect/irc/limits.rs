//! Limits of lines, which all parts of the dialect share.

use super::line::{MAX_BODY, MAX_TAGS};

/// What stands before the name of a room.
pub(crate) const CHANNEL: &str = "#";

/// The most bytes of a line without its line end.
pub(crate) const LINE_LEN: usize = MAX_BODY;

/// The most bytes of a line that is received: tags, the signs around them, and the rest.
pub(crate) const MAX_LINE: usize = MAX_TAGS + 2 + MAX_BODY;

/// The most targets of one message.
pub(crate) const MAX_TARGETS: usize = 4;
