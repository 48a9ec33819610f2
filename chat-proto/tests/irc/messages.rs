//! PRIVMSG, NOTICE and CTCP.

use crate::net::Net;

#[test]
fn a_message_reaches_all_others_in_the_channel() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.join("tom", "#cake"));
    net.forget(&[ann, bob, tom]);
    net.check(ann, "PRIVMSG #tea :hello there", &[]);
    net.reads(bob, &[":ann!~ann@- PRIVMSG #tea :hello there"]);
    net.reads(tom, &[]);
    net.check(bob, "privmsg #TEA hello", &[]);
    net.reads(ann, &[":bob!~bob@- PRIVMSG #tea :hello"]);
}

#[test]
fn a_private_message_reaches_one() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    net.check(ann, "PRIVMSG Bob :psst", &[]);
    net.reads(bob, &[":ann!~ann@- PRIVMSG bob :psst"]);
    net.check(ann, "NOTICE bob :psst", &[]);
    net.reads(bob, &[":ann!~ann@- NOTICE bob :psst"]);
}

#[test]
fn a_message_may_have_four_targets() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(
        ann,
        "PRIVMSG #tea,bob,nobody,ann :hi",
        &["> 401 ann nobody :No such nick/channel", ":ann!~ann@- PRIVMSG ann :hi"],
    );
    net.reads(bob, &[":ann!~ann@- PRIVMSG #tea :hi", ":ann!~ann@- PRIVMSG bob :hi"]);
    net.check(ann, "PRIVMSG bob,bob,bob,bob,bob :hi", &["> 407 ann bob,bob,bob,bob,bob :Too many targets"]);
    assert_eq!(net.read(bob).lines().count(), 4);
}

#[test]
fn a_message_without_target_or_text_is_refused() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "PRIVMSG", &["> 411 ann :No recipient given (PRIVMSG)"]);
    net.check(ann, "PRIVMSG :", &["> 411 ann :No recipient given (PRIVMSG)"]);
    net.check(ann, "PRIVMSG bob", &["> 412 ann :No text to send"]);
    net.check(ann, "PRIVMSG bob :", &["> 412 ann :No text to send"]);
}

#[test]
fn a_notice_is_never_answered() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.join("bob", "#tea"));
    net.says(bob, "AWAY :gone");
    for line in [
        "NOTICE",
        "NOTICE bob",
        "NOTICE nobody :x",
        "NOTICE #none :x",
        "NOTICE #tea :x",
        "NOTICE bob :x",
        "NOTICE a,b,c,d,e :x",
    ] {
        net.check(ann, line, &[]);
    }
}

#[test]
fn a_message_to_where_one_may_not_speak_is_refused() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.check(bob, "PRIVMSG #none :x", &["> 403 bob #none :No such channel"]);
    net.check(bob, "PRIVMSG #tea :x", &["> 404 bob #tea :Cannot send to channel"]);
    net.check(bob, "PRIVMSG #lobby :x", &["> 404 bob #lobby :Cannot send to channel"]);
    net.says(ann, "MODE #tea -n");
    net.forget(&[ann]);
    net.check(bob, "PRIVMSG #tea :x", &[]);
    net.reads(ann, &[":bob!~bob@- PRIVMSG #tea :x"]);
    net.says(ann, "MODE #tea +m");
    net.check(bob, "PRIVMSG #tea :x", &["> 404 bob #tea :Cannot send to channel"]);
    net.says(ann, "MODE #tea -m+b bob");
    net.check(bob, "PRIVMSG #tea :x", &["> 404 bob #tea :Cannot send to channel"]);
}

#[test]
fn an_action_is_shown_as_one() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(ann, "PRIVMSG #tea :\x01ACTION waves\x01", &[]);
    net.reads(bob, &[":ann!~ann@- PRIVMSG #tea :\x01ACTION waves\x01"]);
    net.check(ann, "PRIVMSG bob :\x01ACTION waves", &[]);
    net.reads(bob, &[":ann!~ann@- PRIVMSG bob :\x01ACTION waves\x01"]);
}

#[test]
fn questions_to_clients_reach_one_and_not_a_channel() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(ann, "PRIVMSG bob :\x01VERSION\x01", &[]);
    net.reads(bob, &[":ann!~ann@- PRIVMSG bob :\x01VERSION\x01"]);
    net.check(bob, "NOTICE ann :\x01VERSION my client 1.0\x01", &[]);
    net.reads(ann, &[":bob!~bob@- NOTICE ann :\x01VERSION my client 1.0\x01"]);
    net.check(
        ann,
        "PRIVMSG #tea :\x01VERSION\x01\r\nNOTICE #tea :\x01PING 1\x01",
        &["> 404 ann #tea :Only ACTION may be sent to a channel (CTCP)"],
    );
    net.reads(bob, &[]);
}

#[test]
fn who_writes_to_somebody_away_is_told() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    net.check(bob, "AWAY :tea time", &["> 306 bob :You have been marked as being away"]);
    net.check(ann, "PRIVMSG bob :psst", &["> 301 ann bob :tea time"]);
    net.check(bob, "AWAY", &[":ann!~ann@- PRIVMSG bob :psst", "> 305 bob :You are no longer marked as being away"]);
    net.check(ann, "PRIVMSG bob :psst", &[]);
}

#[test]
fn long_words_are_divided_between_words() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    let words = "word ".repeat(98);
    net.says(ann, &format!("PRIVMSG #tea :{words}"));
    let read = net.read(bob);
    let said: String =
        read.lines().map(|line| line.strip_prefix(":ann!~ann@- PRIVMSG #tea :").expect("a message")).collect();
    assert_eq!(read.lines().count(), 2);
    assert_eq!(said, words.trim_end());
}

#[test]
fn what_a_policy_refuses_is_answered() {
    use chat_proto::{Action, Proposal, Verdict};
    let policy = |proposal: &Proposal<'_>, _: &mut String| match proposal.action {
        Action::Say { .. } | Action::Tell { .. } => Verdict::Refuse("be quiet".into()),
        _ => Verdict::Pass,
    };
    let mut net = Net::with(|config| config.policy = Some(std::sync::Arc::new(policy)));
    let (ann, _bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.check(ann, "PRIVMSG #tea :x", &["> 404 ann #tea :be quiet"]);
    net.check(ann, "PRIVMSG bob :x", &["> NOTICE ann :be quiet"]);
    net.check(ann, "NOTICE #tea :x\r\nNOTICE bob :x", &[]);
}

#[test]
fn announcements_of_the_program_are_shown_once() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea,#cake"), net.register("bob"));
    net.test.with_hub(|hub, now| hub.announce(now, "tea is ready"));
    net.reads(ann, &["> NOTICE #tea :tea is ready"]);
    net.reads(bob, &["> NOTICE bob :tea is ready"]);
}

#[test]
fn tags_of_clients_are_passed_on_to_those_who_have_asked_for_them() {
    let mut net = Net::new();
    let (ann, bob) = (net.register_with("ann", "message-tags"), net.register_with("bob", "message-tags"));
    let tom = net.join("tom", "#tea");
    for id in [ann, bob] {
        net.says(id, "JOIN #tea");
    }
    net.forget(&[ann, bob, tom]);
    net.check(ann, "@+typing=active;dropped=1 TAGMSG #tea", &[]);
    net.reads(bob, &["@+typing=active :ann!~ann@- TAGMSG #tea"]);
    net.reads(tom, &[]);
    net.says(ann, "@+draft/reply=abc PRIVMSG #tea :yes");
    let read = net.read(bob);
    assert!(
        read.starts_with("@msgid=abc-") && read.ends_with(";+draft/reply=abc :ann!~ann@- PRIVMSG #tea :yes\n"),
        "{read}"
    );
    net.reads(tom, &[":ann!~ann@- PRIVMSG #tea :yes"]);
}

#[test]
fn tags_are_passed_on_once_to_each_target() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "message-tags");
    let (bob, zoe) = (net.register_with("bob", "message-tags"), net.register_with("zoe", "message-tags"));
    net.forget(&[ann, bob, zoe]);
    net.says(ann, "@+x=1 TAGMSG bob,zoe");
    net.reads(bob, &["@+x=1 :ann!~ann@- TAGMSG bob"]);
    net.reads(zoe, &["@+x=1 :ann!~ann@- TAGMSG zoe"]);
}

#[test]
fn colours_of_topics_are_kept_for_clients_and_left_out_for_others() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.test.join("tom"));
    net.test.say(tom, "/join tea");
    net.forget(&[ann, bob, tom]);
    net.check(ann, "TOPIC #tea :\u{3}04red\u{f} tea", &[":ann!~ann@- TOPIC #tea :\u{3}04red\u{f} tea"]);
    net.reads(bob, &[":ann!~ann@- TOPIC #tea :\u{3}04red\u{f} tea"]);
    assert_eq!(net.test.read(tom), "* ann set the topic: red tea\n");
    net.says(bob, "TOPIC #tea");
    assert!(net.read(bob).starts_with(":irc.test 332 bob #tea :\u{3}04red\u{f} tea\n"));
    net.says(bob, "LIST #tea");
    assert!(net.read(bob).contains(" 322 bob #tea 3 :\u{3}04red\u{f} tea\n"));
    net.test.say(tom, "/topic");
    assert_eq!(net.test.read(tom), "* topic of tea: red tea (set by ann just now)\n");
    // A topic of another dialect has none.
    net.test.say(tom, "/leave tea");
    net.test.say(tom, "/topic plain");
    net.says(ann, "TOPIC #tea :\u{2}\u{2}");
    net.forget(&[ann]);
    net.check(ann, "TOPIC #tea", &["> 331 ann #tea :No topic is set"]);
}

#[test]
fn colours_of_reasons_are_left_out_whole() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.says(ann, "PART #tea :\u{2}bold\u{2}");
    net.reads(bob, &[":ann!~ann@- PART #tea :bold"]);
}

#[test]
fn history_does_not_show_who_has_the_name_now_as_the_author() {
    let mut net = Net::new();
    let bob = net.join("bob", "#tea");
    let ann = net.join("ann", "#tea");
    net.says(ann, "PRIVMSG #tea :hi");
    let eve = net.connect_from(7);
    net.says(eve, "NICK eve\r\nUSER mallory 0 * :x");
    net.says(ann, "QUIT");
    net.says(eve, "NICK ann");
    net.forget(&[bob]);
    net.says(bob, "CHATHISTORY LATEST #tea * 10");
    let history = net.read(bob);
    assert!(history.contains(":ann!~user@- PRIVMSG #tea :hi"), "{history}");
}
