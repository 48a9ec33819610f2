//! Rules of RFC 6455 that a client may break, by section.

use chat_proto::CloseReason;

use crate::net::{BINARY, CLOSE, CONTINUATION, Frame, Net, PING, TEXT, fragment, frame, head, text};

/// Checks that a client that sends these bytes is told so, and closed with that code.
#[track_caller]
fn breaks(bytes: &[u8], code: u16) {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.bytes(alice);
    net.sends(alice, bytes);
    let said = Frame::text("! closed: bad WebSocket frame");
    assert_eq!(net.reads(alice), [said, Frame::close(code)], "{bytes:x?}");
    assert_eq!(net.close_reason(alice), Some(CloseReason::BadFrame));
    assert_eq!(net.reads_text(bob), ["* alice left (bad WebSocket frame)"]);
}

/// 5.1: "a server MUST close the connection upon receiving a frame that is not masked".
#[test]
fn a_frame_that_is_not_masked_is_refused() {
    breaks(b"\x81\x05hello", 1002);
}

/// 5.2: "If a nonzero value is received and none of the negotiated extensions defines the meaning …".
#[test]
fn a_reserved_bit_is_refused() {
    for bit in [0x40, 0x20, 0x10] {
        let mut bytes = text("hello");
        bytes[0] |= bit;
        breaks(&bytes, 1002);
    }
}

/// 5.2: "If an unknown opcode is received …".
#[test]
fn an_unknown_opcode_is_refused() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        breaks(&frame(opcode, b""), 1002);
    }
}

/// 5.2: "the minimal number of bytes MUST be used to encode the length", "the most significant bit MUST be 0".
#[test]
fn a_length_not_in_its_shortest_form_is_refused() {
    for length in
        [&[0x81, 0xfe, 0, 5][..], &[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 5], &[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]]
    {
        breaks(&[length, &[0; 4], b"hello"].concat(), 1002);
    }
}

/// 5.4: "a fragmented message consists of a single frame … followed by zero or more frames with … the opcode set to 0".
#[test]
fn fragments_follow_each_other() {
    breaks(&fragment(true, CONTINUATION, b"hello"), 1002);
    breaks(&fragment(false, CONTINUATION, b"hello"), 1002);
    breaks(&[fragment(false, TEXT, b"hel"), text("lo")].concat(), 1002);
    breaks(&[fragment(false, TEXT, b"hel"), frame(BINARY, b"lo")].concat(), 1002);
}

/// 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented".
#[test]
fn control_frames_are_short_and_whole() {
    for opcode in [CLOSE, PING, 10] {
        breaks(&frame(opcode, &[0; 126]), 1002);
        breaks(&fragment(false, opcode, b""), 1002);
    }
}

/// 5.5.1 and 7.4: the payload of a close frame is empty, or begins with a code that may be sent.
#[test]
fn the_code_of_a_close_frame_is_whole_and_may_be_sent() {
    breaks(&frame(CLOSE, &[3]), 1002);
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
        breaks(&frame(CLOSE, &code.to_be_bytes()), 1002);
    }
    for code in [1000_u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        let mut net = Net::new();
        let alice = net.join("alice");
        net.sends(alice, &frame(CLOSE, &code.to_be_bytes()));
        assert_eq!(net.reads(alice).last(), Some(&Frame::close(code)));
    }
}

/// 5.5.1: the reason is UTF-8.
#[test]
fn the_reason_of_a_close_frame_is_utf_8() {
    breaks(&frame(CLOSE, b"\x03\xe8\xff"), 1007);
}

/// 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not …".
#[test]
fn a_text_that_is_not_utf_8_is_refused_as_it_comes() {
    for text in [&b"\xff"[..], b"a\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"] {
        breaks(&frame(TEXT, text), 1007);
    }
    // Before its end: nothing that could follow would help.
    breaks(&[&head(false, TEXT, 1 << 30)[..], &[0; 4], b"\xce\xba\xff"].concat(), 1007);
    breaks(&[fragment(false, TEXT, b"\xce"), fragment(false, CONTINUATION, b"\xce")].concat(), 1007);
}

/// 8.1: a fragment may end within a character.
#[test]
fn a_character_may_be_cut_by_fragments() {
    let mut net = Net::new();
    let (alice, bob) = (net.join("alice"), net.join("bob"));
    net.sends(alice, &[fragment(false, TEXT, b"\xe2\x82"), fragment(true, CONTINUATION, b"\xac")].concat());
    assert_eq!(net.reads_text(bob), ["alice: €"]);
}
