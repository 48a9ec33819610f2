//! Compares what a hub says that it has with what the model has.

use chat_proto::Hub;

use super::{Checked, Model, Phase, differ};

impl Model {
    /// Checks how many members, rooms, waiting lines, and sessions of each dialect the hub says that there are.
    ///
    /// # Errors
    ///
    /// If a number differs.
    ///
    /// # Panics
    ///
    /// If the hub has other dialects.
    pub fn check_gauges(&self, hub: &Hub) -> Checked {
        let gauges = hub.gauges();
        let (mut members, mut held, mut of_dialects) = (0, 0, vec![0; self.config.dialects.len()]);
        for session in self.sessions.values() {
            members +=
                usize::from(session.is_registered() && matches!(session.phase, Phase::Open | Phase::Unconnected));
            held += usize::from(session.held.is_some());
            of_dialects[session.log] += usize::from(session.phase != Phase::Unconnected);
        }
        let mine = (members, self.present_rooms().count(), held, of_dialects);
        let of_dialect = |dialect: &chat_proto::DialectConfig| {
            let id = hub.dialect(dialect.dialect.name()).expect("the hub has the same dialects");
            let gauges = gauges.of_dialect(id);
            gauges.in_lines + gauges.in_messages
        };
        let hubs = (gauges.members, gauges.rooms, gauges.held, self.config.dialects.iter().map(of_dialect).collect());
        if hubs == mine { Ok(()) } else { differ("gauges", format!("the hub has {hubs:?}, the model {mine:?}")) }
    }
}
