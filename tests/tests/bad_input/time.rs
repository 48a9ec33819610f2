//! Row *time*: clocks that stand still, leap or step back.

use std::time::Duration;

use chat_proto::{CloseReason, Command, Config, SessionId, Timestamp};
use chat_tests::room::Room;

use super::Scene;

const SECOND: Duration = Duration::from_secs(1);

/// Limits with an idle timeout of ten seconds.
fn config() -> Config {
    let mut config = Config::default();
    config.dialects.iter_mut().for_each(|dialect| dialect.idle_timeout = Some(10 * SECOND));
    config
}

#[test]
fn a_clock_that_stands_still_closes_nobody_and_still_limits_the_rate() {
    let mut scene = Scene::with(config());
    let lines = "x\n".repeat(150);
    assert_eq!(
        scene.room.hub.receive(scene.room.now, scene.offender, lines.as_bytes()),
        200,
        "a burst of a hundred lines"
    );
    for _ in 0..1_000 {
        scene.room.pass(Duration::ZERO);
        assert_eq!(scene.room.hub.receive(scene.room.now, scene.offender, b"x\n"), 0);
    }
    scene.quiet();
    assert!(!scene.room.commands().iter().any(|command| matches!(command, Command::Close(..) | Command::Read(_))));
    scene.unharmed();
}

#[test]
fn a_leap_of_years_closes_idle_sessions_at_once() {
    let mut scene = Scene::with(config());
    scene.room.pass(Duration::from_secs(20 * 365 * 24 * 3_600));
    for id in [scene.alice, scene.bob, scene.offender] {
        assert!(scene.room.read(id).ends_with("! closed: timed out\n"));
    }
    assert_eq!(scene.room.commands().len(), 3);
    assert_eq!(scene.room.hub.poll_timeout(), None);
    let newcomer = scene.room.enter("text");
    scene.room.types(newcomer, "what year is it?\n");
}

#[test]
fn a_clock_that_steps_back_counts_as_the_latest_time_seen() {
    let mut scene = Scene::with(config());
    scene.room.pass(5 * SECOND);
    scene.quiet();
    let before = scene.room.now;
    scene.room.now = Timestamp::ZERO;
    scene.offends("hello\n");
    scene.room.now = before;
    scene.quiet();
    scene.room.types(scene.alice, "\n");
    scene.room.types(scene.bob, "\n");
    scene.room.pass(9 * SECOND);
    assert_eq!(scene.closed(), None, "the line came at 5 s, whatever the clock said");
    scene.room.types(scene.alice, "\n");
    scene.room.types(scene.bob, "\n");
    scene.room.pass(SECOND);
    assert_eq!(scene.closed(), Some(CloseReason::Idle), "and ten seconds after that it is closed");
    scene.quiet();
    scene.unharmed();
}

#[test]
fn deadlines_at_the_same_instant_are_all_kept() {
    let mut room = Room::new(config());
    let ids: Vec<SessionId> = (0..300).map(|_| room.enter("classic")).collect();
    assert_eq!(room.hub.poll_timeout(), Some(Timestamp::ZERO + 10 * SECOND));
    room.pass(Duration::from_nanos(9_999_999_999));
    assert_eq!(room.commands(), [], "not a nanosecond too early");
    room.pass(Duration::from_nanos(1));
    for id in &ids {
        room.read(*id);
    }
    assert_eq!(room.commands().len(), 300);
}

#[test]
fn timestamp_max_is_no_deadline_and_nothing_overflows() {
    let mut scene = Scene::with(config());
    scene.room.now = Timestamp::MAX;
    scene.room.hub.handle_timeout(Timestamp::MAX);
    for id in [scene.alice, scene.bob, scene.offender] {
        assert!(scene.room.read(id).ends_with("! closed: timed out\n"));
    }
    scene.room.commands();
    let ids = [scene.room.enter("text"), scene.room.enter("text")];
    assert_eq!(scene.room.hub.poll_timeout(), None, "a deadline beyond the end of time is none");
    for _ in 0..500 {
        scene.room.types(ids[0], "still here?\n");
        scene.room.hub.handle_timeout(Timestamp::MAX);
        assert!(scene.room.read(ids[1]).ends_with("guest-1: still here?\n") || scene.room.hub.stats().sessions == 2);
    }
    scene.room.hub.shut_down(Timestamp::MAX);
    for id in &ids {
        scene.room.read(*id);
    }
    scene.room.commands();
    assert!(scene.room.hub.is_closed());
}
