//! Exemptions: networks whose connections are not counted by address.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use crate::origin::Origin;

/// The networks whose peers are not counted by address. For drivers, because the hub knows no addresses.
///
/// By default these are the machine itself, by loopback and by Unix sockets: `127.0.0.0/8,::1/128,unix`.
///
/// ```
/// use chat_proto::{Exemptions, Origin};
///
/// let exempt: Exemptions = "127.0.0.0/8,2001:db8::/32,unix".parse()?;
/// let origin = |addr: &str| exempt.origin(Some(addr.parse().expect("an address")));
/// assert_eq!(origin("127.0.0.1"), None);
/// assert_eq!(origin("::ffff:127.0.0.1"), None, "as a listener for both kinds of addresses has it");
/// assert_eq!(origin("192.0.2.1"), Some(Origin::from_ipv4([192, 0, 2, 1].into())));
/// assert_eq!(exempt.origin(None), None, "on a Unix socket");
/// # Ok::<(), chat_proto::ExemptionsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemptions {
    networks: Vec<Network>,
    unix: bool,
}

/// The addresses that begin with the same bits as this one, IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    addr: IpAddr,
    /// How many bits.
    prefix: u32,
}

/// How a list says that it is empty, and that it includes Unix sockets.
const NONE: &str = "none";
const UNIX: &str = "unix";

/// The origin of all peers on Unix sockets, where those are counted. They have no addresses to distinguish them.
const UNIX_ORIGIN: Origin = Origin::new([0xff; 16]);

impl Exemptions {
    /// Makes an empty list: everyone is counted.
    #[must_use]
    pub const fn none() -> Self {
        Self { networks: Vec::new(), unix: false }
    }

    /// Returns where a peer with that address comes from, for [`Hub::open_from`](crate::Hub::open_from); a peer without
    /// one is on a Unix socket. `None`: it is not counted.
    ///
    /// An IPv4 address that is mapped into IPv6 is that IPv4 address. All peers on Unix sockets have one origin.
    #[must_use]
    pub fn origin(&self, addr: Option<IpAddr>) -> Option<Origin> {
        match addr {
            _ if self.contains(addr) => None,
            Some(addr) => Some(addr.to_canonical().into()),
            None => Some(UNIX_ORIGIN),
        }
    }

    /// Returns whether the list has that address, or Unix sockets (`None`). So a list of networks can also decide whom
    /// a server turns away.
    #[must_use]
    pub fn contains(&self, addr: Option<IpAddr>) -> bool {
        let Some(addr) = addr else { return self.unix };
        let addr = addr.to_canonical();
        self.networks.iter().any(|network| network.contains(addr))
    }
}

impl Default for Exemptions {
    fn default() -> Self {
        let networks = vec![
            Network { addr: Ipv4Addr::new(127, 0, 0, 0).into(), prefix: 8 },
            Network { addr: Ipv6Addr::LOCALHOST.into(), prefix: 128 },
        ];
        Self { networks, unix: true }
    }
}

impl Network {
    /// Returns the network that the address belongs to: the same one with the bits beyond the prefix cleared.
    fn without_host_bits(self) -> Self {
        let Self { addr, prefix } = self;
        // A shift by all bits is none at all.
        let addr = match addr {
            IpAddr::V4(addr) => Ipv4Addr::from_bits(addr.to_bits() & !u32::MAX.checked_shr(prefix).unwrap_or(0)).into(),
            IpAddr::V6(addr) => {
                Ipv6Addr::from_bits(addr.to_bits() & !u128::MAX.checked_shr(prefix).unwrap_or(0)).into()
            }
        };
        Self { addr, prefix }
    }

    fn contains(self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(mine), IpAddr::V4(addr)) => (mine.to_bits() ^ addr.to_bits()).leading_zeros() >= self.prefix,
            (IpAddr::V6(mine), IpAddr::V6(addr)) => (mine.to_bits() ^ addr.to_bits()).leading_zeros() >= self.prefix,
            _ => false,
        }
    }
}

/// Reads `none`, or addresses, networks and `unix`, separated by commas.
impl FromStr for Exemptions {
    type Err = ExemptionsError;

    fn from_str(list: &str) -> Result<Self, ExemptionsError> {
        let mut exempt = Self::none();
        if list == NONE {
            return Ok(exempt);
        }
        for item in list.split(',') {
            if item == UNIX {
                exempt.unix = true;
            } else {
                exempt.networks.push(item.parse()?);
            }
        }
        Ok(exempt)
    }
}

/// Reads `ADDRESS/BITS`, or an address alone. All other bits of the address must be 0: `10.0.0.1/8` may be meant as
/// that network or as that machine.
impl FromStr for Network {
    type Err = ExemptionsError;

    fn from_str(item: &str) -> Result<Self, ExemptionsError> {
        let wrong = || ExemptionsError::NoNetwork { item: item.to_owned() };
        let (addr, prefix) = item.split_once('/').map_or((item, None), |(addr, prefix)| (addr, Some(prefix)));
        let addr: IpAddr = addr.parse().map_err(|_| wrong())?;
        let all = if addr.is_ipv4() { 32 } else { 128 };
        // `parse` would take a plus sign.
        let digits = |prefix: &str| prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            None => Some(all),
            Some(prefix) => prefix.parse().ok().filter(|bits| digits(prefix) && *bits <= all),
        };
        let network = Self { addr, prefix: prefix.ok_or_else(wrong)? };
        if network != network.without_host_bits() {
            return Err(ExemptionsError::BitsBeyondPrefix { addr, prefix: network.prefix });
        }
        Ok(network)
    }
}

/// Writes the list as it is read.
impl fmt::Display for Exemptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for network in &self.networks {
            write!(f, "{separator}{network}")?;
            separator = ",";
        }
        match (self.unix, separator) {
            (true, separator) => write!(f, "{separator}{UNIX}"),
            (false, "") => f.write_str(NONE),
            (false, _) => Ok(()),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

/// A text that is no list of [`Exemptions`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExemptionsError {
    /// An item is neither an address nor a network nor `unix`.
    NoNetwork {
        /// What it is instead.
        item: String,
    },
    /// The address of a network has more bits set than belong to the network, as in `10.0.0.1/8`.
    BitsBeyondPrefix {
        /// The address.
        addr: IpAddr,
        /// How many of its bits belong to the network, as given.
        prefix: u32,
    },
}

impl fmt::Display for ExemptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNetwork { item } => {
                let item = if item.is_empty() { "nothing".into() } else { item.escape_debug().collect::<String>() };
                write!(f, "{item} is no network: a list is as in 127.0.0.0/8,::1/128,unix, or none")
            }
            Self::BitsBeyondPrefix { addr, prefix } => {
                let network = Network { addr: *addr, prefix: *prefix };
                write!(
                    f,
                    "{network} has bits set beyond the first {prefix}: for the network write {}, for this address alone \
                     {addr}",
                    network.without_host_bits()
                )
            }
        }
    }
}

impl core::error::Error for ExemptionsError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn list(text: &str) -> Exemptions {
        text.parse().expect(text)
    }

    fn is_exempt(list: &Exemptions, addr: &str) -> bool {
        list.origin(Some(addr.parse().expect(addr))).is_none()
    }

    #[test]
    fn a_list_is_written_as_it_is_read() {
        for text in ["none", "unix", "127.0.0.0/8,::1/128,unix", "10.1.0.0/16", "0.0.0.0/0,::/0"] {
            assert_eq!(list(text).to_string(), text);
        }
        assert_eq!(list("192.0.2.7,2001:db8::1").to_string(), "192.0.2.7/32,2001:db8::1/128");
        assert_eq!(Exemptions::default().to_string(), "127.0.0.0/8,::1/128,unix");
    }

    #[test]
    fn what_is_no_network_is_named() {
        for (text, item) in [
            ("", "nothing"),
            ("unix,", "nothing"),
            ("none,unix", "none"),
            ("127.0.0.0/33", "127.0.0.0/33"),
            ("::1/129", "::1/129"),
            ("10.0.0.0/+8", "10.0.0.0/+8"),
            ("10.0.0.0/", "10.0.0.0/"),
            ("10.0.0.0/8, ::1", " ::1"),
            ("example.org", "example.org"),
        ] {
            let error = text.parse::<Exemptions>().expect_err(text).to_string();
            assert!(error.starts_with(&alloc::format!("{item} is no network")), "{error}");
        }
    }

    #[test]
    fn a_network_whose_address_has_bits_beyond_its_prefix_is_answered_with_what_may_be_meant() {
        for (text, network, addr) in [
            ("10.0.0.1/8", "10.0.0.0/8", "10.0.0.1"),
            ("unix,192.0.2.3/31", "192.0.2.2/31", "192.0.2.3"),
            ("0.0.0.1/0", "0.0.0.0/0", "0.0.0.1"),
            ("2001:db8::1/32", "2001:db8::/32", "2001:db8::1"),
            ("::1/0", "::/0", "::1"),
            ("ffff::ffff/127", "ffff::fffe/127", "ffff::ffff"),
        ] {
            let error = text.parse::<Exemptions>().expect_err(text).to_string();
            let meant = alloc::format!("for the network write {network}, for this address alone {addr}");
            assert!(error.ends_with(&meant), "{error}");
            for meant in [network, addr] {
                assert!(meant.parse::<Exemptions>().is_ok(), "{meant}");
            }
        }
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        let some = list("10.1.0.0/16,2001:db8::/32");
        for addr in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.9.9", "2001:db8:ffff::1"] {
            assert!(is_exempt(&some, addr), "{addr}");
        }
        for addr in ["10.2.0.0", "::ffff:10.2.0.1", "2001:db9::", "::1", "127.0.0.1"] {
            assert!(!is_exempt(&some, addr), "{addr}");
        }
        assert!(is_exempt(&list("0.0.0.0/0"), "255.0.0.1") && !is_exempt(&list("0.0.0.0/0"), "::1"));
        assert!(is_exempt(&list("::/0"), "2001:db8::1") && !is_exempt(&list("::/0"), "::ffff:1.2.3.4"));
    }

    #[test]
    fn peers_on_unix_sockets_are_of_one_origin_unless_exempt() {
        assert_eq!(Exemptions::default().origin(None), None);
        assert_eq!(list("127.0.0.0/8").origin(None), Some(UNIX_ORIGIN));
    }
}
