//! Row *rooms*: bad names and topics, and too much of everything that rooms have.

use std::time::Duration;

use chat_proto::{Command, Config, Origin, SessionId};
use chat_tests::alloc::Meter;
use chat_tests::output::pending;
use chat_tests::room::Room;

use super::Scene;

/// Limits that somebody who begins rooms reaches at once.
pub(super) fn few() -> Config {
    Config { max_sessions: 50, max_rooms: 30, max_rooms_per_session: 5, rate: None, ..Config::default() }
}

fn bound(config: &Config) -> i64 {
    i64::try_from(config.memory_bound()).expect("a sensible bound")
}

#[test]
fn a_room_of_a_bad_name_does_not_begin() {
    const INVALID: &str = "! the name of a room has letters and digits, and - after the first; 50 bytes at most\n";
    let mut scene = Scene::new();
    let longest = "r".repeat(50);
    let began = scene.offends(format!("/join {longest}\n"));
    assert_eq!(began, format!("* you are in {longest} now; you began it and are its operator\n"));
    let longer = "r".repeat(51);
    // 26 letters of two bytes each.
    let longer_in_bytes = "é".repeat(26);
    for name in [
        &longer,
        &longer_in_bytes,
        "tea.room",
        "tea_room",
        "[lobby]",
        "tea:",
        "##tea",
        "-tea",
        "*",
        "tea\u{1b}[2J",
        "tea\0",
        "tea\u{202e}",
        "tea\u{200b}room",
        "\u{fe0f}",
        "t\u{301}\u{301}\u{301}\u{301}ea",
        "🦀",
    ] {
        assert_eq!(scene.offends(format!("/join {name}\n")), INVALID, "{}", name.escape_debug());
    }
    for name in ["l\u{f3}bby", "Iobby", "lоbby"] {
        let alike = "! that name looks like the one of another room\n";
        assert_eq!(scene.offends(format!("/join {name}\n")), alike, "{name}");
    }
    for command in ["/join", "/join \t", "/leave tea.room", "/leave \u{1b}", "/who \u{1b}"] {
        let answer = scene.offends(format!("{command}\n"));
        assert!(answer.starts_with("! ") && answer.lines().count() == 1 && !answer.contains('\u{1b}'), "{answer}");
    }
    let listed = scene.room.asks(scene.bob, "/rooms\n");
    assert_eq!(listed, format!("* lobby 3\n* {longest} 1\n* those were 2 rooms; /join one\n"));
    scene.unharmed();
}

#[test]
fn a_room_cannot_be_imitated_by_a_label_or_a_notice() {
    let mut scene = Scene::new();
    scene.offends("/join tea\n");
    assert!(scene.room.asks(scene.bob, "/join tea\n").starts_with("* you are in tea now"));
    scene.offends("[lobby] alice: I resign\n");
    assert_eq!(scene.bob_hears(), "guest-3: [lobby] alice: I resign\n");
    scene.offends("/topic x) * alice left\r\n");
    assert_eq!(scene.bob_hears(), "* guest-3 set the topic: x) * alice left\n");
    scene.offends("/topic \u{1b}[2Jtea\u{202e}\n");
    assert_eq!(scene.bob_hears(), "* guest-3 set the topic: [2Jtea\n");
    scene.offends("/kick bob loud\") * alice left (\"late\n");
    let kicked = scene.bob_hears();
    assert!(kicked.starts_with("* guest-3 kicked you out of tea (\"loud') * alice left ('late\")\n"), "{kicked}");
}

#[test]
fn a_topic_of_390_bytes_is_set_and_a_longer_one_is_not() {
    let mut scene = Scene::new();
    scene.offends("/join tea\n");
    let longest = "t".repeat(390);
    let set = format!("* topic of tea: {longest} (set by guest-3 just now)\n");
    assert_eq!(scene.offends(format!("/topic {longest}\n")), set);
    assert_eq!(scene.offends(format!("/topic {longest}t\n")), "! too long: 390 bytes at most\n");
    assert_eq!(scene.offends(format!("/topic {}\n", "é".repeat(196))), "! too long: 390 bytes at most\n");
    assert_eq!(scene.offends("/topic\n"), set, "it stays as it was");
    assert!(scene.room.asks(scene.bob, "/rooms\n").contains(&format!("* tea 1 {longest}\n")));
    scene.unharmed();
}

#[test]
fn joins_and_leaves_of_rooms_leave_nothing_behind() {
    let config = few();
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let host = room.enter_as("host");
    room.asks(host, "/join tea\n");
    let ids: Vec<SessionId> = (0..40).map(|_| room.enter("text")).collect();
    let mut heard = String::new();
    for _ in 0..100 {
        meter.scope(|| {
            for id in &ids {
                room.asks(*id, "/join tea\n/leave tea\n/join own\n/leave\n");
            }
        });
        heard += &room.read(host);
        meter.scope(|| room.pass(Duration::from_secs(1)));
    }
    heard += &room.read(host);
    assert!(heard.ends_with("* 40 joined, 40 left\n") && heard.lines().count() < 120, "{heard}");
    assert_eq!(room.asks(host, "/rooms\n"), "* lobby 41\n* tea 1\n* those were 2 rooms; /join one\n");
    assert_eq!(room.asks(host, "/who\n"), "* 1 here: @host\n");
    assert!(meter.peak <= bound(&config), "{} bytes over {}", meter.peak, bound(&config));
}

#[test]
fn a_thousand_rooms_begun_by_one_are_no_more_than_it_may_have() {
    let config = few();
    let mut meter = Meter::new();
    let mut scene = meter.scope(|| Scene::with(config.clone()));
    let mut began = 0;
    for n in 0..1_000 {
        let answer = meter.scope(|| scene.offends(format!("/join room-{n}\n")));
        if answer.contains("you began it") {
            began += 1;
        } else {
            assert_eq!(answer, "! you may be in no more rooms: the limit is 5; /leave one\n");
        }
    }
    assert_eq!(began, 4, "and the lobby");
    // One after another it may have any number.
    for n in 0..1_000 {
        let answer = meter.scope(|| scene.offends(format!("/leave\n/join room-x-{n}\n")));
        assert!(answer.contains("you began it"), "{answer}");
        scene.offends("hello?\n/topic is anybody there?\n/ban nobody\n");
    }
    let listed = scene.room.asks(scene.bob, "/rooms\n");
    assert!(listed.ends_with("* those were 5 rooms; /join one\n"), "{listed}");
    assert!(meter.peak <= bound(&config));
    scene.quiet();
    scene.unharmed();
}

#[test]
fn rooms_of_many_are_no_more_than_there_may_be() {
    let mut scene = Scene::with(few());
    let ids: Vec<SessionId> = (0..10).map(|_| scene.room.enter("text")).collect();
    let mut refused = 0;
    for (n, id) in (0..40).zip(ids.iter().cycle()) {
        let answer = scene.room.asks(*id, format!("/join room-{n}\n"));
        refused += usize::from(answer == "! no more rooms may begin: the limit is 30\n");
    }
    assert_eq!(refused, 40 - 29, "all others began");
    assert!(scene.offends("/join room-0\n").ends_with(" 2 here\n"), "rooms that are there can be entered");
    // A room that ends makes room for another, once all that was said in it was read.
    scene.room.asks(ids[1], "/join room-1\n/leave\n");
    assert!(scene.offends("/join room-new\n").contains("you began it"));
    scene.unharmed();
}

/// Opens a session from an address with that last number.
fn open_from(room: &mut Room, number: u8) -> SessionId {
    let text = room.hub.dialect("text").expect("a dialect");
    let origin = Origin::from_ipv4([192, 0, 2, number].into());
    let id = room.hub.open_from(room.now, text, Some(origin)).expect("there is room");
    room.read(id);
    id
}

#[test]
fn connections_of_one_address_do_not_take_all_rooms() {
    const TOO_MANY: &str = "! no more rooms may be begun from your address: the limit is 32\n";
    let config = Config::default();
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let greedy: Vec<SessionId> = (0..13).map(|_| open_from(&mut room, 1)).collect();
    let is_begun = |answer: &str| answer.contains("you began it");
    let mut begun = 0;
    for (n, id) in greedy.iter().enumerate() {
        for m in 0..20 {
            let answer = meter.scope(|| room.asks(*id, format!("/join r{n}-{m}\n")));
            begun += usize::from(is_begun(&answer));
            assert!(is_begun(&answer) || m == 19 || answer == TOO_MANY, "{answer}");
        }
    }
    assert_eq!(begun, 32);
    let (other, local) = (open_from(&mut room, 2), room.enter("text"));
    assert!(is_begun(&room.asks(other, "/join other\n")));
    for n in 0..19 {
        assert!(is_begun(&room.asks(local, format!("/join local-{n}\n"))), "who is not counted may begin as many");
    }
    // A room stays for those who are in it, and counts where it was begun.
    assert!(room.asks(other, "/join r0-0\n").contains("* you are in r0-0 now, 2 here\n"));
    for id in greedy {
        room.types(id, "/quit\n");
        room.read(id);
    }
    room.commands();
    let back = open_from(&mut room, 1);
    let begun = (0..19).filter(|n| is_begun(&room.asks(back, format!("/join back-{n}\n")))).count();
    let again = open_from(&mut room, 1);
    let begun_again = (0..19).filter(|n| is_begun(&room.asks(again, format!("/join again-{n}\n")))).count();
    assert_eq!(begun + begun_again, 31, "and the one that is still there");
    assert!(meter.peak <= bound(&config));
}

#[test]
fn a_room_that_ended_counts_for_its_address_until_all_is_read() {
    let mut room = Room::new(Config { max_rooms_per_address: Some(1), ..few() });
    let (one, other) = (open_from(&mut room, 1), open_from(&mut room, 1));
    room.asks(one, "/join tea\n");
    room.asks(other, "/join tea\n");
    room.asks(one, "hello\n");
    let refused = "! no more rooms may be begun from your address: the limit is 1\n";
    assert_eq!(room.asks(one, "/join cake\n"), refused);
    // Nobody is in it any more, but one has not read what was said there.
    room.types(other, "/leave\n");
    let left = room.asks(one, "/leave\n/join cake\n");
    assert!(left.ends_with(refused), "{left}");
    assert!(room.read(other).contains("guest-1: hello\n"));
    assert!(room.asks(one, "/join cake\n").contains("you began it"));
}

#[test]
fn lists_of_rooms_and_people_in_a_loop_are_held_back_by_their_own_replies() {
    let config = Config { max_name: 126, ..few() };
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let ids: Vec<SessionId> = (0..49).map(|_| room.enter("text")).collect();
    for (n, id) in ids.iter().enumerate() {
        room.types(*id, format!("/name {n:a<126}\n"));
        room.asks(*id, "/join all-of-us\n");
    }
    for (n, id) in (0..28).zip(ids.iter().cycle()) {
        room.asks(*id, format!("/join {n:r<50}\n/topic {}\n/join all-of-us\n", "t".repeat(390)));
    }
    let read_all = |room: &mut Room| {
        for id in &ids {
            room.read(*id);
        }
    };
    read_all(&mut room);
    let greedy = meter.scope(|| room.enter_as("greedy"));
    let asked = "/rooms\n/who\n/who all-of-us\n".repeat(1_000);
    let mut rest = asked.as_bytes();
    let (mut rounds, mut answers) = (0, 0);
    let answered = |read: &str| read.matches(" rooms; /join one\n").count() + read.matches(" more\n").count();
    while !rest.is_empty() {
        let taken = meter.scope(|| room.hub.receive(room.now, greedy, rest));
        assert!(taken < asked.len(), "input is left untaken while answers are not read");
        rest = &rest[taken..];
        answers += meter.scope(|| answered(&room.read(greedy)));
        rounds += 1;
        // Others are heard meanwhile.
        room.types(ids[0], format!("{rounds}\n"));
        assert!(room.read(ids[1]).ends_with(&format!(": {rounds}\n")));
        read_all(&mut room);
    }
    assert_eq!(answers, 3_000, "each was answered");
    assert!(rounds >= 100, "in {rounds} rounds");
    assert!(meter.peak <= bound(&config));
}

#[test]
fn a_flood_of_invitations_is_shown_up_to_the_limit() {
    let config = few();
    let mut meter = Meter::new();
    let mut scene = meter.scope(|| Scene::with(config.clone()));
    meter.scope(|| scene.offends("/join tea\n"));
    assert_eq!(meter.scope(|| scene.offends("/invite bob\n")), "* bob is invited to tea\n");
    for _ in 0..10_000 {
        let answer = meter.scope(|| scene.offends("/invite bob\n"));
        assert_eq!(answer, "! they are invited to this room already\n");
    }
    assert_eq!(scene.bob_hears(), "* guest-3 invites you to tea; /join tea\n");
    // From many rooms: so many invitations are kept, and no more.
    let too_many = "! they have too many invitations already\n";
    let mut answers = Vec::new();
    for n in 0..3 {
        let inviter = scene.room.enter_as(&format!("inviter-{n}"));
        for m in 0..3 {
            answers.push(scene.room.asks(inviter, format!("/join room-{n}-{m}\n/invite bob\n")));
        }
    }
    assert_eq!(answers.iter().filter(|answer| answer.ends_with(too_many)).count(), 9 - 3, "{answers:?}");
    // They do not keep anybody from entering rooms of its own choice.
    for name in ["a", "b", "c", "d"] {
        assert!(scene.room.asks(scene.bob, format!("/join {name}\n")).contains("you began it"), "{name}");
    }
    assert!(meter.peak <= bound(&config));
    scene.room.asks(scene.bob, "/leave a\n/leave b\n/leave c\n/leave d\n");
    scene.quiet();
    scene.unharmed();
}

#[test]
fn who_reads_nothing_of_its_rooms_holds_up_nobody_and_keeps_no_room() {
    let config = Config { room_log_bytes: 1, room_log_entries: 20, pace: None, ..few() };
    let mut meter = Meter::new();
    let mut scene = meter.scope(|| Scene::with(config.clone()));
    scene.room.asks(scene.alice, "/join tea\n");
    scene.room.asks(scene.bob, "/join tea\n");
    scene.room.types(scene.offender, "/join tea\n/join cake\n/join lobby\n");
    scene.quiet();
    for n in 0..1_000 {
        meter.scope(|| scene.room.types(scene.alice, format!("{n}\n")));
        assert_eq!(scene.bob_hears(), format!("alice: {n}\n"));
    }
    // It leaves and comes back, and reads nothing: rooms that it was in count until it has read what was said in them.
    let answers = {
        scene.room.types(scene.offender, "/leave tea\n/leave cake\n");
        for n in 0..6 {
            meter.scope(|| scene.room.types(scene.alice, format!("again {n}\n")));
            scene.room.types(scene.offender, "/join tea\n");
            meter.scope(|| scene.room.types(scene.alice, format!("and {n}\n")));
            scene.room.types(scene.offender, "/leave tea\n");
        }
        scene.room.read(scene.offender)
    };
    assert!(answers.contains("[tea] * missed "), "{answers}");
    assert!(answers.contains("! you may be in no more rooms: the limit is 5"), "{answers}");
    assert!(scene.offends("/join tea\n").contains("* you are in tea now"), "now it has read everything");
    assert!(meter.peak <= bound(&config));
    scene.room.asks(scene.offender, "/leave tea\n");
    scene.quiet();
    scene.unharmed();
}

#[test]
fn a_reader_that_stops_holds_up_its_own_room_only_and_not_for_long() {
    let mut scene = Scene::new();
    let carol = scene.room.enter_as("carol");
    scene.room.asks(scene.alice, "/join tea\n");
    scene.offends("/join tea\n/leave lobby\n");
    scene.quiet();
    // Its socket takes a byte and no more.
    scene.room.types(scene.alice, "hello\n");
    scene.room.commands();
    let batch = pending(&mut scene.room.hub, scene.offender);
    scene.room.hub.sent(scene.room.now, scene.offender, &batch, 1);
    let lines = format!("{}\n", "x".repeat(4_000)).repeat(100);
    let taken = scene.room.hub.receive(scene.room.now, scene.alice, lines.as_bytes());
    assert!(taken < lines.len(), "lines wait for it");
    for n in 0..10_000 {
        scene.room.types(scene.bob, format!("{n}\n"));
        assert_eq!(scene.room.read(carol), format!("bob: {n}\n"), "the lobby has other readers");
        scene.room.read(scene.alice);
    }
    // Whoever comes waits, too, and can do other things meanwhile.
    scene.room.types(carol, "/join tea\n");
    assert_eq!(scene.room.read(carol), "");
    assert_eq!(scene.room.asks(scene.bob, "/who tea\n"), "* 2 in tea: @alice, guest-3\n");
    scene.room.commands();
    scene.room.pass(Duration::from_secs(1));
    assert!(scene.room.commands().contains(&Command::Read(scene.alice)), "it is slow now, and nobody waits for it");
    assert!(scene.room.read(carol).starts_with("* you are in tea now, 3 here\n"));
    let mut rest = &lines.as_bytes()[taken..];
    while !rest.is_empty() {
        let taken = scene.room.hub.receive(scene.room.now, scene.alice, rest);
        rest = &rest[taken..];
        let heard = [carol, scene.alice].map(|id| scene.room.read(id));
        assert!(taken > 0 || heard != ["", ""], "it goes on as the others read");
        scene.room.commands();
    }
    let heard = scene.room.read(scene.offender);
    assert!(heard.starts_with("lice: hello\n* missed ") && heard.ends_with("x\n"), "and it learns what it has missed");
}
