//! How a connection is closed.

use chat_proto::CloseReason;

use crate::net::{CLOSE, Frame, Net, PING, frame, text};

#[test]
fn a_close_is_answered_with_its_code() {
    for (payload, answer) in [(&b""[..], &b""[..]), (&[3, 232], &[3, 232]), (b"\x03\xe9going away", &[3, 233])] {
        let mut net = Net::new();
        let alice = net.join("alice");
        net.sends(alice, &frame(CLOSE, payload));
        let read = net.reads(alice);
        assert_eq!(read.last(), Some(&Frame { opcode: CLOSE, payload: answer.into() }));
        assert_eq!(read.iter().filter(|frame| frame.opcode == CLOSE).count(), 1);
        assert_eq!(net.close_reason(alice), Some(CloseReason::Quit));
    }
}

#[test]
fn last_words_come_before_the_close_frame() {
    let mut net = Net::new();
    let (alice, bob, carol) = (net.join("alice"), net.join("bob"), net.join("carol"));
    for id in [alice, bob, carol] {
        net.bytes(id);
    }
    net.sends(alice, &text("/quit"));
    assert_eq!(net.reads(alice), [Frame::text("* bye"), Frame::close(1000)]);
    net.hub.kick(net.now, bob, "out");
    net.drain();
    assert_eq!(net.reads(bob), [Frame::text("* alice left"), Frame::text("! closed: kicked: out"), Frame::close(1008)]);
    net.hub.shut_down(net.now);
    net.drain();
    assert_eq!(net.reads(carol).last(), Some(&Frame::close(1001)));
    assert!(net.hub.is_closed());
}

/// RFC 6455, 5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
#[test]
fn nothing_follows_a_close_frame() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    net.hub.receive(net.now, alice, &[frame(CLOSE, &[3, 232]), frame(PING, b"there?")].concat());
    net.hub.receive(net.now, bob, &text("wait"));
    net.hub.announce(net.now, "tea is ready");
    net.drain();
    assert_eq!(net.reads(alice), [Frame::text("* bye"), Frame::close(1000)]);
}

/// RFC 6455, 5.5.1: "After sending a control frame indicating the connection should be closed, a peer does not send any
/// further data."
#[test]
fn what_follows_a_close_frame_is_not_read() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.sends(alice, &[frame(CLOSE, b""), text("one more thing"), b"\xff\xff\xff".to_vec()].concat());
    assert_eq!(net.reads(alice).last(), Some(&Frame { opcode: CLOSE, payload: Vec::new() }));
    assert_eq!(net.close_reason(alice), Some(CloseReason::Quit));
    assert_eq!(net.reads_text(bob), ["* alice left"]);
}
