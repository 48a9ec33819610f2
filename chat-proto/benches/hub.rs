//! The costs of the core's hot paths: publishing, draining and receiving; and what an idle session holds.
//!
//! `cargo bench -p chat-proto`. All rows of `say` should be alike: its cost must not depend on the number of readers.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop")]

mod room;

use std::hint::black_box;
use std::time::Duration;

use chat_proto::{Hub, Timestamp};
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use room::{drain, hub, line};

/// Counts allocations: the steady state must show none.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Everything that a hub allocates for idle sessions: the difference of the rows over 100,000 is the cost of one
/// session.
#[divan::bench(args = [1, 100_001], sample_count = 1)]
fn hub_of_idle_sessions(sessions: usize) -> Hub {
    hub("text", sessions - 1).0
}

/// One line, with that many readers.
#[divan::bench(args = [100, 10_000, 100_000], sample_size = 1_000)]
fn say(bencher: Bencher<'_, '_>, readers: usize) {
    let (mut hub, speaker) = hub("text", readers);
    let line = line("text");
    bencher.bench_local(|| hub.receive(Timestamp::ZERO, speaker, black_box(&line)));
}

/// One line to each of 1,000 readers, as part of a batch of 100.
#[divan::bench(args = ["text", "classic"])]
fn drain_100_lines_to_1000_readers(bencher: Bencher<'_, '_>, dialect: &str) {
    let (mut hub, speaker) = hub(dialect, 1_000);
    let lines = line(dialect).repeat(100);
    bencher.counter(ItemsCount::new(100_000_usize)).bench_local(|| {
        hub.receive(Timestamp::ZERO, speaker, black_box(&lines));
        drain(&mut hub)
    });
}

/// One line to each of 1,000 readers, alone.
#[divan::bench]
fn drain_1_line_to_1000_readers(bencher: Bencher<'_, '_>) {
    let (mut hub, speaker) = hub("text", 1_000);
    let line = line("text");
    bencher.counter(ItemsCount::new(1_000_usize)).bench_local(|| {
        hub.receive(Timestamp::ZERO, speaker, black_box(&line));
        drain(&mut hub)
    });
}

/// A chunk of 100 lines, as from a socket.
#[divan::bench(args = ["text", "classic"], sample_size = 100)]
fn receive_100_lines(bencher: Bencher<'_, '_>, dialect: &str) {
    let (mut hub, speaker) = hub(dialect, 10);
    let lines = line(dialect).repeat(100);
    bencher
        .counter(ItemsCount::new(100_usize))
        .bench_local(|| hub.receive(Timestamp::ZERO, speaker, black_box(&lines)));
}

/// A byte at a time.
#[divan::bench(sample_size = 1_000)]
fn receive_one_byte(bencher: Bencher<'_, '_>) {
    let (mut hub, speaker) = hub("text", 10);
    let line = line("text");
    let mut bytes = line.iter().cycle();
    bencher.bench_local(|| hub.receive(Timestamp::ZERO, speaker, &[*bytes.next().unwrap()]));
}

/// The timer of a hub whose 10,000 sessions have all been active since it was armed.
#[divan::bench]
fn deadlines_of_10000_sessions_moved_on(bencher: Bencher<'_, '_>) {
    let (mut hub, _) = hub("text", 10_000);
    let mut now = Timestamp::ZERO;
    let ids: Vec<_> = hub.sessions().collect();
    bencher.counter(ItemsCount::new(10_000_usize)).bench_local(|| {
        now = now + Duration::from_secs(599);
        for id in &ids {
            hub.receive(now, *id, b"\n");
        }
        now = now + Duration::from_secs(1);
        hub.handle_timeout(now);
    });
}
