//! What the benchmarks of rooms run on: a hub with one room that counts, and any number of others.

use chat_proto::{Config, Hub, SessionId, Timestamp};

use crate::room::drain;

/// The room in which everything takes place.
pub(crate) const ROOM: &str = "/join room\n";

/// In how many of the other rooms a session is that keeps them.
const KEPT_BY_ONE: usize = 20;

/// A hub with one room that counts. Everybody has read everything.
pub(crate) struct Building {
    pub(crate) hub: Hub,
    /// Who is in the room. The first is to speak.
    pub(crate) members: Vec<SessionId>,
    /// Who is in the lobby only.
    pub(crate) visitors: Vec<SessionId>,
}

impl Building {
    /// Makes a hub with that many members of the room, other rooms, and visitors.
    ///
    /// Logs are small, so that ten thousand rooms take little memory, and hold a hundred lines in a small part of them.
    pub(crate) fn new(members: usize, others: usize, visitors: usize) -> Self {
        let keepers = others.div_ceil(KEPT_BY_ONE);
        let config = Config {
            max_sessions: members + visitors + keepers,
            max_line: 128,
            max_rooms: others + 5,
            max_rooms_per_session: KEPT_BY_ONE + 1,
            room_log_bytes: 40 << 10,
            room_log_entries: 512,
            room_history: 20,
            room_history_bytes: 4 << 10,
            rate: None,
            ..Config::default()
        };
        let mut building = Self { hub: Hub::new(config).unwrap(), members: Vec::new(), visitors: Vec::new() };
        building.visitors = building.open(visitors);
        // A room that begins before the others and ends after them leaves the least number free.
        building.each_visitor("/join first\n");
        drain(&mut building.hub);
        for (keeper, id) in building.open(keepers).into_iter().enumerate() {
            for other in (0..others).skip(keeper * KEPT_BY_ONE).take(KEPT_BY_ONE) {
                building.send(id, &format!("/join other-{other}\n"));
                drain(&mut building.hub);
            }
        }
        building.members = building.open(members);
        for index in 0..members {
            building.send(building.members[index], ROOM);
            drain(&mut building.hub);
        }
        // A guest's name would be longer where there are more sessions.
        building.send(building.members[0], "/name speaker\n");
        building.each_visitor("/leave\n");
        drain(&mut building.hub);
        building
    }

    /// Opens sessions that read their welcome.
    fn open(&mut self, sessions: usize) -> Vec<SessionId> {
        let text = self.hub.dialect("text").unwrap();
        let mut open = || {
            let id = self.hub.open(Timestamp::ZERO, text).unwrap();
            drain(&mut self.hub);
            id
        };
        (0..sessions).map(|_| open()).collect()
    }

    pub(crate) fn send(&mut self, id: SessionId, line: &str) {
        let taken = self.hub.receive(Timestamp::ZERO, id, line.as_bytes());
        debug_assert_eq!(taken, line.len(), "nobody has to wait");
    }

    /// Every visitor sends that line, each in a read of its own.
    pub(crate) fn each_visitor(&mut self, line: &str) {
        for index in 0..self.visitors.len() {
            self.send(self.visitors[index], line);
        }
    }

    /// Every visitor begins a room and leaves it when the next has begun one, so that it ends.
    pub(crate) fn begin_and_end(&mut self) {
        for index in 0..self.visitors.len() {
            self.send(self.visitors[index], &format!("/join of-{index}\n"));
            if index > 0 {
                self.send(self.visitors[index - 1], "/leave\n");
            }
        }
    }
}
