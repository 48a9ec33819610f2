//! How many instructions the core's paths take: the same on every run, whatever else the machine does.
//!
//! `.ci/instructions` counts them under Valgrind and compares them with `instructions.tsv` beside this file.
//!
//! What a benchmark gets was made before counting begins, and what it returns is dropped after it has ended. Each goes
//! through its path a hundred times or more, so that what happens once, such as a buffer that grows, does not show.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop")]
#![expect(missing_docs, unused_qualifications, reason = "the macros make what they make")]

mod room;

use std::hint::black_box;
use std::time::Duration;

use chat_proto::{Batch, Command, DialectId, Hub, SessionId, Timestamp};
use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};

/// A hub, who speaks in it, and what.
struct Speech {
    hub: Hub,
    speaker: SessionId,
    bytes: Vec<u8>,
}

/// A hundred lines are ready to be said to so many readers.
fn hundred_lines(dialect: &str, readers: usize) -> Speech {
    let (mut hub, speaker) = room::hub(dialect, readers);
    // The first messages make the speaker known to all, and buffers as large as they will be, the backlog's among them.
    for _ in 0..20 {
        hub.receive(Timestamp::ZERO, speaker, &room::line(dialect));
        room::drain(&mut hub);
    }
    Speech { hub, speaker, bytes: room::line(dialect).repeat(100) }
}

/// A hundred lines have been said to so many readers, who have not read them.
fn hundred_said(dialect: &str, readers: usize) -> Speech {
    let mut speech = hundred_lines(dialect, readers);
    speech.hub.receive(Timestamp::ZERO, speech.speaker, &speech.bytes);
    speech
}

/// One line has been said to so many readers, who have not read it.
fn one_said(dialect: &str, readers: usize) -> Speech {
    let mut speech = hundred_lines(dialect, readers);
    speech.hub.receive(Timestamp::ZERO, speech.speaker, &room::line(dialect));
    speech
}

// A hundred lines, each alone: must not depend on how many read.
#[library_benchmark(setup = hundred_lines)]
#[bench::text_to_10("text", 10)]
#[bench::text_to_10000("text", 10_000)]
#[bench::classic_to_10("classic", 10)]
#[bench::classic_to_10000("classic", 10_000)]
fn say(mut speech: Speech) -> Speech {
    for line in speech.bytes.split_inclusive(|byte| *byte == b'\n') {
        speech.hub.receive(Timestamp::ZERO, speech.speaker, black_box(line));
    }
    speech
}

// A hundred lines, as a socket would bring them.
#[library_benchmark(setup = hundred_lines)]
#[bench::text_100_lines("text", 10)]
#[bench::classic_100_lines("classic", 10)]
fn receive(mut speech: Speech) -> Speech {
    speech.hub.receive(Timestamp::ZERO, speech.speaker, black_box(&speech.bytes));
    speech
}

// A hundred lines, a byte at a time.
#[library_benchmark(setup = hundred_lines)]
#[bench::text_100_lines("text", 10)]
fn receive_bytewise(mut speech: Speech) -> Speech {
    for byte in &speech.bytes {
        speech.hub.receive(Timestamp::ZERO, speech.speaker, black_box(&[*byte]));
    }
    speech
}

// What was said, to each reader, by a driver that copies under a lock and writes after it, as the adapters do.
#[library_benchmark]
#[bench::one_line_to_1000(one_said("text", 1_000))]
#[bench::hundred_lines_to_1000(hundred_said("text", 1_000))]
fn drain(mut speech: Speech) -> Speech {
    let (mut batch, mut readers) = (Batch::new(), Vec::with_capacity(ROUND));
    loop {
        while readers.len() < ROUND
            && let Some(command) = speech.hub.poll_command()
        {
            if let Command::Send(id) = command {
                if !speech.hub.fits(id, &batch) {
                    speech.hub.fill(id, &mut batch, 64 << 10);
                }
                readers.push(id);
            }
        }
        if readers.is_empty() {
            return speech;
        }
        let bytes = black_box(batch.as_bytes()).len();
        for id in readers.drain(..) {
            speech.hub.sent(Timestamp::ZERO, id, &batch, bytes);
        }
    }
}

/// How many readers are written to before the hub is told.
const ROUND: usize = 128;

// A hundred lines to one reader who has read the others, each copied: what a lone message costs.
#[library_benchmark(setup = hundred_lines)]
#[bench::text("text", 1)]
#[bench::classic("classic", 1)]
fn say_and_fill(mut speech: Speech) -> Speech {
    let mut batch = Batch::new();
    for line in speech.bytes.split_inclusive(|byte| *byte == b'\n') {
        speech.hub.receive(Timestamp::ZERO, speech.speaker, line);
        while let Some(command) = speech.hub.poll_command() {
            if let Command::Send(id) = command {
                speech.hub.fill(id, &mut batch, 64 << 10);
                let bytes = black_box(batch.as_bytes()).len();
                speech.hub.sent(Timestamp::ZERO, id, &batch, bytes);
            }
        }
    }
    speech
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
    let mut crowd = doors(sessions);
    for _ in 0..sessions {
        crowd.now = crowd.now + Duration::from_millis(1);
        let id = crowd.hub.open(crowd.now, crowd.dialect).unwrap();
        crowd.ids.push(id);
        room::drain(&mut crowd.hub);
    }
    crowd
}

/// Room for so many sessions, who have all left.
fn doors(sessions: usize) -> Crowd {
    let (mut hub, _) = room::hub("text", sessions - 1);
    let ids: Vec<_> = hub.sessions().collect();
    for id in ids {
        hub.disconnect(Timestamp::ZERO, id);
    }
    room::drain(&mut hub);
    let dialect = hub.dialect("text").unwrap();
    Crowd { hub, dialect, ids: Vec::with_capacity(sessions), now: Timestamp::ZERO }
}

/// Each of the crowd has just shown that it is there.
fn active_crowd(sessions: usize) -> Crowd {
    let mut crowd = crowd(sessions);
    crowd.now = crowd.now + IDLE / 2;
    for id in &crowd.ids {
        crowd.hub.receive(crowd.now, *id, b"\n");
    }
    // Every entry in the heap is due, and no session.
    crowd.now = crowd.now + IDLE / 2;
    crowd
}

/// Each of the crowd has been silent for too long.
fn silent_crowd(sessions: usize) -> Crowd {
    let mut crowd = crowd(sessions);
    crowd.now = crowd.now + IDLE;
    crowd
}

// Each session puts its deadline off.
#[library_benchmark(setup = crowd)]
#[bench::of_10000(10_000)]
fn activity(mut crowd: Crowd) -> Crowd {
    crowd.now = crowd.now + IDLE / 2;
    for id in &crowd.ids {
        crowd.hub.receive(crowd.now, *id, black_box(b"\n"));
    }
    crowd
}

// The timer of sessions of which some have been active since it was armed, and some have not.
#[library_benchmark]
#[bench::of_10000_active(active_crowd(10_000))]
#[bench::of_1000_silent(silent_crowd(1_000))]
fn handle_timeout(mut crowd: Crowd) -> Crowd {
    crowd.hub.handle_timeout(black_box(crowd.now));
    crowd
}

// Each comes, and reads the welcome.
#[library_benchmark(setup = doors)]
#[bench::of_1000(1_000)]
fn open(mut crowd: Crowd) -> Crowd {
    for _ in 0..crowd.ids.capacity() {
        crowd.ids.push(crowd.hub.open(crowd.now, crowd.dialect).unwrap());
        room::drain(&mut crowd.hub);
    }
    crowd
}

/// A crowd, and the lines by which each of it takes a name.
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

/// A crowd of which each has a name.
fn named_crowd(sessions: usize) -> Crowd {
    let (mut crowd, lines) = nameless_crowd(sessions);
    take_names(&mut crowd, &lines);
    room::drain(&mut crowd.hub);
    crowd
}

// Each goes, and its place is free again.
#[library_benchmark(setup = named_crowd)]
#[bench::of_1000(1_000)]
fn close(mut crowd: Crowd) -> Crowd {
    for id in &crowd.ids {
        crowd.hub.disconnect(crowd.now, *id);
    }
    while let Some(Command::Close(..)) = black_box(crowd.hub.poll_command()) {}
    crowd
}

library_benchmark_group!(
    name = core,
    benchmarks = [say, receive, receive_bytewise, drain, say_and_fill, activity, handle_timeout, open, name, close]
);

main!(
    // The caches that Valgrind simulates are none of ours: instructions are what is compared.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = core
);
