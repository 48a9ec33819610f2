//! The local addresses to connect from.

use std::net::{IpAddr, Ipv4Addr};

use super::options::{Options, Target};

/// Where to connect from.
pub(super) struct Sources {
    given: Vec<IpAddr>,
    /// How many addresses of 127.0.0.0/8 to use if none is given.
    loopback: usize,
}

/// How many connections to make from one address to one server. Linux has some 28,000 ports for them by default, and
/// tries every second one first: the more are taken, the longer it searches.
const FROM_ONE: usize = 2_000;

impl Sources {
    pub(super) fn new(options: &Options) -> Self {
        let total = options.readers + options.senders + options.idle;
        // Independent of the number of targets, since a bound port is not used for a second target.
        Self { given: options.sources.clone(), loopback: total.div_ceil(FROM_ONE) }
    }

    /// Returns the source address of a connection; `None` leaves it to the system.
    pub(super) fn get(&self, i: usize, target: Target) -> Option<IpAddr> {
        let to = target.addr.ip();
        let given = self.given.iter().filter(|from| from.is_ipv4() == to.is_ipv4());
        match given.clone().count() {
            0 if self.loopback > 1 && to.is_ipv4() && to.is_loopback() => {
                Some(Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + (i % self.loopback) as u32).into())
            }
            0 => None,
            count => given.copied().nth(i % count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::{Dialect, Transport};
    use super::*;

    fn sources(given: &[&str], loopback: usize) -> Sources {
        Sources { given: given.iter().map(|from| from.parse().expect("an address")).collect(), loopback }
    }

    fn from(sources: &Sources, target: &str) -> [Option<String>; 3] {
        let target = Target {
            dialect: Dialect::Text,
            transport: Transport::Lines,
            is_encrypted: false,
            addr: target.parse().expect("an address"),
        };
        [0, 1, 2].map(|i| sources.get(i, target).map(|from| from.to_string()))
    }

    #[test]
    fn the_system_chooses_while_there_are_few() {
        assert_eq!(from(&sources(&[], 1), "127.0.0.1:1"), [None, None, None]);
    }

    #[test]
    fn many_connections_to_this_machine_come_from_several_addresses() {
        let expected = ["127.0.0.1", "127.0.0.2", "127.0.0.1"].map(|from| Some(from.to_owned()));
        assert_eq!(from(&sources(&[], 2), "127.0.0.1:1"), expected);
        assert_eq!(from(&sources(&[], 2), "192.0.2.1:1"), [None, None, None]);
        assert_eq!(from(&sources(&[], 2), "[::1]:1"), [None, None, None]);
    }

    #[test]
    fn those_given_are_used_in_turn_for_servers_of_their_kind() {
        let sources = sources(&["127.0.0.5", "::1", "127.0.0.6"], 2);
        let expected = ["127.0.0.5", "127.0.0.6", "127.0.0.5"].map(|from| Some(from.to_owned()));
        assert_eq!(from(&sources, "127.0.0.1:1"), expected);
        assert_eq!(from(&sources, "[::1]:1"), ["::1", "::1", "::1"].map(|from| Some(from.to_owned())));
    }
}
