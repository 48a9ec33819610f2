//! What tells a server from earlier ones. The core has neither a clock nor random numbers, so drivers bring them.

use core::time::Duration;

use super::cloak::CloakKey;
use super::connected_hub::ConnectedHub;
use crate::config::{Config, ConfigError};
use crate::hub::Hub;

impl<T> ConnectedHub<T> {
    /// Makes the hub of a server that starts now, with a key for [cloaks](CloakKey).
    ///
    /// Sets [`Config::started`] to `since_1970`, the time of the system's clock, and [`Config::life`] to a random
    /// number, where the program has left them 0. `random` returns numbers that nobody can guess; std has such in the
    /// keys of its hashes, `RandomState::new().build_hasher().finish()`.
    ///
    /// # Errors
    ///
    /// A limit in `config` is out of its range.
    pub fn start(
        mut config: Config,
        since_1970: Duration,
        mut random: impl FnMut() -> u64,
    ) -> Result<Self, ConfigError> {
        if config.started == 0 {
            config.started = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
        }
        if config.life == 0 {
            config.life = random();
        }
        let mut connected = Self::new(Hub::new(config)?);
        connected.cloak_with(CloakKey::new(random(), random()));
        Ok(connected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_has_set_stays() {
        let start = |config, millis, random| {
            let connected = ConnectedHub::<()>::start(config, Duration::from_millis(millis), || random);
            connected.expect("the limits are in range").hub().config().clone()
        };
        let set = start(Config::default(), 7, 9);
        assert_eq!((set.started, set.life), (7, 9));
        let again = start(set, 8, 10);
        assert_eq!((again.started, again.life), (7, 9));
    }
}
