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
    // The rest of a message that was begun is at most as long as what a line may cause.
    Batch::with_capacity(config.log_bytes + 2 * config.reply_bytes, config.log_entries)
}
