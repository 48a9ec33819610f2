//! Peers that are slow, or silent.

use std::time::Duration;

use chat_proto::Timestamp;
use chat_proto::http::{Action, Connection, HEAD_TIMEOUT, IDLE_TIMEOUT, RESPONSE_TIMEOUT};

use super::{START, get, site};

/// The state after that time, and what is pending then.
fn after(connection: &mut Connection, since: Timestamp, time: Duration) -> (Action, String) {
    let early = since + time.saturating_sub(Duration::from_nanos(1));
    let before = connection.action();
    connection.handle_timeout(early, &site());
    assert_eq!(connection.action(), before, "too early");
    assert_eq!(connection.poll_timeout(), since + time);
    connection.handle_timeout(since + time, &site());
    (connection.action(), String::from_utf8_lossy(connection.pending()).into_owned())
}

#[test]
fn a_connection_that_asks_for_nothing_is_closed() {
    let mut connection = Connection::new(START);
    assert_eq!(after(&mut connection, START, HEAD_TIMEOUT), (Action::Close, String::new()));
}

#[test]
fn a_head_that_comes_too_slowly_is_408() {
    let (site, mut connection, mut now) = (site(), Connection::new(START), START);
    for byte in b"GET / HT" {
        now = now + Duration::from_secs(1);
        assert_eq!(connection.receive(now, &site, &[*byte]), 1);
    }
    let (action, answer) = after(&mut connection, START, HEAD_TIMEOUT);
    assert!(action == Action::Write && answer.starts_with("HTTP/1.1 408 "), "{answer}");
    connection.sent(now, answer.len());
    assert_eq!(connection.action(), Action::Close);
}

#[test]
fn a_later_head_has_its_own_time() {
    let (site, mut connection) = (site(), Connection::new(START));
    let now = START + Duration::from_secs(3);
    connection.receive(now, &site, get("/empty", "").as_bytes());
    connection.sent(now, connection.pending().len());
    assert_eq!(connection.poll_timeout(), now + IDLE_TIMEOUT);
    let later = now + Duration::from_secs(9);
    connection.receive(later, &site, b"G");
    connection.receive(later + Duration::from_secs(1), &site, b"E");
    assert!(after(&mut connection, later, HEAD_TIMEOUT).1.starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_kept_connection_without_requests_is_closed() {
    let (site, mut connection) = (site(), Connection::new(START));
    connection.receive(START, &site, get("/empty", "").as_bytes());
    connection.sent(START, connection.pending().len());
    assert_eq!(after(&mut connection, START, IDLE_TIMEOUT), (Action::Close, String::new()));
}

#[test]
fn a_peer_that_does_not_read_its_answer_is_closed() {
    let (site, mut connection) = (site(), Connection::new(START));
    connection.receive(START, &site, get("/", "").as_bytes());
    // A byte now and then changes nothing.
    connection.sent(START + Duration::from_secs(59), 1);
    assert_eq!(after(&mut connection, START, RESPONSE_TIMEOUT), (Action::Close, String::new()));
    assert_eq!(connection.receive(START, &site, b"GET"), 0, "it takes nothing any more");
}
