//! However the bytes of a peer are cut, the same comes of them: the rule of the fuzz targets, for inputs that are nearly
//! right.

use chat_tests::fuzzing::{receive_http, receive_ws};
use chat_tests::websocket::{masked, opcode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Parts of requests. Most of those that they make are right up to somewhere.
fn part() -> impl Strategy<Value = String> {
    let whole = select(vec![
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HEAD /a.js HTTP/1.1\r\nHost: chat.example\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /no HTTP/1.0\r\nHost: localhost\r\n\r\n",
    ]);
    let some = select(vec![
        "GET /empty HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\n",
        "Host: [::1]:80\r\n",
        "Host: evil.example\r\n",
        "Connection: close\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Origin: http://localhost\r\n",
        "X: y\r\n",
        " folded\r\n",
        "\r\n",
        "\r",
        "\n",
    ]);
    prop_oneof![3 => whole.prop_map(String::from), 5 => some.prop_map(String::from), 1 => "[ -~]{0,40}"]
}

/// Frames of a client.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let opcodes = [opcode::CONTINUATION, opcode::TEXT, opcode::BINARY, opcode::PING, opcode::PONG, opcode::CLOSE, 3];
    let opcode = select(opcodes.to_vec());
    let payload = prop_oneof![
        4 => select(vec!["/name alice", "hello", "/who", "/help", "NICK ann", "USER a 0 * :A", "JOIN #tea", "é€𝄞\r\n"])
            .prop_map(|line| line.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..150),
    ];
    (prop::bool::weighted(0.8), opcode, payload, any::<[u8; 4]>())
        .prop_map(|(is_last, opcode, payload, key)| masked(is_last, opcode, &payload, key))
}

/// An input of a target: digits, the number of cuts, the cuts, and what the peer sends.
fn input(digits: &[u8], cuts: &[u8], sent: &[u8]) -> Vec<u8> {
    [digits, &[b'0' + cuts.len() as u8], cuts, sent].concat()
}

proptest! {
    #![proptest_config(super::config(300))]

    #[test]
    fn requests_are_answered_the_same(parts in vec(part(), 0..12), cuts in vec(any::<u8>(), 1..8)) {
        receive_http(&input(b"", &cuts, parts.concat().as_bytes()));
    }
}

proptest! {
    #![proptest_config(super::config(100))]

    #[test]
    fn messages_mean_the_same(
        form in 0..8_u8,
        limits in 0..8_u8,
        frames in vec(frame(), 0..12),
        cuts in vec(any::<u8>(), 1..8),
    ) {
        receive_ws(&input(&[b'0' + form, b'0' + limits], &cuts, &frames.concat()));
    }
}
