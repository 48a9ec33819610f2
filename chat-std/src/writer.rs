//! Carries out the hub's commands, and writes to every socket.

use std::sync::Arc;
use std::thread;

use chat_proto::driver::Round;

use crate::connection::Connection;
use crate::shared::Shared;

/// Writes until the server is over; nothing here waits for a peer.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut round = Round::new();
    while shared.wait_for_work() {
        while shared.act(|state, now| {
            let has_work = round.report_and_gather(&mut state.hub, now);
            state.blocked.extend(round.drain_blocked());
            has_work
        }) {
            round.write(Connection::write);
            round.drain_closed().for_each(|(connection, reason)| connection.close(reason));
            round.drain_resumed().for_each(|connection| connection.resume());
            // At most four at once. Without a thread the password counts as wrong.
            round.drain_authentications(shared).for_each(|it| drop(thread::Builder::new().spawn(|| it.run())));
        }
    }
}
