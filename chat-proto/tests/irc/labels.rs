//! Labels, batches and the history.

use crate::net::Net;

const CAPS: &str = "batch labeled-response";

#[test]
fn one_answer_carries_the_label() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "batch labeled-response");
    net.check(ann, "@label=x PING a", &["@label=x :irc.test PONG irc.test :a"]);
    net.check(ann, "@label=x PRIVMSG nobody :a", &["@label=x :irc.test 401 ann nobody :No such nick/channel"]);
    net.check(ann, "@label=x FOO", &["@label=x :irc.test 421 ann FOO :Unknown command"]);
    net.check(ann, "@label=x;label=y\\s PING a", &["@label=y\\s :irc.test PONG irc.test :a"]);
}

#[test]
fn no_answer_is_told_with_the_label() {
    let mut net = Net::new();
    let ann = net.register_with("ann", CAPS);
    let bob = net.register("bob");
    net.check(ann, "@label=x PONG", &["@label=x :irc.test ACK"]);
    net.check(ann, "@label=y PRIVMSG bob :hello", &["@label=y :irc.test ACK"]);
    net.reads(bob, &[":ann!~ann@- PRIVMSG bob :hello"]);
    net.check(ann, "@label=z BATCH +1 x", &["@label=z :irc.test ACK"]);
}

#[test]
fn several_answers_are_a_batch_that_carries_the_label() {
    let mut net = Net::new();
    let ann = net.register_with("ann", CAPS);
    net.check(
        ann,
        "@label=x JOIN #tea",
        &[
            "@label=x :irc.test BATCH +1 labeled-response",
            "@batch=1 :ann!~ann@- JOIN #tea",
            "@batch=1 :irc.test 353 ann = #tea :@ann",
            "@batch=1 :irc.test 366 ann #tea :End of /NAMES list",
            ":irc.test BATCH -1",
        ],
    );
    net.check(
        ann,
        "@label=y MODE #tea +mxt-n",
        &[
            "@label=y :irc.test BATCH +2 labeled-response",
            "@batch=2 :ann!~ann@- MODE #tea +m",
            "@batch=2 :irc.test 472 ann x :is unknown mode char to me",
            "@batch=2 :ann!~ann@- MODE #tea -n",
            ":irc.test BATCH -2",
        ],
    );
}

#[test]
fn an_echo_carries_the_label() {
    let mut net = Net::new();
    let ann = net.register_with("ann", &format!("{CAPS} echo-message"));
    net.says(ann, "JOIN #tea");
    net.forget(&[ann]);
    net.check(ann, "@label=x PRIVMSG #tea :hello", &["@label=x :ann!~ann@- PRIVMSG #tea :hello"]);
}

#[test]
fn without_the_capability_labels_are_ignored() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "@label=x PING a", &["> PONG irc.test :a"]);
    let bob = net.register_with("bob", CAPS);
    net.check(bob, "@label= PING a", &["> PONG irc.test :a"]);
    net.check(bob, &format!("@label={} PING a", "x".repeat(65)), &["> PONG irc.test :a"]);
}

#[test]
fn a_long_answer_with_a_label_is_one_batch_also_for_a_slow_reader() {
    let mut net = Net::with(|config| config.pace = None);
    net.crowd(1_500, "member", "tea");
    let ann = net.register_with("ann", CAPS);
    net.test.set_reading(ann, false);
    net.says(ann, "@label=x NAMES #tea\r\n@label=y PING z");
    net.test.set_reading(ann, true);
    let answer = net.read(ann);
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines[0], "@label=x :irc.test BATCH +1 labeled-response");
    assert_eq!(
        lines[lines.len() - 3..],
        [
            "@batch=1 :irc.test 366 ann #tea :End of /NAMES list",
            ":irc.test BATCH -1",
            "@label=y :irc.test PONG irc.test :z"
        ]
    );
    assert!(lines[1..lines.len() - 3].iter().all(|line| line.starts_with("@batch=1 :irc.test 353 ann = #tea :")));
}

/// `ann` in a channel in which `bob` has said `message 0` to `message 7`, one a second.
fn with_messages() -> (Net, chat_proto::SessionId) {
    let mut net = Net::new();
    let bob = net.join("bob", "#tea");
    for n in 0..8 {
        net.advance(1);
        net.says(bob, &format!("PRIVMSG #tea :message {n}"));
    }
    let ann = net.register_with("ann", "batch draft/chathistory server-time message-tags");
    net.says(ann, "JOIN #tea");
    net.forget(&[ann, bob]);
    (net, ann)
}

/// Asks for messages; returns their numbers.
#[track_caller]
fn numbers(net: &mut Net, ann: chat_proto::SessionId, ask: &str) -> Vec<usize> {
    net.says(ann, &format!("CHATHISTORY {ask}"));
    let answer = net.read(ann);
    let lines: Vec<&str> = answer.lines().collect();
    let [first, messages @ .., last] = &lines[..] else { panic!("{answer}") };
    let batch = first.rsplit_once(" BATCH +").and_then(|(_, rest)| rest.strip_suffix(" chathistory #tea"));
    let batch = batch.unwrap_or_else(|| panic!("{answer}"));
    assert!(last.ends_with(&format!(" :irc.test BATCH -{batch}")), "{answer}");
    let number = |line: &&str| {
        let (tags, rest) = line.split_once(' ').expect("tags");
        assert!(tags.split([';', '@']).any(|tag| tag == format!("batch={batch}")), "{line}");
        let number = rest.strip_prefix(":bob!~bob@- PRIVMSG #tea :message ").unwrap_or_else(|| panic!("{line}"));
        let number: usize = number.parse().expect("a number");
        let seconds = 9 * 60 + 59 + number;
        let time = format!("time=2026-11-26T17:{:02}:{:02}.123Z", seconds / 60, seconds % 60);
        assert!(tags.contains(&time), "{line}");
        number
    };
    messages.iter().map(number).collect()
}

#[test]
fn messages_of_a_channel_are_shown_around_times_and_numbers() {
    let (mut net, ann) = with_messages();
    assert_eq!(numbers(&mut net, ann, "LATEST #tea * 3"), [5, 6, 7]);
    assert_eq!(numbers(&mut net, ann, "LATEST #tea * 100"), [0, 1, 2, 3, 4, 5, 6, 7]);
    // Message 3 was said at 17:10:02.123.
    for (ask, expected) in [
        ("BEFORE #tea timestamp=2026-11-26T17:10:02.123Z 2", &[1, 2][..]),
        ("AFTER #tea timestamp=2026-11-26T17:10:02.123Z 2", &[4, 5]),
        ("AROUND #tea timestamp=2026-11-26T17:10:02.123Z 3", &[2, 3, 4]),
        ("LATEST #tea timestamp=2026-11-26T17:10:02.123Z 2", &[6, 7]),
        ("LATEST #tea timestamp=2026-11-26T17:10:02.123Z 9", &[4, 5, 6, 7]),
        ("BETWEEN #tea timestamp=2026-11-26T17:10:01.000Z timestamp=2026-11-26T17:10:04.123Z 9", &[2, 3, 4]),
        ("BETWEEN #tea timestamp=2026-11-26T17:10:04.200Z timestamp=2026-11-26T17:10:01.123Z 2", &[4, 5]),
        ("AFTER #tea timestamp=2027-01-01T00:00:00.000Z 2", &[]),
    ] {
        assert_eq!(numbers(&mut net, ann, ask), expected, "{ask}");
    }
}

#[test]
fn the_history_is_offered_and_its_limit_told() {
    let mut net = Net::new();
    let ann = net.connect();
    net.check(ann, "CAP REQ draft/chathistory", &["> CAP * ACK :draft/chathistory"]);
    net.says(ann, "NICK ann\r\nUSER ann 0 * :Ann\r\nCAP END");
    assert!(net.read(ann).contains(" CHATHISTORY=100 "));
}

#[test]
fn a_message_is_found_by_the_number_it_was_shown_with() {
    let (mut net, ann) = with_messages();
    net.says(ann, "CHATHISTORY LATEST #tea * 3");
    let answer = net.read(ann);
    let id =
        answer.lines().nth(2).and_then(|line| line.split("msgid=").nth(1)).and_then(|it| it.split([';', ' ']).next());
    let id = id.expect("a number");
    assert_eq!(numbers(&mut net, ann, &format!("BEFORE #tea msgid={id} 2")), [4, 5]);
    assert_eq!(numbers(&mut net, ann, &format!("AFTER #tea msgid={id} 2")), [7]);
}

#[test]
fn a_history_that_cannot_be_shown_is_refused() {
    let (mut net, ann) = with_messages();
    net.says(ann, "CAP REQ :-server-time");
    net.forget(&[ann]);
    for (ask, code) in [
        ("LATEST #none * 5", "INVALID_TARGET LATEST #none"),
        ("LATEST #lobby * 5", "INVALID_TARGET LATEST #lobby"),
        ("LATEST bob * 5", "INVALID_TARGET LATEST bob"),
        ("LATEST #tea * many", "INVALID_PARAMS LATEST"),
        ("LATEST #tea", "INVALID_PARAMS LATEST"),
        ("BEFORE #tea * 5", "INVALID_PARAMS BEFORE"),
        ("NONSENSE #tea * 5", "INVALID_PARAMS NONSENSE"),
        ("TARGETS x y 5", "INVALID_PARAMS TARGETS"),
    ] {
        net.says(ann, &format!("CHATHISTORY {ask}"));
        let answer = net.read(ann);
        assert!(answer.starts_with(&format!(":irc.test FAIL CHATHISTORY {code} :")), "{ask}: {answer}");
        assert_eq!(answer.lines().count(), 1);
    }
}

#[test]
fn who_does_not_know_of_batches_is_shown_the_messages_alone() {
    let mut net = Net::new();
    let bob = net.join("bob", "#tea");
    net.says(bob, "PRIVMSG #tea :one\r\nPRIVMSG #tea :\x01ACTION waves\x01\r\nNOTICE #tea :three");
    let ann = net.register_with("ann", "draft/chathistory");
    net.says(ann, "JOIN #tea");
    net.forget(&[ann, bob]);
    net.check(
        ann,
        "CHATHISTORY LATEST #tea * 5",
        &[
            ":bob!~bob@- PRIVMSG #tea :one",
            ":bob!~bob@- PRIVMSG #tea :\x01ACTION waves\x01",
            ":bob!~bob@- NOTICE #tea :three",
        ],
    );
    net.check(
        ann,
        "CHATHISTORY TARGETS timestamp=2026-11-26T00:00:00.000Z timestamp=2027-11-26T00:00:00.000Z 10",
        &["> CHATHISTORY TARGETS #tea 2026-11-26T17:09:58.123Z"],
    );
}

#[test]
fn an_announcement_has_the_same_number_at_once_and_later() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "draft/chathistory message-tags");
    net.says(ann, "JOIN #lobby");
    net.forget(&[ann]);
    net.test.with_hub(|hub, now| hub.announce(now, "tea is ready"));
    let live = net.read(ann);
    assert!(live.starts_with("@msgid=abc-") && live.ends_with(" :irc.test NOTICE #lobby :tea is ready\n"), "{live}");
    net.says(ann, "CHATHISTORY LATEST #lobby * 5");
    assert_eq!(net.read(ann), live);
    // What is said to one only is in no history.
    net.test.with_hub(|hub, now| hub.tell(now, ann, "hello"));
    net.reads(ann, &["> NOTICE ann :hello"]);
}

#[test]
fn channels_with_messages_are_listed() {
    let (mut net, ann) = with_messages();
    net.says(ann, "CAP REQ :-server-time");
    net.forget(&[ann]);
    net.says(ann, "CHATHISTORY TARGETS timestamp=2026-11-26T17:10:00.000Z timestamp=2027-11-26T17:10:00.000Z 10");
    let answer = net.read(ann);
    let lines: Vec<&str> = answer.lines().collect();
    assert!(lines.len() == 3 && lines[0].ends_with(" draft/chathistory-targets"), "{answer}");
    assert!(lines[1].ends_with(" CHATHISTORY TARGETS #tea 2026-11-26T17:10:06.123Z"), "{answer}");
}

#[test]
fn a_labelled_quit_is_answered() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "labeled-response batch message-tags");
    net.forget(&[ann]);
    net.check(ann, "@label=a QUIT :bye", &["ERROR :Quit: bye"]);
}
