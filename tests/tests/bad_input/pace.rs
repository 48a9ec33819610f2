//! Rows *pace* and *many at once*: readers at the pace, a little slower, or on and off; and many senders at once.

use std::time::Duration;

use chat_proto::{Command, Config, Hub, RecordKind, SessionId, Timestamp};
use chat_tests::output::pending;

const PACE: usize = 1 << 20;
const TICK: Duration = Duration::from_millis(1);
/// Bytes that a peer's socket holds before it is blocked; it is writable again when a third of them is free.
const SOCKET: usize = 192 << 10;

/// Senders that never stop, and readers with sockets, in steps of a millisecond.
struct Stage {
    hub: Hub,
    now: Timestamp,
    senders: Vec<SessionId>,
    line: Vec<u8>,
    readers: Vec<Reader>,
}

struct Reader {
    id: SessionId,
    /// How many bytes a second its peer reads at a given millisecond.
    speed: fn(u64) -> usize,
    held: usize,
    is_blocked: bool,
}

impl Stage {
    fn new(senders: usize, len: usize, speeds: &[fn(u64) -> usize]) -> Self {
        let config = Config { rate: None, stall_timeout: None, pace: Some(PACE), ..Config::default() };
        let mut hub = Hub::new(config).expect("the limits are in range");
        let text = hub.dialect("text").expect("a default dialect");
        let mut open = || hub.open(Timestamp::ZERO, text).expect("there is room");
        let senders = (0..senders).map(|_| open()).collect();
        let readers =
            speeds.iter().map(|speed| Reader { id: open(), speed: *speed, held: 0, is_blocked: false }).collect();
        let mut line = vec![b'x'; len];
        line[len - 1] = b'\n';
        Self { hub, now: Timestamp::ZERO, senders, line, readers }
    }

    /// Lets time pass; returns how many bytes a second all senders together sent.
    fn pass(&mut self, span: Duration) -> u64 {
        let before = self.hub.stats().bytes_received;
        for _ in 0..span.as_millis() {
            self.tick();
        }
        (self.hub.stats().bytes_received - before) * 1_000 / span.as_millis() as u64
    }

    fn tick(&mut self) {
        self.now = self.now + TICK;
        let millis = self.now.as_nanos() / 1_000_000;
        for reader in &mut self.readers {
            reader.held = reader.held.saturating_sub((reader.speed)(millis) / 1_000);
            if reader.is_blocked && reader.held <= SOCKET * 2 / 3 {
                reader.is_blocked = false;
                self.hub.writable(self.now, reader.id);
                Self::write(&mut self.hub, self.now, reader);
            }
        }
        if self.hub.poll_timeout().is_some_and(|due| due <= self.now) {
            self.hub.handle_timeout(self.now);
        }
        for sender in self.senders.clone() {
            // As much as an adapter reads at once.
            self.offer(sender);
        }
        self.drain();
    }

    fn offer(&mut self, sender: SessionId) {
        for _ in 0..(8 << 10) / self.line.len() {
            if self.hub.receive(self.now, sender, &self.line) == 0 {
                return;
            }
        }
    }

    fn drain(&mut self) {
        while let Some(command) = self.hub.poll_command() {
            match command {
                Command::Send(id) => {
                    if let Some(reader) = self.readers.iter_mut().find(|reader| reader.id == id) {
                        Self::write(&mut self.hub, self.now, reader);
                    } else {
                        // A sender reads everything at once.
                        let pending = pending(&mut self.hub, id);
                        self.hub.sent(self.now, id, &pending, pending.as_bytes().len());
                    }
                }
                // The input is offered again in the next tick.
                Command::Read(_) | Command::Authenticate(_) => {}
                Command::Close(id, reason) => panic!("{id:?} is closed: {reason}"),
            }
        }
    }

    fn write(hub: &mut Hub, now: Timestamp, reader: &mut Reader) {
        let pending = pending(hub, reader.id);
        let n = pending.as_bytes().len();
        if n > 0 {
            let taken = n.min(SOCKET - reader.held);
            reader.held += taken;
            reader.is_blocked = taken < n;
            hub.sent(now, reader.id, &pending, taken);
        }
    }

    fn missed(&self) -> Vec<u64> {
        self.readers.iter().map(|reader| self.hub.session_stats(reader.id).expect("it is here").missed).collect()
    }
}

/// Floods readers of these speeds for eight seconds; returns the flood's bytes a second, and how much each reader
/// missed.
fn flooded(speeds: &[fn(u64) -> usize]) -> (u64, Vec<u64>) {
    let mut stage = Stage::new(3, 4_000, speeds);
    let speed = stage.pass(Duration::from_secs(8));
    (speed, stage.missed())
}

const HALF: u64 = PACE as u64 / 2;

#[test]
fn a_reader_that_takes_everything_misses_nothing_however_many_send() {
    for (senders, len) in [(1, 64), (30, 500), (200, 4_000)] {
        let mut stage = Stage::new(senders, len, &[|_| 1 << 30, |_| 1 << 30]);
        stage.pass(Duration::from_secs(1));
        assert_eq!(stage.missed(), [0, 0], "{senders} senders of {len} bytes");
        assert_eq!(stage.hub.stats().slow, 0);
    }
}

#[test]
fn a_reader_of_just_the_pace_is_waited_for_and_misses_nothing() {
    let (speed, missed) = flooded(&[|_| PACE]);
    assert_eq!(missed, [0]);
    assert!((HALF..=PACE as u64 * 11 / 10).contains(&speed), "{speed} bytes a second");
}

#[test]
fn a_reader_below_the_pace_leaves_others_half_of_it() {
    for speed in [|_| PACE * 9 / 10, |_| PACE * 6 / 10, |_| PACE / 2, |_| PACE * 4 / 10, |_| PACE / 10, |_| 1_000] {
        let (flood, _) = flooded(&[speed]);
        assert!(flood >= HALF, "a reader of {} bytes a second slows a flood to {flood}", speed(0));
    }
}

#[test]
fn a_reader_on_and_off_leaves_others_half_of_the_pace() {
    let patterns: [fn(u64) -> usize; 4] = [
        |now| if now % 400 < 200 { 0 } else { 1 << 30 },
        |now| if now % 260 < 240 { 0 } else { 1 << 30 },
        |now| if now % 2_000 < 1_000 { 0 } else { 4 * PACE },
        |now| if now % 100 < 90 { 1_000 } else { PACE },
    ];
    for pattern in patterns {
        let (flood, _) = flooded(&[pattern]);
        assert!(flood >= HALF, "{flood} bytes a second");
    }
}

#[test]
fn readers_that_take_turns_leave_others_half_of_the_pace() {
    let (flood, missed) = flooded(&[
        |now| if now % 480 < 240 { 0 } else { 1 << 30 },
        |now| if now % 480 >= 240 { 0 } else { 1 << 30 },
        |now| if now % 720 < 240 { 0 } else { 1 << 30 },
        |_| 1 << 30,
    ]);
    assert!(flood >= HALF, "{flood} bytes a second");
    assert_eq!(missed[3], 0, "the reader that keeps pace");
}

#[test]
fn readers_of_two_dialects_that_take_turns_leave_others_half_of_the_pace() {
    let mut stage = Stage::new(3, 4_000, &[|now| if now % 480 < 240 { 0 } else { 1 << 30 }, |_| 1 << 30]);
    let classic = stage.hub.dialect("classic").expect("a default dialect");
    let id = stage.hub.open(stage.now, classic).expect("there is room");
    let speed: fn(u64) -> usize = |now| if now % 480 >= 240 { 0 } else { 1 << 30 };
    stage.readers.push(Reader { id, speed, held: 0, is_blocked: false });
    let flood = stage.pass(Duration::from_secs(8));
    // In classic, base64 makes a message four thirds as long.
    assert!(flood >= HALF * 3 / 4, "{flood} bytes a second");
    assert_eq!(stage.missed()[1], 0, "the reader that keeps pace");
}

#[test]
fn stopped_readers_delay_others_only_once() {
    let deaf: fn(u64) -> usize = |_| 0;
    let mut stage = Stage::new(3, 4_000, &[deaf, deaf, deaf, |_| 1 << 30]);
    let first = stage.pass(Duration::from_secs(1));
    let later = stage.pass(Duration::from_secs(2));
    let mut alone = Stage::new(3, 4_000, &[|_| 1 << 30]);
    let without = alone.pass(Duration::from_secs(2));
    assert!(first > without / 3, "{first} bytes in the first second, {without} a second without stopped readers");
    assert!(later > without * 95 / 100, "{later} bytes a second, {without} without stopped readers");
    assert_eq!(stage.missed()[3], 0);
    assert_eq!(stage.hub.stats().slow, 3);
    let slow = stage.hub.journal(0).filter(|record| record.kind == RecordKind::Slow).map(|record| record.session);
    assert_eq!(slow.count(), 3, "the journal has a record for each");
}

#[test]
fn a_slow_reader_is_waited_for_again_once_it_has_caught_up() {
    // It reads nothing for two seconds, then more than the pace.
    let mut stage = Stage::new(1, 500, &[|now| if now < 2_000 { 0 } else { 8 * PACE }]);
    stage.pass(Duration::from_secs(3));
    let missed = stage.missed();
    let slow = stage.hub.stats().slow;
    assert!(slow > 0);
    stage.pass(Duration::from_secs(5));
    assert_eq!((stage.missed(), stage.hub.stats().slow), (missed, slow));
}

#[test]
fn no_reader_is_called_slow_because_the_server_was_stopped() {
    let mut stage = Stage::new(1, 500, &[|_| PACE]);
    stage.pass(Duration::from_secs(2));
    // The server is stopped for a minute. Then the driver writes to its sockets before it tells the hub the time.
    stage.now = stage.now + Duration::from_secs(60);
    for reader in &mut stage.readers {
        reader.held = 0;
    }
    let id = stage.readers[0].id;
    stage.hub.writable(stage.now, id);
    stage.readers[0].is_blocked = false;
    Stage::write(&mut stage.hub, stage.now, &mut stage.readers[0]);
    stage.pass(Duration::from_secs(2));
    assert_eq!((stage.hub.stats().slow, stage.missed()), (0, vec![0]));
}

/// Returns a stage whose reader has just fallen behind, so that publishing waits, and another session.
fn held_up() -> (Stage, SessionId) {
    let mut stage = Stage::new(1, 500, &[|_| 0]);
    let text = stage.hub.dialect("text").expect("a default dialect");
    let other = stage.hub.open(Timestamp::ZERO, text).expect("there is room");
    while stage.hub.stats().held == 0 {
        stage.tick();
    }
    (stage, other)
}

/// Returns what is pending for a session, and reports it as sent.
fn read(stage: &mut Stage, id: SessionId) -> String {
    let pending = pending(&mut stage.hub, id);
    let read = String::from_utf8_lossy(pending.as_bytes()).into_owned();
    stage.hub.sent(stage.now, id, &pending, read.len());
    if read.is_empty() { read } else { read + &self::read(stage, id) }
}

#[test]
fn only_lines_that_publish_wait() {
    let (mut stage, other) = held_up();
    read(&mut stage, other);
    for (line, answer) in
        [("/ping\n", "* pong\n"), ("/who\n", "* 3 here"), ("\n", ""), ("/nope\n", "! not understood\n")]
    {
        assert_eq!(stage.hub.receive(stage.now, other, line.as_bytes()), line.len());
        assert!(read(&mut stage, other).starts_with(answer), "{line}");
    }
    let messages = stage.hub.stats().messages;
    assert_eq!(stage.hub.receive(stage.now, other, b"hello\n/ping\n"), 6, "a line behind a waiting line waits, too");
    assert_eq!((stage.hub.stats().messages, stage.hub.stats().held), (messages, 2));
    assert_eq!(stage.hub.receive(stage.now, other, b"/ping\n"), 0);
    // A waiting session is not idle, and gets its turn once the reader counts as slow.
    stage.pass(Duration::from_millis(300));
    assert!(stage.hub.stats().messages > messages, "the reader counts as slow");
    assert_eq!(stage.hub.receive(stage.now, other, b"/quit\n"), 6);
}

#[test]
fn a_session_may_leave_at_once_while_lines_wait() {
    let (mut stage, other) = held_up();
    assert_eq!(stage.hub.receive(stage.now, other, b"/quit so long\n"), 14);
    read(&mut stage, other);
    let closed = stage.hub.journal(0).any(|record| {
        record.session == Some(other) && matches!(record.kind, RecordKind::Closing(chat_proto::CloseReason::Quit))
    });
    assert!(closed);
}

#[test]
fn private_messages_wait_for_a_reader_and_are_refused_for_a_slow_one() {
    let mut stage = Stage::new(0, 500, &[|_| PACE, |_| 0]);
    let text = stage.hub.dialect("text").expect("a default dialect");
    let alice = stage.hub.open(Timestamp::ZERO, text).expect("there is room");
    let refused = |stage: &mut Stage, target: &str| {
        let before = stage.hub.stats().refused;
        let page = format!("/msg {target} {}\n", "x".repeat(1_000)).repeat(40);
        let mut rest = page.as_bytes();
        // One second, in which a reader at the pace takes everything.
        for _ in 0..1_000 {
            let taken = stage.hub.receive(stage.now, alice, rest);
            rest = &rest[taken..];
            stage.tick();
        }
        assert!(rest.is_empty(), "{} bytes are left", rest.len());
        stage.hub.stats().refused - before
    };
    assert_eq!(refused(&mut stage, "guest-1"), 0);
    // First the socket must fill up.
    refused(&mut stage, "guest-2");
    for _ in 0..4 {
        refused(&mut stage, "guest-2");
    }
    stage.pass(Duration::from_secs(1));
    assert_eq!(refused(&mut stage, "guest-2"), 40, "refused at once, since the reader is slow");
}

#[test]
fn waiting_senders_take_turns() {
    let mut stage = Stage::new(50, 500, &[|_| PACE]);
    stage.pass(Duration::from_secs(5));
    let said: Vec<u64> =
        stage.senders.iter().map(|id| stage.hub.session_stats(*id).expect("it is here").lines_received).collect();
    let (least, most) = (said.iter().min().expect("some"), said.iter().max().expect("some"));
    assert!(*most <= 2 * least, "{said:?}");
}
