//! Row *moderation*: masks, kicks and bans that are bad or aimed badly, and who gets round them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use chat_proto::conversation::{Conversation, Entry, MAX_MASK, MAX_MASKS, MemberId};
use chat_proto::{Cloak, Config, Exemptions, MaskList, NameRules, Origin, SessionId};
use chat_tests::room::Room;

use super::Scene;
use super::rooms::few;

#[test]
fn masks_cost_the_same_however_many_stars_they_have() {
    // `!` and `*` in names, and names much longer than a mask.
    let config = Config { max_name: 255, names: NameRules::Loose, ..few() };
    let mut conversation = Conversation::new(&config).expect("valid limits");
    let member = MemberId(0);
    conversation.apply(&Entry::Enter { member, guest: false, lobby: true, cloak: None }).expect("it fits");
    conversation.apply(&Entry::Name { member, name: &"a".repeat(255) }).expect("it fits");
    conversation.apply(&Entry::EnterRoom { member, name: "tea", at: 0 }).expect("it fits");
    let room = conversation.find_room("tea").expect("it began");
    let lists = [MaskList::Bans, MaskList::BanExceptions, MaskList::InviteExceptions];
    for list in lists {
        for n in 0..MAX_MASKS {
            // Each matches nearly everything, until its last character.
            let number = format!("{n:b}").replace('0', "*a").replace('1', "*?");
            let width = MAX_MASK - "b!*".len();
            let mask = format!("{number:*<width$}b!*");
            assert_eq!(mask.len(), MAX_MASK);
            conversation
                .apply(&Entry::Mask { by: None, room, list, mask: &mask, of: "", listed: true, at: 0 })
                .expect("it fits");
        }
    }
    let other = MemberId(1);
    conversation.apply(&Entry::Enter { member: other, guest: false, lobby: true, cloak: None }).expect("it fits");
    conversation.apply(&Entry::Name { member: other, name: &"a".repeat(254) }).expect("it fits");
    let started = Instant::now();
    for _ in 0..100 {
        assert_eq!(conversation.may_enter(other, "tea", ""), Ok(Some(room)), "none of them matches");
    }
    // If it tried all ways in which stars can match, one mask would take longer than the universe is old.
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    conversation.apply(&Entry::Name { member: other, name: &format!("{}b", "a".repeat(200)) }).expect("it fits");
    let entered = conversation.may_enter(other, "tea", "");
    assert_eq!(entered, Ok(Some(room)), "bans match, and so do the exceptions");
    let longer = "m".repeat(MAX_MASK + 1);
    let too_long =
        conversation.apply(&Entry::Mask { by: None, room, list: lists[0], mask: &longer, of: "", listed: true, at: 0 });
    assert!(too_long.is_err(), "a mask has 128 bytes at most");
}

#[test]
fn who_kicks_itself_out_is_out_and_its_room_goes_on_or_ends() {
    let mut scene = Scene::new();
    scene.offends("/join tea\n");
    scene.room.asks(scene.bob, "/join tea\n");
    scene.quiet();
    let answer = scene.offends("/kick guest-3 oops\n");
    assert_eq!(answer, "* guest-3 kicked you out of tea (\"oops\")\n* you speak in no room now; /join one\n");
    assert_eq!(scene.bob_hears(), "* guest-3 kicked guest-3 (\"oops\")\n");
    // Nobody is its operator now.
    assert_eq!(scene.room.asks(scene.bob, "/kick bob\n"), "! only operators of the room may do that\n");
    scene.room.asks(scene.bob, "/join lobby\n/leave tea\n");
    // A room in which it was alone ends, whichever way it throws itself out.
    for command in ["/kick guest-3", "/ban guest-3"] {
        assert!(scene.offends("/join tea\n").contains("you began it"), "{command}");
        let answer = scene.offends(format!("{command}\n"));
        assert!(
            answer.ends_with("* guest-3 kicked you out of tea\n* you speak in no room now; /join one\n"),
            "{answer}"
        );
    }
    assert!(scene.offends("/join tea\n").contains("you began it"), "the ban has ended with the room");
    scene.offends("/leave\n");
    scene.unharmed();
}

#[test]
fn who_is_kicked_while_its_replies_are_full_learns_it_when_it_reads() {
    let mut scene = Scene::with(Config { pace: None, ..few() });
    scene.offends("/join cake\n/join tea\n");
    assert!(scene.room.asks(scene.bob, "/join cake\n/join tea\n").ends_with("* you are in tea now, 2 here\n"));
    scene.quiet();
    let full = "! not delivered: they are not reading\n";
    for words in ["x".repeat(1_000), "x".to_owned()] {
        while scene.offends(format!("/msg bob {words}\n")) != full {}
    }
    // It is kicked from the room in which it speaks, and from another one.
    for (room, reason) in [("tea", ""), ("cake", " too loud")] {
        scene.offends(format!("/join {room}\n/kick bob{reason}\n"));
    }
    let heard = scene.bob_hears();
    let told: Vec<&str> = heard.lines().filter(|line| !line.starts_with("guest-3 -> you: x")).collect();
    let expected =
        ["* you were kicked out of cake", "* you were kicked out of tea", "* you speak in no room now; /join one"];
    assert_eq!(told, expected, "in the order in which it had entered them");
    assert_eq!(scene.room.asks(scene.bob, "hello?\n"), "! you speak in no room; /join one\n");
    assert_eq!(
        scene.room.asks(scene.bob, "/join tea\n/who\n"),
        "* you are in tea now, 2 here\n* 2 here: @guest-3, bob\n"
    );
}

#[test]
fn a_ban_of_nobody_is_listed_if_it_could_be_a_name() {
    let mut scene = Scene::new();
    scene.offends("/join tea\n");
    for name in ["*", "a!b", "?", "\u{1b}"] {
        let complaint = "! a name has letters and digits in common use, - . ' _ ` ^ | \\ [ ] { } and nothing else, and \
            does not begin with -\n";
        assert_eq!(scene.offends(format!("/ban {name}\n")), complaint, "{}", name.escape_debug());
    }
    assert_eq!(scene.offends("/unban zoe\n"), "! the list has no such item\n");
    assert_eq!(scene.offends("/ban zoe\n"), "* guest-3 banned zoe\n");
    let zoe = scene.room.enter_as("Zoe");
    assert_eq!(scene.room.asks(zoe, "/join tea\n"), "! you are banned from that room\n");
    scene.quiet();
    // The list has an end, and says so.
    for n in 1..MAX_MASKS {
        assert_eq!(scene.offends(format!("/ban nobody-{n}\n")), format!("* guest-3 banned nobody-{n}\n"));
    }
    let full = "! the list is full: the limit is 64\n";
    assert_eq!(scene.offends("/ban nobody-64\n"), full);
    scene.quiet();
    scene.unharmed();
}

#[test]
fn a_ban_keeps_out_who_comes_back_under_a_name_that_looks_like_it_or_takes_it_within() {
    let mut scene = Scene::new();
    scene.room.asks(scene.alice, "/join tea\n/ban zoe\n");
    for name in ["zoe", "ZOE", "z0e", "zoé", "zoе"] {
        assert!(scene.offends(format!("/name {name}\n")).starts_with("* you are now "), "{name}");
        assert_eq!(scene.offends("/join tea\n"), "! you are banned from that room\n", "{name}");
    }
    assert!(scene.offends("/name max\n/join tea\n").contains("* you are in tea now"));
    for name in ["zoe", "z0e", "ZOÉ"] {
        let banned = "! that name is banned from a room that you are in\n";
        assert_eq!(scene.offends(format!("/name {name}\n")), banned, "{name}");
    }
    let invalid = scene.offends("/name zoe!\n");
    assert!(invalid.starts_with("! a name has letters"), "{invalid}");
    assert_eq!(scene.offends("/name zoey\n"), "* you are now zoey\n");
    assert_eq!(scene.offends("/leave\n/name zoe\n").lines().last(), Some("* you are now zoe"));
    scene.room.asks(scene.alice, "/join lobby\n");
    scene.quiet();
    scene.unharmed();
}

#[test]
fn the_end_of_a_ban_ends_those_of_names_that_look_alike() {
    let mut scene = Scene::new();
    scene.room.asks(scene.alice, "/join tea\n/ban z0e\n/ban zoe\n/ban zoey\n");
    assert!(scene.offends("/name zoe\n").starts_with("* you are now "));
    scene.quiet();
    assert_eq!(scene.room.asks(scene.alice, "/unban ZOÉ\n"), "* alice unbanned ZOÉ\n");
    assert!(scene.offends("/join tea\n").starts_with("* you are in tea now"));
    assert_eq!(scene.room.asks(scene.alice, "/ban\n"), "* zoe joined\n* #1 zoey\n* that was the only ban of tea\n");
}

#[test]
fn a_ban_that_is_listed_is_not_announced_again() {
    let mut scene = Scene::new();
    scene.room.asks(scene.alice, "/join tea\n");
    scene.room.asks(scene.bob, "/join tea\n");
    scene.quiet();
    for others in ["* alice banned zoe\n", ""] {
        assert_eq!(scene.room.asks(scene.alice, "/ban zoe\n"), "* alice banned zoe\n");
        assert_eq!(scene.bob_hears(), others);
    }
}

/// Somebody comes from an IPv4 address.
fn enter_from(room: &mut Room, addr: &str) -> SessionId {
    let text = room.hub.dialect("text").expect("a dialect");
    let addr = addr.parse().expect("an address");
    let IpAddr::V4(v4) = addr else { panic!("it is of another kind") };
    let origin = Exemptions::default().origin(Some(addr));
    let origin = origin.map(|origin| origin.with_cloak(Cloak::new(v4.to_bits().into())));
    let id = room.hub.open_from(room.now, text, origin).expect("there is room");
    room.read(id);
    id
}

#[test]
fn a_ban_keeps_out_who_comes_back_under_another_name_from_the_same_address() {
    let mut scene = Scene::with(few());
    scene.room.asks(scene.alice, "/join tea\n");
    let mallory = enter_from(&mut scene.room, "192.0.2.7");
    scene.room.asks(mallory, "/name mallory\n");
    scene.room.asks(scene.alice, "/ban mallory\n");
    scene.room.asks(mallory, "/quit\n");
    scene.room.commands();
    let (again, other) = (enter_from(&mut scene.room, "192.0.2.7"), enter_from(&mut scene.room, "192.0.2.8"));
    let local = enter_from(&mut scene.room, "127.0.0.1");
    assert_eq!(scene.room.asks(again, "/join tea\n"), "! you are banned from that room\n");
    assert!(scene.room.asks(other, "/join tea\n").starts_with("* you are in tea now"));
    assert!(scene.room.asks(local, "/join tea\n").starts_with("* you are in tea now"));
    scene.quiet();
    // The list shows whose address is banned, but not which it is: whoever begins a room could learn those of others.
    assert_eq!(
        scene.room.asks(scene.alice, "/ban\n"),
        "* #1 mallory\n* #2 all from the address of mallory\n* those were the 2 bans of tea\n"
    );
    scene.room.read(other);
    for (text, answer) in [
        ("#0", "! the list has no such item\n"),
        ("#3", "! the list has no such item\n"),
        ("#2", "* alice unbanned #2\n"),
        ("mallory!*@*", "* alice unbanned mallory\n"),
    ] {
        assert_eq!(scene.room.asks(scene.alice, format!("/unban {text}\n")), answer, "{text}");
    }
    assert_eq!(scene.room.read(other), "* alice unbanned #2\n* alice unbanned mallory\n");
    assert_eq!(scene.room.asks(scene.alice, "/ban\n"), "* nobody is banned from tea\n");
    assert!(scene.room.asks(again, "/join tea\n").starts_with("* you are in tea now"));
    // Those whose addresses are not counted are kept out by name only.
    scene.room.asks(local, "/name lo\n");
    scene.room.asks(scene.alice, "/ban lo\n");
    assert!(scene.room.asks(local, "/join tea\n").ends_with("! you are banned from that room\n"));
    assert!(scene.room.asks(local, "/name lou\n/join tea\n").contains("* you are in tea now"));
}

#[test]
fn the_end_of_a_ban_by_name_ends_that_of_the_address_wherever_its_owner_is() {
    let nobody = "* nobody is banned from tea\n";
    // Mallory has gone; has another name; is gone, and the name is that of somebody from elsewhere; was gone when it was
    // banned first; is called by another case; and was banned again when it came from elsewhere.
    for case in 0..6 {
        let mut scene = Scene::with(few());
        scene.room.asks(scene.alice, "/join tea\n");
        let enter = |room: &mut Room, addr, name| {
            let id = enter_from(room, addr);
            room.asks(id, format!("/name {name}\n"));
            id
        };
        let tom = enter(&mut scene.room, "192.0.2.9", "tom");
        if case == 3 {
            scene.room.asks(scene.alice, "/ban mallory\n/ban zoe\n");
        }
        let mallory = enter(&mut scene.room, "192.0.2.7", "mallory");
        scene.room.asks(scene.alice, "/ban mallory\n/ban tom\n");
        scene.room.asks(mallory, if case == 1 { "/name max\n" } else { "/quit\n" });
        scene.room.commands();
        if case == 2 || case == 5 {
            enter(&mut scene.room, "192.0.2.8", "mallory");
        }
        if case == 5 {
            scene.room.asks(scene.alice, "/ban mallory\n");
            let bans = "* #1 mallory\n* #2 all from the address of mallory\n* #3 tom\n* #4 all from the address of tom\n\
                * #5 all from the address of mallory\n* those were the 5 bans of tea\n";
            assert_eq!(scene.room.asks(scene.alice, "/ban\n"), bans);
        }
        let back = enter_from(&mut scene.room, "192.0.2.7");
        assert_eq!(scene.room.asks(back, "/join tea\n"), "! you are banned from that room\n", "case {case}");
        scene.quiet();
        let called = if case == 4 { "Mallory" } else { "mallory" };
        let answer = scene.room.asks(scene.alice, format!("/unban {called}\n"));
        assert_eq!(answer, format!("* alice unbanned {called}\n"), "case {case}");
        assert!(scene.room.asks(back, "/join tea\n").starts_with("* you are in tea now"), "case {case}");
        assert_eq!(scene.room.asks(tom, "/join tea\n"), "! you are banned from that room\n", "case {case}");
        scene.room.asks(scene.alice, "/unban tom\n/unban zoe\n");
        scene.quiet();
        assert_eq!(scene.room.asks(scene.alice, "/ban\n"), nobody, "case {case}");
    }
}

#[test]
fn ending_the_ban_of_an_address_shows_its_number_however_it_is_called() {
    let mut scene = Scene::with(few());
    scene.room.asks(scene.alice, "/join tea\n");
    let text = scene.room.hub.dialect("text").expect("a dialect");
    let cloak = Cloak::new(7);
    let origin = Origin::from_ipv4([192, 0, 2, 7].into()).with_cloak(cloak);
    let mallory = scene.room.hub.open_from(scene.room.now, text, Some(origin)).expect("there is room");
    scene.room.asks(mallory, "/name mallory\n");
    scene.room.asks(scene.bob, "/join tea\n");
    for called in [&format!("*!*@{cloak}"), &format!("#{}2", "0".repeat(200)), "#+2"] {
        scene.room.asks(scene.alice, "/ban mallory\n");
        scene.quiet();
        let ended = scene.room.asks(scene.alice, format!("/unban {called}\n"));
        assert_eq!([ended, scene.bob_hears()], ["* alice unbanned #2\n"; 2], "{called}");
    }
}
