//! What is shown exactly once, in which order, and to readers of any speed.

use std::collections::BTreeSet;

use chat_proto::{Batch, Command, SessionId};

use crate::net::Net;

/// The names of all lines of an answer to NAMES, without signs.
fn names_of(answer: &str) -> Vec<&str> {
    let lists = answer.lines().filter(|line| line.contains(" 353 "));
    lists
        .flat_map(|line| line.rsplit_once(" :").expect("a list").1.split(' '))
        .map(|it| it.trim_start_matches('@'))
        .collect()
}

#[test]
fn joins_and_leaves_are_shown_one_by_one_however_many_there_are() {
    let mut net = Net::new();
    let ann = net.join("ann", "#lobby,#tea");
    let tom = net.test.join("tom");
    net.advance(2);
    net.forget(&[ann, tom]);
    let ids: Vec<SessionId> = (0..50).map(|n| net.join(&format!("n{n}"), "#lobby,#tea")).collect();
    for id in &ids {
        net.says(*id, "PART #tea");
    }
    for id in ids {
        net.test.with_hub(|hub, now| hub.disconnect(now, id));
    }
    let mut expected = Vec::new();
    for n in 0..50 {
        expected.extend(["lobby", "tea"].map(|room| format!(":n{n}!~n{n}@- JOIN #{room}")));
    }
    expected.extend((0..50).map(|n| format!(":n{n}!~n{n}@- PART #tea")));
    expected.extend((0..50).map(|n| format!(":n{n}!~n{n}@- QUIT :Connection lost")));
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    net.reads(ann, &expected);
    // A screen is shown five.
    assert_eq!(net.read(tom).lines().count(), 5);
}

#[test]
fn a_quit_and_a_new_name_are_shown_once_to_who_shares_several_channels() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#a,#b,#c,#lobby"), net.join("bob", "#a,#b,#c,#lobby"));
    net.forget(&[ann, bob]);
    net.check(bob, "NICK bobby", &[":bob!~bob@- NICK :bobby"]);
    net.check(ann, "PING x", &[":bob!~bob@- NICK :bobby", "> PONG irc.test :x"]);
    net.says(bob, "QUIT");
    net.reads(ann, &[":bobby!~bob@- QUIT :Client quit"]);
}

#[test]
fn a_quit_is_shown_once_also_to_a_reader_that_reads_later() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#a,#b,#c"), net.join("bob", "#b,#a,#c"));
    net.forget(&[ann, bob]);
    net.test.set_reading(ann, false);
    net.says(bob, "PRIVMSG #c :one\r\nPRIVMSG #a :two\r\nNICK bobby\r\nPRIVMSG #b :three\r\nQUIT");
    net.test.set_reading(ann, true);
    net.reads(
        ann,
        &[
            ":bob!~bob@- PRIVMSG #c :one",
            ":bob!~bob@- PRIVMSG #a :two",
            ":bob!~bob@- NICK :bobby",
            ":bobby!~bob@- PRIVMSG #b :three",
            ":bobby!~bob@- QUIT :Client quit",
        ],
    );
}

#[test]
fn answers_stand_among_messages_where_they_arose() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#a,#b"), net.join("bob", "#a,#b"));
    net.forget(&[ann, bob]);
    net.test.set_reading(ann, false);
    net.says(bob, "PRIVMSG #a :one");
    net.says(ann, "PING two");
    net.says(bob, "PRIVMSG #b :three");
    net.says(ann, "MODE #a +m");
    net.says(bob, "PRIVMSG ann :four");
    net.test.set_reading(ann, true);
    net.reads(
        ann,
        &[
            ":bob!~bob@- PRIVMSG #a :one",
            "> PONG irc.test :two",
            ":bob!~bob@- PRIVMSG #b :three",
            ":ann!~ann@- MODE #a +m",
            ":bob!~bob@- PRIVMSG ann :four",
        ],
    );
}

#[test]
fn who_joins_sees_nothing_from_before_and_misses_nothing_after() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "PRIVMSG #tea :before");
    net.says(bob, "JOIN #tea");
    net.says(ann, "PRIVMSG #tea :after");
    net.reads(
        bob,
        &[
            ":bob!~bob@- JOIN #tea",
            "> 353 bob = #tea :@ann bob",
            "> 366 bob #tea :End of /NAMES list",
            ":ann!~ann@- PRIVMSG #tea :after",
        ],
    );
    net.says(bob, "PART #tea");
    net.says(ann, "PRIVMSG #tea :later");
    net.reads(bob, &[":bob!~bob@- PART #tea"]);
}

#[test]
fn names_of_two_thousand_are_complete_and_go_on_as_their_reader_reads() {
    let mut net = Net::with(|config| config.pace = None);
    net.crowd(2_000, "member", "tea");
    let ann = net.register("ann");
    net.test.set_reading(ann, false);
    net.says(ann, "JOIN #tea\r\nPING done");
    net.reads(ann, &[]);
    net.test.set_reading(ann, true);
    let answer = net.read(ann);
    assert!(answer.starts_with(":ann!~ann@- JOIN #tea\n:irc.test 353 "));
    let end = ":irc.test 366 ann #tea :End of /NAMES list\n:irc.test PONG irc.test :done\n";
    assert!(answer.ends_with(end), "{:?}", answer.lines().rev().take(3).collect::<Vec<_>>());
    assert!(answer.lines().all(|line| line.len() <= 510));
    let names = names_of(&answer);
    assert_eq!(names.len(), 2_001);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 2_001);
}

#[test]
fn names_are_complete_while_members_come_and_go() {
    for room in ["tea", "lobby"] {
        // Who joins does not wait until the one has read that stops reading.
        let mut net = Net::with(|config| {
            config.pace = None;
            config.room_log_bytes = 1 << 20;
        });
        let ids = net.crowd(1_000, "member", room);
        let ann = net.register("ann");
        net.test.set_reading(ann, false);
        net.says(ann, &format!("JOIN #{room}"));
        // Every other leaves, and as many others come.
        for id in ids.iter().step_by(2) {
            net.test.with_hub(|hub, now| hub.disconnect(now, *id));
        }
        net.crowd(500, "newcomer", room);
        net.test.set_reading(ann, true);
        let answer = net.read(ann);
        // What a client makes of it.
        let mut here = BTreeSet::new();
        for line in answer.lines() {
            let name = line[1..].split('!').next().expect("a source");
            match line.split(' ').nth(1) {
                Some("353") => here.extend(names_of(line).into_iter().map(String::from)),
                Some("JOIN") => drop(here.insert(name.into())),
                Some("QUIT") => drop(here.remove(name)),
                Some("366") => {}
                other => panic!("{other:?}: {line}"),
            }
        }
        let expected: BTreeSet<String> = (0..1_000)
            .filter(|n| n % 2 == 1)
            .map(|n| format!("member-{n}"))
            .chain((0..500).map(|n| format!("newcomer-{n}")))
            .chain(["ann".into()])
            .collect();
        let (missing, extra): (Vec<_>, Vec<_>) =
            (expected.difference(&here).collect(), here.difference(&expected).collect());
        assert!(missing.is_empty() && extra.is_empty(), "{room}: missing {missing:?}, extra {extra:?}");
    }
}

#[test]
fn an_answer_about_a_channel_that_is_gone_ends() {
    let mut net = Net::with(|config| config.pace = None);
    let ids = net.crowd(1_000, "member", "tea");
    let ann = net.register("ann");
    net.test.set_reading(ann, false);
    net.says(ann, "NAMES #tea\r\nPING x");
    for id in ids {
        net.test.with_hub(|hub, now| hub.disconnect(now, id));
    }
    net.test.set_reading(ann, true);
    let answer = net.read(ann);
    assert!(answer.ends_with(":irc.test 366 ann #tea :End of /NAMES list\n:irc.test PONG irc.test :x\n"), "{answer}");
}

#[test]
fn long_lists_of_several_channels_come_one_after_the_other() {
    let mut net = Net::new();
    for n in 0..300 {
        net.join(&format!("member-{n}"), "#a,#b");
    }
    let ann = net.register("ann");
    net.test.set_reading(ann, false);
    net.says(ann, "JOIN #a,#b,#c");
    net.test.set_reading(ann, true);
    let answer = net.read(ann);
    let kinds: Vec<&str> = answer.lines().map(|line| line.split(' ').nth(1).expect("a command")).collect();
    let ends: Vec<&str> = answer.lines().filter(|line| line.contains(" 366 ")).collect();
    assert_eq!(ends, ["#a", "#b", "#c"].map(|room| format!(":irc.test 366 ann {room} :End of /NAMES list")));
    assert_eq!(kinds.iter().filter(|kind| **kind == "JOIN").count(), 3);
    assert_eq!(names_of(&answer).len(), 301 + 301 + 1);
}

#[test]
fn a_reader_that_falls_behind_is_told_how_many_messages_it_missed() {
    let mut net = Net::with(|config| config.pace = None);
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.test.set_reading(ann, false);
    for n in 0..30_000 {
        net.says(bob, &format!("PRIVMSG #tea :{n}"));
    }
    net.test.set_reading(ann, true);
    let answer = net.read(ann);
    let notice = answer.lines().find(|line| line.starts_with(":irc.test NOTICE")).expect("a notice");
    let missed = notice.strip_prefix(":irc.test NOTICE #tea :you were too slow and missed ");
    let missed = missed.and_then(|rest| rest.strip_suffix(" messages")).and_then(|count| count.parse::<usize>().ok());
    assert_eq!(missed.map(|missed| missed + answer.lines().count() - 1), Some(30_000), "{notice}");
}

#[test]
fn a_search_that_finds_nobody_lets_others_go_first() {
    let mut net = Net::new();
    net.crowd(3_000, "member", "lobby");
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    for ask in ["WHO nobody*", "WHO nobody* %n"] {
        net.test.with_hub(|hub, now| {
            hub.receive(now, ann, format!("{ask}\r\n").as_bytes());
            hub.receive(now, bob, b"PING a\r\n");
            let (mut batch, mut sent) = (Batch::new(), Vec::new());
            while sent.len() < 3 {
                let Some(Command::Send(id)) = hub.poll_command() else { panic!("{sent:?}") };
                let is_filled = hub.fill(id, &mut batch, 64 << 10);
                sent.push((id, is_filled));
                hub.sent(now, id, &batch, batch.as_bytes().len());
            }
            assert_eq!(sent, [(bob, true), (ann, false), (ann, true)], "{ask}");
        });
    }
}
