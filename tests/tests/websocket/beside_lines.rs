//! A hub whose sessions have messages, beside one whose sessions have lines.

use chat_proto::{Batch, Config, Framing, Hub, MessageKind, SessionId};
use chat_tests::websocket::{masked, opcode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::NOW;

/// What happens in both hubs of a comparison.
#[derive(Clone, Debug)]
enum Step {
    /// A session sends a line.
    Say {
        who: usize,
        line: &'static str,
    },
    /// A session's socket takes so many bytes at most, of as many as it is offered at once.
    Take {
        who: usize,
        most: usize,
        at_once: usize,
    },
    Announce,
}

fn step() -> impl Strategy<Value = Step> {
    let lines = [
        "hello",
        "/who",
        "/help",
        "/join tea",
        "/leave tea",
        "/join lobby",
        "/me waves",
        "/msg bob psst",
        "/name bob",
        "/topic all about tea",
        "/history 5",
        "a line that takes more than a hundred and twenty-six bytes, so that its length is in a form of its own, as is due to \
         a long one",
    ];
    prop_oneof![
        6 => (0..4_usize, 0..lines.len()).prop_map(move |(who, line)| Step::Say { who, line: lines[line] }),
        6 => (0..4_usize, prop_oneof![1..9_usize, 1..200_usize, Just(usize::MAX)], 0..500_usize)
            .prop_map(|(who, most, at_once)| Step::Take { who, most, at_once }),
        1 => Just(Step::Announce),
    ]
}

/// A hub whose log keeps ten messages, with four sessions and what they were sent.
struct Side {
    hub: Hub,
    ids: Vec<SessionId>,
    streams: [Vec<u8>; 4],
}

impl Side {
    fn new(framing: Framing) -> Self {
        let config = Config { log_entries: 10, room_log_entries: 10, pace: None, rate: None, ..Config::default() };
        let mut hub = Hub::new(config).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let mut open = || {
            let id = hub.open(NOW, text).expect("there is room");
            hub.set_framing(id, framing);
            id
        };
        let ids = (0..4).map(|_| open()).collect();
        Self { hub, ids, streams: Default::default() }
    }

    /// Lets a session's socket take at most so many bytes; returns how many it took.
    fn take(&mut self, who: usize, most: usize, at_once: usize) -> usize {
        let mut batch = Batch::new();
        self.hub.fill(self.ids[who], &mut batch, at_once);
        let taken = &batch.as_bytes()[..batch.as_bytes().len().min(most)];
        self.streams[who].extend_from_slice(taken);
        self.hub.sent(NOW, self.ids[who], &batch, taken.len());
        taken.len()
    }
}

/// Returns the lines that a stream of frames has, and how many bytes there are of them. Of a line that was begun there
/// is at least one.
fn lines_begun(mut stream: &[u8]) -> (String, usize) {
    let (mut lines, mut begun) = (String::new(), 0);
    while !stream.is_empty() {
        let (len, head) = match stream {
            [_, 126, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
            [_, 126 | 127, ..] | [_] => (usize::MAX, stream.len()),
            [_, len, ..] => (usize::from(*len), 2),
            [] => break,
        };
        let rest = &stream[head..];
        let part = &rest[..len.min(rest.len())];
        lines.push_str(str::from_utf8(part).expect("ASCII"));
        if part.len() == len {
            lines.push('\n');
            begun = lines.len();
        } else {
            begun = lines.len().max(begun + 1);
        }
        stream = &rest[part.len()..];
    }
    (lines, begun)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Of rooms, replies, answers that go on and gaps, too, and wherever a socket stops.
    #[test]
    fn a_hub_with_messages_says_what_a_hub_with_lines_says(steps in vec(step(), 1..120)) {
        let mut messages = Side::new(Framing::WebSocket(MessageKind::Text));
        let mut lines = Side::new(Framing::Lines);
        for step in steps {
            match step {
                Step::Say { who, line } => {
                    let frame = masked(true, opcode::TEXT, line.as_bytes(), [9, 8, 7, 6]);
                    let taken = messages.hub.receive(NOW, messages.ids[who], &frame);
                    let line = format!("{line}\n");
                    prop_assert_eq!(taken > 0, lines.hub.receive(NOW, lines.ids[who], line.as_bytes()) > 0);
                }
                Step::Take { who, most, at_once } => {
                    messages.take(who, most, at_once);
                    let (_, begun) = lines_begun(&messages.streams[who]);
                    while lines.streams[who].len() < begun {
                        let most = begun - lines.streams[who].len();
                        prop_assert!(lines.take(who, most, at_once) > 0, "{who} is sent more messages than lines");
                    }
                    let (said, _) = lines_begun(&messages.streams[who]);
                    let shown = String::from_utf8_lossy(&lines.streams[who]);
                    prop_assert!(shown.starts_with(&said), "{}\n{}", shown, said);
                }
                Step::Announce => {
                    messages.hub.announce(NOW, "tea is ready");
                    lines.hub.announce(NOW, "tea is ready");
                }
            }
        }
        for who in 0..4 {
            while messages.take(who, usize::MAX, 0) > 0 {}
            while lines.take(who, usize::MAX, 0) > 0 {}
            let (said, begun) = lines_begun(&messages.streams[who]);
            prop_assert_eq!(begun, said.len());
            prop_assert_eq!(said, String::from_utf8_lossy(&lines.streams[who]));
            prop_assert!(chat_tests::websocket::frames(&messages.streams[who]).is_ok());
        }
    }
}
