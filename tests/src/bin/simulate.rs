//! Runs the simulator: `simulate --seed N --steps N`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_tests::sim::{Run, mix};
use clap::Parser;

/// Runs the chat core against its model in a simulated world
#[derive(Parser)]
struct Options {
    /// The first seed; one from the clock if it is not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Steps a seed
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    steps: u64,
    /// How many seeds, one after another
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// Go on through new seeds until something fails
    #[arg(long)]
    forever: bool,
    /// Plant known bugs in the core and check that each is found (with `--features fault-injection`)
    #[arg(long)]
    find_faults: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let first = options.seed.unwrap_or_else(seed_from_clock);
    // A panic of the core is reported later like any failure, with its seed and trace, so the hook prints nothing.
    std::panic::set_hook(Box::new(|_| {}));
    if options.find_faults {
        return find_faults(first);
    }
    for i in 0..if options.forever { u64::MAX } else { options.seeds } {
        let seed = first.wrapping_add(i);
        match simulate(seed, options.steps) {
            Ok(hash) => println!("seed {seed} steps {} hash {hash:016x} ok", options.steps),
            Err(failure) => {
                println!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn simulate(seed: u64, steps: u64) -> Result<u64, Box<chat_tests::sim::Failure>> {
    let (mut run, started, mut told) = (Run::new(seed, steps), Instant::now(), Instant::now());
    let is_watched = std::io::stderr().is_terminal();
    // On a terminal, one line that is overwritten; in a log, a line now and then.
    let (every, start, end) =
        if is_watched { (Duration::from_millis(200), "\r", "") } else { (Duration::from_secs(10), "", "\n") };
    loop {
        let more = run.episode()?;
        if !more || told.elapsed() > every {
            told = Instant::now();
            let rate = u128::from(run.done()) * 1_000 / started.elapsed().as_millis().max(1);
            eprint!("{start}seed {seed} step {} of {steps}, {rate} steps/s{end}", run.done());
            let _ = std::io::stderr().flush();
        }
        if !more {
            if is_watched {
                eprintln!();
            }
            return Ok(run.hash());
        }
    }
}

#[cfg(feature = "fault-injection")]
fn find_faults(seed: u64) -> ExitCode {
    let missed =
        chat_tests::sim::find_faults(seed).inspect(|finding| println!("{finding}")).filter(|f| f.failure.is_none());
    if missed.count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(feature = "fault-injection"))]
fn find_faults(_seed: u64) -> ExitCode {
    eprintln!("simulate: no fault can be planted in this build; build it with --features fault-injection");
    ExitCode::from(2)
}

fn seed_from_clock() -> u64 {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    // A short number is easier to pass on.
    mix(clock as u64) % 1_000_000_000
}
