//! The heap that sessions with messages use.

use chat_proto::{Batch, Config, Framing, Hub, MessageKind, SessionId};
use chat_tests::alloc::Meter;
use chat_tests::output::roomy_batch;
use chat_tests::websocket::{masked, opcode};

use super::NOW;

/// A hub with every call measured, whose peers send and read messages.
struct Measured {
    hub: Hub,
    meter: Meter,
    batch: Batch,
    ids: Vec<SessionId>,
}

impl Measured {
    fn new(config: &Config) -> Self {
        let mut meter = Meter::new();
        let hub = meter.scope(|| Hub::new(config.clone()).expect("limits in range"));
        let mut measured = Self { hub, meter, batch: roomy_batch(config), ids: Vec::new() };
        for number in 0..config.max_sessions {
            let dialect = ["text", "classic"][number % 2];
            let id = measured.open(dialect);
            measured.ids.push(id);
        }
        measured
    }

    fn open(&mut self, dialect: &str) -> SessionId {
        let dialect = self.hub.dialect(dialect).expect("a default dialect");
        let id = self.meter.scope(|| self.hub.open(NOW, dialect)).expect("there is room");
        self.hub.set_framing(id, Framing::WebSocket(MessageKind::Text));
        id
    }

    fn receive(&mut self, id: SessionId, bytes: &[u8]) {
        self.meter.scope(|| self.hub.receive(NOW, id, bytes));
    }

    /// Writes to all, who take all but the last `less` bytes.
    fn write(&mut self, less: usize) {
        let Self { hub, meter, batch, ids } = self;
        for id in ids {
            meter.scope(|| {
                hub.fill(*id, batch, usize::MAX);
                hub.sent(NOW, *id, batch, batch.as_bytes().len().saturating_sub(less));
                hub.writable(NOW, *id);
            });
        }
        meter.scope(|| while hub.poll_command().is_some() {});
    }

    /// Everything that sessions may send and be sent: messages in pieces, with pings within, that are too long, and
    /// frames that are written in part.
    fn round(&mut self) {
        let frame = |is_last, code, payload: &[u8]| masked(is_last, code, payload, [1, 2, 3, 4]);
        let classic = frame(true, opcode::TEXT, b"CHAT Y2Fyb2w= aGVsbG8=");
        let long = "é".repeat(2_000);
        for number in 0..self.ids.len() {
            let id = self.ids[number];
            let input = [
                frame(true, opcode::TEXT, b"hello"),
                frame(true, opcode::TEXT, b"/help"),
                classic.clone(),
                frame(false, opcode::TEXT, long.as_bytes()),
                frame(true, opcode::PING, &[7; 125]),
                frame(true, opcode::CONTINUATION, b"!"),
                frame(true, opcode::BINARY, &[b'x'; 10_000]),
                frame(false, opcode::TEXT, &[b'y'; 4_096]),
                frame(true, opcode::PING, &[8; 125]),
            ]
            .concat();
            let (most, rest) = input.split_at(input.len() - 1);
            self.receive(id, most);
            self.write(3);
            self.receive(id, rest);
            self.write(1);
            self.receive(id, &frame(true, opcode::CONTINUATION, b""));
            self.write(0);
        }
        for _ in 0..3 {
            self.write(0);
        }
    }
}

fn small() -> Config {
    Config { max_sessions: 20, log_bytes: 64 << 10, log_entries: 1_000, rate: None, pace: None, ..Config::default() }
}

#[test]
fn nothing_is_allocated_for_messages_in_the_steady_state() {
    let mut measured = Measured::new(&small());
    for _ in 0..5 {
        measured.round();
    }
    let before = measured.meter.allocations;
    for _ in 0..3 {
        measured.round();
    }
    assert_eq!(measured.meter.allocations - before, 0);
}

#[test]
fn memory_for_messages_stays_within_the_bound_and_is_freed() {
    let config = small();
    let mut measured = Measured::new(&config);
    for _ in 0..3 {
        measured.round();
    }
    let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
    assert!(measured.meter.peak <= bound, "{} bytes, over {bound}", measured.meter.peak);
    let Measured { hub, mut meter, .. } = measured;
    meter.scope(|| drop(hub));
    assert_eq!(meter.live, 0);
}

#[test]
fn an_idle_session_with_messages_costs_what_others_cost() {
    let held = |framing| {
        let config = small();
        let mut measured = Measured::new(&Config { max_sessions: 1, ..config.clone() });
        let mut meter = Meter::new();
        let mut hub = meter.scope(|| Hub::new(config).expect("limits in range"));
        let text = hub.dialect("text").expect("a default dialect");
        for _ in 0..10 {
            let id = meter.scope(|| hub.open(NOW, text)).expect("room");
            hub.set_framing(id, framing);
            meter.scope(|| hub.fill(id, &mut measured.batch, usize::MAX));
            meter.scope(|| hub.sent(NOW, id, &measured.batch, usize::MAX));
        }
        meter.live
    };
    assert_eq!(held(Framing::WebSocket(MessageKind::Text)), held(Framing::Lines));
}
