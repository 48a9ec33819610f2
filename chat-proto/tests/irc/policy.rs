//! What a client writes for others to read passes the policy: here a list of words, of which one is refused and one
//! replaced.

use std::sync::Arc;

use chat_proto::conversation::{Conversation, Entry};
use chat_proto::dialect::IrcSettings;
use chat_proto::{Action, Config, Proposal, SessionId, Verdict};

use crate::net::Net;

/// Refuses what has `spoiler` in it, and replaces `darn`.
fn judge(proposal: &Proposal<'_>, rewritten: &mut String) -> Verdict {
    let words = proposal.action.words();
    let user = if let Action::Describe { user, .. } = proposal.action { user } else { "" };
    if words.contains("spoiler") || user == "~spoiler" {
        Verdict::Refuse("not here".into())
    } else if words.contains("darn") {
        rewritten.push_str(&words.replace("darn", "heck"));
        Verdict::Rewrite
    } else {
        Verdict::Pass
    }
}

fn with_policy() -> Net {
    let settings = IrcSettings { has_operators: true, ..IrcSettings::default() };
    Net::of(settings, |config: &mut Config| config.policy = Some(Arc::new(judge)))
}

/// Checks that whoever applies the hub's entries later has the same conversation, and knows none of the words.
fn is_replayed_exactly(net: &Net) {
    let (hub, mut bytes) = (net.test.hub(), Vec::new());
    hub.conversation().entries(0).for_each(|(_, entry)| entry.encode(&mut bytes));
    let mut follower = Conversation::new(hub.config()).expect("the limits are in range");
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (entry, after) = Entry::decode(rest).expect("it was encoded");
        follower.apply(&entry).expect("the hub has applied it");
        rest = after;
    }
    assert_eq!(follower.digest(), hub.conversation().digest());
    for word in ["darn", "spoiler"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
}

fn real_name_of(net: &mut Net, asking: SessionId, name: &str) -> String {
    net.says(asking, &format!("WHOIS {name}"));
    let answer = net.read(asking);
    answer.lines().find(|line| line.contains(" 311 ")).expect("it is here").to_owned()
}

#[test]
fn a_reason_for_being_away_passes_the_policy() {
    let mut net = with_policy();
    let (ann, bob) = (net.join("ann", "#tea"), net.register_with("bob", "away-notify"));
    net.says(bob, "JOIN #tea");
    net.forget(&[ann, bob]);
    net.check(ann, "AWAY :watching the spoiler", &["> NOTICE ann :not here"]);
    net.check(bob, "PRIVMSG ann :psst", &[]);
    net.forget(&[ann]);
    net.check(ann, "AWAY :darn tea", &["> 306 ann :You have been marked as being away"]);
    net.reads(bob, &[":ann!~ann@- AWAY :heck tea"]);
    net.check(bob, "PRIVMSG ann :psst", &["> 301 bob ann :heck tea"]);
    net.forget(&[ann]);
    net.check(ann, "AWAY :spoiler", &["> NOTICE ann :not here"]);
    net.check(bob, "PRIVMSG ann :psst", &["> 301 bob ann :heck tea"]);
    is_replayed_exactly(&net);
}

#[test]
fn a_changed_real_name_passes_the_policy() {
    let mut net = with_policy();
    let (ann, bob) = (net.register_with("ann", "setname standard-replies"), net.register_with("bob", "setname"));
    for id in [ann, bob] {
        net.says(id, "JOIN #tea");
    }
    net.forget(&[ann, bob]);
    net.check(ann, "SETNAME :A spoiler", &["> FAIL SETNAME INVALID_REALNAME :not here"]);
    net.reads(bob, &[]);
    net.check(ann, "SETNAME :darn Ann", &[":ann!~ann@- SETNAME :heck Ann"]);
    net.reads(bob, &[":ann!~ann@- SETNAME :heck Ann"]);
    assert!(real_name_of(&mut net, bob, "ann").ends_with(" :heck Ann"));
    is_replayed_exactly(&net);
}

#[test]
fn a_user_and_a_real_name_pass_the_policy_at_registration_and_keep_nobody_out() {
    let mut net = with_policy();
    let bob = net.register("bob");
    for (name, user, real, shown) in [
        ("ann", "ann", "darn Ann", "ann ~ann - * :heck Ann"),
        ("eve", "eve", "a spoiler", "eve ~u - * :eve"),
        ("tom", "spoiler", "Tom", "tom ~u - * :tom"),
    ] {
        let id = net.connect();
        net.says(id, &format!("NICK {name}\r\nUSER {user} 0 * :{real}"));
        let welcome = net.read(id);
        assert_eq!(welcome.starts_with(":irc.test NOTICE * :not here\n"), shown.contains("~u "));
        assert!(welcome.contains(&format!(":irc.test 001 {name} ")), "{welcome}");
        assert!(real_name_of(&mut net, bob, name).ends_with(shown), "{shown}");
    }
    is_replayed_exactly(&net);
}

#[test]
fn topics_and_reasons_for_leaving_and_throwing_out_pass_the_policy() {
    let mut net = with_policy();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann]);
    net.check(ann, "TOPIC #tea :a spoiler", &["> 404 ann #tea :not here"]);
    net.says(ann, "TOPIC #tea :darn tea\r\nKICK #tea bob :spoiler");
    net.reads(bob, &[":ann!~ann@- TOPIC #tea :heck tea", ":ann!~ann@- KICK #tea bob :ann"]);
    net.says(bob, "JOIN #tea\r\nPART #tea :a darn spoiler\r\nJOIN #tea\r\nPART #tea :darn");
    let read = net.read(ann);
    assert!(read.contains(":bob!~bob@- PART #tea\n") && read.ends_with(":bob!~bob@- PART #tea :heck\n"), "{read}");
    for (words, shown) in [("spoiler", "Client quit"), ("darn", "Quit: heck")] {
        let tom = net.join("tom", "#tea");
        net.forget(&[ann]);
        net.says(tom, &format!("QUIT :{words}"));
        net.reads(ann, &[&format!(":tom!~tom@- QUIT :{shown}")]);
    }
    is_replayed_exactly(&net);
}

#[test]
fn what_operators_of_the_server_say_passes_the_policy() {
    let mut net = with_policy();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "OPER root sesame");
    net.test.with_hub(|hub, now| hub.authenticated(now, ann, true));
    net.says(bob, "MODE bob +w");
    net.forget(&[ann, bob]);
    net.check(ann, "WALLOPS :a spoiler", &["> NOTICE ann :not here"]);
    net.says(ann, "WALLOPS :darn");
    net.reads(bob, &[":ann!~ann@- WALLOPS :heck"]);
    for (words, shown) in [("spoiler", ""), ("darn", "heck")] {
        let tom = net.join("tom", "#tea");
        net.forget(&[ann]);
        net.says(ann, &format!("KILL tom :{words}"));
        net.reads(ann, &[&format!(":tom!~tom@- QUIT :Killed (ann ({shown}))")]);
        assert!(net.read(tom).starts_with(&format!(":ann!~ann@- KILL tom :{shown}\n")));
    }
    is_replayed_exactly(&net);
}
