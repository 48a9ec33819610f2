//! Events among the messages of CHATHISTORY.

use chat_proto::SessionId;

use crate::net::Net;

const CAPS: &str = "batch draft/chathistory draft/event-playback server-time message-tags";

/// A channel in which a second passed after each of many things, and `ann`, who came last.
fn with_events(caps: &str) -> (Net, SessionId) {
    let mut net = Net::new();
    let bob = net.join("bob", "#tea");
    let tom = net.register("tom");
    let text = net.test.join("eve");
    for (id, line) in [
        (tom, "JOIN #tea"),
        (bob, "PRIVMSG #tea :one"),
        (bob, "TOPIC #tea :all about tea"),
        (bob, "MODE #tea +v tom"),
        (tom, "AWAY :gone\r\nNICK tim"),
        (tom, "PRIVMSG #tea :two"),
        (tom, "PART #tea :bye"),
        (text, "/join tea"),
        (text, "three"),
        (bob, "KICK #tea eve :out"),
        (tom, "JOIN #tea"),
        (tom, "QUIT :home"),
    ] {
        net.advance(1);
        net.says(id, line);
    }
    net.advance(1);
    let ann = net.register_with("ann", caps);
    net.says(ann, "JOIN #tea");
    net.forget(&[ann]);
    (net, ann)
}

const ALL: [&str; 13] = [
    ":tom!~tom@- JOIN #tea",
    ":bob!~bob@- PRIVMSG #tea :one",
    ":bob!~bob@- TOPIC #tea :all about tea",
    ":bob!~bob@- MODE #tea +v tom",
    ":tom!~tom@- NICK :tim",
    ":tim!~tom@- PRIVMSG #tea :two",
    ":tim!~tom@- PART #tea :bye",
    ":eve!~user@- JOIN #tea",
    ":eve!~user@- PRIVMSG #tea :three",
    ":bob!~bob@- KICK #tea eve :out",
    ":tim!~tom@- JOIN #tea",
    ":tim!~tom@- QUIT :Quit: home",
    ":ann!~ann@- JOIN #tea",
];

/// Asks for messages, and returns what is shown without tags, which are checked.
#[track_caller]
fn shown(net: &mut Net, ann: SessionId, ask: &str) -> Vec<String> {
    net.says(ann, &format!("CHATHISTORY {ask}"));
    let answer = net.read(ann);
    let lines: Vec<&str> = answer.lines().collect();
    let [_, lines @ .., last] = &lines[..] else { panic!("{answer}") };
    assert!(last.contains(" BATCH -"), "{answer}");
    let line = |line: &&str| {
        let (tags, rest) = line.split_once(' ').expect("tags");
        assert!(tags.starts_with("@batch=") && tags.contains("time=2026-11-26T17:"), "{line}");
        assert_eq!(tags.contains("msgid="), rest.contains(" PRIVMSG "), "{line}");
        rest.into()
    };
    lines.iter().map(line).collect()
}

/// Returns the same without who somebody is, because the history knows that of those only who are still here.
fn bare(lines: &[impl AsRef<str>]) -> Vec<String> {
    let bare = |line: &str| {
        let (source, rest) = line.split_once(' ').expect("a source");
        format!("{} {rest}", source.split('!').next().unwrap_or_default())
    };
    lines.iter().map(|line| bare(line.as_ref())).collect()
}

#[test]
fn events_are_shown_among_messages_to_who_has_asked_for_them() {
    let (mut net, ann) = with_events(CAPS);
    assert_eq!(bare(&shown(&mut net, ann, "LATEST #tea * 100")), bare(&ALL));
    net.says(ann, "CAP REQ :-draft/event-playback");
    net.forget(&[ann]);
    assert_eq!(bare(&shown(&mut net, ann, "LATEST #tea * 100")), bare(&[ALL[1], ALL[5], ALL[8]]));
}

#[test]
fn pages_before_and_after_each_other_have_each_event_once() {
    let (mut net, ann) = with_events(CAPS);
    // Event `n` of the list was `n + 1` seconds after the start.
    let at = |n: usize| format!("timestamp=2026-11-26T17:{:02}:{:02}.123Z", (9 * 60 + 59 + n) / 60, (59 + n) % 60);
    for (ask, expected) in [
        (format!("LATEST #tea {} 100", at(7)), &ALL[8..]),
        (format!("BEFORE #tea {} 100", at(7)), &ALL[..7]),
        (format!("AFTER #tea {} 100", at(2)), &ALL[3..]),
        (format!("BETWEEN #tea {} {} 100", at(2), at(9)), &ALL[3..9]),
        (format!("BETWEEN #tea {} {} 100", at(9), at(2)), &ALL[3..9]),
        // One message, with what is beside it.
        ("LATEST #tea * 1".into(), &[ALL[8], ALL[12]]),
        (format!("AFTER #tea {} 1", at(1)), &[ALL[2], ALL[5]]),
        (format!("BEFORE #tea {} 1", at(8)), &[ALL[5], ALL[7]]),
        (format!("BEFORE #tea {} 5", at(0)), &[]),
        (format!("AFTER #tea {} 5", at(12)), &[]),
    ] {
        assert_eq!(bare(&shown(&mut net, ann, &ask)), bare(expected), "{ask}");
    }
    net.says(ann, "CHATHISTORY LATEST #tea * 100");
    let answer = net.read(ann);
    let line = answer.lines().find(|line| line.ends_with(":two")).expect("it was said");
    let id = line.split("msgid=").nth(1).and_then(|rest| rest.split([';', ' ']).next()).expect("a number");
    assert_eq!(bare(&shown(&mut net, ann, &format!("BEFORE #tea msgid={id} 100"))), bare(&ALL[..5]));
    assert_eq!(bare(&shown(&mut net, ann, &format!("AFTER #tea msgid={id} 100"))), bare(&ALL[6..]));
}

#[test]
fn what_happens_at_once_is_shown_in_its_order() {
    let mut net = Net::new();
    let bob = net.join("bob", "#tea");
    net.says(bob, "PRIVMSG #tea :1\r\nMODE #tea +m\r\nPRIVMSG #tea :2\r\nMODE #tea -m\r\nPRIVMSG #tea :3");
    let ann = net.register_with("ann", CAPS);
    net.says(ann, "JOIN #tea");
    net.forget(&[ann]);
    let all = [
        ":bob PRIVMSG #tea :1",
        ":bob MODE #tea +m",
        ":bob PRIVMSG #tea :2",
        ":bob MODE #tea -m",
        ":bob PRIVMSG #tea :3",
        ":ann JOIN #tea",
    ];
    assert_eq!(bare(&shown(&mut net, ann, "LATEST #tea * 100")), all);
    assert_eq!(bare(&shown(&mut net, ann, "LATEST #tea * 2")), all[2..]);
}

#[test]
fn a_flood_of_events_hides_no_message() {
    let mut net = Net::new();
    let (bob, tom) = (net.join("bob", "#tea"), net.register("tom"));
    net.says(bob, "PRIVMSG #tea :first");
    for _ in 0..300 {
        net.says(tom, "JOIN #tea\r\nPART #tea");
        net.forget(&[bob, tom]);
    }
    net.says(bob, "PRIVMSG #tea :last");
    let ann = net.register_with("ann", CAPS);
    net.says(ann, "JOIN #tea");
    net.forget(&[ann]);
    let lines = shown(&mut net, ann, "LATEST #tea * 10");
    assert_eq!(lines.len(), 12);
    assert!(
        lines[0].ends_with(":first") && lines[10].ends_with(":last") && lines[11].starts_with(":ann!"),
        "{lines:?}"
    );
    assert!(lines[9].ends_with(" PART #tea"), "the latest of them");
}
