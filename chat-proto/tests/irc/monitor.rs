//! MONITOR: who is told when somebody comes or goes.

use crate::net::Net;

#[test]
fn who_watches_a_name_is_told_when_somebody_comes_and_goes() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    net.check(ann, "MONITOR + bob,Tom", &["> 730 ann :bob!~bob@-", "> 731 ann :Tom"]);
    let tom = net.register("tom");
    net.reads(ann, &["> 730 ann :tom!~tom@-"]);
    net.says(bob, "NICK bill");
    net.reads(ann, &["> 731 ann :bob"]);
    net.says(tom, "NICK bob");
    net.reads(ann, &["> 731 ann :Tom", "> 730 ann :bob!~tom@-"]);
    net.says(tom, "NICK BOB\r\nJOIN #tea\r\nPART #tea\r\nAWAY :gone");
    net.reads(ann, &[]);
    net.says(tom, "QUIT");
    net.reads(ann, &["> 731 ann :bob"]);
    net.reads(bob, &[":bob!~bob@- NICK :bill"]);
}

#[test]
fn a_client_is_not_there_before_it_is_registered() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.connect());
    net.says(bob, "CAP LS\r\nNICK bob\r\nUSER bob 0 * :Bob");
    net.check(ann, "MONITOR + bob", &["> 731 ann :bob"]);
    net.says(bob, "CAP END");
    net.reads(ann, &["> 730 ann :bob!~bob@-"]);
}

#[test]
fn members_of_all_dialects_count() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "MONITOR + tom,bot,guest-1,eve", &["> 731 ann :tom,bot,guest-1,eve"]);
    let text = net.test.connect("text");
    net.reads(ann, &["> 730 ann :guest-1!~user@-"]);
    net.test.say(text, "/name tom");
    net.reads(ann, &["> 731 ann :guest-1", "> 730 ann :tom!~user@-"]);
    let bot = net.test.with_hub(|hub, now| hub.enter(now, "bot")).expect("the name is free");
    net.reads(ann, &["> 730 ann :bot!~user@-"]);
    net.test.with_hub(|hub, now| hub.rename(now, bot, "eve")).expect("the name is free");
    net.reads(ann, &["> 731 ann :bot", "> 730 ann :eve!~user@-"]);
    net.test.with_hub(|hub, now| hub.leave(now, bot, ""));
    net.test.with_hub(|hub, now| hub.kick(now, text, "away with you"));
    net.reads(ann, &["> 731 ann :eve", "> 731 ann :tom"]);
}

#[test]
fn the_names_are_listed_with_and_without_who_is_there() {
    let mut net = Net::new();
    let (ann, _bob) = (net.register("ann"), net.register("bob"));
    net.check(ann, "MONITOR L\r\nMONITOR S", &["> 733 ann :End of MONITOR list"]);
    net.says(ann, "MONITOR + tom,bob,Eve,EVE");
    net.forget(&[ann]);
    net.check(ann, "MONITOR L", &["> 732 ann :Eve,bob,tom", "> 733 ann :End of MONITOR list"]);
    net.check(ann, "MONITOR S", &["> 730 ann :bob!~bob@-", "> 731 ann :Eve,tom"]);
    net.check(ann, "MONITOR - eve,nobody\r\nMONITOR L", &["> 732 ann :bob,tom", "> 733 ann :End of MONITOR list"]);
    net.check(ann, "MONITOR C\r\nMONITOR L", &["> 733 ann :End of MONITOR list"]);
    net.register("tom");
    net.reads(ann, &[]);
}

#[test]
fn what_monitor_does_not_know_is_refused() {
    let mut net = Net::new();
    let ann = net.register("ann");
    for line in ["MONITOR", "MONITOR X", "MONITOR +", "MONITOR -", "MONITOR + :"] {
        net.check(ann, line, &["> 461 ann MONITOR :Not enough parameters"]);
    }
    // What is no name is left out.
    net.check(ann, "MONITOR + a!b,,#tea,tom", &["> 731 ann :tom"]);
}

#[test]
fn a_client_watches_no_more_names_than_allowed() {
    let mut net = Net::new();
    let ann = net.connect();
    net.says(ann, "NICK ann\r\nUSER ann 0 * :Ann");
    assert!(net.read(ann).contains(" MONITOR=100 "));
    for from in (0..100).step_by(20) {
        let names: Vec<String> = (from..from + 20).map(|n| format!("name-{n}")).collect();
        net.says(ann, &format!("MONITOR + {}", names.join(",")));
    }
    net.forget(&[ann]);
    net.check(ann, "MONITOR + name-7,eve,tom", &["> 731 ann :name-7", "> 734 ann 100 eve,tom :Monitor list is full."]);
    net.says(ann, &format!("MONITOR + {}", "x,".repeat(240)));
    let refused = net.read(ann);
    assert!(refused.lines().count() > 1 && refused.lines().all(|line| line.ends_with(" :Monitor list is full.")));
    net.check(ann, "MONITOR - name-7\r\nMONITOR + eve", &["> 731 ann :eve"]);
}

#[test]
fn a_session_that_has_ended_watches_nothing_and_leaves_room_for_others() {
    // All sessions together watch two names for each of them, or a hundred.
    let mut net = Net::with(|config| config.max_sessions = 4);
    let names = (0..100).map(|n| format!("n{n}")).collect::<Vec<_>>().join(",");
    let ann = net.register("ann");
    net.says(ann, &format!("MONITOR + {names}"));
    let bob = net.register("bob");
    net.forget(&[ann]);
    net.check(bob, "MONITOR + eve", &["> 734 bob 100 eve :Monitor list is full."]);
    net.says(ann, "QUIT");
    net.check(bob, "MONITOR + n7", &["> 731 bob :n7"]);
    net.register("n7");
    net.reads(bob, &["> 730 bob :n7!~n7@-"]);
}

#[test]
fn long_lists_are_shown_whole_in_lines_of_512_bytes() {
    let mut net = Net::with(|config| (config.max_name, config.reply_bytes) = (100, 32 << 10));
    let ann = net.register("ann");
    let name = |n: usize| format!("{n}{}", "x".repeat(95));
    for n in 0..100 {
        net.says(ann, &format!("MONITOR + {}", name(n)));
    }
    let tom = net.register("tom");
    for n in 0..3 {
        net.test.join(&name(n));
    }
    net.says(tom, "QUIT");
    net.forget(&[ann]);
    net.test.set_reading(ann, false);
    net.says(ann, "MONITOR L\r\nMONITOR S\r\nPING a");
    net.test.set_reading(ann, true);
    let answer = net.read(ann);
    assert!(answer.lines().all(|line| line.len() <= 510));
    let names = |numeric: &str| -> Vec<&str> {
        let start = format!(":irc.test {numeric} ann :");
        let lists = answer.lines().filter_map(|line| line.strip_prefix(&start));
        lists.flat_map(|list| list.split(',')).map(|item| item.split('!').next().unwrap_or_default()).collect()
    };
    let all: Vec<String> = (0..100).rev().map(name).collect();
    assert_eq!(names("732"), all);
    assert_eq!(
        (names("730"), names("731")),
        (all[97..].iter().map(|name| &**name).collect(), names("732")[..97].into())
    );
    let end = answer.lines().position(|line| line == ":irc.test 733 ann :End of MONITOR list").expect("an end");
    assert!(answer.lines().skip(end).all(|line| !line.contains(" 732 ")));
    assert!(answer.ends_with(":irc.test PONG irc.test :a\n"));
}

#[test]
fn who_does_not_read_is_told_later_and_only_what_is_different() {
    let mut net = Net::with(|config| config.pace = None);
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    let tom = net.register("tom");
    net.says(ann, "MONITOR + tom,eve,joe");
    net.forget(&[ann]);
    net.test.set_reading(ann, false);
    for _ in 0..200 {
        net.says(bob, &format!("PRIVMSG ann :{}", "x".repeat(400)));
    }
    for _ in 0..20 {
        net.says(bob, "PRIVMSG ann :x");
    }
    // Tom is here again under the same name, Eve came and went, and Joe came.
    net.says(tom, "NICK tim\r\nNICK tom");
    let eve = net.register("eve");
    net.says(eve, "QUIT");
    net.register("joe");
    net.test.set_reading(ann, true);
    let read = net.read(ann);
    let told: Vec<&str> = read.lines().filter(|line| line.starts_with(":irc.test 73")).collect();
    assert_eq!(told, [":irc.test 730 ann :joe!~joe@-"]);
    net.says(tom, "QUIT");
    net.reads(ann, &["> 731 ann :tom"]);
}

#[test]
fn an_unsolicited_message_has_no_label() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "labeled-response batch");
    net.check(
        ann,
        "@label=a MONITOR + ann,tom",
        &[
            "@label=a :irc.test BATCH +1 labeled-response",
            "@batch=1 :irc.test 730 ann :ann!~ann@-",
            "@batch=1 :irc.test 731 ann :tom",
            "> BATCH -1",
        ],
    );
    net.check(ann, "@label=b MONITOR C", &["@label=b :irc.test ACK"]);
    net.says(ann, "MONITOR + tom");
    net.forget(&[ann]);
    net.check(ann, "@label=c NICK tom", &["> 730 tom :tom!~ann@-", "@label=c :ann!~ann@- NICK :tom"]);
    let many: Vec<String> = (0..60).map(|n| format!("name-number-{n}")).collect();
    for names in many.chunks(30) {
        net.says(ann, &format!("MONITOR + {}", names.join(",")));
    }
    net.forget(&[ann]);
    net.says(ann, "@label=d MONITOR L");
    let answer = net.read(ann);
    let lines: Vec<&str> = answer.lines().collect();
    let [first, names @ .., last] = &lines[..] else { panic!("{answer}") };
    assert_eq!((*first, *last), ("@label=d :irc.test BATCH +2 labeled-response", ":irc.test BATCH -2"));
    assert!(names.len() > 2 && names.iter().all(|line| line.starts_with("@batch=2 :irc.test 73")), "{answer}");
}
