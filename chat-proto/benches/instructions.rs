//! Counts the instructions of the core's paths: the same on every run, whatever else the machine does.
//!
//! `.ci/instructions` counts them under Valgrind and compares them with `instructions.tsv` beside this file.
//!
//! The input of a benchmark is made before counting begins, and what it returns is dropped after counting ends. Each
//! runs its path a hundred times or more, so that one-off costs, such as a buffer that grows, do not show.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop")]
#![expect(missing_docs, unused_qualifications, reason = "the macros make what they make")]

mod room;
mod rooms;

use std::hint::black_box;
use std::time::Duration;

use chat_proto::{Batch, Command, DialectId, Hub, SessionId, Timestamp};
use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use rooms::Building;

/// A hub with readers, a speaker, and the lines to be sent.
struct Publication {
    hub: Hub,
    speaker: SessionId,
    bytes: Vec<u8>,
}

/// Makes a hundred lines ready to be sent to so many readers.
fn hundred_lines(dialect: &str, readers: usize) -> Publication {
    let (mut hub, speaker) = room::hub(dialect, readers);
    // The first messages make the speaker known to all, and grow the buffers to their final size, the backlog's among
    // them.
    for _ in 0..20 {
        hub.receive(Timestamp::ZERO, speaker, &room::line(dialect));
        room::drain(&mut hub);
    }
    Publication { hub, speaker, bytes: room::line(dialect).repeat(100) }
}

/// A hundred lines have been sent to so many readers, who have not read them.
fn hundred_said(dialect: &str, readers: usize) -> Publication {
    let mut publication = hundred_lines(dialect, readers);
    publication.hub.receive(Timestamp::ZERO, publication.speaker, &publication.bytes);
    publication
}

/// One line has been sent to so many readers, who have not read it.
fn one_said(dialect: &str, readers: usize) -> Publication {
    let mut publication = hundred_lines(dialect, readers);
    publication.hub.receive(Timestamp::ZERO, publication.speaker, &room::line(dialect));
    publication
}

// A hundred lines, each alone: must not depend on the number of readers.
#[library_benchmark(setup = hundred_lines)]
#[bench::text_to_10("text", 10)]
#[bench::text_to_10000("text", 10_000)]
#[bench::classic_to_10("classic", 10)]
#[bench::classic_to_10000("classic", 10_000)]
fn say(mut publication: Publication) -> Publication {
    for line in publication.bytes.split_inclusive(|byte| *byte == b'\n') {
        publication.hub.receive(Timestamp::ZERO, publication.speaker, black_box(line));
    }
    publication
}

// A hundred lines in one read, as from a socket.
#[library_benchmark(setup = hundred_lines)]
#[bench::text_100_lines("text", 10)]
#[bench::classic_100_lines("classic", 10)]
fn receive(mut publication: Publication) -> Publication {
    publication.hub.receive(Timestamp::ZERO, publication.speaker, black_box(&publication.bytes));
    publication
}

// A hundred lines, a byte at a time.
#[library_benchmark(setup = hundred_lines)]
#[bench::text_100_lines("text", 10)]
fn receive_bytewise(mut publication: Publication) -> Publication {
    for byte in &publication.bytes {
        publication.hub.receive(Timestamp::ZERO, publication.speaker, black_box(&[*byte]));
    }
    publication
}

// Pending messages to each reader, by a driver that copies under the lock and writes after it, as the adapters do.
#[library_benchmark]
#[bench::one_line_to_1000(one_said("text", 1_000))]
#[bench::hundred_lines_to_1000(hundred_said("text", 1_000))]
fn drain(mut publication: Publication) -> Publication {
    deliver(&mut publication.hub);
    publication
}

/// Delivers what is pending to readers that are all to be sent the same.
fn deliver(hub: &mut Hub) {
    let (mut batch, mut readers) = (Batch::new(), Vec::with_capacity(ROUND));
    loop {
        while readers.len() < ROUND
            && let Some(command) = hub.poll_command()
        {
            if let Command::Send(id) = command {
                if !hub.fits(id, &batch) {
                    hub.fill(id, &mut batch, 64 << 10);
                }
                readers.push(id);
            }
        }
        if readers.is_empty() {
            return;
        }
        let bytes = black_box(batch.as_bytes()).len();
        for id in readers.drain(..) {
            hub.sent(Timestamp::ZERO, id, &batch, bytes);
        }
    }
}

/// How many readers are written to before the hub is told.
const ROUND: usize = 128;

// A hundred lines to one reader that is up to date, each copied: the cost of a single message.
#[library_benchmark(setup = hundred_lines)]
#[bench::text("text", 1)]
#[bench::classic("classic", 1)]
fn say_and_fill(mut publication: Publication) -> Publication {
    let mut batch = Batch::new();
    for line in publication.bytes.split_inclusive(|byte| *byte == b'\n') {
        publication.hub.receive(Timestamp::ZERO, publication.speaker, line);
        while let Some(command) = publication.hub.poll_command() {
            if let Command::Send(id) = command {
                publication.hub.fill(id, &mut batch, 64 << 10);
                let bytes = black_box(batch.as_bytes()).len();
                publication.hub.sent(Timestamp::ZERO, id, &batch, bytes);
            }
        }
    }
    publication
}

/// A hub, all of its sessions, and the time.
struct Crowd {
    hub: Hub,
    dialect: DialectId,
    ids: Vec<SessionId>,
    now: Timestamp,
}

/// How long a session that speaks `text` may be silent.
const IDLE: Duration = Duration::from_secs(600);

/// So many sessions, one opened each millisecond.
fn crowd(sessions: usize) -> Crowd {
    let mut crowd = empty_hub(sessions);
    for _ in 0..sessions {
        crowd.now = crowd.now + Duration::from_millis(1);
        let id = crowd.hub.open(crowd.now, crowd.dialect).unwrap();
        crowd.ids.push(id);
        room::drain(&mut crowd.hub);
    }
    crowd
}

/// A hub with room for so many sessions, all of which have left.
fn empty_hub(sessions: usize) -> Crowd {
    let (mut hub, _) = room::hub("text", sessions - 1);
    let ids: Vec<_> = hub.sessions().collect();
    for id in ids {
        hub.disconnect(Timestamp::ZERO, id);
    }
    room::drain(&mut hub);
    let dialect = hub.dialect("text").unwrap();
    Crowd { hub, dialect, ids: Vec::with_capacity(sessions), now: Timestamp::ZERO }
}

/// Every session has just been active.
fn active_crowd(sessions: usize) -> Crowd {
    let mut crowd = crowd(sessions);
    crowd.now = crowd.now + IDLE / 2;
    for id in &crowd.ids {
        crowd.hub.receive(crowd.now, *id, b"\n");
    }
    // Every entry in the heap is due, but no session is.
    crowd.now = crowd.now + IDLE / 2;
    crowd
}

/// Every session has been silent for too long.
fn silent_crowd(sessions: usize) -> Crowd {
    let mut crowd = crowd(sessions);
    crowd.now = crowd.now + IDLE;
    crowd
}

// Each session postpones its deadline.
#[library_benchmark(setup = crowd)]
#[bench::of_10000(10_000)]
fn activity(mut crowd: Crowd) -> Crowd {
    crowd.now = crowd.now + IDLE / 2;
    for id in &crowd.ids {
        crowd.hub.receive(crowd.now, *id, black_box(b"\n"));
    }
    crowd
}

// The timer of sessions: either all active since it was armed, or all silent.
#[library_benchmark]
#[bench::of_10000_active(active_crowd(10_000))]
#[bench::of_1000_silent(silent_crowd(1_000))]
fn handle_timeout(mut crowd: Crowd) -> Crowd {
    crowd.hub.handle_timeout(black_box(crowd.now));
    crowd
}

// Each session opens and reads its welcome.
#[library_benchmark(setup = empty_hub)]
#[bench::of_1000(1_000)]
fn open(mut crowd: Crowd) -> Crowd {
    for _ in 0..crowd.ids.capacity() {
        crowd.ids.push(crowd.hub.open(crowd.now, crowd.dialect).unwrap());
        room::drain(&mut crowd.hub);
    }
    crowd
}

/// A crowd, and the lines with which its sessions take names.
fn nameless_crowd(sessions: usize) -> (Crowd, Vec<String>) {
    (crowd(sessions), (0..sessions).map(|n| format!("/name person-{n}\n")).collect())
}

fn take_names(crowd: &mut Crowd, lines: &[String]) {
    for (id, line) in crowd.ids.iter().zip(lines) {
        crowd.hub.receive(crowd.now, *id, black_box(line.as_bytes()));
    }
}

// Each takes a name.
#[library_benchmark(setup = nameless_crowd)]
#[bench::of_1000(1_000)]
fn name((mut crowd, lines): (Crowd, Vec<String>)) -> (Crowd, Vec<String>) {
    take_names(&mut crowd, &lines);
    (crowd, lines)
}

/// A crowd in which every session has a name.
fn named_crowd(sessions: usize) -> Crowd {
    let (mut crowd, lines) = nameless_crowd(sessions);
    take_names(&mut crowd, &lines);
    room::drain(&mut crowd.hub);
    crowd
}

// Each session closes, and its slot is freed.
#[library_benchmark(setup = named_crowd)]
#[bench::of_1000(1_000)]
fn close(mut crowd: Crowd) -> Crowd {
    for id in &crowd.ids {
        crowd.hub.disconnect(crowd.now, *id);
    }
    while let Some(Command::Close(..)) = black_box(crowd.hub.poll_command()) {}
    crowd
}

/// A room with readers that are up to date beside a speaker, and that many other rooms.
fn room_to_speak_in(readers: usize, others: usize) -> Building {
    let mut building = Building::new(readers + 1, others, 0);
    // The first message makes buffers grow.
    say_lines(&mut building, 1);
    room::drain(&mut building.hub);
    building
}

fn say_lines(building: &mut Building, lines: usize) {
    for _ in 0..lines {
        building.hub.receive(Timestamp::ZERO, building.members[0], black_box(&room::line("text")));
    }
}

// A hundred lines in a room, each alone: must not depend on how many rooms there are.
#[library_benchmark(setup = room_to_speak_in)]
#[bench::to_10_beside_1(10, 1)]
#[bench::to_10_beside_10000(10, 10_000)]
#[bench::to_1000_beside_1(1_000, 1)]
fn say_in_room(mut building: Building) -> Building {
    let line = room::line("text");
    for _ in 0..100 {
        building.hub.receive(Timestamp::ZERO, building.members[0], black_box(&line));
    }
    building
}

/// That many lines have been said in a room to so many readers.
fn said_in_room(readers: usize, lines: usize) -> Building {
    let mut building = room_to_speak_in(readers, 1);
    say_lines(&mut building, lines);
    building
}

/// The same, where the readers speak in the lobby, so that these lines have labels.
fn said_elsewhere(readers: usize, lines: usize) -> Building {
    let mut building = room_to_speak_in(readers, 1);
    for index in 1..building.members.len() {
        building.send(building.members[index], "/join lobby\n");
    }
    room::drain(&mut building.hub);
    say_lines(&mut building, lines);
    building
}

/// One line has been said in the room, and one in the lobby.
fn said_in_both(readers: usize) -> Building {
    let mut building = Building::new(readers + 1, 1, 1);
    building.each_visitor("hello\n");
    room::drain(&mut building.hub);
    say_lines(&mut building, 1);
    building.each_visitor("hello\n");
    building
}

// Pending messages of a room to each reader, who is in the lobby as well. Lines of two rooms are copied for each.
#[library_benchmark]
#[bench::one_line_to_1000(said_in_room(1_000, 1))]
#[bench::hundred_lines_to_1000(said_in_room(1_000, 100))]
#[bench::one_labelled_line_to_1000(said_elsewhere(1_000, 1))]
#[bench::hundred_labelled_lines_to_1000(said_elsewhere(1_000, 100))]
fn drain_room(mut building: Building) -> Building {
    deliver(&mut building.hub);
    building
}

// A line of a room and one of the lobby to each reader, copied for each.
#[library_benchmark]
#[bench::of_two_rooms_to_1000(said_in_both(1_000))]
fn fill(mut building: Building) -> Building {
    room::drain(&mut building.hub);
    building
}

/// A room with members, other rooms, and a hundred visitors who were in a room before.
fn room_to_enter(members: usize, others: usize) -> Building {
    Building::new(members, others, 100)
}

// A hundred sessions enter a room: must not depend on how many are in it, nor on how many rooms there are.
#[library_benchmark(setup = room_to_enter)]
#[bench::of_10_beside_1(10, 1)]
#[bench::of_1000_beside_1(1_000, 1)]
#[bench::of_10_beside_10000(10, 10_000)]
fn join(mut building: Building) -> Building {
    building.each_visitor(black_box(rooms::ROOM));
    building
}

/// The visitors have entered the room.
fn room_to_leave(members: usize, others: usize) -> Building {
    let mut building = room_to_enter(members, others);
    building.each_visitor(rooms::ROOM);
    room::drain(&mut building.hub);
    building
}

// A hundred sessions leave a room, as many stay.
#[library_benchmark(setup = room_to_leave)]
#[bench::of_10_beside_1(10, 1)]
#[bench::of_1000_beside_1(1_000, 1)]
#[bench::of_10_beside_10000(10, 10_000)]
fn leave(mut building: Building) -> Building {
    building.each_visitor(black_box("/leave\n"));
    building
}

// A hundred sessions each begin a room and end it, among many other rooms.
#[library_benchmark(setup = room_to_enter)]
#[bench::beside_1(1, 1)]
#[bench::beside_10000(1, 10_000)]
fn begin_and_end(mut building: Building) -> Building {
    building.begin_and_end();
    building
}

library_benchmark_group!(
    name = core,
    benchmarks = [
        say,
        receive,
        receive_bytewise,
        drain,
        say_and_fill,
        activity,
        handle_timeout,
        open,
        name,
        close,
        say_in_room,
        drain_room,
        fill,
        join,
        leave,
        begin_and_end
    ]
);

main!(
    // Caches are not simulated: only instructions are compared.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = core
);
