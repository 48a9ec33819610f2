//! Row *slow and silent*: peers that read or send slowly, or not at all.

use std::time::Duration;

use chat_proto::{CloseReason, Command, Config, DialectConfig, OnLag, SessionId};
use chat_tests::output::pending;
use chat_tests::room::Room;

use super::Scene;

const SECOND: Duration = Duration::from_secs(1);

/// Limits that close a session after ten seconds of silence, or five without reading.
fn impatient() -> Config {
    let mut config =
        Config { rate: None, stall_timeout: Some(5 * SECOND), linger_timeout: 2 * SECOND, ..Config::default() };
    config.dialects.iter_mut().for_each(|dialect| dialect.idle_timeout = Some(10 * SECOND));
    config
}

/// Makes alice and bob send an empty line and read, so that they are not closed.
fn keep_awake(scene: &mut Scene) {
    for id in [scene.alice, scene.bob] {
        scene.room.types(id, "\n");
        scene.room.read(id);
    }
}

#[test]
fn slowloris_is_closed_because_it_completes_no_line() {
    let mut scene = Scene::with(impatient());
    for _ in 0..4 {
        scene.offends("x");
        scene.room.pass(2 * SECOND);
        keep_awake(&mut scene);
    }
    assert_eq!(scene.closed(), None);
    scene.offends("x");
    scene.room.pass(2 * SECOND);
    assert_eq!(scene.room.read(scene.offender), "! closed: timed out\n");
    assert_eq!(scene.closed(), Some(CloseReason::Idle));
    scene.unharmed();
}

#[test]
fn an_empty_line_now_and_then_keeps_a_session_open() {
    let mut scene = Scene::with(impatient());
    for _ in 0..20 {
        scene.offends("\r\n");
        scene.room.pass(9 * SECOND);
        keep_awake(&mut scene);
    }
    assert_eq!(scene.closed(), None);
    scene.unharmed();
}

#[test]
fn silence_is_answered_and_closed() {
    let mut scene = Scene::with(impatient());
    scene.offends("/name mallory\n");
    scene.quiet();
    scene.room.pass(9 * SECOND);
    keep_awake(&mut scene);
    scene.room.pass(SECOND);
    assert_eq!(scene.bob_hears(), "* mallory left (timed out)\n");
    assert_eq!(scene.closed(), Some(CloseReason::Idle));
    scene.unharmed();
}

#[test]
fn a_session_that_never_reads_is_closed_and_others_are_unharmed() {
    let mut scene = Scene::with(impatient());
    scene.room.types(scene.alice, "hello\n");
    scene.quiet_but_offender();
    let sends: Vec<Command> = scene.room.commands();
    assert!(sends.contains(&Command::Send(scene.offender)), "the driver tries, and its socket takes nothing");
    for _ in 0..4 {
        scene.room.pass(SECOND);
        scene.room.types(scene.offender, "I can talk though\n");
        keep_awake(&mut scene);
    }
    assert_eq!(scene.room.commands(), [], "it is not asked again until the socket takes something");
    scene.room.pass(SECOND);
    assert!(scene.room.commands().contains(&Command::Close(scene.offender, CloseReason::Stalled)));
    scene.quiet();
    scene.unharmed();
}

impl Scene {
    /// Reads and drops what is pending for all but the offender.
    fn quiet_but_offender(&mut self) {
        self.room.read(self.alice);
        self.room.read(self.bob);
    }
}

#[test]
fn a_reader_of_one_byte_a_second_stays_and_gets_whole_lines() {
    let mut scene = Scene::with(Config { log_entries: 4, pace: None, ..impatient() });
    scene.room.types(scene.alice, "a line that will be read one byte a second\n");
    scene.room.commands();
    let mut heard = Vec::new();
    for second in 0..800 {
        let (now, offender) = (scene.room.now, scene.offender);
        let pending = pending(&mut scene.room.hub, offender);
        heard.extend(pending.as_bytes().first());
        scene.room.hub.sent(now, offender, &pending, 1);
        scene.room.pass(SECOND);
        keep_awake(&mut scene);
        // Meanwhile the log evicts the line that is half read.
        if second % 60 == 0 {
            scene.room.types(scene.alice, "more\n".repeat(10));
        }
        scene.room.types(scene.offender, "\n");
        scene.room.read(scene.bob);
    }
    let heard = String::from_utf8(heard).expect("text");
    let mut lines = heard.lines();
    assert_eq!(
        lines.next(),
        Some("alice: a line that will be read one byte a second"),
        "a line once begun is finished"
    );
    let (mut missed, mut read) = (0, 0);
    for line in heard.split_inclusive('\n').skip(1).filter(|line| line.ends_with('\n')) {
        if let Some(rest) = line.strip_prefix("* missed ") {
            missed += rest.split(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("a number");
        } else {
            assert_eq!(line, "alice: more\n");
            read += 1;
        }
    }
    let stats = scene.room.hub.session_stats(scene.offender).expect("it is still there");
    assert!(missed > 20 && read > 20, "{missed} missed, {read} read");
    assert!(stats.missed >= missed, "and it is counted");
}

#[test]
fn a_request_before_a_half_close_is_answered() {
    let mut scene = Scene::with(impatient());
    scene.room.types(scene.offender, "/name mallory\n/ping\n");
    scene.room.hub.receive_eof(scene.room.now, scene.offender);
    scene.room.types(scene.alice, "too late for mallory\n");
    assert_eq!(
        scene.room.read(scene.offender),
        "* you are now mallory\n* pong\n",
        "what was pending before the half-close, and nothing after it"
    );
    assert_eq!(scene.closed(), Some(CloseReason::Eof));
    assert_eq!(scene.bob_hears(), "* mallory joined\n* mallory left\nalice: too late for mallory\n");
    scene.unharmed();
}

#[test]
fn a_half_closed_session_that_never_reads_ends_after_the_linger_timeout() {
    let mut scene = Scene::with(impatient());
    scene.room.types(scene.offender, "/ping\n");
    scene.room.hub.receive_eof(scene.room.now, scene.offender);
    scene.room.commands();
    scene.room.pass(SECOND);
    assert_eq!(scene.room.commands(), []);
    scene.room.pass(SECOND);
    assert_eq!(scene.room.commands(), [Command::Close(scene.offender, CloseReason::Eof)]);
    scene.unharmed();
}

#[test]
fn a_reset_at_every_stage_frees_everything() {
    let stages: [fn(&mut Scene); 8] = [
        |_| {},
        |scene| scene.room.types(scene.offender, "half a li"),
        |scene| scene.room.types(scene.offender, "/name mallory\n"),
        |scene| scene.room.types(scene.offender, "/ping\n/who\n/help\n"),
        |scene| {
            // In the middle of an outgoing line.
            scene.room.types(scene.offender, "/ping\n");
            scene.room.commands();
            let pending = pending(&mut scene.room.hub, scene.offender);
            scene.room.hub.sent(scene.room.now, scene.offender, &pending, 3);
        },
        |scene| scene.room.types(scene.offender, "/quit\n"),
        |scene| scene.room.hub.kick(scene.room.now, scene.offender, "out"),
        |scene| scene.room.hub.shut_down(scene.room.now),
    ];
    for (n, stage) in stages.into_iter().enumerate() {
        let mut scene = Scene::with(impatient());
        stage(&mut scene);
        scene.room.hub.disconnect(scene.room.now, scene.offender);
        let closes = |command: &Command| matches!(command, Command::Close(id, _) if *id == scene.offender);
        assert_eq!(scene.room.commands().iter().filter(|command| closes(command)).count(), 1, "stage {n}");
        assert_eq!(scene.room.hub.session_stats(scene.offender), None, "stage {n}");
        assert!(scene.room.hub.poll_command().is_none());
    }
}

#[test]
fn sessions_that_time_out_in_the_same_instant_are_all_closed() {
    let mut config = impatient();
    config.max_sessions = 1_000;
    let mut room = Room::new(config);
    let ids: Vec<SessionId> = (0..1_000).map(|_| room.enter("text")).collect();
    for id in &ids {
        room.types(*id, "hello\n");
    }
    for id in &ids {
        room.read(*id);
    }
    room.commands();
    room.pass(10 * SECOND);
    assert!(room.hub.poll_timeout().is_none_or(|next| next > room.now), "one wake-up was enough");
    for id in ids.iter().rev() {
        let read = room.read(*id);
        assert!(read.ends_with("! closed: timed out\n"), "{read}");
    }
    let closed: Vec<Command> = room.commands();
    assert_eq!(closed.len(), 1_000);
    assert!(closed.iter().all(|command| matches!(command, Command::Close(_, CloseReason::Idle))));
    assert_eq!(room.hub.stats().sessions, 0);
}

#[test]
fn a_lagged_session_is_closed_if_so_configured() {
    let mut scene = Scene::with(Config { on_lag: OnLag::Close, log_entries: 4, pace: None, ..impatient() });
    for _ in 0..10 {
        scene.room.types(scene.alice, "talk\n");
        scene.room.read(scene.bob);
    }
    let heard = scene.room.read(scene.offender);
    assert!(
        heard.starts_with("* missed 6 messages\n") && heard.ends_with("! closed: fell 6 messages behind\n"),
        "{heard}"
    );
    assert_eq!(scene.closed(), Some(CloseReason::Lagged { missed: 6 }));
    scene.unharmed();
}

#[test]
fn timeouts_may_be_off() {
    let mut config = Config { stall_timeout: None, ..impatient() };
    config.dialects.iter_mut().for_each(|DialectConfig { idle_timeout, .. }| *idle_timeout = None);
    let mut scene = Scene::with(config);
    scene.room.pass(Duration::from_secs(1_000_000_000));
    assert_eq!((scene.closed(), scene.room.hub.poll_timeout()), (None, None));
    scene.unharmed();
}
