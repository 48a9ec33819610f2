//! NICK, USER, PASS and CAP END: how a connection becomes a member, and how it ends.

use chat_proto::dialect::IrcSettings;
use chat_proto::{CloseReason, Config, NameError};

use crate::net::Net;

#[test]
fn nick_and_user_are_answered_with_the_welcome() {
    let mut net = Net::new();
    let ann = net.connect();
    net.check(ann, "NICK ann", &[]);
    net.says(ann, "USER ann 0 * :Ann A.");
    let welcome = net.read(ann);
    let (limits, others): (Vec<&str>, Vec<&str>) = welcome.lines().partition(|line| line.contains(" 005 "));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        others,
        [
            ":irc.test 001 ann :Welcome to the Test network, ann!~ann@-",
            &format!(":irc.test 002 ann :Your host is irc.test, running chat-proto-{version}"),
            ":irc.test 003 ann :This server was started 2026-11-26T17:09:58.123Z",
            &format!(":irc.test 004 ann irc.test chat-proto-{version} iowB beIiklmnostv beIklov"),
            ":irc.test 251 ann :There are 1 users and 0 invisible on 1 server",
            ":irc.test 252 ann 0 :operator(s) online",
            ":irc.test 254 ann 1 :channels formed",
            ":irc.test 255 ann :I have 1 clients and 0 servers",
            ":irc.test 265 ann 1 1 :Current local users 1, max 1",
            ":irc.test 266 ann 1 1 :Current global users 1, max 1",
            ":irc.test 422 ann :MOTD File is missing",
        ]
    );
    let limits: Vec<&str> = limits
        .iter()
        .flat_map(|line| line.split(" :").next().into_iter().flat_map(|it| it.split(' ').skip(3)))
        .collect();
    for token in "NETWORK=Test CASEMAPPING=ascii UTF8ONLY CHANTYPES=# PREFIX=(ov)@+ CHANMODES=beI,k,l,imnst EXCEPTS=e \
                  INVEX=I ELIST=MNTU WHOX BOT=B CHANLIMIT=#:20 MAXLIST=beI:64 MODES=12 NICKLEN=32 NAMELEN=80 \
                  CHANNELLEN=51 TOPICLEN=390 KICKLEN=256 AWAYLEN=130 KEYLEN=32"
        .split(' ')
    {
        assert!(limits.contains(&token), "{token}: {limits:?}");
    }
}

#[test]
fn the_order_of_nick_and_user_does_not_matter() {
    let mut net = Net::new();
    let ann = net.connect();
    net.check(ann, "USER ann 0 * :Ann A.", &[]);
    net.says(ann, "NICK ann");
    assert!(net.read(ann).starts_with(":irc.test 001 ann :"));
}

#[test]
fn the_message_of_the_day_is_shown() {
    let settings = IrcSettings { motd: vec!["Be kind.".into(), String::new()], ..IrcSettings::default() };
    let mut net = Net::of(settings, |_| ());
    let ann = net.register("ann");
    net.check(
        ann,
        "MOTD",
        &[
            "> 375 ann :- irc.test Message of the day -",
            "> 372 ann :- Be kind.",
            "> 372 ann :- ",
            "> 376 ann :End of /MOTD command.",
        ],
    );
}

#[test]
fn registration_waits_for_cap_end() {
    let mut net = Net::new();
    let ann = net.connect();
    net.says(ann, "CAP LS 302");
    net.read(ann);
    net.check(ann, "NICK ann\r\nUSER ann 0 * :Ann", &[]);
    net.says(ann, "CAP END");
    assert!(net.read(ann).starts_with(":irc.test 001 ann :"));
}

#[test]
fn commands_before_registration_are_answered_with_451() {
    let mut net = Net::new();
    let id = net.connect();
    for line in ["JOIN #lobby", "PRIVMSG ann :hello", "LIST", "WHOIS ann", "FOO"] {
        net.check(id, line, &["> 451 * :You have not registered"]);
    }
    net.check(id, "PING :x\r\nPONG :x\r\nPASS secret\r\nERROR :x", &["> PONG irc.test :x"]);
}

#[test]
fn too_few_parameters_are_answered_with_461() {
    let mut net = Net::new();
    let id = net.connect();
    net.check(id, "USER ann 0 *", &["> 461 * USER :Not enough parameters"]);
    net.check(id, "PASS", &["> 461 * PASS :Not enough parameters"]);
    let ann = net.register("ann");
    for command in ["JOIN", "PART", "MODE", "WHO", "TOPIC", "KICK #tea", "INVITE bob", "ISON", "USERHOST", "OPER x"] {
        let name = command.split(' ').next().expect("a word");
        net.check(ann, command, &[&format!("> 461 ann {name} :Not enough parameters")]);
    }
}

#[test]
fn a_client_may_begin_with_pass() {
    for pass in ["PASS sesame", "PASS :open sesame"] {
        let mut net = Net::new();
        let ann = net.connect();
        net.says(ann, &format!("{pass}\r\nNICK ann\r\nUSER ann 0 * :Ann"));
        assert!(net.read(ann).starts_with(":irc.test 001 ann "));
    }
}

#[test]
fn a_second_user_or_pass_is_refused() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "USER x 0 * :X", &["> 462 ann :You may not reregister"]);
    net.check(ann, "PASS x", &["> 462 ann :You may not reregister"]);
}

#[test]
fn a_name_that_is_taken_is_refused_and_another_one_may_follow() {
    let mut net = Net::new();
    net.register("ann");
    let id = net.connect();
    net.check(id, "NICK Ann\r\nUSER x 0 * :X", &["> 433 * Ann :Nickname is already in use"]);
    net.says(id, "NICK ann2");
    assert!(net.read(id).starts_with(":irc.test 001 ann2 :"));
    net.check(id, "NICK ANN", &["> 433 ann2 ANN :Nickname is already in use"]);
}

#[test]
fn two_who_want_the_same_name_get_it_in_the_order_in_which_they_register() {
    let mut net = Net::new();
    let (one, two) = (net.connect(), net.connect());
    net.check(one, "NICK ann", &[]);
    net.check(two, "NICK ann", &[]);
    net.says(two, "USER x 0 * :X");
    assert!(net.read(two).starts_with(":irc.test 001 ann :"));
    net.check(one, "USER x 0 * :X", &["> 433 * ann :Nickname is already in use"]);
}

#[test]
fn no_name_is_answered_with_431() {
    let mut net = Net::new();
    let ann = net.register("ann");
    for line in ["NICK", "NICK :", "WHOIS", "WHOWAS"] {
        net.check(ann, line, &["> 431 ann :No nickname given"]);
    }
}

#[test]
fn a_name_that_cannot_be_one_is_answered_with_432_and_why() {
    let mut net = Net::new();
    let ann = net.register("ann");
    let (server, long) = ("server", "x".repeat(33));
    for name in [server, "anonymous", "you", "guest-7", &long, "a!b", "a@b", "#tea", "a,b", "*", "a\u{202e}b"] {
        net.says(ann, &format!("NICK {name}"));
        let answer = net.read(ann);
        assert!(answer.starts_with(&format!(":irc.test 432 ann {name} :")) && answer.len() > 40, "{answer}");
    }
    net.says(ann, "NICK :a b");
    assert!(net.read(ann).starts_with(":irc.test 432 ann * :a name has letters"));
}

#[test]
fn names_may_have_the_signs_of_irc() {
    let mut net = Net::new();
    let id = net.register("[ann]\\^{}|_`-");
    net.check(id, "NICK 語", &[":[ann]\\^{}|_`-!~ann_-@- NICK :語"]);
}

#[test]
fn the_user_has_a_sign_that_nobody_has_checked_it() {
    let mut net = Net::new();
    for (user, shown) in [("ann", "~ann"), ("a!n@n", "~ann"), ("é", "~u"), ("0123456789abc", "~0123456789")] {
        let id = net.connect();
        net.says(id, &format!("NICK x\r\nUSER {user} 0 * :X\r\nQUIT"));
        let welcome = net.read(id);
        assert!(welcome.contains(&format!(" x!{shown}@-\n")), "{welcome}");
    }
}

#[test]
fn where_somebody_comes_from_is_shown_as_a_cloak() {
    let mut net = Net::new();
    let id = net.connect_from(0xb0b);
    net.says(id, "NICK bob\r\nUSER bob 0 * :Bob\r\nJOIN #tea");
    assert!(net.read(id).contains("\n:bob!~bob@0000000000000b0b JOIN #tea\n"));
}

#[test]
fn nick_changes_the_name_for_all_who_can_see_it() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.register("tom"));
    net.forget(&[ann, bob, tom]);
    net.check(ann, "NICK Ann", &[":ann!~ann@- NICK :Ann"]);
    net.reads(bob, &[":ann!~ann@- NICK :Ann"]);
    net.reads(tom, &[]);
    // Nothing changes.
    net.check(ann, "NICK Ann", &[]);
    net.reads(bob, &[]);
}

#[test]
fn quit_is_confirmed_and_shown_with_its_reason() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(bob, "QUIT :so long", &["ERROR :Quit: so long"]);
    assert_eq!(net.close_reason(bob), Some(CloseReason::Quit));
    net.reads(ann, &[":bob!~bob@- QUIT :Quit: so long"]);
}

#[test]
fn a_lost_connection_is_shown_as_a_quit() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.test.with_hub(|hub, now| hub.disconnect(now, bob));
    net.reads(ann, &[":bob!~bob@- QUIT :Connection lost"]);
}

#[test]
fn the_program_can_close_a_session_and_say_why() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.test.with_hub(|hub, now| hub.kick(now, ann, "behave"));
    net.reads(ann, &["ERROR :kicked: behave"]);
}

#[test]
fn who_does_not_register_is_closed_after_a_minute_whatever_it_sends() {
    let mut net = Net::new();
    let (silent, half, busy) = (net.connect(), net.connect(), net.connect());
    net.check(half, "NICK ann", &[]);
    for _ in 0..59 {
        net.advance(1);
        net.check(busy, "PING x", &["> PONG irc.test :x"]);
    }
    assert_eq!([silent, half, busy].map(|id| net.close_reason(id)), [None; 3]);
    net.advance(1);
    for id in [silent, half, busy] {
        net.reads(id, &["ERROR :Ping timeout"]);
        assert_eq!(net.close_reason(id), Some(CloseReason::Idle));
    }
}

#[test]
fn who_has_registered_in_time_stays() {
    let mut net = Net::new();
    let id = net.connect();
    net.advance(59);
    net.says(id, "NICK ann\r\nUSER ann 0 * :Ann");
    net.advance(100);
    assert_eq!(net.close_reason(id), None);
}

#[test]
fn a_client_is_asked_whether_it_is_there_and_closed_if_it_does_not_answer() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.advance(180);
    net.reads(ann, &["PING :irc.test"]);
    net.check(ann, "PONG :irc.test", &[]);
    net.advance(179);
    net.reads(ann, &[]);
    net.advance(1);
    net.reads(ann, &["PING :irc.test"]);
    net.advance(60);
    net.reads(ann, &["ERROR :Ping timeout"]);
    assert_eq!(net.close_reason(ann), Some(CloseReason::Idle));
}

#[test]
fn ping_is_answered_and_ping_alone_is_answered_with_409() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "PING 1 2", &["> PONG irc.test :1"]);
    net.check(ann, "PING :a b", &["> PONG irc.test :a b"]);
    net.check(ann, "PING", &["> 409 ann :No origin specified"]);
}

#[test]
fn names_of_those_who_have_not_registered_reach_nobody() {
    let mut net = Net::new();
    let (half, ann) = (net.connect(), net.register("ann"));
    for name in ["guest-1", "guest-2", "anonymous", "*"] {
        let complaint = format!("> 401 ann {name} :No such nick/channel");
        net.check(ann, &format!("PRIVMSG {name} :psst"), &[&complaint]);
    }
    let tom = net.test.join("tom");
    for name in ["guest-1", "anonymous"] {
        net.test.say(tom, &format!("/msg {name} psst"));
        let read = net.read(tom);
        assert!(read.starts_with("! "), "{read}");
    }
    net.reads(half, &[]);
    net.says(ann, "WHO *\r\nISON guest-1 anonymous\r\nNAMES #lobby");
    assert!(!net.read(ann).contains("guest-1"));
}

#[test]
fn a_session_whose_name_is_known_is_welcomed_at_once() {
    let mut net = Net::new();
    let irc = net.test.hub().dialect("irc").expect("it is spoken");
    let ann = net.test.with_hub(|hub, now| hub.open_named(now, irc, None, "ann")).expect("there is room");
    let welcome = net.read(ann);
    assert!(welcome.starts_with(":irc.test 001 ann :Welcome to the Test network, ann!~user@-\n"), "{welcome}");
    net.says(ann, "JOIN #tea");
    assert!(net.read(ann).starts_with(":ann!~user@- JOIN #tea\n"));
}

#[test]
fn a_policy_may_refuse_or_change_the_name() {
    use chat_proto::{Action, Proposal, Verdict};
    let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
        Action::Name { to: "bad" } => Verdict::Refuse("not that one".into()),
        Action::Name { to } if to.starts_with('x') => {
            rewritten.push_str(&to[1..]);
            Verdict::Rewrite
        }
        _ => Verdict::Pass,
    };
    let mut net = Net::with(|config: &mut Config| config.policy = Some(std::sync::Arc::new(policy)));
    let id = net.connect();
    net.check(id, "NICK bad\r\nUSER x 0 * :X", &["> 432 * bad :not that one"]);
    net.says(id, "NICK xann");
    assert!(net.read(id).starts_with(":irc.test 001 ann :"));
    net.check(id, "NICK bad", &["> 432 ann bad :not that one"]);
    net.check(id, "NICK xbob", &[":ann!~x@- NICK :bob"]);
}

#[test]
fn others_are_told_when_the_server_shuts_down() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea,#lobby"), net.register("bob"));
    net.test.with_hub(chat_proto::Hub::shut_down);
    net.reads(ann, &["> NOTICE #tea :shutting down"]);
    net.reads(bob, &["> NOTICE bob :shutting down"]);
    assert_eq!(net.close_reason(ann), Some(CloseReason::ShutDown));
}

#[test]
fn a_name_that_the_program_gives_is_taken_on_registration() {
    let mut net = Net::new();
    let (ann, tom) = (net.connect(), net.test.join("tom"));
    let rename = |net: &mut Net, name| net.test.with_hub(|hub, now| hub.rename(now, ann, name));
    assert_eq!(rename(&mut net, "tom"), Err(NameError::Taken));
    assert_eq!(rename(&mut net, "ann"), Ok(()));
    net.reads(ann, &[]);
    assert_eq!(net.test.read(tom), "");
    net.says(ann, "USER ann 0 * :Ann");
    assert!(net.read(ann).starts_with(":irc.test 001 ann :Welcome"));
}
