//! Each message is a line, and each line is a message.

use chat_proto::dialect::{Irc, IrcSettings};
use chat_proto::{CloseReason, Credentials, DialectConfig, Framing, MessageKind};

use crate::net::{BINARY, CLOSE, CONTINUATION, Frame, Net, PING, PONG, TEXT, fragment, frame, text};

#[test]
fn a_message_is_a_line_and_a_line_is_a_message() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    assert_eq!(net.reads(alice), [Frame::text("* bob joined")]);
    net.sends(alice, &text("hello"));
    assert_eq!(net.reads(bob), [Frame::text("alice: hello")]);
}

#[test]
fn readers_of_lines_and_of_messages_read_the_same() {
    let mut net = Net::new();
    let alice = net.join("alice");
    let lines = net.open("text", Framing::Lines);
    let binary = net.open("text", Framing::WebSocket(MessageKind::Binary));
    for id in [alice, lines, binary] {
        net.bytes(id);
    }
    net.sends(alice, &text("hello"));
    assert_eq!(net.bytes(lines), b"alice: hello\n");
    assert_eq!(net.reads(binary), [Frame { opcode: BINARY, payload: b"alice: hello".into() }]);
    net.sends(lines, b"/name bob\nhi\n");
    assert_eq!(net.reads(alice), ["* bob joined", "bob: hi"].map(Frame::text));
}

#[test]
fn peers_may_send_messages_of_either_kind() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.sends(alice, &frame(BINARY, b"hello"));
    assert_eq!(net.reads_text(bob), ["alice: hello"]);
}

#[test]
fn replies_of_several_lines_are_several_messages() {
    let mut net = Net::new();
    let alice = net.join("alice");
    net.sends(alice, &text("/help"));
    let help = net.reads_text(alice);
    assert!(help.len() > 3 && help.iter().all(|line| !line.contains('\n') && !line.is_empty()), "{help:?}");
}

#[test]
fn irc_goes_without_its_line_ends() {
    let mut net = Net::new();
    let id = net.open("irc", Framing::WebSocket(MessageKind::Text));
    for line in ["NICK alice", "USER alice 0 * :Alice", "JOIN #tea"] {
        net.sends(id, &text(line));
    }
    let read = net.reads_text(id);
    assert!(read[0].contains(" 001 alice ") && read.iter().any(|line| line.ends_with(" JOIN #tea")), "{read:?}");
    assert!(read.iter().all(|line| !line.contains(['\r', '\n'])), "{read:?}");
}

#[test]
fn a_password_in_a_message_is_checked_and_the_next_message_waits() {
    let settings = IrcSettings { asks_password: true, ..IrcSettings::default() };
    let mut net = Net::with(|config| {
        config.dialects[2] = DialectConfig::new(Irc::new(settings).expect("right settings"));
    });
    let id = net.open("irc", Framing::WebSocket(MessageKind::Text));
    // In two frames, so that it is put together.
    net.sends(id, &[fragment(false, TEXT, b"PASS :open"), fragment(true, CONTINUATION, b" sesame")].concat());
    assert_eq!(net.hub.credentials(id), Some(Credentials::Server { password: "open sesame" }));
    let lines = [text("NICK alice"), text("USER alice 0 * :Alice")].concat();
    assert_eq!(net.hub.receive(net.now, id, &lines), 0);
    net.hub.authenticated(net.now, id, true);
    net.drain();
    net.sends(id, &lines);
    assert!(net.reads_text(id)[0].contains(" 001 alice "));
}

#[test]
fn a_line_end_at_the_end_of_a_message_is_left_out() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.sends(alice, &[text("one\r\n"), text("two\n"), text("three")].concat());
    assert_eq!(net.reads_text(bob), ["alice: one", "alice: two", "alice: three"]);
}

#[test]
fn a_line_end_within_a_message_begins_no_other_line() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.sends(alice, &text("hello\n/quit\r\nbye"));
    assert_eq!(net.reads_text(bob), ["alice: hello /quit  bye"]);
    let id = net.open("irc", Framing::WebSocket(MessageKind::Text));
    net.sends(id, &text("NICK carol\nUSER carol 0 * :Carol"));
    let read = net.reads_text(id);
    assert!(!read.iter().any(|line| line.contains(" 001 ")), "{read:?}");
}

/// RFC 6455, 5.6 and 5.4: a message, and a fragment of it, may have no payload.
#[test]
fn an_empty_message_is_an_empty_line() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    net.sends(alice, &[text(""), frame(BINARY, b""), fragment(false, TEXT, b""), frame(CONTINUATION, b"")].concat());
    net.sends(alice, &text("hello"));
    assert_eq!((net.reads(alice), net.reads_text(bob)), (vec![], vec!["alice: hello".into()]));
}

/// RFC 6455, 5.5.3: "A response to an unsolicited Pong frame is not expected."
#[test]
fn a_pong_that_nobody_asked_for_is_not_answered() {
    let mut net = Net::new();
    let alice = net.join("alice");
    net.bytes(alice);
    net.sends(alice, &[frame(PONG, b""), frame(PONG, &[1; 125])].concat());
    assert_eq!((net.reads(alice), net.close_reason(alice)), (vec![], None));
}

#[test]
fn fragments_are_one_message_with_control_frames_between() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    net.sends(alice, &fragment(false, TEXT, b"hel"));
    net.sends(alice, &frame(PING, b"there?"));
    assert_eq!(net.reads(alice), [Frame { opcode: PONG, payload: b"there?".into() }]);
    net.sends(alice, &fragment(false, CONTINUATION, b""));
    net.sends(alice, &frame(PONG, b""));
    net.sends(alice, &fragment(true, CONTINUATION, b"lo"));
    assert_eq!(net.reads_text(bob), ["alice: hello"]);
}

#[test]
fn a_close_between_fragments_ends_the_session() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    net.sends(alice, &[fragment(false, TEXT, b"hel"), frame(CLOSE, b""), fragment(true, CONTINUATION, b"lo")].concat());
    assert_eq!(net.close_reason(alice), Some(CloseReason::Quit));
    assert_eq!(net.reads_text(bob), ["* alice left"]);
}
