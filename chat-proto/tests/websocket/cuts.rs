//! However input is cut and output is taken, the same is said and read.

use chat_proto::{Batch, Command, Framing, MessageKind, SessionId};

use crate::net::{BINARY, CONTINUATION, Frame, Net, PING, PONG, TEXT, fragment, frame, frames, text};

/// A member sends all that it may send, in pieces of that size. Returns what it reads, and what another reads.
fn conversation(piece: usize, at_once: usize) -> [Vec<u8>; 2] {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.at_once = at_once;
    let long = "é".repeat(1_000);
    let input = [
        text("hello"),
        fragment(false, TEXT, "é".as_bytes().split_at(1).0),
        frame(PING, b"1"),
        fragment(true, CONTINUATION, "é".as_bytes().split_at(1).1),
        text(&long),
        text("/who"),
        text(&"x".repeat(5_000)),
        text("/help"),
        text("/join tea"),
        text("in the room\r\n"),
        text("/quit so\nlong"),
    ];
    for message in input {
        for bytes in message.chunks(piece) {
            let taken = net.hub.receive(net.now, alice, bytes);
            assert_eq!(taken, bytes.len());
        }
        net.drain();
    }
    [alice, bob].map(|id| net.bytes(id))
}

#[test]
fn any_piece_size_and_any_write_size_give_the_same_bytes() {
    let whole = conversation(usize::MAX, usize::MAX);
    assert!(frames(&whole[0]).len() > 10 && frames(&whole[1]).contains(&Frame::text("alice: é")), "{whole:?}");
    for size in (1..20).chain([125, 126, 127, 128, 129, 130, 131, 1_000, 4_000]) {
        assert_eq!(conversation(size, usize::MAX), whole, "input in pieces of {size}");
        assert_eq!(conversation(usize::MAX, size), whole, "output in pieces of {size}");
    }
}

/// Carries out commands by filling one batch, and returns what each session was sent from it.
fn rounds(net: &mut Net, batch: &mut Batch) -> Vec<(SessionId, Vec<u8>, bool)> {
    let mut sent = Vec::new();
    while let Some(command) = net.hub.poll_command() {
        let Command::Send(id) = command else { continue };
        let is_shared = net.hub.fits(id, batch);
        if net.hub.fill(id, batch, 64 << 10) {
            sent.push((id, batch.as_bytes().to_vec(), is_shared));
            net.hub.sent(net.now, id, batch, batch.as_bytes().len());
        }
    }
    sent
}

#[test]
fn one_fill_serves_all_readers_at_the_same_place_with_the_same_framing() {
    for room in ["/ping", "/join tea"] {
        let mut net = Net::new();
        let kinds = [Framing::Lines, Framing::WebSocket(MessageKind::Text), Framing::WebSocket(MessageKind::Binary)];
        let alice = net.open("text", Framing::Lines);
        let line = [room, "\n"].concat();
        net.sends(alice, b"/name alice\n");
        net.sends(alice, line.as_bytes());
        let readers: Vec<_> =
            kinds.into_iter().flat_map(|kind| [kind; 4].map(|kind| (net.open("text", kind), kind))).collect();
        for (id, kind) in &readers {
            net.sends(*id, &if *kind == Framing::Lines { line.clone().into_bytes() } else { text(room) });
        }
        net.hub.receive(net.now, alice, b"hello\nbob\n");
        let sent = rounds(&mut net, &mut Batch::new());
        // They are served in turn, which may begin among those of one kind.
        let filled = sent.iter().filter(|(_, _, is_shared)| !is_shared).count();
        assert!(sent.len() == 12 && filled <= 4, "{filled} copies for {} sessions: {room}", sent.len());
        for (id, bytes, _) in sent {
            let kind = readers.iter().find(|reader| reader.0 == id).expect("a reader").1;
            let messages: Vec<_> = match kind {
                Framing::Lines => {
                    str::from_utf8(&bytes).expect("lines").split_terminator('\n').map(Into::into).collect()
                }
                Framing::WebSocket(kind) => {
                    let opcode = if kind == MessageKind::Text { TEXT } else { BINARY };
                    let frames = frames(&bytes).into_iter().inspect(|frame| assert_eq!(frame.opcode, opcode));
                    frames.map(|frame| String::from_utf8(frame.payload).expect("text")).collect()
                }
            };
            assert_eq!(messages, ["alice: hello", "alice: bob"]);
        }
    }
}

#[test]
fn a_notice_of_missed_messages_is_a_message() {
    let mut net = Net::with(|config| {
        (config.log_entries, config.pace) = (10, None);
    });
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(bob);
    for number in 0..30 {
        net.hub.receive(net.now, alice, &text(&format!("{number}")));
    }
    net.drain();
    let read = net.reads_text(bob);
    assert_eq!((&*read[0], &*read[1], read.len()), ("* missed 20 messages", "alice: 20", 11));
}

#[test]
fn a_pong_that_was_handed_out_is_not_lost_when_another_ping_comes() {
    let mut net = Net::new();
    let alice = net.join("alice");
    net.bytes(alice);
    net.hub.receive(net.now, alice, &frame(PING, b"first"));
    let mut batch = Batch::new();
    assert!(net.hub.fill(alice, &mut batch, 1 << 10));
    let first = batch.as_bytes().to_vec();
    net.hub.receive(net.now, alice, &frame(PING, b"second"));
    net.hub.sent(net.now, alice, &batch, 4);
    net.hub.writable(net.now, alice);
    assert!(net.hub.fill(alice, &mut batch, 1 << 10));
    net.hub.sent(net.now, alice, &batch, batch.as_bytes().len());
    let mut read = [&first[..4], batch.as_bytes()].concat();
    net.drain();
    read.extend(net.bytes(alice));
    let pong = |payload: &[u8]| Frame { opcode: PONG, payload: payload.into() };
    assert_eq!(frames(&read), [pong(b"first"), pong(b"second")]);
}

#[test]
fn a_framing_is_set_before_the_first_byte_or_not_at_all() {
    let mut net = Net::new();
    let id = net.open("text", Framing::Lines);
    net.sends(id, b"/ping\n");
    net.hub.set_framing(id, Framing::WebSocket(MessageKind::Text));
    net.sends(id, b"/who\n");
    assert!(net.bytes(id).ends_with(b"\n"));
}

#[test]
fn a_session_with_a_pong_pending_shares_no_batch() {
    for room in ["/ping", "/join tea"] {
        let mut net = Net::new();
        let (alice, bob, carol) = (net.join("alice"), net.join("bob"), net.join("carol"));
        for id in [alice, bob, carol] {
            net.sends(id, &text(room));
        }
        net.hub.receive(net.now, carol, &text("hello"));
        let mut batch = Batch::new();
        assert!(net.hub.fill(bob, &mut batch, 1 << 10) && net.hub.fits(alice, &batch));
        net.hub.receive(net.now, alice, &frame(PING, b""));
        assert!(!net.hub.fits(alice, &batch), "{room}");
    }
}
