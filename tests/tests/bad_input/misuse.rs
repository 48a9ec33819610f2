//! Row *misuse by the driver*: calls that should not have been made.

use std::time::Duration;

use chat_proto::{Batch, CloseReason, Command, Config, OpenError};
use chat_tests::output::pending;
use chat_tests::room::Room;

use super::Scene;

#[test]
fn stale_ids_do_nothing_even_when_their_slot_is_reused() {
    let mut scene = Scene::new();
    let stale = scene.offender;
    scene.room.hub.disconnect(scene.room.now, stale);
    scene.room.commands();
    let heir = scene.room.enter("text");
    assert_eq!(heir.slot(), stale.slot(), "the slot is used again");
    assert_ne!(heir, stale);
    let (now, hub) = (scene.room.now, &mut scene.room.hub);
    let before = (hub.stats(), hub.poll_timeout(), hub.journal(0).count());
    assert_eq!(hub.receive(now, stale, b"/name ghost\nboo\n"), 16, "taken and ignored");
    hub.receive_eof(now, stale);
    hub.disconnect(now, stale);
    hub.kick(now, stale, "out");
    let mut batch = Batch::new();
    assert!(!hub.fill(stale, &mut batch, 100) && !hub.fits(stale, &batch));
    hub.sent(now, stale, &batch, 100);
    assert!(hub.name(stale).is_none() && hub.session_stats(stale).is_none());
    assert_eq!((hub.stats(), hub.poll_timeout(), hub.journal(0).count()), before);
    scene.unharmed();
}

#[test]
fn a_second_disconnect_does_nothing() {
    let mut scene = Scene::new();
    for _ in 0..3 {
        scene.room.hub.disconnect(scene.room.now, scene.offender);
    }
    let closes: Vec<Command> = scene.room.commands();
    assert_eq!(closes, [Command::Close(scene.offender, CloseReason::Disconnected)], "exactly one");
    scene.room.hub.disconnect(scene.room.now, scene.offender);
    assert_eq!(scene.room.commands(), []);
    scene.unharmed();
}

#[test]
fn sent_of_more_than_a_batch_holds_counts_as_all_of_it() {
    let mut scene = Scene::new();
    scene.room.types(scene.offender, "/ping\n");
    let before = scene.room.hub.session_stats(scene.offender).expect("it is there");
    let batch = pending(&mut scene.room.hub, scene.offender);
    scene.room.hub.sent(scene.room.now, scene.offender, &batch, usize::MAX);
    assert_eq!(scene.room.read(scene.offender), "");
    let stats = scene.room.hub.session_stats(scene.offender).expect("it is there");
    assert_eq!(stats.bytes_sent, before.bytes_sent + batch.as_bytes().len() as u64);
    let batch = pending(&mut scene.room.hub, scene.offender);
    scene.room.hub.sent(scene.room.now, scene.offender, &batch, 5);
    assert_eq!(scene.room.hub.session_stats(scene.offender), Some(stats), "nothing was pending, nothing was sent");
    scene.unharmed();
}

#[test]
fn calls_after_shutdown_are_harmless() {
    let mut scene = Scene::new();
    let text = scene.room.hub.dialect("text").expect("a dialect");
    scene.room.hub.shut_down(scene.room.now);
    scene.room.hub.shut_down(scene.room.now);
    assert_eq!(scene.room.hub.open(scene.room.now, text), Err(OpenError::ShuttingDown));
    scene.room.types(scene.alice, "one more thing\n");
    scene.room.hub.announce(scene.room.now, "one more thing");
    scene.room.hub.kick(scene.room.now, scene.bob, "out");
    assert_eq!(scene.bob_hears(), "* server: shutting down\n", "once, and nothing after it");
    scene.quiet();
    let closed = scene.room.commands();
    assert_eq!(closed.len(), 3);
    assert!(closed.iter().all(|command| matches!(command, Command::Close(_, CloseReason::ShutDown))));
    assert!(scene.room.hub.is_closed());
    scene.room.hub.handle_timeout(scene.room.now);
    assert_eq!((scene.room.commands(), scene.room.hub.poll_timeout()), (vec![], None));
}

#[test]
fn handle_timeout_too_early_and_in_a_loop_changes_nothing() {
    let mut scene = Scene::new();
    let before = (scene.room.hub.stats(), scene.room.hub.poll_timeout(), scene.room.hub.journal(0).count());
    for _ in 0..10_000 {
        scene.room.pass(Duration::ZERO);
    }
    let after = (scene.room.hub.stats(), scene.room.hub.poll_timeout(), scene.room.hub.journal(0).count());
    assert_eq!(after, before);
    scene.unharmed();
}

#[test]
fn a_driver_that_drains_late_loses_nothing() {
    let mut room = Room::new(Config { rate: None, ..Config::default() });
    let (one, two, three) = (room.enter("text"), room.enter("text"), room.enter("text"));
    room.commands();
    for i in 0..1_000 {
        room.types(one, format!("line {i}\n"));
        room.types(two, "/ping\n");
        room.read(two);
    }
    room.types(three, "/quit\n");
    // A session has at most one command of each kind, however late the driver drains.
    let commands = room.commands();
    assert!(commands.len() <= 3 && commands.contains(&Command::Send(three)), "{commands:?}");
    assert_eq!(room.read(three).lines().count(), 1 + 1_000 + 1, "the welcome, all messages and the good-bye");
    assert_eq!(room.commands(), [Command::Close(three, CloseReason::Quit)]);
}

#[test]
fn a_driver_that_never_drains_holds_the_slots_and_no_more() {
    let config = Config { max_sessions: 10, rate: None, ..Config::default() };
    let mut room = Room::new(config);
    let text = room.hub.dialect("text").expect("a dialect");
    let ids: Vec<_> = (0..10).map(|_| room.hub.open(room.now, text).expect("there is room")).collect();
    for _ in 0..100 {
        for id in &ids {
            room.hub.receive(room.now, *id, b"hello\n/ping\n");
            room.hub.disconnect(room.now, *id);
        }
        assert_eq!(room.hub.open(room.now, text), Err(OpenError::Full));
        room.pass(Duration::from_secs(1));
    }
    assert_eq!(room.commands().len(), 10);
    assert!(room.hub.open(room.now, text).is_ok());
}

#[test]
fn a_batch_of_another_session_is_not_counted() {
    let mut scene = Scene::new();
    scene.room.types(scene.alice, "hello\n");
    let mut batch = Batch::new();
    assert!(scene.room.hub.fill(scene.bob, &mut batch, 1_000));
    scene.room.hub.sent(scene.room.now, scene.alice, &batch, batch.as_bytes().len());
    assert!(scene.room.commands().len() <= 3, "commands are not repeated for ever");
    assert_eq!(scene.bob_hears(), "alice: hello\n");
    scene.quiet();
    scene.unharmed();
}

#[test]
fn a_batch_reported_again_moves_nobody_back() {
    let mut scene = Scene::new();
    scene.room.types(scene.alice, "hello\n");
    let mut batch = Batch::new();
    assert!(scene.room.hub.fill(scene.bob, &mut batch, 1_000));
    let (now, len) = (scene.room.now, batch.as_bytes().len());
    scene.room.hub.sent(now, scene.bob, &batch, len);
    scene.room.types(scene.alice, "one\ntwo\n");
    assert_eq!(scene.bob_hears(), "alice: one\nalice: two\n");
    for n in [len, len - 1, 1, 0] {
        scene.room.hub.sent(now, scene.bob, &batch, n);
        assert_eq!(scene.bob_hears(), "", "after {n} bytes");
    }
    scene.unharmed();
}
