//! Who is next: who has something to send, who is due, whose line waits for whom.

pub(crate) mod deadlines;
pub(crate) mod lists;
pub(crate) mod pace;
pub(crate) mod ready;
pub(crate) mod turns;
