//! JOIN, PART, TOPIC, KICK, INVITE and LIST.

use std::sync::Arc;

use chat_proto::conversation::{Event, Recorded};
use chat_proto::{Action, Proposal, Verdict};

use crate::net::Net;

#[test]
fn who_joins_first_begins_the_channel() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(
        ann,
        "JOIN #tea",
        &[":ann!~ann@- JOIN #tea", "> 353 ann = #tea :@ann", "> 366 ann #tea :End of /NAMES list"],
    );
    // It is there already.
    net.check(ann, "JOIN #tea\r\nJOIN #TEA", &[]);
}

#[test]
fn a_join_is_answered_with_topic_and_names_in_that_order() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "TOPIC #tea :all about tea");
    net.advance(5);
    net.forget(&[ann]);
    net.check(
        bob,
        "JOIN #tea",
        &[
            ":bob!~bob@- JOIN #tea",
            "> 332 bob #tea :all about tea",
            "> 333 bob #tea ann 1795712998",
            "> 353 bob = #tea :@ann bob",
            "> 366 bob #tea :End of /NAMES list",
        ],
    );
    net.reads(ann, &[":bob!~bob@- JOIN #tea"]);
}

#[test]
fn several_channels_are_joined_one_after_the_other_each_with_its_key() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#a,#b"), net.register("bob"));
    net.says(ann, "MODE #a +k one\r\nMODE #b +k two");
    net.check(
        bob,
        "JOIN #a,#b,c,#d one,wrong",
        &[
            ":bob!~bob@- JOIN #a",
            "> 353 bob = #a :@ann bob",
            "> 366 bob #a :End of /NAMES list",
            "> 475 bob #b :Cannot join channel (+k)",
            "> 403 bob c :No such channel",
            ":bob!~bob@- JOIN #d",
            "> 353 bob = #d :@bob",
            "> 366 bob #d :End of /NAMES list",
        ],
    );
}

#[test]
fn join_0_leaves_all_channels() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#a,#b"), net.join("bob", "#a"));
    net.forget(&[ann, bob]);
    net.says(ann, "JOIN 0");
    let mut parts: Vec<_> = net.read(ann).lines().map(String::from).collect();
    parts.sort();
    assert_eq!(parts, [":ann!~ann@- PART #a", ":ann!~ann@- PART #b"]);
    net.reads(bob, &[":ann!~ann@- PART #a"]);
}

#[test]
fn names_that_no_channel_can_have_are_refused() {
    let mut net = Net::new();
    let ann = net.register("ann");
    for name in ["#", "#a!b", "##tea", &format!("#{}", "x".repeat(51))] {
        net.says(ann, &format!("JOIN {name}"));
        let answer = net.read(ann);
        assert!(answer.starts_with(":irc.test 476 ann #") && answer.len() < 400, "{answer}");
    }
    net.check(ann, "JOIN &tea", &["> 403 ann &tea :No such channel"]);
}

#[test]
fn a_client_is_in_no_more_channels_than_allowed() {
    let mut net = Net::with(|config| config.max_rooms_per_session = 2);
    let ann = net.join("ann", "#a,#b");
    net.check(ann, "JOIN #c", &["> 405 ann #c :You have joined too many channels"]);
}

#[test]
fn no_more_channels_may_begin_than_allowed() {
    let mut net = Net::with(|config| config.max_rooms = 2);
    let ann = net.join("ann", "#a");
    net.says(ann, "JOIN #b");
    let answer = net.read(ann);
    assert!(answer.starts_with(":irc.test 437 ann #b :"), "{answer}");
}

#[test]
fn channels_keep_out_whom_they_may() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    for (on, answer, off) in [
        ("+b bob", "> 474 bob #tea :Cannot join channel (+b)", "-b bob"),
        ("+i", "> 473 bob #tea :Cannot join channel (+i)", "-i"),
        ("+k key", "> 475 bob #tea :Cannot join channel (+k)", "-k key"),
        ("+l 1", "> 471 bob #tea :Cannot join channel (+l)", "-l"),
    ] {
        net.says(ann, &format!("MODE #tea {on}"));
        net.check(bob, "JOIN #tea", &[answer]);
        net.says(ann, &format!("MODE #tea {off}"));
    }
    net.says(bob, "JOIN #tea");
    assert!(net.read(bob).starts_with(":bob!~bob@- JOIN #tea\n"));
}

#[test]
fn part_is_shown_to_all_with_its_reason() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(bob, "PART #tea :bye now", &[":bob!~bob@- PART #tea :bye now"]);
    net.reads(ann, &[":bob!~bob@- PART #tea :bye now"]);
    net.check(bob, "PART #tea", &["> 442 bob #tea :You're not on that channel"]);
    net.check(
        bob,
        "PART #none,#tea",
        &["> 403 bob #none :No such channel", "> 442 bob #tea :You're not on that channel"],
    );
    net.says(bob, "JOIN #tea");
    net.forget(&[ann, bob]);
    net.check(bob, "PART #tea", &[":bob!~bob@- PART #tea"]);
    net.reads(ann, &[":bob!~bob@- PART #tea"]);
}

#[test]
fn a_channel_that_nobody_is_in_is_gone() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "MODE #tea +i\r\nPART #tea");
    net.check(bob, "TOPIC #tea", &["> 403 bob #tea :No such channel"]);
    net.check(
        bob,
        "JOIN #tea",
        &[":bob!~bob@- JOIN #tea", "> 353 bob = #tea :@bob", "> 366 bob #tea :End of /NAMES list"],
    );
}

#[test]
fn the_topic_is_shown_set_and_removed() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(bob, "TOPIC #tea", &["> 331 bob #tea :No topic is set"]);
    net.check(bob, "TOPIC #tea :mine", &["> 482 bob #tea :You're not channel operator"]);
    net.check(ann, "TOPIC #tea :all about tea", &[":ann!~ann@- TOPIC #tea :all about tea"]);
    net.reads(bob, &[":ann!~ann@- TOPIC #tea :all about tea"]);
    net.advance(3);
    net.check(bob, "TOPIC #tea", &["> 332 bob #tea :all about tea", "> 333 bob #tea ann 1795712998"]);
    net.says(ann, "MODE #tea -t");
    net.forget(&[ann, bob]);
    net.check(bob, "TOPIC #tea :", &[":bob!~bob@- TOPIC #tea :"]);
    net.reads(ann, &[":bob!~bob@- TOPIC #tea :"]);
    net.check(ann, "TOPIC #tea", &["> 331 ann #tea :No topic is set"]);
}

#[test]
fn a_topic_that_is_too_long_is_cut() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    let words = "ž".repeat(195);
    net.check(ann, &format!("TOPIC #tea :{words}ž"), &[&format!(":ann!~ann@- TOPIC #tea :{words}")]);
}

#[test]
fn who_is_not_in_a_channel_does_not_set_its_topic() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "MODE #tea -t");
    net.forget(&[ann]);
    net.check(bob, "TOPIC #tea :mine", &["> 442 bob #tea :You're not on that channel"]);
    net.check(bob, "TOPIC #lobby :mine", &["> 442 bob #lobby :You're not on that channel"]);
    net.reads(ann, &[]);
    net.check(bob, "TOPIC #tea", &["> 331 bob #tea :No topic is set"]);
}

#[test]
fn an_operator_kicks_with_a_reason() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.join("tom", "#tea"));
    net.forget(&[ann, bob, tom]);
    net.check(ann, "KICK #tea bob :go away", &[":ann!~ann@- KICK #tea bob :go away"]);
    net.reads(bob, &[":ann!~ann@- KICK #tea bob :go away"]);
    net.reads(tom, &[":ann!~ann@- KICK #tea bob :go away"]);
    net.check(bob, "PRIVMSG #tea :x", &["> 404 bob #tea :Cannot send to channel"]);
    net.check(ann, "KICK #TEA TOM", &[":ann!~ann@- KICK #tea tom :ann"]);
    net.check(ann, "KICK #tea ann", &[":ann!~ann@- KICK #tea ann :ann"]);
    net.check(ann, "KICK #tea ann", &["> 403 ann #tea :No such channel"]);
}

#[test]
fn a_kick_that_cannot_be_is_refused() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.register("tom"));
    net.forget(&[ann, bob, tom]);
    net.check(bob, "KICK #tea ann", &["> 482 bob #tea :You're not channel operator"]);
    net.check(tom, "KICK #tea ann", &["> 442 tom #tea :You're not on that channel"]);
    net.check(ann, "KICK #none bob", &["> 403 ann #none :No such channel"]);
    net.check(ann, "KICK #tea tom", &["> 441 ann tom #tea :They aren't on that channel"]);
    net.check(ann, "KICK #tea nobody", &["> 401 ann nobody :No such nick/channel"]);
}

#[test]
fn who_is_invited_may_join() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "MODE #tea +i");
    net.forget(&[ann]);
    net.check(ann, "INVITE bob #tea", &["> 341 ann bob #tea"]);
    net.reads(bob, &[":ann!~ann@- INVITE bob #tea"]);
    net.check(bob, "INVITE", &["> 336 bob #tea", "> 337 bob :End of /INVITE list"]);
    net.says(bob, "JOIN #tea");
    assert!(net.read(bob).starts_with(":bob!~bob@- JOIN #tea\n"));
    net.check(bob, "INVITE", &["> 337 bob :End of /INVITE list"]);
}

#[test]
fn an_invitation_that_cannot_be_is_refused() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.register("tom"));
    net.says(ann, "MODE #tea +i");
    net.forget(&[ann, bob]);
    net.check(ann, "INVITE bob #tea", &["> 443 ann bob #tea :is already on channel"]);
    net.check(ann, "INVITE nobody #tea", &["> 401 ann nobody :No such nick/channel"]);
    net.check(ann, "INVITE tom #none", &["> 403 ann #none :No such channel"]);
    net.check(bob, "INVITE tom #tea", &["> 482 bob #tea :You're not channel operator"]);
    net.check(tom, "INVITE tom #tea", &["> 442 tom #tea :You're not on that channel"]);
    net.says(ann, "MODE #tea -i");
    net.check(tom, "INVITE tom #tea", &["> 442 tom #tea :You're not on that channel"]);
}

#[test]
fn list_shows_channels_with_members_and_topic() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea,#cake,#secret,#lobby");
    let bob = net.join("bob", "#tea");
    net.says(ann, "TOPIC #tea :all about tea\r\nMODE #secret +s");
    net.forget(&[ann, bob]);
    net.check(
        bob,
        "LIST",
        &[
            "> 321 bob Channel :Users  Name",
            "> 322 bob #lobby 1 :",
            "> 322 bob #tea 2 :all about tea",
            "> 322 bob #cake 1 :",
            "> 323 bob :End of /LIST",
        ],
    );
    net.says(ann, "LIST #secret");
    assert!(net.read(ann).contains(" 322 ann #secret 1 :\n"));
}

#[test]
fn list_takes_conditions() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea,#cake");
    net.join("bob", "#tea");
    net.says(ann, "TOPIC #tea :all about tea");
    net.forget(&[ann]);
    net.advance(120);
    net.forget(&[ann]);
    for (conditions, shown) in [
        (">1", "#tea"),
        ("<2", "#cake"),
        ("#c*", "#cake"),
        ("!#c*", "#tea"),
        ("T<3", "#tea"),
        ("#tea,#none", "#tea"),
        ("#CAKE", "#cake"),
    ] {
        net.says(ann, &format!("LIST {conditions}"));
        let list = net.read(ann);
        let listed: Vec<_> = list.lines().filter(|line| line.contains(" 322 ")).collect();
        assert!(listed.len() == 1 && listed[0].contains(&format!(" {shown} ")), "{conditions}: {list}");
    }
    net.check(ann, "LIST T>3", &["> 321 ann Channel :Users  Name", "> 323 ann :End of /LIST"]);
    net.check(ann, "LIST >x", &["> 416 ann LIST :Output too large, truncated"]);
}

#[test]
fn a_policy_has_a_say_in_what_is_said_on_leaving_a_channel_and_followers_read_it() {
    let judge = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
        Action::Leave { words: "darn" } => Verdict::Refuse("no".into()),
        Action::Leave { words } => {
            rewritten.push_str(&words.replace("dog", "cat"));
            Verdict::Rewrite
        }
        _ => Verdict::Pass,
    };
    let mut net = Net::with(|config| config.policy = Some(Arc::new(judge)));
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    for (words, shown) in [("my dog", " :my cat"), ("darn", ""), ("", "")] {
        net.forget(&[ann, bob]);
        net.says(ann, &format!("PART #tea :{words}"));
        net.reads(bob, &[&format!(":ann!~ann@- PART #tea{shown}")]);
        let last = net.test.with_hub(|hub, _| hub.events(0).last().map(Recorded::to_owned));
        let last = last.expect("somebody has left");
        let words = shown.trim_start_matches(" :");
        assert_eq!(last.event(), Event::LeftRoom { name: "ann", room: "tea", words });
        net.says(ann, "JOIN #tea");
    }
}
