//! How a connection is closed.

use chat_proto::CloseReason;

use crate::net::{CLOSE, Frame, Net, frame, text};

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
