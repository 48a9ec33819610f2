//! Runs: a seed's episodes one after another, and the report of a failure.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::episode::Episode;
use super::random::{Digest, mix};
use super::shrink::shrink;
use super::step::Step;
use super::world::World;
use crate::model::{Checked, Difference, differ};

/// Roughly the steps of an episode: enough for logs to wrap and clocks to leap, few enough to be shrunk at once.
const EPISODE: u64 = 4_000;

/// How many steps an episode continues after its hub is closed.
const AFTERWARDS: u64 = 50;

/// A run of the simulator over one seed.
#[derive(Debug)]
pub struct Run {
    seed: u64,
    steps: u64,
    done: u64,
    episodes: u64,
    digest: Digest,
}

/// A failure, and how to repeat it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed of the run.
    pub seed: u64,
    /// After how many steps of the run it was noticed.
    pub step: u64,
    /// The broken rule.
    pub difference: Difference,
    /// The steps of the episode.
    pub trace: Vec<Step>,
    /// The episode's hub and driver.
    pub episode: Episode,
}

impl Run {
    /// Makes a run of so many steps.
    #[must_use]
    pub const fn new(seed: u64, steps: u64) -> Self {
        Self { seed, steps, done: 0, episodes: 0, digest: Digest::new() }
    }

    /// Returns how many steps have been done.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.done
    }

    /// Runs the next episode; returns false if there is none.
    ///
    /// # Errors
    ///
    /// The first rule found broken.
    pub fn episode(&mut self) -> Result<bool, Box<Failure>> {
        let left = self.steps - self.done;
        if left == 0 {
            return Ok(false);
        }
        let (episode, mut random) = Episode::draw(self.seed, self.episodes);
        let length = left.min(random.between(EPISODE / 4, EPISODE * 2));
        let mut steps = Vec::new();
        let played = attempt(&episode, |world| {
            // Once the hub is closed, little more can happen.
            let mut rest = AFTERWARDS;
            while (steps.len() as u64) < length && rest > 0 {
                let step = episode.weather.step(&mut random, world);
                steps.push(step);
                world.apply(step)?;
                rest -= u64::from(world.is_over());
            }
            Ok(())
        });
        self.episodes += 1;
        match played {
            Ok(digest) => {
                self.digest.number(digest);
                self.done += steps.len() as u64;
                Ok(true)
            }
            Err(difference) => {
                let step = self.done + steps.len() as u64;
                Err(Box::new(Failure { seed: self.seed, step, difference, trace: steps, episode }))
            }
        }
    }

    /// Returns the hash of everything observed.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        mix(self.digest.value() ^ self.done)
    }
}

/// Plays the steps in a new world, to its end; returns the digest of everything observed.
///
/// # Errors
///
/// The first rule found broken.
pub fn play(episode: &Episode, steps: &[Step]) -> Checked<u64> {
    attempt(episode, |world| steps.iter().try_for_each(|step| world.apply(*step)))
}

/// Makes a world, plays steps in it, and ends it. A panic counts as a broken rule.
fn attempt(episode: &Episode, happen: impl FnOnce(&mut World) -> Checked) -> Checked<u64> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(episode);
        happen(&mut world)?;
        world.end()
    }));
    played.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        differ("panic", words)
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, difference, trace, episode } = self;
        writeln!(f, "seed {seed} step {step}: {difference}")?;
        writeln!(f, "replay: cargo run --release -p chat-tests --bin simulate -- --seed {seed} --steps {step}")?;
        let (shrunk, difference) = shrink(episode, trace.clone(), difference);
        writeln!(f, "the same in {} steps: {difference}", shrunk.len())?;
        writeln!(f, "with {:?}\n     {:?}", episode.config, episode.conduct)?;
        for (i, step) in shrunk.iter().enumerate() {
            writeln!(f, "{i:5}  {step:?}{}", step.note(&episode.conduct))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
