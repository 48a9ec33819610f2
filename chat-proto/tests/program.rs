//! What the embedding program does: policies, members without a connection, and its own words.

mod driver;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_proto::{
    Action, Batch, CloseReason, Config, EnterError, Hub, MaskList, NameError, OpenError, Proposal, Rate, RateLimit,
    Role, RoomError, RoomFlags, RoomId, SayError, SessionId, Timestamp, Verdict,
};

use self::driver::Driver;

#[test]
fn the_program_finds_a_session_by_its_name_as_peers_do() {
    let mut driver = Driver::new(Config::default());
    let (alice, guest, classic) = (driver.join("text"), driver.join("text"), driver.join("classic"));
    driver.say(alice, "/name Alice\n");
    let mut find = |name| driver.hub.find(name);
    assert_eq!(["Alice", "aLICE", "guest-2"].map(&mut find), [Some(alice), Some(alice), Some(guest)]);
    assert_eq!(["guest-1", "guest-3", "guest-4", "guest-0", "anonymous", "bob", ""].map(find), [None; 7]);
    driver.hub.disconnect(driver.now, guest);
    driver.hub.disconnect(driver.now, classic);
    assert_eq!(driver.hub.find("guest-2"), None);
}

#[test]
fn the_policy_judges_last_words_and_keeps_nobody_from_leaving() {
    let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
        Action::Quit { words: "darn" } if proposal.name == "alice" => Verdict::Refuse("no".into()),
        Action::Quit { words: "darn" } => {
            rewritten.extend(core::iter::repeat_n("d\x1b***", 100));
            Verdict::Rewrite
        }
        Action::Quit { words } if words.is_empty() || words.len() > 256 => panic!("proposed: {words:?}"),
        _ => Verdict::Pass,
    };
    for (name, words, shown) in [
        ("alice", "darn", "* alice left\n".into()),
        ("bob", "darn", format!("* bob left (\"{}d\")\n", "d***".repeat(51))),
        ("bob", &"x".repeat(300), format!("* bob left (\"{}\")\n", "x".repeat(256))),
        ("bob", "fine", "* bob left (\"fine\")\n".into()),
        ("bob", "\u{7}", "* bob left\n".into()),
        ("bob", "", "* bob left\n".into()),
    ] {
        let mut driver = Driver::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
        let (watch, leaver) = (driver.join("text"), driver.join("text"));
        driver.say(leaver, &format!("/name {name}\n/quit {words}\n"));
        assert_eq!(driver.read(watch), format!("* {name} joined\n{shown}"));
        assert_eq!(driver.read(leaver), format!("* you are now {name}\n* bye\n"));
    }
}

#[test]
fn the_embedding_programs_policy_has_the_last_word() {
    let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
        Action::Say { words: "darn" } => {
            rewritten.push_str("d\x1b**n");
            Verdict::Rewrite
        }
        Action::Say { .. } | Action::Act { .. } if proposal.name == "mute" => {
            Verdict::Refuse("you\nare mute\u{7}".into())
        }
        Action::Tell { to: "guest-2", .. } if proposal.name == "alice" => Verdict::Refuse("leave them alone".into()),
        Action::Name { to: "al" } => {
            rewritten.push_str("alice");
            Verdict::Rewrite
        }
        Action::Name { to: "root" } => Verdict::Refuse("that name is ours".into()),
        _ => Verdict::Pass,
    };
    let mut driver = Driver::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
    let (alice, bob, classic) = (driver.join("text"), driver.join("text"), driver.join("classic"));
    driver.say(alice, "/name root\n/name al\n/name al\ndarn\nfine\n/msg guest-2 psst\n/name mute\nx\n/me y\n");
    driver.say(classic, "CHAT cm9vdA== aGk=\n");
    assert_eq!(
        driver.read(alice),
        "! that name is ours\n* you are now alice\n* you are now alice\n! leave them alone\n* you are now mute\n! you are mute\n! you are mute\n\
         anonymous: hi\n"
    );
    assert_eq!(driver.read(bob), "* alice joined\nalice: d**n\nalice: fine\n* alice is now mute\nanonymous: hi\n");
    assert_eq!(driver.read(classic), "CHAT YWxpY2U= ZCoqbg==\nCHAT YWxpY2U= ZmluZQ==\n");
}

#[test]
fn the_embedding_program_tells_one_session_something_and_nobody_else() {
    let mut driver = Driver::new(Config { reply_bytes: 12 << 10, ..Config::default() });
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    assert!(driver.hub.tell(driver.now, alice, "your mail\nhas come \u{202e}"));
    assert!(driver.hub.tell(driver.now, alice, ""));
    assert_eq!(driver.read(alice), "* server: your mail has come\n");
    assert_eq!(driver.read(bob), "");
    // Unread output fills the buffer in the end, but leaves room for the session's own next line.
    let told = (0..100).take_while(|_| driver.hub.tell(driver.now, alice, &"x".repeat(1_000))).count();
    assert!((1..=12).contains(&told), "{told}");
    driver.hub.disconnect(driver.now, bob);
    assert!(!driver.hub.tell(driver.now, bob, "too late"));
}

#[test]
fn a_driver_that_knows_its_peer_names_it() {
    let mut driver = Driver::new(Config::default());
    let (watch, text) = (driver.join("text"), driver.hub.dialect("text").expect("spoken"));
    let alice = driver.hub.open_named(driver.now, text, None, "alice").expect("room");
    assert!(driver.read(alice).starts_with("* welcome, you are alice"));
    assert_eq!(driver.read(watch), "* alice joined\n");
    for (name, error) in [("Alice", NameError::Taken), ("server", NameError::Reserved), ("", NameError::Empty)] {
        assert_eq!(driver.hub.open_named(driver.now, text, None, name), Err(EnterError::Name(error)));
    }
    // The refused calls opened nothing: the next guest has the next number.
    assert_eq!(driver.hub.stats().sessions, 2);
    let guest = driver.join("text");
    assert_eq!(driver.hub.name(guest).as_deref(), Some("guest-2"));
    assert_eq!(driver.hub.rename(driver.now, guest, "alice"), Err(NameError::Taken));
    assert_eq!(driver.hub.rename(driver.now, guest, "bob"), Ok(()));
    assert_eq!(driver.hub.rename(driver.now, alice, "alicia"), Ok(()));
    assert_eq!(driver.read(guest), "* you are now bob\n* alice is now alicia\n");
    assert_eq!(driver.read(watch), "* bob joined\n* alice is now alicia\n");
    driver.hub.disconnect(driver.now, guest);
    assert_eq!(driver.hub.rename(driver.now, guest, "server"), Ok(()), "it is gone");
}

#[test]
fn a_member_without_a_connection_takes_part() {
    let mut driver = Driver::new(Config { max_sessions: 4, ..Config::default() });
    let now = driver.now;
    let alice = driver.join("text");
    let since = driver.hub.conversation().next_event();
    let bot = driver.hub.enter(now, "bot").expect("room");
    assert_eq!((driver.hub.find("BOT"), driver.hub.find("bot")), (Some(bot), Some(bot)));
    assert_eq!(driver.hub.enter(now, "bot"), Err(EnterError::Name(NameError::Taken)));
    driver.hub.say(now, bot, "hello\u{7}").expect("readers are there");
    driver.hub.act(now, bot, "waves").expect("readers are there");
    driver.hub.say(now, bot, "\u{200b}").expect("nothing is said");
    driver.hub.say_to(now, bot, alice, "psst").expect("it reads");
    driver.say(alice, "/msg bot hi\n/who\n");
    assert_eq!(
        driver.read(alice),
        "* bot joined\nbot: hello\n** bot waves\nbot -> you: psst\nyou -> bot: hi\n* 2 here: guest-1, bot\n"
    );
    let seen: Vec<String> = driver.hub.events(since).map(|event| format!("{:?}", event.event)).collect();
    assert!(seen.iter().any(|event| event.contains("Told") && event.contains("\"hi\"")), "{seen:?}");
    // It is no session: it is not counted, listed, kicked or closed, but takes a slot.
    assert_eq!((driver.hub.stats().sessions, driver.hub.sessions().count()), (1, 1));
    driver.hub.kick(now, bot, "out");
    assert_eq!(driver.hub.say(now, alice, "not mine"), Err(SayError::NoMember));
    assert_eq!(driver.hub.session(driver.hub.member(bot).expect("it is here")), Some(bot));
    driver.join("text");
    assert!(driver.hub.enter(now, "other").is_ok());
    assert_eq!(driver.hub.enter(now, "third"), Err(EnterError::Open(OpenError::Full)));
    driver.read(alice);
    driver.hub.leave(now, bot, "off");
    driver.hub.leave(now, bot, "off");
    assert_eq!(driver.hub.say(now, bot, "too late"), Err(SayError::NoMember));
    let other = driver.hub.find("other").expect("it is here");
    assert_eq!(driver.hub.say_to(now, other, bot, "psst"), Err(SayError::NobodyThere));
    assert_eq!(driver.read(alice), "* bot left (\"off\")\n");
    driver.hub.shut_down(now);
    driver.pass(Duration::from_secs(5));
    assert!(driver.hub.is_closed(), "a member without a connection keeps no hub open");
}

#[test]
fn a_dialect_and_a_session_may_have_limits_of_their_own() {
    let rate = |per_second, burst| {
        let number = |number| NonZeroU32::new(number).expect("not zero");
        Some(Rate { per_second: number(per_second), burst: number(burst) })
    };
    let mut config = Config { rate: rate(1, 1), ..Config::default() };
    for dialect in &mut config.dialects {
        dialect.rate = if dialect.dialect.name() == "text" { RateLimit::Own(rate(1, 2)) } else { RateLimit::AsConfig };
    }
    let mut driver = Driver::new(config);
    let (text, classic) = (driver.join("text"), driver.join("classic"));
    let takes = |driver: &mut Driver, id, lines: &str| driver.hub.receive(driver.now, id, lines.as_bytes());
    assert_eq!(takes(&mut driver, text, "a\nb\nc\n"), 4);
    assert_eq!(takes(&mut driver, classic, "PING\nPING\n"), 5);
    // A session that waits for a token continues at once when it gets a full bucket.
    driver.hub.set_rate(driver.now, text, rate(1, 3));
    driver.read(text);
    assert_eq!(takes(&mut driver, text, "c\nd\ne\nf\n"), 6);
    driver.hub.set_rate(driver.now, text, None);
    assert_eq!(takes(&mut driver, text, "f\ng\nh\ni\nj\n"), 10);
    // The defaults for silence: ten minutes for `text`, 15 seconds for `classic`.
    driver.hub.set_idle_timeout(driver.now, classic, None);
    driver.hub.set_idle_timeout(driver.now, text, Some(Duration::from_secs(3)));
    driver.pass(Duration::from_secs(4));
    assert!(driver.read(text).ends_with("! closed: timed out\n"));
    assert_eq!(driver.closed, [(text, CloseReason::Idle)]);
    driver.read(classic);
    driver.pass(Duration::from_secs(3_600));
    assert_eq!(driver.hub.sessions().collect::<Vec<_>>(), [classic]);
}

#[test]
fn who_gets_more_time_is_warned_before_that_ends_too() {
    let mut driver = Driver::new(Config::default());
    let id = driver.join("text");
    driver.read(id);
    let minutes = |n: u64| Duration::from_secs(60 * n);
    driver.pass(minutes(9));
    let warning = driver.read(id);
    assert!(!warning.is_empty());
    driver.hub.set_idle_timeout(driver.now, id, Some(minutes(60)));
    driver.pass(minutes(49));
    assert_eq!(driver.read(id), "");
    driver.pass(minutes(1));
    assert_eq!(driver.read(id), warning);
    driver.pass(minutes(1));
    assert_eq!(driver.read(id), "! closed: timed out\n");
}

#[test]
fn names_given_to_one_who_does_not_read_take_no_more_room_than_there_is() {
    let mut driver = Driver::new(Config::default());
    let id = driver.join("text");
    for n in 0..2_000 {
        let name = if n % 2 == 0 { "ann" } else { "bob" };
        assert_eq!(driver.hub.rename(driver.now, id, name), Ok(()));
    }
    let told = driver.read(id);
    assert!(told.len() <= Config::default().reply_bytes && told.starts_with("* you are now ann\n"), "{}", told.len());
    assert_eq!(driver.hub.name(id).as_deref(), Some("bob"), "it has the name, told or not");
}

#[test]
fn a_policy_is_asked_once_about_a_message_that_waits() {
    let asked = Arc::new(AtomicUsize::new(0));
    let policy = {
        let asked = Arc::clone(&asked);
        move |proposal: &Proposal<'_>, _: &mut String| {
            asked.fetch_add(usize::from(matches!(proposal.action, Action::Tell { .. })), Ordering::Relaxed);
            Verdict::Pass
        }
    };
    let mut driver = Driver::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    // The second waits until bob has read.
    let line = format!("/msg guest-2 {}\n", "x".repeat(3_000));
    assert_eq!(driver.hub.receive(driver.now, alice, line.repeat(4).as_bytes()), 2 * line.len());
    for _ in 0..200 {
        driver.drain();
        let mut batch = Batch::new();
        if driver.hub.fill(bob, &mut batch, 1 << 16) {
            driver.hub.sent(driver.now, bob, &batch, 50);
        }
    }
    driver.read(bob);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// Opens a session in each of two hubs, both in the same slot.
fn two_hubs() -> (Hub, SessionId, Hub, SessionId) {
    let open = || {
        let mut hub = Hub::new(Config::default()).expect("the defaults are in range");
        let text = hub.dialect("text").expect("a default dialect");
        let id = hub.open(Timestamp::ZERO, text).expect("room");
        (hub, id)
    };
    let ((one, a), (other, b)) = (open(), open());
    (one, a, other, b)
}

#[test]
fn sessions_of_two_hubs_are_never_equal() {
    let (one, a, other, b) = two_hubs();
    assert_eq!((a.slot(), a.to_string()), (b.slot(), b.to_string()));
    assert_ne!(a, b);
    assert!(one.name(a).is_some() && other.name(b).is_some());
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "a session of another hub"))]
fn a_call_with_a_session_of_another_hub_does_nothing() {
    let (mut one, _, _, b) = two_hubs();
    one.kick(Timestamp::ZERO, b, "wrong hub");
    assert_eq!(one.sessions().count(), 1);
}

#[test]
fn the_program_keeps_order_in_rooms_as_the_server() {
    let mut driver = Driver::new(Config::default());
    let (alice, bob, classic) = (driver.join("text"), driver.join("text"), driver.join("classic"));
    driver.say(alice, "/name alice\n/join tea\n");
    driver.say(bob, "/name bob\n/join tea\n");
    let now = driver.now;
    let tea = driver.hub.conversation().find_room("tea").expect("alice has begun it");
    driver.read(alice);
    driver.read(bob);

    assert_eq!(driver.hub.set_topic(now, tea, "biscuits\u{7}"), Ok(()));
    assert_eq!(driver.hub.set_role(now, tea, bob, Role::Operator, true), Ok(()));
    assert_eq!(driver.hub.set_role(now, tea, alice, Role::Operator, false), Ok(()));
    let told = "* server set the topic: biscuits\n* server made bob an operator\n\
                * server took the role of operator from alice\n";
    assert_eq!([driver.read(alice), driver.read(bob)], [told, told]);
    assert_eq!(driver.hub.kick_from(now, tea, alice, "too loud"), Ok(()));
    let kicked = "* server kicked you out of tea (\"too loud\")\n* you speak in no room now; /join one\n";
    assert_eq!(
        (driver.read(alice), driver.read(bob)),
        (kicked.into(), "* server kicked alice (\"too loud\")\n".into())
    );

    // Nobody is told of these.
    let flags = RoomFlags::NEW | RoomFlags::HIDDEN;
    assert_eq!(driver.hub.set_mask(now, tea, MaskList::Bans, "al*!*", true), Ok(()));
    driver.say(alice, "/join tea\n");
    assert_eq!(driver.hub.set_mask(now, tea, MaskList::Bans, "AL*!*", false), Ok(()));
    assert_eq!(driver.hub.set_room_key(now, tea, Some("sesame")), Ok(()));
    driver.say(alice, "/join tea\n");
    assert_eq!(driver.hub.set_room_limit(now, tea, Some(1)), Ok(()));
    driver.say(alice, "/join tea sesame\n");
    assert_eq!(driver.hub.set_room_flags(now, tea, flags), Ok(()));
    driver.say(alice, "/rooms\n");
    let refused = "! you are banned from that room\n! that room has a key, and this is not it\n! that room is full\n\
                   * lobby 3\n* that was 1 room; /join one\n";
    assert_eq!([driver.read(alice), driver.read(bob)], [refused, ""]);
    assert_eq!((driver.hub.set_room_key(now, tea, None), driver.hub.set_room_limit(now, tea, None)), (Ok(()), Ok(())));
    driver.say(alice, "/join tea\n");
    assert!(driver.read(alice).starts_with("* you are in tea now, 2 here\n"));

    // What cannot be done changes nothing.
    let (long, nowhere) = ("x".repeat(391), RoomId(99));
    let entries = driver.hub.conversation().applied();
    let hub = &mut driver.hub;
    for (done, error) in [
        (hub.set_topic(now, nowhere, ""), RoomError::NoSuchRoom),
        (hub.set_topic(now, tea, &long), RoomError::TooLong { max: 390 }),
        (hub.set_room_flags(now, nowhere, flags), RoomError::NoSuchRoom),
        (hub.set_room_key(now, tea, Some(&long)), RoomError::TooLong { max: 32 }),
        (hub.set_room_limit(now, nowhere, None), RoomError::NoSuchRoom),
        (hub.set_mask(now, tea, MaskList::Bans, &long, true), RoomError::TooLong { max: 128 }),
        (hub.set_mask(now, tea, MaskList::Bans, "zoe!*", false), RoomError::NotListed),
        (hub.set_role(now, tea, classic, Role::Voice, true), RoomError::OtherNotIn),
        (hub.kick_from(now, nowhere, alice, ""), RoomError::NoSuchRoom),
        (hub.kick_from(now, tea, classic, ""), RoomError::OtherNotIn),
        (hub.kick_from(now, RoomId::LOBBY, classic, ""), RoomError::OtherHasOneRoom),
    ] {
        assert_eq!(done, Err(error));
    }
    assert_eq!(driver.hub.conversation().applied(), entries);
}

#[test]
fn somebody_without_a_connection_who_is_kicked_out_of_the_lobby_cannot_speak_there() {
    let mut driver = Driver::new(Config::default());
    let watch = driver.join("text");
    let bot = driver.hub.enter(driver.now, "bot").expect("there is room");
    assert_eq!(driver.hub.kick_from(driver.now, RoomId::LOBBY, bot, ""), Ok(()));
    assert_eq!(driver.read(watch), "* bot joined\n* server kicked bot\n");
    assert_eq!(driver.hub.say(driver.now, bot, "hi"), Err(SayError::Room(RoomError::NotIn)));
}
