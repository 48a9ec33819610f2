//! What a delivery costs in memory alone: a loop that does nothing but touch as many cache lines as the core does.

use std::hint::black_box;

/// A cache line, with the number of what is touched next.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line {
    next: u32,
    count: u32,
}

const NEW: Line = Line { next: 0, count: 0 };

/// The lines of one session: for what is always looked at, for what it is sent, and for its counters.
const OF_SESSION: usize = 3;
/// Those of its places in two rooms.
const OF_PLACES: usize = 2;
/// Those of a room: its log with its readers, the end of that log, and the end of its history.
const OF_ROOM: usize = 8;

/// As much memory as there is for some rooms and their members.
pub(super) struct Touched {
    sessions: Vec<[Line; OF_SESSION]>,
    places: Vec<[Line; OF_PLACES]>,
    rooms: Vec<[Line; OF_ROOM]>,
}

impl Touched {
    pub(super) fn new(rooms: u32, members: u32) -> Self {
        let session = |number: u32| [Line { next: number, ..NEW }, NEW, NEW];
        let place = |number: u32| [Line { next: number / members, ..NEW }, NEW];
        Self {
            sessions: (0..rooms * members).map(session).collect(),
            places: (0..rooms * members).map(place).collect(),
            rooms: vec![[NEW; OF_ROOM]; rooms as usize],
        }
    }

    /// Touches everything once. Where the core follows a number from one piece of memory to the next, so does this.
    pub(super) fn touch(&mut self) {
        for session in &mut self.sessions {
            let place = session[0].next;
            for line in session {
                line.count += 1;
            }
            let places = &mut self.places[place as usize];
            let room = places[0].next;
            for line in places.iter_mut().chain(&mut self.rooms[room as usize]) {
                line.count += 1;
            }
        }
        black_box(&mut self.sessions);
    }
}
