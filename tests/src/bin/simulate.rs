//! Runs the simulator: `simulate --seed N --steps N`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_tests::sim::{Run, mix};
use lexopt::prelude::*;

const HELP: &str = "\
Plays the chat core against its model in a simulated world.

  --seed N     the first seed; one from the clock if it is not given
  --steps N    steps a seed [1000000]
  --seeds N    how many seeds, one after another [1]
  --forever    go on through new seeds until something fails
  --find-faults
               plant known bugs in the core and see that each is noticed
               (with `--features fault-injection`)
";

struct Options {
    seed: u64,
    steps: u64,
    seeds: u64,
    find_faults: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulate: {error}; --help tells what there is");
            return ExitCode::from(2);
        }
    };
    // A panic of the core is a failure like others; it is told of with its seed and trace, not in between.
    std::panic::set_hook(Box::new(|_| {}));
    if options.find_faults {
        return find_faults(options.seed);
    }
    for i in 0..options.seeds {
        let seed = options.seed.wrapping_add(i);
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
    // On a terminal one line that moves; in a log a line now and then.
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

fn options() -> Result<Option<Options>, lexopt::Error> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    // Few enough digits to be told over the telephone.
    let mut options =
        Options { seed: mix(clock as u64) % 1_000_000_000, steps: 1_000_000, seeds: 1, find_faults: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(option) = parser.next()? {
        match option {
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("steps") => options.steps = parser.value()?.parse()?,
            Long("seeds") => options.seeds = parser.value()?.parse()?,
            Long("find-faults") => options.find_faults = true,
            Long("forever") => options.seeds = u64::MAX,
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            _ => return Err(option.unexpected()),
        }
    }
    Ok(Some(options))
}
