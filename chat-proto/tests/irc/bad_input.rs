//! What clients should not send: each has an answer, and harms nobody else.

use std::num::NonZeroU32;

use chat_proto::{CloseReason, Rate};

use crate::net::Net;

/// Checks that a session is as it was.
#[track_caller]
fn is_well(net: &mut Net, id: chat_proto::SessionId) {
    net.check(id, "PING well", &["> PONG irc.test :well"]);
}

#[test]
fn an_unknown_command_is_answered_with_421() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "FOO bar", &["> 421 ann FOO :Unknown command"]);
    net.check(ann, "123", &["> 421 ann 123 :Unknown command"]);
    net.check(ann, "caf\u{e9}", &["> 421 ann * :Unknown command"]);
    let long = "X".repeat(500);
    net.says(ann, &long);
    let answer = net.read(ann);
    assert!(answer.starts_with(":irc.test 421 ann XXX") && answer.len() < 100, "{answer}");
    net.check(ann, "\r\n   \r\n:ann", &[]);
}

#[test]
fn a_line_that_is_too_long_is_answered_with_417_and_the_next_one_is_carried_out() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, &format!("PRIVMSG ann :{}", "x".repeat(600)), &["> 417 ann :Input line was too long"]);
    net.check(ann, &"x".repeat(100_000), &["> 417 ann :Input line was too long"]);
    // 510 bytes are taken.
    let line = format!("PRIVMSG ann :{}", "x".repeat(510 - 13));
    net.says(ann, &line);
    assert_eq!(net.read(ann).matches('x').count(), 497);
    is_well(&mut net, ann);
}

#[test]
fn tags_that_are_too_long_are_answered_with_417() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, &format!("@a={} PING x", "x".repeat(4_093)), &["> 417 ann :Input line was too long"]);
    net.check(ann, &format!("@{} PING x", "a;".repeat(4_096)), &["> 417 ann :Input line was too long"]);
    net.check(ann, &format!("@a={} PING x", "x".repeat(4_092)), &["> PONG irc.test :x"]);
    net.check(ann, &format!("@{} PING x", "a;".repeat(2_047)), &["> PONG irc.test :x"]);
    net.check(ann, "@ PING x", &["> PONG irc.test :x"]);
    net.check(ann, "@a", &[]);
    is_well(&mut net, ann);
}

#[test]
fn many_changes_of_modes_are_bounded() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.says(ann, &format!("MODE #tea +{}", "mi".repeat(200)));
    let answer = net.read(ann);
    assert!(answer.lines().count() <= 12, "{answer}");
    net.says(ann, &format!("MODE #tea {}", "-m+m".repeat(100)));
    assert_eq!(net.read(ann), format!(":ann!~ann@- MODE #tea {}\n", "-m+m".repeat(6)));
    net.says(ann, &format!("MODE #tea +{}", "x".repeat(400)));
    assert_eq!(net.read(ann).lines().count(), 12);
    net.says(ann, &format!("MODE #tea +{}", "b".repeat(400)));
    assert_eq!(net.read(ann).lines().count(), 1);
    // The fifteenth parameter has all the rest.
    net.says(ann, &format!("MODE #tea +{} {}", "o".repeat(100), "bob ".repeat(90)));
    let answer = net.read(ann);
    assert!(answer.lines().count() <= 25, "{answer}");
    is_well(&mut net, ann);
    is_well_after(&mut net, bob);
}

/// The same for one that has something to read before.
#[track_caller]
fn is_well_after(net: &mut Net, id: chat_proto::SessionId) {
    net.says(id, "PING well");
    assert!(net.read(id).ends_with(":irc.test PONG irc.test :well\n"));
}

#[test]
fn a_join_of_many_channels_is_answered_for_each() {
    let mut net = Net::new();
    let ann = net.register("ann");
    let many: Vec<String> = (0..100).map(|n| format!("#{n:x}")).collect();
    net.says(ann, &format!("JOIN {}", many.join(",")));
    let answer = net.read(ann);
    let count = |what: &str| answer.matches(what).count();
    assert_eq!((count(" JOIN #"), count(" 366 "), count(" 405 ")), (20, 20, 80), "{answer}");
    net.says(ann, &format!("JOIN {}", ",".repeat(500)));
    assert_eq!(net.read(ann).matches(" 403 ann * :").count(), 501);
    net.says(ann, &format!("PART {}", many.join(",")));
    assert_eq!(net.read(ann).matches(" PART #").count(), 20);
    is_well(&mut net, ann);
}

#[test]
fn a_join_of_five_hundred_channels_is_one_line_too_long() {
    let mut net = Net::new();
    let ann = net.register("ann");
    let many: Vec<String> = (0..500).map(|n| format!("#{n}")).collect();
    net.check(ann, &format!("JOIN {}", many.join(",")), &["> 417 ann :Input line was too long"]);
}

#[test]
fn many_answers_wait_until_they_are_read() {
    let mut net = Net::with(|config| config.reply_bytes = 40_000);
    let ann = net.register("ann");
    net.test.set_reading(ann, false);
    for _ in 0..100 {
        net.says(ann, &format!("JOIN {}", ",".repeat(500)));
    }
    net.test.set_reading(ann, true);
    assert_eq!(net.read(ann).matches(" 403 ann * :").count(), 50_100);
}

#[test]
fn a_flood_of_names_is_shown_in_order_and_none_is_kept() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    for n in 0..1_000 {
        net.says(ann, &format!("NICK ann-{n}"));
    }
    let read = net.read(bob);
    assert_eq!(read.lines().count(), 1_000);
    assert_eq!(read.lines().last(), Some(":ann-998!~ann@- NICK :ann-999"));
    assert_eq!(net.read(ann), read);
    net.register("ann");
    net.register("ann-998");
}

#[test]
fn questions_of_unknown_kinds_to_clients_are_passed_on_and_no_more() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    net.check(ann, "PRIVMSG bob :\x01FOO bar baz\x01", &[]);
    net.reads(bob, &[":ann!~ann@- PRIVMSG bob :\x01FOO bar baz\x01"]);
    // Nothing, or nothing but signs: there is nothing to pass on.
    net.check(ann, "PRIVMSG bob :\x01\x01\r\nPRIVMSG bob :\x01\r\nPRIVMSG bob :\x01ACTION\x01", &[]);
    net.reads(bob, &[]);
    net.check(ann, "PRIVMSG bob :\x01DCC SEND \x02file\x02 1 2 3\x01\x01evil\x01", &[]);
    let read = net.read(bob);
    assert_eq!(read.matches('\x01').count(), 2, "{read:?}");
}

#[test]
fn nul_and_cr_within_a_line_are_answered_and_not_carried_out() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    for line in [&b"PRIVMSG bob :a\0b\r\n"[..], b"PRIVMSG bob :a\rQUIT\r\n", b"\0\0\0\r\n"] {
        net.sends(ann, line);
        net.reads(ann, &["> 421 ann * :Unknown command"]);
    }
    net.reads(bob, &[]);
    is_well(&mut net, ann);
}

#[test]
fn what_is_not_utf_8_is_answered_and_not_carried_out() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    net.sends(ann, b"PRIVMSG bob :caf\xe9\r\n");
    net.reads(ann, &["> NOTICE ann :not valid UTF-8"]);
    net.reads(bob, &[]);
    is_well(&mut net, ann);
}

#[test]
fn another_protocol_is_closed_at_its_first_line() {
    let mut net = Net::new();
    for line in ["GET / HTTP/1.1", "POST /x HTTP/1.0", "SSH-2.0-OpenSSH_9.7", "EHLO mail.example.org"] {
        let id = net.connect();
        net.says(id, line);
        let answer = net.read(id);
        assert!(answer.starts_with("ERROR :") && answer.lines().count() == 1, "{answer}");
        assert_eq!(net.close_reason(id), Some(CloseReason::WrongProtocol), "{line}");
    }
    let id = net.connect();
    net.sends(id, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n");
    assert_eq!(net.close_reason(id), Some(CloseReason::WrongProtocol));
}

#[test]
fn a_first_line_without_end_is_closed() {
    let mut net = Net::new();
    let id = net.connect();
    net.sends(id, &[b'x'; 10_000]);
    net.reads(id, &["> 417 * :Input line was too long", "ERROR :first line refused"]);
    assert_eq!(net.close_reason(id), Some(CloseReason::FirstLine));
}

#[test]
fn names_that_imitate_others_are_refused() {
    let mut net = Net::new();
    let (_, bob) = (net.register("ann"), net.register("bob"));
    // Another case, letters of other scripts, and full-width letters.
    for name in ["ANN", "server", "а\u{578}n", "ａｎｎ", "an\u{200d}n", "ann\u{301}\u{301}\u{301}\u{301}"] {
        net.says(bob, &format!("NICK {name}"));
        let answer = net.read(bob);
        assert!(answer.starts_with(":irc.test 43"), "{name}: {answer}");
    }
}

#[test]
fn names_and_targets_that_are_not_words_do_not_break_lines() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    for line in [
        "NICK ::x",
        "NICK :a b",
        "JOIN :#a b",
        "JOIN ::x",
        "PART ::x",
        "PRIVMSG ::x :hi",
        "PRIVMSG :a b",
        "WHOIS ::x",
        "WHO ::x",
        "WHOWAS ::x",
        "KICK #tea ::x",
        "INVITE ::x #tea",
        "INVITE ann ::x",
        "TOPIC ::x",
        "MODE ::x",
        "MODE #tea +o ::x",
        "MODE #tea +b ::x",
        "MODE #tea :+b a b",
        "NAMES ::x",
        "LIST ::x",
        "STATS ::x",
        "HELP ::x",
        "CAP ::x",
        "ISON ::x",
        "USERHOST ::x",
    ] {
        net.says(ann, line);
        for answer in net.read(ann).lines() {
            let (numeric, rest) =
                answer.strip_prefix(":irc.test ").and_then(|it| it.split_once(' ')).unwrap_or(("", ""));
            assert!(numeric.len() != 3 || rest.starts_with("ann "), "{line}: {answer}");
            // A parameter that begins with a colon is the last one.
            let middle = rest.split(" :").next().unwrap_or_default();
            assert!(!middle.contains("::"), "{line}: {answer}");
        }
    }
    is_well(&mut net, ann);
}

#[test]
fn times_that_are_none_are_refused_wherever_their_characters_end() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    for fraction in [".éé", ".1é", ".", ".é"] {
        let time = format!("timestamp=2026-01-01T00:00:00{fraction}Z");
        net.says(ann, &format!("CHATHISTORY BEFORE #tea {time} 1"));
        let answer = net.read(ann);
        assert!(answer.starts_with(":irc.test FAIL CHATHISTORY INVALID_PARAMS "), "{answer}");
    }
}

#[test]
fn what_one_line_does_many_times_costs_as_much_as_many_lines() {
    let rate = Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(30).expect("30") };
    let mut net = Net::with(|config| config.rate = Some(rate));
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    for _ in 0..4 {
        net.says(ann, "PRIVMSG bob,bob,bob,bob :hi");
    }
    net.test.read(bob);
    net.says(ann, &format!("PART {}", ",".repeat(60)));
    net.test.read(ann);
    net.says(ann, "PRIVMSG bob :later");
    net.reads(bob, &[]);
    net.advance(100);
    net.reads(bob, &[":ann!~ann@- PRIVMSG bob :later"]);
}

#[test]
fn a_labelled_line_with_many_answers_waits_for_its_reader() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "labeled-response batch message-tags");
    net.forget(&[ann]);
    net.says(ann, &format!("@label=a PART {}", ",".repeat(450)));
    let mut lines = 0;
    loop {
        let read = net.read(ann);
        if read.is_empty() {
            break;
        }
        lines += read.lines().count();
    }
    assert_eq!(lines, 453);
    net.check(ann, "PING :x", &["> PONG irc.test :x"]);
}
