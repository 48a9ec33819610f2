//! The honest clients: a few that send at a moderate rate and check what they are sent.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::load::{CONNECTING, Keepalive, LoadError, Options, Pace, Report, RunId, Sizes, Target, run};

/// How many there are.
pub(super) const CLIENTS: usize = READERS + SENDERS;

const READERS: usize = 4;
const SENDERS: usize = 4;

/// Messages a second, all together.
const RATE: f64 = 8.0;

/// Far below the timeouts of the server that is started for a soak.
const KEEPALIVE: Duration = Duration::from_secs(4);

/// Longer than any soak.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The honest clients, on a thread of their own, so that the hostile ones cannot delay them in this process.
#[derive(Debug)]
pub(super) struct Honest {
    shared: Arc<Shared>,
    thread: JoinHandle<Result<Report, LoadError>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_talking: AtomicBool,
    is_over: AtomicBool,
    open: AtomicUsize,
    lines: AtomicU64,
}

impl Honest {
    /// Makes them connect and begin to talk.
    pub(super) fn start(targets: &[Target], id: RunId) -> Self {
        let options = Options {
            connecting: CONNECTING,
            targets: targets.to_vec(),
            sources: Vec::new(),
            pid: None,
            readers: READERS,
            senders: SENDERS,
            idle: 0,
            pace: Pace::Rate(RATE),
            sizes: Sizes { min: 30, max: 300 },
            warm_up: Duration::ZERO,
            duration: FOR_EVER,
            keepalive: Keepalive::Every(KEEPALIVE),
            json: false,
            quiet: true,
        };
        let shared = Arc::<Shared>::default();
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                run(&options, id, &mut |status| {
                    let got = status.got();
                    shared.is_talking.store(got.messages > 0, Ordering::Relaxed);
                    shared.open.store(status.open(), Ordering::Relaxed);
                    shared.lines.store(got.messages + got.others, Ordering::Relaxed);
                    if shared.is_over.load(Ordering::Relaxed) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
            }
        });
        Self { shared, thread }
    }

    /// Returns whether all of them are connected and receive each other's messages, or have failed to.
    pub(super) fn are_settled(&self) -> bool {
        self.shared.is_talking.load(Ordering::Relaxed) || self.thread.is_finished()
    }

    /// Returns how many are connected.
    pub(super) fn open(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Returns how many lines all of them have received.
    pub(super) fn lines(&self) -> u64 {
        self.shared.lines.load(Ordering::Relaxed)
    }

    /// Lets them receive what is still on its way; returns their report.
    ///
    /// # Panics
    ///
    /// If their thread panicked.
    pub(super) fn end(self) -> Result<Report, LoadError> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("honest clients do not panic")
    }
}
