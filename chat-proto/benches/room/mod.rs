//! What the benchmarks run on: a hub with a speaker and readers that are up to date.

use base64::Engine as _;
use chat_proto::{Batch, Command, Config, Hub, SessionId, Timestamp};

/// Makes a hub with a speaker, who has a name, and that many readers, who have read everything.
pub(crate) fn hub(dialect: &str, readers: usize) -> (Hub, SessionId) {
    let config = Config { max_sessions: readers + 1, rate: None, ..Config::default() };
    let mut hub = Hub::new(config).unwrap();
    let text = dialect == "text";
    let dialect = hub.dialect(dialect).unwrap();
    let speaker = hub.open(Timestamp::ZERO, dialect).unwrap();
    for _ in 0..readers {
        hub.open(Timestamp::ZERO, dialect).unwrap();
        drain(&mut hub);
    }
    hub.receive(Timestamp::ZERO, speaker, if text { b"/name speaker\n" } else { b"NAME c3BlYWtlcg==\n" });
    drain(&mut hub);
    (hub, speaker)
}

/// Sends everything to every session; returns how many bytes there were.
pub(crate) fn drain(hub: &mut Hub) -> usize {
    let (mut batch, mut bytes) = (Batch::new(), 0);
    while let Some(command) = hub.poll_command() {
        if let Command::Send(id) = command {
            hub.fill(id, &mut batch, 64 << 10);
            let len = batch.as_bytes().len();
            hub.sent(Timestamp::ZERO, id, &batch, len);
            bytes += len;
        }
    }
    bytes
}

/// Returns a line with a message of 64 bytes.
pub(crate) fn line(dialect: &str) -> Vec<u8> {
    let words = "0123456789abcdef".repeat(4);
    if dialect == "text" {
        return format!("{words}\n").into_bytes();
    }
    let words = base64::engine::general_purpose::STANDARD.encode(words);
    format!("CHAT c3BlYWtlcg== {words}\n").into_bytes()
}
