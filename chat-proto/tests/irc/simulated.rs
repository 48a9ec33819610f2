//! What the simulator has found.

use chat_proto::{EnterError, NameError, SessionStats};

use crate::net::Net;

/// A hub that waits for readers, with ann, bob and tom in `#tea`. So much was said there that tom, who does not read,
/// has to read before more may be.
fn with_lines_that_wait() -> (Net, chat_proto::SessionId) {
    let mut net = Net::with(|config| {
        config.pace = Some(1 << 20);
        (config.room_log_bytes, config.room_log_entries) = (64 << 10, 40);
    });
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.crowd(1, "tom", "tea");
    for n in 0..60 {
        net.says(ann, &format!("PRIVMSG #tea :{n}"));
    }
    assert_eq!(net.test.hub().stats().held, 1);
    (net, bob)
}

#[test]
fn who_goes_away_or_has_another_real_name_waits_for_readers() {
    for line in ["AWAY :tea", "SETNAME :Bob", "NICK bobby"] {
        let (mut net, bob) = with_lines_that_wait();
        net.forget(&[bob]);
        net.check(bob, line, &[]);
        assert_eq!(net.test.hub().stats().held, 2, "{line}");
    }
}

#[test]
fn what_a_client_is_not_shown_is_not_counted_as_sent() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    let sent = |net: &Net| net.test.hub().session_stats(bob).map(|SessionStats { lines_sent, .. }| lines_sent);
    let before = sent(&net);
    net.test.set_reading(bob, false);
    net.says(ann, "PRIVMSG #tea :one\r\nAWAY :tea\r\nPRIVMSG #tea :two\r\nAWAY");
    net.test.set_reading(bob, true);
    net.reads(bob, &[":ann!~ann@- PRIVMSG #tea :one", ":ann!~ann@- PRIVMSG #tea :two"]);
    assert_eq!(sent(&net), before.map(|before| before + 2));
}

#[test]
fn nobody_comes_under_the_name_of_the_server() {
    let mut net = Net::new();
    let irc = net.test.hub().dialect("irc").expect("it is spoken");
    let reserved = EnterError::Name(NameError::Reserved);
    assert_eq!(net.test.with_hub(|hub, now| hub.open_named(now, irc, None, "irc.test")).err(), Some(reserved));
    assert_eq!(net.test.with_hub(|hub, now| hub.enter(now, "IRC.test")).err(), Some(reserved));
}

#[test]
fn a_name_that_is_banned_for_another_dialect_does_not_change_what_clients_are_told() {
    let mut net = Net::new();
    let (ann, tom) = (net.register("ann"), net.test.join("tom"));
    net.join("bob", "#tea");
    net.test.say(tom, "/join tea");
    net.test
        .with_hub(|hub, now| {
            let tea = hub.conversation().find_room("tea").expect("it has begun");
            hub.set_mask(now, tea, chat_proto::MaskList::Bans, "zoe!*", true)
        })
        .expect("there is room");
    net.test.say(tom, "/name zoe");
    net.forget(&[ann]);
    assert!(net.test.with_hub(|hub, now| hub.tell(now, ann, "hello")));
    net.reads(ann, &["> NOTICE ann :hello"]);
}
