//! Origins: where a peer comes from, for the limits by address, and what others see of that.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::num::NonZeroU64;

/// Where a peer comes from. All sessions of one origin share limits.
///
/// A driver makes one of the peer's address and gives it to [`Hub::open_from`](crate::Hub::open_from). The hub only
/// compares it with others; it does not know what an address is.
///
/// ```
/// use chat_proto::Origin;
///
/// let of = |addr: &str| Origin::from(addr.parse::<std::net::IpAddr>().expect("an address"));
/// assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
/// // A household, or a machine that makes up addresses as it likes, has an IPv6 /64.
/// assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
/// assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
/// // What a listener for both kinds of addresses calls an IPv4 address.
/// assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    name: [u8; 16],
    cloak: Option<Cloak>,
    is_counted: bool,
}

/// What others see instead of an address: a number that stands for it, displayed as 16 hexadecimal digits.
///
/// A driver makes it with a hash of the address whose key nobody else knows; the driver kit does with a
/// [`CloakKey`](crate::driver::CloakKey). Rooms [ban](crate::conversation#masks) by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cloak(NonZeroU64);

impl Cloak {
    /// Makes the cloak with that number; 0 counts as 1.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        match NonZeroU64::new(number) {
            Some(number) => Self(number),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Returns its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Cloak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Origin {
    /// Makes the origin that has these bytes as its name, for peers without an IP address.
    ///
    /// Those of IP addresses are IPv6 addresses, so a driver with peers of both kinds does well to begin other names
    /// with the byte 255: an address that begins so is a multicast address, and no peer has one.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self { name: bytes, cloak: None, is_counted: true }
    }

    /// Returns the origin with what others see of it. Without that, members from there cannot be told apart by where
    /// they come from.
    #[must_use]
    pub const fn with_cloak(self, cloak: Cloak) -> Self {
        Self { cloak: Some(cloak), ..self }
    }

    /// Returns the origin for a session that is not counted: others see where it comes from, and no limit is shared.
    #[must_use]
    pub const fn uncounted(self) -> Self {
        Self { is_counted: false, ..self }
    }

    /// Whether its sessions are counted.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        self.is_counted
    }

    /// Returns the bytes that are its name.
    pub(crate) const fn name(self) -> [u8; 16] {
        self.name
    }

    /// Returns what others see of it.
    #[must_use]
    pub const fn cloak(self) -> Option<Cloak> {
        self.cloak
    }

    /// Makes the origin of an IPv4 address.
    #[must_use]
    pub const fn from_ipv4(addr: Ipv4Addr) -> Self {
        Self::new(addr.to_ipv6_mapped().octets())
    }

    /// Makes the origin of an IPv6 address: its /64, or the IPv4 address that is mapped into it.
    #[must_use]
    pub const fn from_ipv6(addr: Ipv6Addr) -> Self {
        match addr.to_ipv4_mapped() {
            Some(addr) => Self::from_ipv4(addr),
            None => Self::new((addr.to_bits() >> 64 << 64).to_be_bytes()),
        }
    }
}

impl From<IpAddr> for Origin {
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(addr) => Self::from_ipv4(addr),
            IpAddr::V6(addr) => Self::from_ipv6(addr),
        }
    }
}
