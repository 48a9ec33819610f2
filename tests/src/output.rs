//! What a hub hands out, in batches for tests.

use chat_proto::{Batch, Config, Hub, SessionId};

/// Returns a copy of all that is pending for a session; empty if nothing is.
#[must_use]
pub fn pending(hub: &mut Hub, id: SessionId) -> Batch {
    let mut batch = Batch::new();
    hub.fill(id, &mut batch, usize::MAX);
    batch
}

/// Makes a batch that holds all that a hub with these limits can hand out at once. So filling it allocates nothing, and
/// a meter around that counts what the hub allocates.
#[must_use]
pub fn roomy_batch(config: &Config) -> Batch {
    let Config { log_bytes, log_entries, room_log_bytes, room_log_entries, .. } = *config;
    let rooms = config.max_rooms_per_session;
    // Where the log of a room would be too small, it is as large as that of the lobby has to be at least.
    let entries = log_entries + rooms * room_log_entries.max(10);
    let bytes = log_bytes + rooms * room_log_bytes.max(log_bytes) + entries * LABEL;
    // The rest of a message that was begun is at most as long as what a line may cause.
    // In IRC, what stands before each line may be longer than what the log keeps of it.
    Batch::with_capacity(2 * bytes + 2 * config.reply_bytes, entries)
}

/// The most bytes of a label.
const LABEL: usize = 66;
