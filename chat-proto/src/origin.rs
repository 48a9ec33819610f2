//! Origins: where a peer comes from, for the limits by address.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
pub struct Origin([u8; 16]);

impl Origin {
    /// Makes the origin that has these bytes as its name, for peers without an IP address.
    ///
    /// Those of IP addresses are IPv6 addresses, so a driver with peers of both kinds does well to begin other names
    /// with the byte 255: an address that begins so is a multicast address, and no peer has one.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes that are its name.
    pub(crate) const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// Makes the origin of an IPv4 address.
    #[must_use]
    pub const fn from_ipv4(addr: Ipv4Addr) -> Self {
        Self(addr.to_ipv6_mapped().octets())
    }

    /// Makes the origin of an IPv6 address: its /64, or the IPv4 address that is mapped into it.
    #[must_use]
    pub const fn from_ipv6(addr: Ipv6Addr) -> Self {
        match addr.to_ipv4_mapped() {
            Some(addr) => Self::from_ipv4(addr),
            None => Self((addr.to_bits() >> 64 << 64).to_be_bytes()),
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
