//! What tells a server from earlier ones. The core has neither a clock nor random numbers, so drivers bring them.

use core::time::Duration;

use crate::config::Config;

/// Sets [`Config::started`] and [`Config::life`] where the program has left them 0. `since_1970` is the time of the
/// system's clock, and `random` a number that nobody can guess.
#[must_use]
pub fn with_start(mut config: Config, since_1970: Duration, random: u64) -> Config {
    if config.started == 0 {
        config.started = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    }
    if config.life == 0 {
        config.life = random;
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_has_set_stays() {
        let set = with_start(Config::default(), Duration::from_millis(7), 9);
        assert_eq!((set.started, set.life), (7, 9));
        let again = with_start(set, Duration::from_millis(8), 10);
        assert_eq!((again.started, again.life), (7, 9));
    }
}
