//! What is bounded, and what it costs.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::{CloseReason, Command, Framing, MessageKind, Rate};

use crate::net::{BINARY, CLOSE, CONTINUATION, Frame, Net, PING, PONG, TEXT, fragment, frame, head, text};

/// The least that a line may be.
const MAX_LINE: usize = 64;

fn net() -> Net {
    Net::with(|config| config.max_line = MAX_LINE)
}

/// Limits the rate to that many lines at once, and one each second.
fn net_with_burst(burst: u32) -> Net {
    let number = |n| NonZeroU32::new(n).expect("not zero");
    Net::with(|config| config.rate = Some(Rate { per_second: number(1), burst: number(burst) }))
}

const TOO_LONG: &str = "! line too long: 64 bytes at most";

#[test]
fn a_message_at_the_limit_is_a_line_and_one_byte_more_is_too_long() {
    let mut net = net();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    let longest = "x".repeat(MAX_LINE);
    net.sends(alice, &[text(&longest), text(&format!("{longest}x")), text("hello")].concat());
    assert_eq!(net.reads_text(alice), [TOO_LONG]);
    assert_eq!(net.reads_text(bob), [format!("alice: {longest}"), "alice: hello".into()]);
}

#[test]
fn a_message_that_is_too_long_is_discarded_up_to_its_end_with_all_its_fragments() {
    let mut net = net();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    net.sends(alice, &fragment(false, TEXT, &[b'x'; 40]));
    net.sends(alice, &fragment(false, CONTINUATION, &[b'x'; 40]));
    assert_eq!(net.reads_text(alice), [TOO_LONG], "said at once: the end may never come");
    net.sends(alice, &frame(PING, b"there?"));
    net.sends(alice, &[fragment(true, CONTINUATION, &[b'x'; 3_000]), text("hello")].concat());
    assert_eq!(net.reads(alice), [Frame { opcode: PONG, payload: b"there?".into() }]);
    assert_eq!(net.reads_text(bob), ["alice: hello"]);
}

#[test]
fn a_gibibyte_announced_is_a_message_that_is_too_long() {
    let mut net = net();
    let alice = net.join("alice");
    net.bytes(alice);
    net.sends(alice, &[&head(true, BINARY, 1 << 30)[..], &[0; 4]].concat());
    assert_eq!(net.reads(alice), []);
    for _ in 0..100 {
        net.sends(alice, &[0; 1_000]);
    }
    assert_eq!(net.reads_text(alice), [TOO_LONG]);
    assert_eq!(net.close_reason(alice), None);
}

#[test]
fn a_first_message_that_is_too_long_is_no_chat() {
    let mut net = net();
    let alice = net.open("text", Framing::WebSocket(MessageKind::Text));
    net.sends(alice, &text(&"x".repeat(100)));
    assert_eq!(net.reads(alice).last(), Some(&Frame::close(1008)));
    assert_eq!(net.close_reason(alice), Some(CloseReason::FirstLine));
}

/// Returns how many of these bytes a session takes that has so many tokens.
fn taken(burst: u32, bytes: &[u8]) -> usize {
    let mut net = net_with_burst(burst + 1);
    let alice = net.join("alice");
    net.hub.receive(net.now, alice, bytes)
}

#[test]
fn control_frames_cost_as_much_as_lines() {
    for opcode in [PING, PONG] {
        let control = frame(opcode, b"");
        assert_eq!(taken(3, &control.repeat(10)), 3 * control.len());
    }
    let line = text("x");
    assert_eq!(taken(3, &line.repeat(10)), 3 * line.len());
}

#[test]
fn each_kibibyte_beyond_the_limit_costs_as_much_as_a_line() {
    let endless = [&head(true, BINARY, 1 << 30)[..], &[0; 4], &vec![0; 100_000]].concat();
    // The line itself is the first.
    assert_eq!(taken(3, &endless), 14 + 4_097 + 2 * 1_024);
}

#[test]
fn fragments_without_payload_are_not_free() {
    let empty = fragment(false, CONTINUATION, b"");
    let endless = [fragment(false, TEXT, b""), empty.repeat(10_000)].concat();
    assert!(taken(3, &endless) < 3 * 1_024 + 100);
}

#[test]
fn only_the_last_of_several_pings_is_answered() {
    let mut net = Net::new();
    let alice = net.join("alice");
    net.bytes(alice);
    let pings: Vec<u8> = (0..100_u8).flat_map(|number| frame(PING, &[number; 125])).collect();
    assert_eq!(net.hub.receive(net.now, alice, &pings), pings.len());
    net.drain();
    assert_eq!(net.reads(alice), [Frame { opcode: PONG, payload: [99; 125].into() }]);
}

#[test]
fn a_pong_waits_for_the_end_of_a_message_and_not_for_others() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    net.at_once = 3;
    net.sends(bob, &text("hello"));
    net.hub.receive(net.now, alice, &frame(PING, b"1"));
    net.sends(bob, &text("bye"));
    let pong = Frame { opcode: PONG, payload: b"1".into() };
    assert_eq!(net.reads(alice), [Frame::text("bob: hello"), pong, Frame::text("bob: bye")]);
}

#[test]
fn who_pings_is_not_silent_and_who_only_begins_messages_is() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.sends(bob, &fragment(false, TEXT, b"hel"));
    for _ in 0..12 {
        net.now = net.now + Duration::from_secs(60);
        net.hub.handle_timeout(net.now);
        net.drain();
        net.sends(alice, &frame(PING, b""));
        net.sends(bob, &fragment(false, CONTINUATION, b"l"));
    }
    assert_eq!((net.close_reason(alice), net.close_reason(bob)), (None, Some(CloseReason::Idle)));
}

#[test]
fn a_close_frame_ends_even_who_does_not_read() {
    let mut net = Net::new();
    let alice = net.join("alice");
    net.hub.receive(net.now, alice, &frame(CLOSE, b""));
    assert!(matches!(net.hub.poll_command(), Some(Command::Send(_))));
    net.now = net.now + Duration::from_secs(5);
    net.hub.handle_timeout(net.now);
    net.drain();
    assert_eq!(net.close_reason(alice), Some(CloseReason::Quit));
}
