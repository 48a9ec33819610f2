//! Properties of the hub.

use chat_proto::{Batch, Config, Hub, SessionId};
use chat_tests::output::pending;
use proptest::collection::vec;
use proptest::prelude::*;

use super::bench::{Bench, Call, ROOMS, calls, tight, typing};
use super::config;

/// Returns the output of all sessions when the input of one arrives in these pieces.
fn heard(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut bench = Bench::new(&Config { rate: None, max_line: 100, ..Config::default() });
    for classic in [false, true, false] {
        bench.make(&Call::Open { classic });
    }
    let ids = bench.ids.clone();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            rest = &rest[bench.hub.receive(bench.now, ids[0], rest)..];
            bench.drain();
        }
    }
    ids.iter().map(|id| bench.sent_to(*id)).collect()
}

/// Returns the output of all sessions when sockets take as many bytes at a time as the pattern says.
fn read(calls: &[Call], pattern: &[usize]) -> Vec<Vec<u8>> {
    // The log holds everything and no time passes; otherwise a slow reader could miss messages. No command is polled,
    // so that no session is closed while another still reads.
    let mut bench = Bench::new(&Config { rate: None, max_line: 100, ..Config::default() });
    for (call, most) in calls.iter().zip(pattern.iter().cycle()) {
        if !matches!(call, Call::Pass { .. } | Call::Write { .. } | Call::Disconnect { .. } | Call::Command) {
            bench.make(call);
        }
        // Vary the order of the readers, too.
        bench.make(&Call::Write { who: *most, most: *most });
    }
    let ids = bench.ids.clone();
    // What a reader has not been sent when it speaks in another room has a label, even of the room in which it spoke.
    let unlabelled = |line: &[u8]| {
        let label = ROOMS.map(|room| format!("[{room}] "));
        label.iter().find_map(|label| line.strip_prefix(label.as_bytes())).unwrap_or(line).to_vec()
    };
    for most in pattern.iter().cycle() {
        for id in &ids {
            bench.write(*id, *most);
        }
        if ids.iter().all(|id| is_quiet(&mut bench.hub, *id)) {
            break;
        }
    }
    ids.iter()
        .map(|id| bench.sent_to(*id).split_inclusive(|byte| *byte == b'\n').flat_map(unlabelled).collect())
        .collect()
}

fn is_quiet(hub: &mut Hub, id: SessionId) -> bool {
    pending(hub, id).as_bytes().is_empty()
}

/// Everything that a hub's queries return.
fn query_results(hub: &mut Hub) -> impl PartialEq + std::fmt::Debug + use<> {
    let ids: Vec<SessionId> = hub.sessions().collect();
    // Pending bytes first, since `fill` may change the other results: a session that turns out to lag may be closed,
    // and the notice of that may make another one lag.
    for id in ids.iter().cycle().take(ids.len() * ids.len()) {
        hub.fill(*id, &mut Batch::new(), usize::MAX);
    }
    let of = |id: SessionId| (pending(hub, id).as_bytes().to_vec(), id, hub.name(id), hub.session_stats(id));
    let each: Vec<_> = ids.into_iter().map(of).collect();
    (each, hub.stats(), hub.poll_timeout(), hub.journal(0).collect::<Vec<_>>(), hub.is_closed())
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn output_does_not_depend_on_how_input_is_cut(input in vec(typing(), 1..8), cuts in vec(any::<usize>(), 0..12)) {
        let input = input.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).chain([0, input.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &input[cut[0]..cut[1]]).collect();
        let whole = heard(&[&input]);
        prop_assert_eq!(&heard(&pieces), &whole);
        prop_assert_eq!(heard(&input.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn output_does_not_depend_on_partial_writes(
        calls in calls(60),
        one in vec(1..200_usize, 1..20),
        other in vec(1..200_usize, 1..20),
    ) {
        prop_assert_eq!(read(&calls, &one), read(&calls, &other));
    }

    #[test]
    fn after_a_timeout_the_next_is_later_or_none(config in tight(), calls in calls(80)) {
        let mut bench = Bench::new(&config);
        for call in &calls {
            bench.make(call);
            bench.make(&Call::Timeout);
            prop_assert!(bench.hub.poll_timeout().is_none_or(|next| next > bench.now));
        }
    }

    #[test]
    fn a_timeout_too_early_changes_nothing(config in tight(), calls in calls(80)) {
        let mut bench = Bench::new(&config);
        for call in &calls {
            bench.make(call);
            bench.make(&Call::Timeout);
            let before = query_results(&mut bench.hub);
            bench.make(&Call::Timeout);
            prop_assert_eq!(query_results(&mut bench.hub), before);
        }
    }

    #[test]
    fn pending_bytes_mean_a_command_that_was_or_will_be_given(config in tight(), calls in calls(80)) {
        let mut bench = Bench::new(&config);
        for call in &calls {
            bench.make(call);
            for id in bench.hub.sessions().collect::<Vec<_>>() {
                let is_told = bench.told.contains(&id) || bench.hub.has_commands();
                prop_assert!(is_told || is_quiet(&mut bench.hub, id), "nobody is told of these bytes");
            }
        }
        bench.drain();
        for id in bench.hub.sessions().collect::<Vec<_>>() {
            prop_assert!(is_quiet(&mut bench.hub, id));
        }
    }

    #[test]
    fn calls_with_stale_ids_change_nothing(config in tight(), calls in calls(80)) {
        let mut bench = Bench::new(&config);
        for call in &calls {
            bench.make(call);
        }
        // Every call advances the clock, so advance it beforehand.
        bench.make(&Call::Timeout);
        let before = query_results(&mut bench.hub);
        for id in bench.gone.clone() {
            let taken = bench.hub(|hub, now| {
                hub.receive_eof(now, id);
                hub.disconnect(now, id);
                hub.kick(now, id, "out");
                hub.sent(now, id, &Batch::new(), 100);
                hub.receive(now, id, b"/name ghost\nboo\n")
            });
            prop_assert_eq!(taken, 16, "taken and ignored");
            prop_assert!(is_quiet(&mut bench.hub, id));
            prop_assert!(bench.hub.name(id).is_none() && bench.hub.session_stats(id).is_none());
        }
        prop_assert_eq!(query_results(&mut bench.hub), before);
    }

    #[test]
    fn the_same_calls_give_the_same_bytes(config in tight(), calls in calls(80)) {
        let play = || {
            let mut bench = Bench::new(&config);
            for call in &calls {
                bench.make(call);
            }
            bench.drain();
            // As text, since ids of different hubs are never equal.
            (format!("{:?}", query_results(&mut bench.hub)), format!("{:?}", bench.seen))
        };
        let (one, other) = (play(), play());
        prop_assert_eq!(one.1, other.1);
        prop_assert_eq!(one.0, other.0);
    }

    #[test]
    fn live_heap_stays_within_the_bound(config in tight(), calls in calls(120)) {
        let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
        let mut bench = Bench::new(&config);
        for call in &calls {
            bench.make(call);
            prop_assert!(bench.meter.peak <= bound, "{} bytes, over {bound}", bench.meter.peak);
        }
        let Bench { hub, mut meter, .. } = bench;
        meter.scope(|| drop(hub));
        prop_assert_eq!(meter.live, 0, "nothing is left behind");
    }

    #[test]
    fn no_input_stops_the_hub(config in tight(), bytes in vec(any::<u8>(), 0..2_000)) {
        let mut bench = Bench::new(&config);
        for classic in [true, false] {
            bench.make(&Call::Open { classic });
            for who in 0..bench.ids.len() {
                bench.make(&Call::Receive { who, bytes: bytes.clone() });
            }
            bench.drain();
        }
        bench.make(&Call::ShutDown);
        bench.drain();
        prop_assert!(bench.hub.is_closed());
    }
}
