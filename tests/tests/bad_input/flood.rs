//! Row *flood*: too much of everything.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::{Command, Config, OpenError, Rate, SessionId};
use chat_tests::alloc::Meter;
use chat_tests::room::Room;

use super::{Scene, lines};

/// Limits that a flood reaches at once.
fn small() -> Config {
    Config { max_sessions: 50, log_bytes: 64 << 10, log_entries: 500, rate: None, pace: None, ..Config::default() }
}

#[test]
fn a_million_tiny_lines_stay_within_the_bound() {
    let config = small();
    let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let (flooder, witness) = (room.enter("text"), room.enter("text"));
    let lines = "x\n".repeat(1_000);
    for _ in 0..1_000 {
        meter.scope(|| room.types(flooder, &lines));
    }
    assert!(meter.peak <= bound);
    // The witness has read nothing so far. It is told exactly how much it missed (the flooder's join counts as a
    // message) and continues with the oldest message kept.
    let heard = room.read(witness);
    assert!(heard.starts_with("* missed 999501 messages\nguest-1: x\n"), "{}", &heard[..60]);
    assert_eq!(heard.lines().count(), 1 + 500);
}

#[test]
fn the_rate_delays_a_flood_and_loses_nothing() {
    let number = |n| NonZeroU32::new(n).expect("not zero");
    let rate = Some(Rate { per_second: number(20), burst: number(100) });
    let mut room = Room::new(Config { rate, ..small() });
    let (flooder, witness) = (room.enter("text"), room.enter("text"));
    let flood = lines(0..300, |i| format!("line {i}\n"));
    let mut rest = flood.as_bytes();
    let mut heard = String::new();
    for second in 0.. {
        let taken = room.hub.receive(room.now, flooder, rest);
        rest = &rest[taken..];
        heard += &room.read(witness);
        let lines = heard.lines().filter(|line| line.starts_with("guest-1: ")).count();
        assert_eq!(lines, (100 + 20 * second).min(300), "a burst, then twenty a second");
        if rest.is_empty() {
            break;
        }
        assert_eq!(room.commands(), [], "not to be offered again yet");
        room.pass(Duration::from_secs(1));
        assert_eq!(room.commands(), [Command::Read(flooder)], "now it is to be offered again");
    }
    let expected = lines(0..300, |i| format!("guest-1: line {i}\n"));
    assert_eq!(heard, format!("* guest-1 joined\n{expected}"));
}

#[test]
fn a_thousand_renames_keep_names_unique_and_memory_bounded() {
    let config = small();
    let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let (one, two) = (room.enter("text"), room.enter("text"));
    for i in 0..1_000 {
        let answer = meter.scope(|| room.asks(one, format!("/name name-{i}\n")));
        assert!(answer.ends_with(&format!("* you are now name-{i}\n")));
        let taken = meter.scope(|| room.asks(two, format!("/name NAME-{i}\n")));
        assert!(taken.ends_with("! that name is taken, or looks like one that is\n"), "{taken}");
    }
    assert!(meter.peak <= bound);
    assert_eq!(room.asks(two, "/name name-1\n"), "* you are now name-1\n", "a name that was given up is free");
}

#[test]
fn join_and_leave_storms_leave_nothing_behind() {
    let config = small();
    let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let witness = meter.scope(|| room.enter_as("witness"));
    let mut heard = Vec::new();
    for _ in 0..200 {
        meter.scope(|| {
            let ids: Vec<SessionId> = (0..49).map(|_| room.enter("text")).collect();
            for (i, id) in ids.iter().enumerate() {
                room.types(*id, format!("/name n{i}\n"));
            }
            for id in &ids {
                room.hub.disconnect(room.now, *id);
            }
            room.commands();
        });
        heard.push(room.read(witness));
        meter.scope(|| room.pass(Duration::from_secs(1)));
    }
    heard.push(room.read(witness));
    // Five joins are shown individually in the first second, the witness's own included; then one line a second.
    assert_eq!(heard[0], lines(0..4, |i| format!("* n{i} joined\n")));
    assert_eq!(heard[1], "* 45 joined, 49 left\n");
    assert!(heard[2..].iter().all(|line| line == "* 49 joined, 49 left\n"), "{:?}", &heard[2..5]);
    assert_eq!(room.hub.stats().messages, 1 + 200 * 2 * 49, "each of them is counted");
    assert!(meter.peak <= bound);
    assert_eq!((room.hub.stats().sessions, room.hub.stats().opened, room.hub.stats().closed), (1, 9_801, 9_800));
}

#[test]
fn a_who_loop_on_a_full_server_is_held_back_by_its_own_replies() {
    let mut room = Room::new(small());
    let ids: Vec<SessionId> = (0..50).map(|_| room.enter("text")).collect();
    for (i, id) in ids.iter().enumerate() {
        room.types(*id, format!("/name a-rather-long-name-number-{i}\n"));
    }
    room.read(ids[0]);
    let asked = "/who\n".repeat(1_000);
    let taken = room.hub.receive(room.now, ids[0], asked.as_bytes());
    assert!(taken < asked.len(), "input is left untaken while answers are not read");
    let answers = room.read(ids[0]);
    assert_eq!(answers.lines().count(), taken / "/who\n".len());
    let first = answers.lines().next().expect("an answer");
    assert!(first.starts_with("* 50 here: a-rather-long-name-number-0, ") && first.ends_with(" more"), "{first}");
    assert!(first.len() <= 1_024 + 64, "it is cut");
    assert!(room.commands().contains(&Command::Read(ids[0])), "its input is taken again after it has read them");
}

#[test]
fn a_history_loop_is_held_back_by_its_own_answers_and_delays_nobody() {
    const ASKED: &[u8] = b"/history 1000\n";
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(Config { rate: None, ..Config::default() }));
    let bound = i64::try_from(room.hub.config().memory_bound()).expect("a sensible bound");
    let (alice, greedy, bob) = (room.enter_as("alice"), meter.scope(|| room.enter("text")), room.enter_as("bob"));
    for i in 0..2_000 {
        meter.scope(|| room.types(alice, format!("{i:0>500}\n")));
        meter.scope(|| [alice, greedy, bob].map(|id| room.read(id)));
    }
    // It asks again and again, and reads nothing. Others wait for it for less than a second, and go on.
    let asked = ASKED.repeat(100);
    assert_eq!(meter.scope(|| room.hub.receive(room.now, greedy, &asked)), ASKED.len());
    meter.scope(|| room.pass(Duration::from_secs(1)));
    for i in 0..2_000 {
        meter.scope(|| room.types(alice, format!("{i:0>500}\n")));
        assert!(room.read(bob).ends_with(&format!("{i:0>3}\n")));
        room.read(alice);
    }
    assert_eq!(room.hub.stats().held, 0);
    assert!(meter.peak <= bound, "{} bytes over {bound}", meter.peak);
    // Once it has read the answer, and what was said meanwhile, its input is taken again.
    let shown = room.read(greedy);
    assert!(shown.starts_with("* the latest messages:\n") && shown.lines().count() > 2_000);
    assert!(room.commands().contains(&Command::Read(greedy)));
    assert_eq!(room.hub.receive(room.now, greedy, &asked), ASKED.len());
}

#[test]
fn a_reconnect_storm_beyond_the_limit_is_refused_with_a_reason() {
    let mut room = Room::new(small());
    let ids: Vec<SessionId> = (0..50).map(|_| room.enter("text")).collect();
    let text = room.hub.dialect("text").expect("a dialect");
    for _ in 0..10_000 {
        assert_eq!(room.hub.open(room.now, text), Err(OpenError::Full));
    }
    let mut words = Vec::new();
    room.hub.refusal(text, OpenError::Full, &mut words);
    assert_eq!(words, b"! the server is full, try again later\n");
    room.hub.disconnect(room.now, ids[7]);
    assert_eq!(room.hub.open(room.now, text), Err(OpenError::Full), "the driver has not closed it yet");
    room.commands();
    assert!(room.hub.open(room.now, text).is_ok());
}

#[test]
fn messages_of_everyone_at_once_reach_all_in_one_order() {
    let mut room = Room::new(Config { log_entries: 5_000, log_bytes: 1 << 20, ..small() });
    let ids: Vec<SessionId> = (0..50).map(|_| room.enter("text")).collect();
    for line in 0..20 {
        for id in &ids {
            room.types(*id, format!("line {line}\n"));
        }
    }
    let heard: Vec<Vec<String>> = ids.iter().map(|id| room.read(*id).lines().map(String::from).collect()).collect();
    // Any two of them were sent the messages of the others in the same order.
    let of_others = |n: usize, lines: &[String]| -> Vec<String> {
        let own = ["guest-1: ".to_owned(), format!("guest-{}: ", n + 1)];
        let is_said = |line: &&String| line.contains(": ") && own.iter().all(|own| !line.starts_with(own));
        lines.iter().filter(is_said).cloned().collect()
    };
    for (n, lines) in heard.iter().enumerate().skip(1) {
        assert_eq!(of_others(n, lines), of_others(n, &heard[0]));
        assert_eq!(lines.iter().filter(|line| line.contains(": line")).count(), 49 * 20);
    }
}

#[test]
fn a_flood_of_private_messages_stays_within_the_reply_buffer() {
    let mut scene = Scene::with(small());
    let mut refused = 0;
    for _ in 0..10_000 {
        refused += usize::from(scene.offends("/msg bob psst\n") == "! not delivered: they are not reading\n");
    }
    let told = scene.bob_hears();
    assert_eq!(told.lines().count() + refused, 10_000, "each was delivered or refused");
    assert!(refused > 0 && told.len() <= small().reply_bytes);
    scene.unharmed();
}
