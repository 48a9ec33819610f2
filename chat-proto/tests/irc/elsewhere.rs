//! What people see in their clients as they know it from other servers.

use chat_proto::SessionId;
use chat_proto::dialect::IrcSettings;

use crate::net::Net;

/// Ends a session in some way.
type End = fn(&mut Net, SessionId);

#[test]
fn a_role_that_somebody_has_is_not_given_again() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(ann, "MODE #tea +v bob", &[":ann!~ann@- MODE #tea +v bob"]);
    net.reads(bob, &[":ann!~ann@- MODE #tea +v bob"]);
    net.check(ann, "MODE #tea +v bob\r\nMODE #tea -o bob", &[]);
    net.reads(bob, &[]);
}

#[test]
fn in_text_who_gives_a_role_again_is_told_and_others_are_not() {
    let mut net = Net::new();
    let (tom, tim) = (net.test.join("tom"), net.test.join("tim"));
    net.test.say(tom, "/join den");
    net.test.say(tim, "/join den");
    net.forget(&[tom, tim]);
    for told in ["* tom gave tim a voice\n", ""] {
        net.test.say(tom, "/voice tim");
        assert_eq!(net.test.read(tom), "* tom gave tim a voice\n");
        assert_eq!(net.test.read(tim), told);
    }
}

#[test]
fn a_network_without_a_name_is_not_named() {
    let mut net = Net::of(IrcSettings::default(), |_| ());
    let ann = net.connect();
    net.says(ann, "NICK ann\r\nUSER ann 0 * :Ann");
    let welcome = net.read(ann);
    assert!(welcome.contains(" 005 ann CASEMAPPING=") && !welcome.contains("NETWORK="), "{welcome}");
    net.check(ann, "ADMIN", &["> 256 ann irc.test :Administrative info"]);
}

#[test]
fn quit_messages_say_why_in_the_words_of_other_servers() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    let ends: [(&str, End); 4] = [
        ("Client quit", |net, bob| net.says(bob, "QUIT")),
        ("Quit: so long", |net, bob| net.says(bob, "QUIT :so long")),
        ("Connection closed", |net, bob| net.test.with_hub(|hub, now| hub.receive_eof(now, bob))),
        ("Connection lost", |net, bob| net.test.with_hub(|hub, now| hub.disconnect(now, bob))),
    ];
    for (why, end) in ends {
        let bob = net.join("bob", "#tea");
        net.forget(&[ann]);
        end(&mut net, bob);
        net.reads(ann, &[&format!(":bob!~bob@- QUIT :{why}")]);
    }
}
